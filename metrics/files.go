package metrics

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Files is next with its calls counted and timed, together with those of Objects.
func (m *Metrics) Files(next upload.Files) upload.Files { return files{next, m.s3} }

type files struct {
	next  upload.Files
	calls *calls
}

// Put implements upload.Files.
func (d files) Put(ctx context.Context, key string, size int64, body io.Reader, a upload.Attributes, c upload.Condition) (o upload.Object, err error) {
	defer d.calls.done(opPut, time.Now(), &err)
	return d.next.Put(ctx, key, size, body, a, c)
}

// Read implements upload.Files.
func (d files) Read(ctx context.Context, key, etag string, offset, length int64) (body io.ReadCloser, err error) {
	defer d.calls.done(opRead, time.Now(), &err)
	return d.next.Read(ctx, key, etag, offset, length)
}

// Head implements upload.Files.
func (d files) Head(ctx context.Context, key string) (o upload.Object, err error) {
	defer d.calls.done(opHead, time.Now(), &err)
	return d.next.Head(ctx, key)
}

// Delete implements upload.Files.
func (d files) Delete(ctx context.Context, keys ...string) (err error) {
	defer d.calls.done(opDelete, time.Now(), &err)
	return d.next.Delete(ctx, keys...)
}

// Folder implements upload.Files.
func (d files) Folder(ctx context.Context, prefix string) iter.Seq2[upload.Entry, error] {
	return listed(d.calls, opFolder, d.next.Folder(ctx, prefix))
}

// Tree implements upload.Files.
func (d files) Tree(ctx context.Context, prefix, after string) iter.Seq2[upload.Object, error] {
	return listed(d.calls, opTree, d.next.Tree(ctx, prefix, after))
}

// List implements upload.Files.
func (d files) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return listed(d.calls, opList, d.next.List(ctx, prefix))
}
