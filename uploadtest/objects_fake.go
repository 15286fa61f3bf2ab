package uploadtest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Names of the calls of upload.Objects, for hooks and counts.
const (
	OpCreateMultipart = "create_multipart"
	OpUploadPart      = "upload_part"
	OpCopyPart        = "copy_part"
	OpComplete        = "complete"
	OpAbort           = "abort"
	OpMultiparts      = "multiparts"
	OpHighestPart     = "highest_part"
	OpPut             = "put"
	OpGetObject       = "get_object"
	OpHead            = "head"
	OpFind            = "find"
	OpDelete          = "delete"
	OpList            = "list"
	OpStaged          = "staged"
	OpPingObjects     = "ping_objects"
	OpRead            = "read"
	OpFolder          = "folder"
	OpTree            = "tree"
)

// Objects is an object store in memory. It enforces S3's rules as strictly as
// the strictest store does. Its methods are safe for concurrent use; the
// exported fields are to be set before the first call.
type Objects struct {
	// MinPart is the least size in bytes of a part that is not the last.
	MinPart int64

	// CompleteAgain answers a repeated Complete with the first one's object, as
	// AWS and versitygw do, and not with ErrNotExist as MinIO does.
	CompleteAgain bool

	// Fault, if set, may refuse a call before it has any effect and before a
	// byte of its body is read. The key of Delete is the first, that of List
	// and Folder the prefix. It may block, to hold a call up.
	Fault func(op, key string) error

	// After, if set, may spoil the answer of a call that has taken effect.
	After func(op, key string) error

	mu         sync.Mutex
	objects    map[string]object
	multiparts map[string]*multipart // by id
	completed  map[string]upload.Object
	calls      map[string]int
	serial     int // of the newest multipart upload
}

type object struct {
	content    []byte // immutable
	etag       string
	modified   time.Time
	attributes upload.Attributes
}

type multipart struct {
	key        string
	serial     int
	opened     time.Time
	attributes upload.Attributes
	parts      map[int]part
}

type part struct {
	content []byte // immutable
	etag    string
}

var _ upload.Objects = (*Objects)(nil)

// NewObjects makes an empty store with S3's least size of a part, 5 MiB.
func NewObjects() *Objects {
	return &Objects{
		MinPart:    5 << 20,
		objects:    make(map[string]object),
		multiparts: make(map[string]*multipart),
		completed:  make(map[string]upload.Object),
		calls:      make(map[string]int),
	}
}

// begin counts a call and lets Fault refuse it.
func (o *Objects) begin(ctx context.Context, op, key string) error {
	o.mu.Lock()
	o.calls[op]++
	o.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if o.Fault == nil {
		return nil
	}
	return o.Fault(op, key)
}

// end lets After spoil the answer of a call.
func (o *Objects) end(op, key string) error {
	if o.After == nil {
		return nil
	}
	return o.After(op, key)
}

// call runs one call whose effect needs the lock.
func (o *Objects) call(ctx context.Context, op, key string, effect func() error) error {
	if err := o.begin(ctx, op, key); err != nil {
		return err
	}
	o.mu.Lock()
	err := effect()
	o.mu.Unlock()
	if err != nil {
		return err
	}
	return o.end(op, key)
}

// Calls is the number of calls of an operation so far, refused ones included.
func (o *Objects) Calls(op string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.calls[op]
}

// Object is the content of an object.
func (o *Objects) Object(key string) (content []byte, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	obj, ok := o.objects[key]
	return bytes.Clone(obj.content), ok
}

// Attributes are what an object was made with; zero if there is none.
func (o *Objects) Attributes(key string) upload.Attributes {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.objects[key].attributes
}

// Keys are those of all objects, in order.
func (o *Objects) Keys() []string { return o.keys("") }

func (o *Objects) keys(prefix string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var keys []string
	for key := range o.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// OpenMultiparts are the multipart uploads that were neither completed nor
// aborted, the oldest first.
func (o *Objects) OpenMultiparts() []upload.Multipart {
	o.mu.Lock()
	defer o.mu.Unlock()
	var open []upload.Multipart
	for id, m := range o.multiparts {
		open = append(open, upload.Multipart{Key: m.key, ID: id})
	}
	slices.SortFunc(open, func(a, b upload.Multipart) int {
		return o.multiparts[a.ID].serial - o.multiparts[b.ID].serial
	})
	return open
}

// Filled are those of OpenMultiparts that hold a part. An empty one costs
// nothing.
func (o *Objects) Filled() []upload.Multipart {
	return slices.DeleteFunc(o.OpenMultiparts(), func(m upload.Multipart) bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		found := o.multiparts[m.ID]
		return found == nil || len(found.parts) == 0
	})
}
