package proxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"iter"
	"net/http"
	"strconv"

	"github.com/chunkgate/chunkgate/upload"
)

// maxListings bounds the listings that are made or sent at once, for all owners:
// each holds a page of the store's for as long as its client likes.
const maxListings = 64

// enterListing takes a place for a listing. Errors: errFull, errGreedy.
func (s *Server) enterListing(r *request) (leave func(), err error) {
	owner := r.account.Owner
	if err := s.listings.enter(owner, 0, 0); err != nil {
		return nil, err
	}
	return func() { s.listings.leave(owner, 0) }, nil
}

// rows make the values of a JSON array, the same each time as long as the store
// holds the same.
type rows func(ctx context.Context) iter.Seq2[[]byte, error]

// listing is a JSON array. Its hash goes before it on the wire, and whether it
// has too many entries decides the status. So it is made once to be counted,
// and kept if it is short; a long one is made again while it is sent, since it
// may have a hundred megabytes and its reader be slow.
type listing struct {
	rows    rows
	entries int
	size    int64 // bytes

	// hash changes with everything that the array shows, and with nothing
	// else: replicas agree on it.
	hash string

	kept *keptText // the array; nil: too long
}

// survey makes a listing of at most limit entries. Errors: errTooMany.
func (s *Server) survey(ctx context.Context, limit int, of rows) (*listing, error) {
	l := &listing{rows: of, kept: &keptText{from: &s.kept}}
	sum := sha256.New()
	err := l.write(ctx, io.MultiWriter(sum, l), limit)
	if err != nil {
		l.free()
		return nil, err
	}
	l.hash = hashText(sum)
	return l, nil
}

// Write counts what the array has, and keeps it while there is room.
func (l *listing) Write(p []byte) (int, error) {
	l.size += int64(len(p))
	if l.kept != nil && !l.kept.add(p) {
		l.free()
	}
	return len(p), nil
}

// write makes the array.
func (l *listing) write(ctx context.Context, w io.Writer, limit int) error {
	separator, n := "[", 0
	for row, err := range l.rows(ctx) {
		if err != nil {
			return err
		}
		if n++; n > limit {
			return errTooMany
		}
		if _, err := io.WriteString(w, separator); err != nil {
			return err
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
		separator = ", "
	}
	l.entries = n
	if n == 0 {
		_, err := io.WriteString(w, "[]")
		return err
	}
	_, err := io.WriteString(w, "]")
	return err
}

// free gives back what is kept.
func (l *listing) free() {
	if l.kept != nil {
		l.kept.free()
		l.kept = nil
	}
}

// replyLong answers with an object whose gap is a listing. Where the store does
// not list again what it has listed, the connection is dropped before the end:
// a client must not take what it has got for the whole.
func (r *request) replyLong(o object, l *listing) error {
	text := o.bytes()
	r.Response().Header().Set("Content-Length", strconv.FormatInt(int64(len(text))+l.size, 10))
	r.head(http.StatusOK)
	w := &counting{Writer: r.patiently()}
	defer func() { r.sent += w.n }()
	if _, err := w.Write(text[:o.hole]); err != nil {
		return err
	}
	if err := l.send(r.Request().Context(), w); err != nil {
		return err
	}
	_, err := w.Write(text[o.hole:])
	return err
}

// send writes the array to a client.
func (l *listing) send(ctx context.Context, w io.Writer) error {
	if l.kept != nil {
		return l.kept.writeTo(w)
	}
	same := &unchanged{w: w, sum: sha256.New(), left: l.size, hash: l.hash}
	if err := l.write(ctx, same, l.entries); err != nil {
		return fmt.Errorf("list again: %w", err)
	}
	if same.left != 0 {
		return errChanged
	}
	return nil
}

var errChanged = fmt.Errorf("the folder has changed while it was being listed: %w", upload.ErrUnavailable)

// unchanged passes a listing on, but not the end of one that is another than
// the first time.
type unchanged struct {
	w    io.Writer
	sum  hash.Hash
	left int64
	hash string
}

func (u *unchanged) Write(p []byte) (int, error) {
	u.left -= int64(len(p))
	u.sum.Write(p)
	if u.left < 0 || u.left == 0 && hashText(u.sum) != u.hash {
		return 0, errChanged
	}
	return u.w.Write(p)
}

func hashText(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:16]) }

// counting counts the bytes that were taken.
type counting struct {
	io.Writer
	n int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += int64(n)
	return n, err
}
