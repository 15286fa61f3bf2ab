package s3backend

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/chunkgate/chunkgate/upload"
)

// maxPartPages bounds listing parts: a page has 1,000 parts unless the store
// makes them smaller, and there are 10,000 parts at most.
const maxPartPages = 100

// StoredParts yields the parts that the store has of a multipart upload, in
// ascending order of number, listed or not. It lists by pages, as far as it is
// read. Errors: upload.ErrNotExist when the multipart upload is gone.
func (b *Backend) StoredParts(ctx context.Context, m upload.Multipart) iter.Seq2[upload.Part, error] {
	return func(yield func(upload.Part, error) bool) {
		pages := s3.NewListPartsPaginator(b.client,
			&s3.ListPartsInput{Bucket: &b.bucket, Key: &m.Key, UploadId: &m.ID})
		l := listing{b: b, prefix: m.Key}
		for range maxPartPages {
			if !pages.HasMorePages() {
				return
			}
			call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
			page, err := pages.NextPage(call)
			cancel()
			if err = translate(ctx, "list parts", err); err == nil {
				err = l.turn(page.Bucket, page.Key, page.IsTruncated, page.NextPartNumberMarker)
			}
			if err != nil {
				yield(upload.Part{}, err)
				return
			}
			for _, p := range page.Parts {
				part := upload.Part{
					Number: int(aws.ToInt32(p.PartNumber)), Size: aws.ToInt64(p.Size), ETag: aws.ToString(p.ETag),
				}
				if !yield(part, nil) {
					return
				}
			}
		}
	}
}

// HighestPart implements upload.Objects. It lists from the first part on: MinIO
// answers a marker that is no part's number with an empty list.
func (b *Backend) HighestPart(ctx context.Context, m upload.Multipart, after int) (int, error) {
	highest := after
	for p, err := range b.StoredParts(ctx, m) {
		if err != nil {
			return 0, err
		}
		highest = max(highest, p.Number)
	}
	return highest, nil
}
