package upload

import (
	"context"
	"io"
	"iter"
	"time"
)

// Objects is the object store. Methods are safe for concurrent use. They give
// up in bounded time when the store makes no progress. Errors are
// ErrUnavailable (wrapped, with the cause), ctx's, the body's own error as it
// was said, *InvalidError for a key that the store does not take, and those a
// method names. What the store refuses because the call made no sense, such as
// parts out of order, is none of these.
//
// What stands between us and the store may answer in its place: a maintenance
// page says 200 to everything, an ingress without a backend 404. So a call has
// succeeded only when the answer holds what the store alone can say (an ETag
// where the body was taken whole, an upload id, the result of a copy, a listing),
// and ErrNotExist, ErrConflict and ErrNoPart are said only when the store said so
// in its own words. Anything else is ErrUnavailable. The one exception is Head.
type Objects interface {
	// CreateMultipart opens a multipart upload at key.
	CreateMultipart(ctx context.Context, key string, a Attributes) (Multipart, error)

	// UploadPart streams exactly size bytes (1 to 5 GiB) of body into one part,
	// without a buffer of its size. It asks with Expect: 100-continue, so that
	// a refusal comes before the body is read, and does not repeat by itself:
	// whoever knows whether a byte of body was taken repeats it.
	// It does not return while a Read of body blocks; afterwards body is not
	// touched. Errors: ErrNotExist when the multipart upload is gone.
	UploadPart(ctx context.Context, m Multipart, number int, size int64, body io.Reader) (Part, error)

	// CopyPart makes a part of size bytes at offset of the object at source,
	// inside the store. Errors: ErrNotExist.
	CopyPart(ctx context.Context, m Multipart, number int, source string, offset, size int64) (Part, error)

	// Complete assembles parts, which are in ascending order, into the object;
	// the condition is checked by the store atomically. Errors: ErrConflict
	// (the multipart upload lives on); ErrNotExist when it is gone: it may
	// have been completed before, so look at the object; ErrNoPart, which some
	// stores also say while another Complete of the upload is running;
	// ErrDamaged when the object has appeared but is not what was sent.
	// Object.Size is the sum of the parts' sizes: no store tells it here.
	Complete(ctx context.Context, m Multipart, parts []Part, c Condition) (Object, error)

	// Abort gives up a multipart upload and frees its parts. One that is gone
	// is no error.
	Abort(ctx context.Context, m Multipart) error

	// Multiparts lists the ids of the open multipart uploads at exactly key.
	Multiparts(ctx context.Context, key string) ([]string, error)

	// HighestPart is the highest number of a part that the store has of m, or
	// after if it has none above that. Errors: ErrNotExist when m is gone.
	HighestPart(ctx context.Context, m Multipart, after int) (int, error)

	// Put stores an object of exactly size bytes in one call; the condition is
	// checked atomically. Errors: ErrConflict.
	Put(ctx context.Context, key string, size int64, body io.Reader, a Attributes, c Condition) (Object, error)

	// Get opens an object of exactly size bytes for reading from its start. One
	// of another size is ErrUnavailable. Errors: ErrNotExist.
	Get(ctx context.Context, key string, size int64) (io.ReadCloser, error)

	// Head looks at an object; its Size is what the store holds. Errors:
	// ErrNotExist, which here rests on a status alone, since the answer to a
	// HEAD has no body: enough for an answer that may be repeated, not for
	// giving anything up.
	Head(ctx context.Context, key string) (Object, error)

	// Find is Head, but says ErrNotExist only when the store has said so in its
	// own words. It costs a second call where there is no object.
	Find(ctx context.Context, key string) (Object, error)

	// Delete removes objects; one that is not there is no error.
	Delete(ctx context.Context, keys ...string) error

	// List yields the keys that begin with prefix, in order.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]

	// Staged yields what is under prefix, with how long ago it was put there by
	// the store's own clock: objects, and multipart uploads as far as the store
	// lists them by a prefix. In no order, and a key may come several times.
	Staged(ctx context.Context, prefix string) iter.Seq2[Staged, error]

	// Ping says whether the store answers for the bucket.
	Ping(ctx context.Context) error
}

// Staged is an object or an open multipart upload.
type Staged struct {
	Key string
	Age time.Duration // since the object was stored, or the upload opened
}

// Attributes go with an object when it is made.
type Attributes struct {
	ContentType string // "" leaves it to the store
	Upload      string // id of the upload, kept in the object's metadata; "" for none
	Staged      bool   // gone after the commit: not worth what is done for objects that stay
}

// Condition is what must hold at the destination at the moment the object
// appears there. The zero value holds always.
type Condition struct {
	Absent bool   // nothing is there (If-None-Match: *)
	Match  string // an object with this ETag is there (If-Match)
}
