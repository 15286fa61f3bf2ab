package upload

import (
	"context"
	"io"
	"iter"
)

// Files is the object store as far as clients read back and arrange what they
// have uploaded. Methods are safe for concurrent use and bounded in time.
// Errors are as for Objects. Folders are what key prefixes ending in "/" look
// like; an object with such a key, of no bytes, marks one that may be empty.
type Files interface {
	// Head looks at an object, also at a folder's marker. Errors: ErrNotExist.
	Head(ctx context.Context, key string) (Object, error)

	// Read opens length bytes (at least 1) of an object from offset on, which
	// are there, as Head says. With an
	// etag it is this version or none. Errors: ErrNotExist, also for another
	// version.
	Read(ctx context.Context, key, etag string, offset, length int64) (io.ReadCloser, error)

	// Folder yields what is directly under prefix, which is "" or ends in "/",
	// in order of keys, without prefix's own marker. It lists by pages that
	// are small, since their reader may be slow, as far as it is read.
	Folder(ctx context.Context, prefix string) iter.Seq2[Entry, error]

	// Tree yields the objects whose keys begin with prefix and are greater than
	// after, in order of keys, markers included. It lists as Folder does.
	Tree(ctx context.Context, prefix, after string) iter.Seq2[Object, error]

	// List yields the keys that begin with prefix, in order.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]

	// Put stores an object of exactly size bytes in one call; the condition is
	// checked atomically. Errors: ErrConflict.
	Put(ctx context.Context, key string, size int64, body io.Reader, a Attributes, c Condition) (Object, error)

	// Delete removes objects; one that is not there is no error.
	Delete(ctx context.Context, keys ...string) error
}

// Entry is something in a folder.
type Entry struct {
	Object      // of a folder only Key, which ends in "/"
	Folder bool // something has a key that begins with Key
}
