package s3backend

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/chunkgate/chunkgate/upload"
)

// CopyPart implements upload.Objects. It names no encryption, storage class or
// tag: a part is stored as the CreateMultipartUpload at the destination said,
// and S3 decrypts a source under SSE-S3 or SSE-KMS by itself, given
// kms:Decrypt. Only customers' own keys (SSE-C) would have to be named again.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
func (b *Backend) CopyPart(ctx context.Context, m upload.Multipart, number int, source string, offset, size int64) (upload.Part, error) {
	call, cancel := context.WithTimeout(ctx, b.timeouts.Work)
	defer cancel()
	out, err := b.client.UploadPartCopy(call, &s3.UploadPartCopyInput{
		Bucket:          &b.bucket,
		Key:             &m.Key,
		UploadId:        &m.ID,
		PartNumber:      aws.Int32(int32(number)),
		CopySource:      aws.String(copySource(b.bucket, source)),
		CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+size-1)),
	})
	if err != nil {
		return upload.Part{}, translate(ctx, fmt.Sprintf("copy part %d", number), err)
	}
	if out.CopyPartResult == nil { // believe has seen one
		return upload.Part{}, fmt.Errorf("copy part %d: %w: no result", number, upload.ErrUnavailable)
	}
	return upload.Part{Number: number, Size: size, ETag: aws.ToString(out.CopyPartResult.ETag)}, nil
}

// copySource names an object in a header, which the SDK does not escape.
func copySource(bucket, key string) string {
	segments := strings.Split(key, "/")
	for i, s := range segments {
		// PathEscape leaves "+", which stores decode to a space.
		segments[i] = strings.ReplaceAll(url.PathEscape(s), "+", "%2B")
	}
	return bucket + "/" + strings.Join(segments, "/")
}
