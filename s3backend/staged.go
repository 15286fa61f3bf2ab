package s3backend

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/chunkgate/chunkgate/upload"
)

// Staged implements upload.Objects. MinIO lists no multipart uploads by a
// prefix that is not a whole key (docs/stores.md 7): there it yields objects only.
func (b *Backend) Staged(ctx context.Context, prefix string) iter.Seq2[upload.Staged, error] {
	return func(yield func(upload.Staged, error) bool) {
		for page, err := range b.pages(ctx, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix}) {
			var now time.Time
			if err == nil {
				now, err = storesTime(page.ResultMetadata)
			}
			if err != nil {
				yield(upload.Staged{}, err)
				return
			}
			for _, o := range page.Contents {
				if !yield(upload.Staged{Key: aws.ToString(o.Key), Age: now.Sub(aws.ToTime(o.LastModified))}, nil) {
					return
				}
			}
		}
		b.stagedMultiparts(ctx, prefix, yield)
	}
}

// storesTime is when the store answered, by its own clock: the times in a
// listing are by that one too.
func storesTime(answer middleware.Metadata) (time.Time, error) {
	now, ok := awsmiddleware.GetServerTime(answer)
	if !ok || now.IsZero() {
		return time.Time{}, fmt.Errorf("list: the store's answer has no Date: %w", upload.ErrUnavailable)
	}
	return now, nil
}

func (b *Backend) stagedMultiparts(ctx context.Context, prefix string, yield func(upload.Staged, error) bool) {
	for page, err := range b.multipartPages(ctx, prefix) {
		var now time.Time
		if err == nil {
			now, err = storesTime(page.ResultMetadata)
		}
		if err != nil {
			yield(upload.Staged{}, err)
			return
		}
		for _, u := range page.Uploads {
			if !yield(upload.Staged{Key: aws.ToString(u.Key), Age: now.Sub(aws.ToTime(u.Initiated))}, nil) {
				return
			}
		}
	}
}

// multipartPages yields the pages of a listing, at most 1,000 multipart uploads
// each.
func (b *Backend) multipartPages(ctx context.Context, prefix string) iter.Seq2[*s3.ListMultipartUploadsOutput, error] {
	return func(yield func(*s3.ListMultipartUploadsOutput, error) bool) {
		pages := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{
			Bucket: &b.bucket, Prefix: &prefix,
		})
		l := listing{b: b, prefix: prefix}
		for pages.HasMorePages() {
			call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
			page, err := pages.NextPage(call)
			cancel()
			if err = translate(ctx, "list multipart uploads", err); err == nil {
				err = l.turn(page.Bucket, page.Prefix, page.IsTruncated, page.NextKeyMarker, page.NextUploadIdMarker)
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}
