package uploadtest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// CreateMultipart implements upload.Objects.
func (o *Objects) CreateMultipart(ctx context.Context, key string, a upload.Attributes) (upload.Multipart, error) {
	made := upload.Multipart{Key: key}
	err := o.call(ctx, OpCreateMultipart, key, func() error {
		o.serial++
		made.ID = fmt.Sprintf("multipart-%d", o.serial)
		o.multiparts[made.ID] = &multipart{key: key, serial: o.serial, opened: time.Now(), attributes: a, parts: make(map[int]part)}
		return nil
	})
	if err != nil {
		return upload.Multipart{}, err
	}
	return made, nil
}

// UploadPart implements upload.Objects.
func (o *Objects) UploadPart(ctx context.Context, m upload.Multipart, number int, size int64, body io.Reader) (upload.Part, error) {
	if err := o.begin(ctx, OpUploadPart, m.Key); err != nil {
		return upload.Part{}, err
	}
	if err := o.exists(m); err != nil {
		return upload.Part{}, err
	}
	content, err := take(ctx, body, size)
	if err != nil {
		return upload.Part{}, err
	}
	return o.storePart(OpUploadPart, m, number, content)
}

// CopyPart implements upload.Objects.
func (o *Objects) CopyPart(ctx context.Context, m upload.Multipart, number int, source string, offset, size int64) (upload.Part, error) {
	if err := o.begin(ctx, OpCopyPart, m.Key); err != nil {
		return upload.Part{}, err
	}
	content, ok := o.Object(source)
	if !ok {
		return upload.Part{}, fmt.Errorf("copy source: %w", upload.ErrNotExist)
	}
	if offset < 0 || size < 1 || offset+size > int64(len(content)) {
		return upload.Part{}, fmt.Errorf("InvalidArgument: %d bytes at %d of %d", size, offset, len(content))
	}
	return o.storePart(OpCopyPart, m, number, content[offset:offset+size])
}

func (o *Objects) exists(m upload.Multipart) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, err := o.find(m)
	return err
}

// find needs the lock.
func (o *Objects) find(m upload.Multipart) (*multipart, error) {
	found := o.multiparts[m.ID]
	if found == nil || found.key != m.Key {
		return nil, fmt.Errorf("NoSuchUpload: %w", upload.ErrNotExist)
	}
	return found, nil
}

func (o *Objects) storePart(op string, m upload.Multipart, number int, content []byte) (upload.Part, error) {
	if number < 1 || number > 10_000 {
		return upload.Part{}, fmt.Errorf("InvalidArgument: part number %d", number)
	}
	stored := part{content: content, etag: etag(content)}
	o.mu.Lock()
	found, err := o.find(m)
	if err == nil {
		found.parts[number] = stored
	}
	o.mu.Unlock()
	if err == nil {
		err = o.end(op, m.Key)
	}
	if err != nil {
		return upload.Part{}, err
	}
	return upload.Part{Number: number, Size: int64(len(content)), ETag: stored.etag}, nil
}

// Complete implements upload.Objects.
func (o *Objects) Complete(ctx context.Context, m upload.Multipart, parts []upload.Part, c upload.Condition) (upload.Object, error) {
	var made upload.Object
	err := o.call(ctx, OpComplete, m.Key, func() error {
		found, err := o.find(m)
		if before, ok := o.completed[m.ID]; ok && o.CompleteAgain {
			made = before
			return nil
		}
		if err != nil {
			return err
		}
		if err := o.check(m.Key, c); err != nil {
			return err
		}
		content, err := found.assemble(parts, o.MinPart)
		if err != nil {
			return err
		}
		obj := object{content: content, modified: time.Now(), attributes: found.attributes}
		obj.etag = fmt.Sprintf("%s-%d\"", etag(content)[:33], len(parts))
		o.objects[m.Key] = obj
		delete(o.multiparts, m.ID)
		made = upload.Object{Key: m.Key, Size: int64(len(content)), ETag: obj.etag}
		o.completed[m.ID] = made
		return nil
	})
	if err != nil {
		return upload.Object{}, err
	}
	return made, nil
}

// assemble joins the listed parts under S3's rules.
func (m *multipart) assemble(parts []upload.Part, minPart int64) ([]byte, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("MalformedXML: no parts")
	}
	var content bytes.Buffer
	last := 0
	for i, p := range parts {
		if p.Number <= last {
			return nil, fmt.Errorf("InvalidPartOrder: part %d after part %d", p.Number, last)
		}
		last = p.Number
		stored, ok := m.parts[p.Number]
		if !ok || stored.etag != p.ETag {
			return nil, fmt.Errorf("InvalidPart: %w: %d", upload.ErrNoPart, p.Number)
		}
		if i < len(parts)-1 && int64(len(stored.content)) < minPart {
			return nil, fmt.Errorf("EntityTooSmall: part %d has %d bytes", p.Number, len(stored.content))
		}
		content.Write(stored.content)
	}
	return content.Bytes(), nil
}

// Abort implements upload.Objects.
func (o *Objects) Abort(ctx context.Context, m upload.Multipart) error {
	return o.call(ctx, OpAbort, m.Key, func() error {
		if _, err := o.find(m); err == nil {
			delete(o.multiparts, m.ID)
		}
		return nil
	})
}

// Multiparts implements upload.Objects.
func (o *Objects) Multiparts(ctx context.Context, key string) ([]string, error) {
	if err := o.begin(ctx, OpMultiparts, key); err != nil {
		return nil, err
	}
	var ids []string
	for _, m := range o.OpenMultiparts() {
		if m.Key == key {
			ids = append(ids, m.ID)
		}
	}
	return ids, o.end(OpMultiparts, key)
}

// etag is the quoted MD5, as S3's is.
func etag(content []byte) string {
	sum := md5.Sum(content)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// HighestPart implements upload.Objects.
func (o *Objects) HighestPart(ctx context.Context, m upload.Multipart, after int) (int, error) {
	highest := after
	err := o.call(ctx, OpHighestPart, m.Key, func() error {
		found, err := o.find(m)
		if err != nil {
			return err
		}
		for n := range found.parts {
			highest = max(highest, n)
		}
		return nil
	})
	return highest, err
}
