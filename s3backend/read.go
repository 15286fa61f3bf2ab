package s3backend

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/chunkgate/chunkgate/upload"
)

// Get implements upload.Objects.
func (b *Backend) Get(ctx context.Context, key string, size int64) (io.ReadCloser, error) {
	return b.open(ctx, "get object", &s3.GetObjectInput{Bucket: &b.bucket, Key: &key}, size)
}

// Read implements upload.Files.
func (b *Backend) Read(ctx context.Context, key, etag string, offset, length int64) (io.ReadCloser, error) {
	return b.open(ctx, "get range of object", &s3.GetObjectInput{
		Bucket:  &b.bucket,
		Key:     &key,
		IfMatch: ifMatch(upload.Condition{Match: etag}),
		Range:   aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)),
	}, length)
}

// open asks for what has size bytes. An answer of another length is not the
// store's, or not of what was asked for.
func (b *Backend) open(ctx context.Context, what string, in *s3.GetObjectInput, size int64) (io.ReadCloser, error) {
	reading, w := watch(ctx, b.timeouts.Stall)
	out, err := b.client.GetObject(reading, in)
	if err != nil {
		w.stop()
		return nil, translateRead(ctx, what, err)
	}
	w.pause()
	if out.ContentLength == nil || *out.ContentLength != size {
		w.stop()
		_ = out.Body.Close() // not what is wanted
		return nil, fmt.Errorf("%s: %w: an answer of %d bytes, not %d", what, upload.ErrUnavailable, aws.ToInt64(out.ContentLength), size)
	}
	return &content{ctx: ctx, body: out.Body, watch: w}, nil
}

// translateRead is translate for a read, whose condition is that the version
// is there.
func translateRead(ctx context.Context, what string, err error) error {
	if codeOf(err) == "PreconditionFailed" {
		return fmt.Errorf("%s: %w: another version is there", what, upload.ErrNotExist)
	}
	return translate(ctx, what, err)
}

// content is an object being read. The time between Reads is the reader's own
// and not the store's.
type content struct {
	ctx   context.Context // the caller's
	body  io.ReadCloser
	watch *watchdog
}

func (c *content) Read(p []byte) (int, error) {
	c.watch.resume()
	n, err := c.body.Read(p)
	c.watch.pause()
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, translate(c.ctx, "read object", err)
}

func (c *content) Close() error {
	c.watch.stop()
	return c.body.Close()
}
