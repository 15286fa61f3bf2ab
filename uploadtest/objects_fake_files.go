package uploadtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/chunkgate/chunkgate/upload"
)

var _ upload.Files = (*Objects)(nil)

// Read implements upload.Files.
func (o *Objects) Read(ctx context.Context, key, etag string, offset, length int64) (io.ReadCloser, error) {
	var content []byte
	err := o.call(ctx, OpRead, key, func() error {
		obj, err := o.look(key)
		if err != nil {
			return err
		}
		if etag != "" && etag != obj.etag {
			return fmt.Errorf("PreconditionFailed: %w", upload.ErrNotExist)
		}
		size := int64(len(obj.content))
		if length < 1 || offset < 0 || offset >= size {
			return fmt.Errorf("InvalidRange: %d bytes at %d of %d", length, offset, size)
		}
		content = obj.content[offset:min(offset+length, size)]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// Folder implements upload.Files.
func (o *Objects) Folder(ctx context.Context, prefix string) iter.Seq2[upload.Entry, error] {
	return func(yield func(upload.Entry, error) bool) {
		if err := o.begin(ctx, OpFolder, prefix); err != nil {
			yield(upload.Entry{}, err)
			return
		}
		var last string // a folder's keys are neighbours
		for _, key := range o.keys(prefix) {
			e, ok := o.entry(prefix, key)
			if !ok || e.Key == last {
				continue
			}
			last = e.Key
			if !yield(e, nil) {
				return
			}
		}
		if err := o.end(OpFolder, prefix); err != nil {
			yield(upload.Entry{}, err)
		}
	}
}

// Tree implements upload.Files.
func (o *Objects) Tree(ctx context.Context, prefix, after string) iter.Seq2[upload.Object, error] {
	return func(yield func(upload.Object, error) bool) {
		if err := o.begin(ctx, OpTree, prefix); err != nil {
			yield(upload.Object{}, err)
			return
		}
		for _, key := range o.keys(prefix) {
			if key <= after {
				continue
			}
			o.mu.Lock()
			obj, ok := o.objects[key]
			o.mu.Unlock()
			if !ok { // deleted meanwhile
				continue
			}
			found := upload.Object{Key: key, Size: int64(len(obj.content)), ETag: obj.etag, Modified: obj.modified}
			if !yield(found, nil) {
				return
			}
		}
		if err := o.end(OpTree, prefix); err != nil {
			yield(upload.Object{}, err)
		}
	}
}

// entry is what a key below prefix shows directly under it; nothing, if it is
// the prefix's own marker or was deleted meanwhile.
func (o *Objects) entry(prefix, key string) (upload.Entry, bool) {
	name, _, folder := strings.Cut(key[len(prefix):], "/")
	if folder {
		return upload.Entry{Object: upload.Object{Key: prefix + name + "/"}, Folder: true}, true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	obj, ok := o.objects[key]
	return upload.Entry{Object: upload.Object{
		Key:      key,
		Size:     int64(len(obj.content)),
		ETag:     obj.etag,
		Modified: obj.modified,
	}}, ok && name != ""
}
