package s3backend

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/chunkgate/chunkgate/upload"
)

// List implements upload.Objects.
func (b *Backend) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for page, err := range b.pages(ctx, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix}) {
			if err != nil {
				yield("", err)
				return
			}
			for _, o := range page.Contents {
				if !yield(aws.ToString(o.Key), nil) {
					return
				}
			}
		}
	}
}

// Folder implements upload.Files.
func (b *Backend) Folder(ctx context.Context, prefix string) iter.Seq2[upload.Entry, error] {
	in := &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix, Delimiter: aws.String("/"), MaxKeys: aws.Int32(slowPage)}
	return func(yield func(upload.Entry, error) bool) {
		for page, err := range b.pages(ctx, in) {
			if err != nil {
				yield(upload.Entry{}, err)
				return
			}
			for e := range entries(page) {
				if e.Key != prefix && !yield(e, nil) {
					return
				}
			}
		}
	}
}

// Tree implements upload.Files.
func (b *Backend) Tree(ctx context.Context, prefix, after string) iter.Seq2[upload.Object, error] {
	in := &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix, MaxKeys: aws.Int32(slowPage)}
	if after != "" {
		in.StartAfter = &after
	}
	return func(yield func(upload.Object, error) bool) {
		for page, err := range b.pages(ctx, in) {
			if err != nil {
				yield(upload.Object{}, err)
				return
			}
			for _, o := range page.Contents {
				if !yield(entryOf(o).Object, nil) {
					return
				}
			}
		}
	}
}

// slowPage is the size in entries of a page whose reader may be slow: it is
// held until it was read, and a key may have a kilobyte.
const slowPage = 250

// pages yields the pages of a listing, at most 1,000 entries each.
func (b *Backend) pages(ctx context.Context, in *s3.ListObjectsV2Input) iter.Seq2[*s3.ListObjectsV2Output, error] {
	return func(yield func(*s3.ListObjectsV2Output, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, in)
		l := listing{b: b, prefix: aws.ToString(in.Prefix)}
		for pages.HasMorePages() {
			call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
			page, err := pages.NextPage(call)
			cancel()
			if err = translate(ctx, "list objects", err); err == nil {
				err = l.turn(page.Name, page.Prefix, page.IsTruncated, page.NextContinuationToken)
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// entries merges the two lists of a page, each in order of keys, into one.
func entries(page *s3.ListObjectsV2Output) iter.Seq[upload.Entry] {
	return func(yield func(upload.Entry) bool) {
		folders := page.CommonPrefixes
		for _, o := range page.Contents {
			file := entryOf(o)
			for len(folders) > 0 && aws.ToString(folders[0].Prefix) < file.Key {
				if !yield(folderOf(folders[0])) {
					return
				}
				folders = folders[1:]
			}
			if !yield(file) {
				return
			}
		}
		for _, f := range folders {
			if !yield(folderOf(f)) {
				return
			}
		}
	}
}

func folderOf(p types.CommonPrefix) upload.Entry {
	return upload.Entry{Object: upload.Object{Key: aws.ToString(p.Prefix)}, Folder: true}
}

func entryOf(o types.Object) upload.Entry {
	return upload.Entry{Object: upload.Object{
		Key:  aws.ToString(o.Key),
		Size: aws.ToInt64(o.Size),
		ETag: aws.ToString(o.ETag),
		// MinIO lists milliseconds, but HTTP's dates, which Head tells, have none.
		Modified: aws.ToTime(o.LastModified).Truncate(time.Second),
	}}
}
