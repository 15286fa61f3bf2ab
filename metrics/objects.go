package metrics

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Further names, of upload.Objects' and upload.Files' methods, as values of the label
// operation.
const (
	opCreateMultipart = "create_multipart"
	opUploadPart      = "upload_part"
	opCopyPart        = "copy_part"
	opComplete        = "complete"
	opAbort           = "abort"
	opMultiparts      = "multiparts"
	opHighestPart     = "highest_part"
	opPut             = "put"
	opHead            = "head"
	opFind            = "find"
	opDelete          = "delete"
	opList            = "list"
	opRead            = "read"
	opStaged          = "staged"
	opFolder          = "folder"
	opTree            = "tree"
)

var objectsOps = []string{
	opCreateMultipart, opUploadPart, opCopyPart, opComplete, opAbort, opMultiparts,
	opHighestPart, opPut, opGet, opHead, opFind, opDelete, opPing, opList, opRead,
	opFolder, opTree, opStaged,
}

// Objects is next with its calls counted and timed.
func (m *Metrics) Objects(next upload.Objects) upload.Objects { return objects{next, m.s3} }

type objects struct {
	next  upload.Objects
	calls *calls
}

// CreateMultipart implements upload.Objects.
func (d objects) CreateMultipart(ctx context.Context, key string, a upload.Attributes) (m upload.Multipart, err error) {
	defer d.calls.done(opCreateMultipart, time.Now(), &err)
	return d.next.CreateMultipart(ctx, key, a)
}

// UploadPart implements upload.Objects.
func (d objects) UploadPart(ctx context.Context, m upload.Multipart, number int, size int64, body io.Reader) (p upload.Part, err error) {
	defer d.calls.done(opUploadPart, time.Now(), &err)
	return d.next.UploadPart(ctx, m, number, size, body)
}

// CopyPart implements upload.Objects.
func (d objects) CopyPart(ctx context.Context, m upload.Multipart, number int, source string, offset, size int64) (p upload.Part, err error) {
	defer d.calls.done(opCopyPart, time.Now(), &err)
	return d.next.CopyPart(ctx, m, number, source, offset, size)
}

// Complete implements upload.Objects.
func (d objects) Complete(ctx context.Context, m upload.Multipart, parts []upload.Part, c upload.Condition) (o upload.Object, err error) {
	defer d.calls.done(opComplete, time.Now(), &err)
	return d.next.Complete(ctx, m, parts, c)
}

// Abort implements upload.Objects.
func (d objects) Abort(ctx context.Context, m upload.Multipart) (err error) {
	defer d.calls.done(opAbort, time.Now(), &err)
	return d.next.Abort(ctx, m)
}

// Multiparts implements upload.Objects.
func (d objects) Multiparts(ctx context.Context, key string) (ids []string, err error) {
	defer d.calls.done(opMultiparts, time.Now(), &err)
	return d.next.Multiparts(ctx, key)
}

// HighestPart implements upload.Objects.
func (d objects) HighestPart(ctx context.Context, m upload.Multipart, after int) (n int, err error) {
	defer d.calls.done(opHighestPart, time.Now(), &err)
	return d.next.HighestPart(ctx, m, after)
}

// Put implements upload.Objects.
func (d objects) Put(ctx context.Context, key string, size int64, body io.Reader, a upload.Attributes, c upload.Condition) (o upload.Object, err error) {
	defer d.calls.done(opPut, time.Now(), &err)
	return d.next.Put(ctx, key, size, body, a, c)
}

// Get implements upload.Objects.
func (d objects) Get(ctx context.Context, key string, size int64) (body io.ReadCloser, err error) {
	defer d.calls.done(opGet, time.Now(), &err)
	return d.next.Get(ctx, key, size)
}

// Head implements upload.Objects.
func (d objects) Head(ctx context.Context, key string) (o upload.Object, err error) {
	defer d.calls.done(opHead, time.Now(), &err)
	return d.next.Head(ctx, key)
}

// Find implements upload.Objects.
func (d objects) Find(ctx context.Context, key string) (o upload.Object, err error) {
	defer d.calls.done(opFind, time.Now(), &err)
	return d.next.Find(ctx, key)
}

// Delete implements upload.Objects.
func (d objects) Delete(ctx context.Context, keys ...string) (err error) {
	defer d.calls.done(opDelete, time.Now(), &err)
	return d.next.Delete(ctx, keys...)
}

// Ping implements upload.Objects.
func (d objects) Ping(ctx context.Context) (err error) {
	defer d.calls.done(opPing, time.Now(), &err)
	return d.next.Ping(ctx)
}

// Staged implements upload.Objects.
func (d objects) Staged(ctx context.Context, prefix string) iter.Seq2[upload.Staged, error] {
	return listed(d.calls, opStaged, d.next.Staged(ctx, prefix))
}

// List implements upload.Objects.
func (d objects) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return listed(d.calls, opList, d.next.List(ctx, prefix))
}
