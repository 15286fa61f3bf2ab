package s3backend

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/chunkgate/chunkgate/upload"
)

// CreateMultipart implements upload.Objects. No checksum algorithm is
// declared: AWS would then want consecutive part numbers.
func (b *Backend) CreateMultipart(ctx context.Context, key string, a upload.Attributes) (upload.Multipart, error) {
	call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
	defer cancel()
	var out *s3.CreateMultipartUploadOutput
	var err error
	waited := b.stacks.apart(call, func() {
		out, err = b.client.CreateMultipartUpload(call, &s3.CreateMultipartUploadInput{
			Bucket:               &b.bucket,
			Key:                  &key,
			ContentType:          contentType(a),
			Metadata:             metadata(a),
			ServerSideEncryption: b.storage.sse(),
			SSEKMSKeyId:          b.storage.kmsKey(),
			BucketKeyEnabled:     b.storage.bucketKey(),
			StorageClass:         b.storage.class(a.Staged),
			Tagging:              b.storage.tagging(a.Staged),
		})
	})
	if waited != nil {
		err = waited
	}
	if err != nil {
		return upload.Multipart{}, translate(ctx, "create multipart upload", err)
	}
	return upload.Multipart{Key: key, ID: aws.ToString(out.UploadId)}, nil
}

// UploadPart implements upload.Objects. Part.Checksum is the base64 of the
// CRC32C that the store verified, or of the CRC64NVME that Complete will compare.
func (b *Backend) UploadPart(ctx context.Context, m upload.Multipart, number int, size int64, src io.Reader) (upload.Part, error) {
	var etag string
	s := sending{what: fmt.Sprintf("upload part %d", number), src: src, size: size}
	sum, err := b.stream(ctx, s, func(ctx context.Context, p payload) (err error) {
		if b.courier != nil {
			etag, err = b.courier.uploadPart(ctx, m, number, s, p)
			return err
		}
		out, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket:        &b.bucket,
			Key:           &m.Key,
			UploadId:      &m.ID,
			PartNumber:    aws.Int32(int32(number)),
			Body:          p.reader,
			ContentLength: &p.length,
		}, p.options...)
		if err == nil {
			etag = aws.ToString(out.ETag)
		}
		return err
	})
	if err != nil {
		return upload.Part{}, err
	}
	return upload.Part{Number: number, Size: size, ETag: etag, Checksum: sum}, nil
}

// Complete implements upload.Objects.
func (b *Backend) Complete(ctx context.Context, m upload.Multipart, parts []upload.Part, c upload.Condition) (upload.Object, error) {
	list, size, err := completed(parts)
	if err != nil {
		return upload.Object{}, fmt.Errorf("complete multipart upload: %w", err)
	}
	call, cancel := context.WithTimeout(ctx, b.timeouts.Work)
	defer cancel()
	out, err := b.client.CompleteMultipartUpload(call, &s3.CompleteMultipartUploadInput{
		Bucket:          &b.bucket,
		Key:             &m.Key,
		UploadId:        &m.ID,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: list},
		IfNoneMatch:     ifNoneMatch(c),
		IfMatch:         ifMatch(c),
	})
	if err != nil {
		return upload.Object{}, translateConditional(ctx, "complete multipart upload", c, err)
	}
	if err := verify(parts, aws.ToString(out.ChecksumCRC64NVME)); err != nil {
		return upload.Object{}, fmt.Errorf("complete multipart upload: %w", err)
	}
	return upload.Object{Key: m.Key, Size: size, ETag: aws.ToString(out.ETag)}, nil
}

// completed is the list for the store and the object's size in bytes. MinIO
// and SeaweedFS accept a number twice and assemble its bytes twice, and to no
// parts at all SeaweedFS says NoSuchUpload: both are refused here.
func completed(parts []upload.Part) ([]types.CompletedPart, int64, error) {
	if len(parts) == 0 {
		return nil, 0, fmt.Errorf("no parts are listed")
	}
	list := make([]types.CompletedPart, len(parts))
	var size int64
	last := 0
	for i, p := range parts {
		if p.Number <= last {
			return nil, 0, fmt.Errorf("part %d is listed after part %d", p.Number, last)
		}
		last = p.Number
		size += p.Size
		list[i] = types.CompletedPart{PartNumber: aws.Int32(int32(p.Number)), ETag: aws.String(p.ETag)}
	}
	return list, size, nil
}

// Abort implements upload.Objects.
func (b *Backend) Abort(ctx context.Context, m upload.Multipart) error {
	call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
	defer cancel()
	_, err := b.client.AbortMultipartUpload(call, &s3.AbortMultipartUploadInput{
		Bucket: &b.bucket, Key: &m.Key, UploadId: &m.ID,
	})
	if codeOf(err) == "NoSuchUpload" {
		return nil
	}
	return translate(ctx, "abort multipart upload", err)
}

// maxUploadPages bounds Multiparts: 10,000 uploads at one key are no state
// that we could have made.
const maxUploadPages = 10

// Multiparts implements upload.Objects.
func (b *Backend) Multiparts(ctx context.Context, key string) ([]string, error) {
	var ids []string
	n := 0
	for page, err := range b.multipartPages(ctx, key) {
		if err != nil {
			return ids, err
		}
		for _, u := range page.Uploads {
			// In order of keys, the prefix itself comes before its extensions.
			if aws.ToString(u.Key) != key {
				return ids, nil
			}
			ids = append(ids, aws.ToString(u.UploadId))
		}
		if n++; n == maxUploadPages {
			break
		}
	}
	return ids, nil
}
