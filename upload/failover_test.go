package upload_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/chunkgate/chunkgate/upload"
)

// TestFailover sets the session store back behind what a client was told, and
// lets the client go on in every way it may.
func TestFailover(t *testing.T) {
	head, forgotten, next := content(1, 130), content(2, 90), content(3, 70)
	begin := func(t *testing.T) (l *lab, id string) {
		l = newLab()
		id = l.mustPut(t, "", 0, head).ID
		takeOver := l.sessions.Replica()
		l.mustPut(t, id, 130, forgotten)
		takeOver()
		return l, id
	}

	t.Run("the client is ahead", func(t *testing.T) {
		l, id := begin(t)
		for _, offset := range []int64{220, upload.AnyOffset} {
			if _, err := l.put(id, offset, next); !errors.Is(err, upload.ErrNotFound) {
				t.Errorf("append at %d: got %v, want %v", offset, err, upload.ErrNotFound)
			}
		}
	})

	t.Run("it commits what it was told is there", func(t *testing.T) {
		l, id := begin(t)
		if _, err := l.commit(id, "file"); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("commit: got %v, want %v", err, upload.ErrNotFound)
		}
		if got := l.objects.Keys(); len(got) > 0 {
			t.Errorf("objects are %q, want none", got)
		}
	})

	t.Run("its answer was lost and it repeats", func(t *testing.T) {
		l, id := begin(t)
		l.mustPut(t, id, 130, forgotten)
		l.mustPut(t, id, 220, next)
		l.mustCommit(t, id, "file")
		l.wantObject(t, "file", slices.Concat(head, forgotten, next))
		l.wantOnly(t, "file")
	})

	t.Run("nothing was forgotten", func(t *testing.T) {
		l := newLab()
		id := l.mustPut(t, "", 0, head).ID
		l.sessions.Replica()()
		l.mustPut(t, id, 130, next)
		l.mustCommit(t, id, "file")
		l.wantObject(t, "file", slices.Concat(head, next))
	})

	t.Run("an honest mistake without a failover", func(t *testing.T) {
		l := newLab()
		id := l.mustPut(t, "", 0, head).ID
		var wrong *upload.OffsetError
		if _, err := l.put(id, 220, next); !errors.As(err, &wrong) || wrong.Want != 130 {
			t.Errorf("append: got %v, want the offset 130", err)
		}
	})
}

// TestFailoverDuringChunk lets the store fail over while a chunk is under way:
// its numbers may be given out again by then, so it does not count.
func TestFailoverDuringChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		head, chunk := content(1, 130), content(2, 90)
		id := l.mustPut(t, "", 0, head).ID
		takeOver := l.sessions.Replica()
		body := &onEnd{Reader: bytes.NewReader(chunk), do: takeOver}
		_, err := l.Append(t.Context(), upload.Chunk{Owner: owner, ID: id, Offset: 130, Length: 90, Body: body})
		if !errors.Is(err, upload.ErrUnavailable) {
			t.Fatalf("append over a failover: got %v, want %v", err, upload.ErrUnavailable)
		}
		l.mustPut(t, id, 130, chunk)
		l.mustCommit(t, id, "file")
		l.wantObject(t, "file", slices.Concat(head, chunk))
	})
}

// TestFailoverDuringChunkAhead: the same to a client that was told more than is
// remembered. It is not told less, and starts again.
func TestFailoverDuringChunkAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		id := l.mustPut(t, "", 0, content(1, 130)).ID
		takeOver := l.sessions.Replica()
		l.mustPut(t, id, 130, content(2, 90))
		body := &onEnd{Reader: bytes.NewReader(content(3, 70)), do: takeOver}
		_, err := l.Append(t.Context(), upload.Chunk{Owner: owner, ID: id, Offset: 220, Length: 70, Body: body})
		if !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("append over a failover: got %v, want %v", err, upload.ErrUnavailable)
		}
		if _, err := l.put(id, 220, content(3, 70)); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("its repeat: got %v, want %v", err, upload.ErrNotFound)
		}
	})
}

// TestFailoverAfterCommit forgets a commit, begin and end: the object is there,
// and its repeat is answered from it.
func TestFailoverAfterCommit(t *testing.T) {
	for _, size := range []int{20, 300} { // all tail; staged and copied
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			l := newLab()
			id := l.mustPut(t, "", 0, content(1, size)).ID
			takeOver := l.sessions.Replica()
			first := l.mustCommit(t, id, "file")
			takeOver()
			again := l.mustCommit(t, id, "file")
			if again.Key != first.Key || again.Size != first.Size || again.ETag != first.ETag {
				t.Errorf("repeat answers %+v, before %+v", again, first)
			}
		})
	}
}

// onEnd does something when it is read to its end.
type onEnd struct {
	io.Reader
	do func()
}

func (r *onEnd) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if (err == io.EOF || n > 0 && r.Reader.(*bytes.Reader).Len() == 0) && r.do != nil {
		r.do()
		r.do = nil
	}
	return n, err
}
