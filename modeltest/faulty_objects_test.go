package modeltest

import (
	"context"
	"io"
	"iter"

	"github.com/chunkgate/chunkgate/upload"
)

// faultyObjects is an object store behind a gate.
type faultyObjects struct {
	upload.Objects
	g *gate
}

func (f faultyObjects) CreateMultipart(ctx context.Context, key string, a upload.Attributes) (upload.Multipart, error) {
	return fetch(ctx, f.g, "create multipart", func() (upload.Multipart, error) { return f.Objects.CreateMultipart(ctx, key, a) })
}

func (f faultyObjects) UploadPart(ctx context.Context, m upload.Multipart, number int, size int64, body io.Reader) (upload.Part, error) {
	var p upload.Part
	err := f.g.stream(ctx, "upload part", body, size, func(body io.Reader) (err error) {
		p, err = f.Objects.UploadPart(ctx, m, number, size, body)
		return err
	})
	return p, err
}

func (f faultyObjects) CopyPart(ctx context.Context, m upload.Multipart, number int, source string, offset, size int64) (upload.Part, error) {
	return fetch(ctx, f.g, "copy part", func() (upload.Part, error) {
		return f.Objects.CopyPart(ctx, m, number, source, offset, size)
	})
}

func (f faultyObjects) Complete(ctx context.Context, m upload.Multipart, parts []upload.Part, c upload.Condition) (upload.Object, error) {
	return fetch(ctx, f.g, "complete", func() (upload.Object, error) { return f.Objects.Complete(ctx, m, parts, c) })
}

func (f faultyObjects) Abort(ctx context.Context, m upload.Multipart) error {
	return f.g.pass(ctx, "abort", func() error { return f.Objects.Abort(ctx, m) })
}

func (f faultyObjects) Multiparts(ctx context.Context, key string) ([]string, error) {
	return fetch(ctx, f.g, "multiparts", func() ([]string, error) { return f.Objects.Multiparts(ctx, key) })
}

func (f faultyObjects) HighestPart(ctx context.Context, m upload.Multipart, after int) (int, error) {
	return fetch(ctx, f.g, "highest part", func() (int, error) { return f.Objects.HighestPart(ctx, m, after) })
}

func (f faultyObjects) Put(ctx context.Context, key string, size int64, body io.Reader, a upload.Attributes, c upload.Condition) (upload.Object, error) {
	var o upload.Object
	err := f.g.stream(ctx, "put", body, size, func(body io.Reader) (err error) {
		o, err = f.Objects.Put(ctx, key, size, body, a, c)
		return err
	})
	return o, err
}

func (f faultyObjects) Get(ctx context.Context, key string, size int64) (io.ReadCloser, error) {
	return fetch(ctx, f.g, "get object", func() (io.ReadCloser, error) { return f.Objects.Get(ctx, key, size) })
}

func (f faultyObjects) Head(ctx context.Context, key string) (upload.Object, error) {
	return fetch(ctx, f.g, "head", func() (upload.Object, error) { return f.Objects.Head(ctx, key) })
}

func (f faultyObjects) Find(ctx context.Context, key string) (upload.Object, error) {
	return fetch(ctx, f.g, "find", func() (upload.Object, error) { return f.Objects.Find(ctx, key) })
}

func (f faultyObjects) Delete(ctx context.Context, keys ...string) error {
	return f.g.pass(ctx, "delete", func() error { return f.Objects.Delete(ctx, keys...) })
}

func (f faultyObjects) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := f.g.pass(ctx, "list", func() error { return nil }); err != nil {
			yield("", err)
			return
		}
		f.Objects.List(ctx, prefix)(yield)
	}
}

func (f faultyObjects) Staged(ctx context.Context, prefix string) iter.Seq2[upload.Staged, error] {
	return func(yield func(upload.Staged, error) bool) {
		if err := f.g.pass(ctx, "staged", func() error { return nil }); err != nil {
			yield(upload.Staged{}, err)
			return
		}
		f.Objects.Staged(ctx, prefix)(yield)
	}
}
