package uploadtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// take reads exactly size bytes of body as they come, and not one more.
func take(ctx context.Context, body io.Reader, size int64) ([]byte, error) {
	var content bytes.Buffer
	buf := make([]byte, min(size, 32<<10))
	for left := size; left > 0; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := body.Read(buf[:min(left, int64(len(buf)))])
		content.Write(buf[:n])
		left -= int64(n)
		if err == io.EOF && left > 0 {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
	}
	return content.Bytes(), nil
}

// Put implements upload.Objects.
func (o *Objects) Put(ctx context.Context, key string, size int64, body io.Reader, a upload.Attributes, c upload.Condition) (upload.Object, error) {
	if err := o.begin(ctx, OpPut, key); err != nil {
		return upload.Object{}, err
	}
	content, err := take(ctx, body, size)
	if err != nil {
		return upload.Object{}, err
	}
	obj := object{content: content, etag: etag(content), modified: time.Now(), attributes: a}
	o.mu.Lock()
	err = o.check(key, c)
	if err == nil {
		o.objects[key] = obj
	}
	o.mu.Unlock()
	if err == nil {
		err = o.end(OpPut, key)
	}
	if err != nil {
		return upload.Object{}, err
	}
	return upload.Object{Key: key, Size: size, ETag: obj.etag, Upload: a.Upload}, nil
}

// check says whether c holds at key. It needs the lock.
func (o *Objects) check(key string, c upload.Condition) error {
	obj, ok := o.objects[key]
	if c.Absent && ok {
		return fmt.Errorf("PreconditionFailed: %w", upload.ErrConflict)
	}
	if c.Match != "" && obj.etag != c.Match {
		return fmt.Errorf("PreconditionFailed: %w", upload.ErrConflict)
	}
	return nil
}

// look finds an object. It needs the lock.
func (o *Objects) look(key string) (object, error) {
	obj, ok := o.objects[key]
	if !ok {
		return object{}, fmt.Errorf("NoSuchKey: %w", upload.ErrNotExist)
	}
	return obj, nil
}

// Get implements upload.Objects.
func (o *Objects) Get(ctx context.Context, key string, size int64) (io.ReadCloser, error) {
	var content io.ReadCloser
	err := o.call(ctx, OpGetObject, key, func() error {
		obj, err := o.look(key)
		if held := int64(len(obj.content)); err == nil && held != size {
			err = fmt.Errorf("%w: object has %d bytes, not %d", upload.ErrUnavailable, held, size)
		}
		content = io.NopCloser(bytes.NewReader(obj.content))
		return err
	})
	if err != nil {
		return nil, err
	}
	return content, nil
}

// Head implements upload.Objects.
func (o *Objects) Head(ctx context.Context, key string) (upload.Object, error) {
	return o.see(ctx, OpHead, key)
}

// Find implements upload.Objects.
func (o *Objects) Find(ctx context.Context, key string) (upload.Object, error) {
	return o.see(ctx, OpFind, key)
}

func (o *Objects) see(ctx context.Context, op, key string) (upload.Object, error) {
	var seen upload.Object
	err := o.call(ctx, op, key, func() error {
		obj, err := o.look(key)
		seen = upload.Object{
			Key:      key,
			Size:     int64(len(obj.content)),
			ETag:     obj.etag,
			Type:     obj.attributes.ContentType,
			Modified: obj.modified,
			Upload:   obj.attributes.Upload,
		}
		return err
	})
	if err != nil {
		return upload.Object{}, err
	}
	return seen, nil
}

// Delete implements upload.Objects.
func (o *Objects) Delete(ctx context.Context, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	return o.call(ctx, OpDelete, keys[0], func() error {
		for _, key := range keys {
			delete(o.objects, key)
		}
		return nil
	})
}

// List implements upload.Objects.
func (o *Objects) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := o.begin(ctx, OpList, prefix); err != nil {
			yield("", err)
			return
		}
		for _, key := range o.keys(prefix) {
			if !yield(key, nil) {
				return
			}
		}
		if err := o.end(OpList, prefix); err != nil {
			yield("", err)
		}
	}
}

// Staged implements upload.Objects. Multipart uploads are among it.
func (o *Objects) Staged(ctx context.Context, prefix string) iter.Seq2[upload.Staged, error] {
	return func(yield func(upload.Staged, error) bool) {
		var all []upload.Staged
		err := o.call(ctx, OpStaged, prefix, func() error {
			for key, object := range o.objects {
				all = append(all, upload.Staged{Key: key, Age: time.Since(object.modified)})
			}
			for _, m := range o.multiparts {
				all = append(all, upload.Staged{Key: m.key, Age: time.Since(m.opened)})
			}
			return nil
		})
		for _, s := range all {
			if strings.HasPrefix(s.Key, prefix) && !yield(s, nil) {
				return
			}
		}
		if err != nil {
			yield(upload.Staged{}, err)
		}
	}
}

// Ping implements upload.Objects.
func (o *Objects) Ping(ctx context.Context) error {
	return o.call(ctx, OpPingObjects, "", func() error { return nil })
}
