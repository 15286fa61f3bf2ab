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

// CopyPart implements upload.Objects.
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
