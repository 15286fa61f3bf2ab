package s3backend

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/chunkgate/chunkgate/upload"
)

// uploadKey of an object's metadata holds the id of the upload that made it.
const uploadKey = "chunkgate-upload"

func metadata(a upload.Attributes) map[string]string {
	if a.Upload == "" {
		return nil
	}
	return map[string]string{uploadKey: a.Upload}
}

func contentType(a upload.Attributes) *string {
	return unlessEmpty(a.ContentType)
}

// Put implements upload.Objects. Like UploadPart it is sent once.
func (b *Backend) Put(ctx context.Context, key string, size int64, src io.Reader, a upload.Attributes, c upload.Condition) (upload.Object, error) {
	var out *s3.PutObjectOutput
	s := sending{what: "put object", src: src, size: size, condition: c}
	sum := b.sumInHeader(src, size)
	_, err := b.stream(ctx, s, func(ctx context.Context, p payload) (err error) {
		out, err = b.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket:               &b.bucket,
			Key:                  &key,
			Body:                 p.reader,
			ContentLength:        &p.length,
			ContentType:          contentType(a),
			Metadata:             metadata(a),
			IfNoneMatch:          ifNoneMatch(c),
			IfMatch:              ifMatch(c),
			ChecksumCRC32C:       sum,
			ServerSideEncryption: b.storage.sse(),
			SSEKMSKeyId:          b.storage.kmsKey(),
			BucketKeyEnabled:     b.storage.bucketKey(),
			StorageClass:         b.storage.class(a.Staged),
			Tagging:              b.storage.tagging(a.Staged),
		}, p.options...)
		return err
	})
	if err != nil {
		return upload.Object{}, err
	}
	return upload.Object{Key: key, Size: size, ETag: aws.ToString(out.ETag), Upload: a.Upload}, nil
}

// Head implements upload.Objects and upload.Files. Why a HEAD was refused, its
// answer does not tell: a name, a clock, a region or a token may be wrong. So a
// GET asks, whose answer has a body, and what can be put right is, on the way.
func (b *Backend) Head(ctx context.Context, key string) (upload.Object, error) {
	o, err := b.head(ctx, key)
	var said *refusal
	if !errors.As(err, &said) || said.code != "BadRequest" && said.code != "Forbidden" {
		return o, err
	}
	if err := b.there(ctx, key); err != nil && !errors.Is(err, upload.ErrNotExist) {
		return upload.Object{}, err
	}
	return b.head(ctx, key)
}

func (b *Backend) head(ctx context.Context, key string) (upload.Object, error) {
	call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
	defer cancel()
	out, err := b.client.HeadObject(call, &s3.HeadObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return upload.Object{}, translate(ctx, "head object", err)
	}
	return upload.Object{
		Key:      key,
		Size:     aws.ToInt64(out.ContentLength),
		ETag:     aws.ToString(out.ETag),
		Type:     aws.ToString(out.ContentType),
		Modified: aws.ToTime(out.LastModified),
		Upload:   out.Metadata[uploadKey],
	}, nil
}

// Find implements upload.Objects. A HEAD's 404 is anybody's, so a GET asks again,
// whose refusal has a body with the store's own code.
func (b *Backend) Find(ctx context.Context, key string) (upload.Object, error) {
	o, err := b.Head(ctx, key)
	if !errors.Is(err, upload.ErrNotExist) {
		return o, err
	}
	if err := b.there(ctx, key); err != nil {
		return upload.Object{}, err
	}
	return upload.Object{}, fmt.Errorf("head object: %w: 404 for an object that is there", upload.ErrUnavailable)
}

// there asks for an object in a way that is answered with a reason.
func (b *Backend) there(ctx context.Context, key string) error {
	body, err := b.open(ctx, "look for object", &s3.GetObjectInput{
		Bucket: &b.bucket, Key: &key, Range: aws.String("bytes=0-0"),
	}, 1)
	var said *refusal
	if errors.As(err, &said) && said.code == "InvalidRange" { // it is there, and empty
		return nil
	}
	if err != nil {
		return err
	}
	_ = body.Close() // one byte, which nobody wants
	return nil
}

// maxDelete keys go into one call, S3's limit.
const maxDelete = 1000

// Delete implements upload.Objects.
func (b *Backend) Delete(ctx context.Context, keys ...string) error {
	if len(keys) == 1 {
		call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
		defer cancel()
		_, err := b.client.DeleteObject(call, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: &keys[0]})
		return translate(ctx, "delete object", err)
	}
	for len(keys) > 0 {
		n := min(len(keys), maxDelete)
		if err := b.deleteBatch(ctx, keys[:n]); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (b *Backend) deleteBatch(ctx context.Context, keys []string) error {
	call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
	defer cancel()
	list := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		list[i].Key = &keys[i]
	}
	out, err := b.client.DeleteObjects(call, &s3.DeleteObjectsInput{
		Bucket: &b.bucket,
		Delete: &types.Delete{Objects: list, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return translate(ctx, "delete objects", err)
	}
	for _, e := range out.Errors {
		if aws.ToString(e.Code) != "NoSuchKey" {
			return fmt.Errorf("delete objects: %w: %d of %d remain, first %s: %s",
				upload.ErrUnavailable, len(out.Errors), len(keys), aws.ToString(e.Code), aws.ToString(e.Message))
		}
	}
	return nil
}

// Ping implements upload.Objects. A listing proves itself, a HEAD does not.
func (b *Backend) Ping(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, b.timeouts.Call)
	defer cancel()
	page, err := b.client.ListObjectsV2(call, &s3.ListObjectsV2Input{Bucket: &b.bucket, MaxKeys: aws.Int32(1)})
	if err != nil {
		return translate(ctx, "list objects", err)
	}
	return b.ofOthers(page.Name, page.Prefix, "", nil, nil)
}
