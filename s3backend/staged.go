package s3backend

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/chunkgate/chunkgate/upload"
)

// Staged implements upload.Objects. MinIO lists no multipart uploads by a
// prefix that is not a whole key (STORE.md): there it yields objects only.
func (b *Backend) Staged(ctx context.Context, prefix string) iter.Seq2[upload.Staged, error] {
	return func(yield func(upload.Staged, error) bool) {
		for page, err := range b.pages(ctx, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix}) {
			if err != nil {
				yield(upload.Staged{}, err)
				return
			}
			for _, o := range page.Contents {
				if !yield(upload.Staged{Key: aws.ToString(o.Key), Since: aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
		}
		b.stagedMultiparts(ctx, prefix, yield)
	}
}

func (b *Backend) stagedMultiparts(ctx context.Context, prefix string, yield func(upload.Staged, error) bool) {
	for page, err := range b.multipartPages(ctx, prefix) {
		if err != nil {
			yield(upload.Staged{}, err)
			return
		}
		for _, u := range page.Uploads {
			if !yield(upload.Staged{Key: aws.ToString(u.Key), Since: aws.ToTime(u.Initiated)}, nil) {
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
		for pages.HasMorePages() {
			call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
			page, err := pages.NextPage(call)
			cancel()
			if !yield(page, translate(ctx, "list multipart uploads", err)) || err != nil {
				return
			}
		}
	}
}
