package upload_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

var absent = upload.Condition{Absent: true}

// The ways of a commit, and what each costs (DESIGN section 5).
func TestCommitCost(t *testing.T) {
	tests := []struct {
		name     string
		promised bool
		chunks   []int
		calls    map[string]int // of the commit alone
	}{
		{"empty object", false, []int{0}, map[string]int{uploadtest.OpList: 1, uploadtest.OpPut: 1}},
		{"all in the tail", false, []int{30, 10}, map[string]int{uploadtest.OpList: 1, uploadtest.OpPut: 1}},
		{"promised", true, []int{80, 80}, map[string]int{uploadtest.OpComplete: 1}},
		{"promised, with a tail", true, []int{80, 30}, map[string]int{uploadtest.OpUploadPart: 1, uploadtest.OpComplete: 1}},
		{"staged", false, []int{80, 30}, map[string]int{
			uploadtest.OpList: 1, uploadtest.OpUploadPart: 1, uploadtest.OpComplete: 2,
			uploadtest.OpCreateMultipart: 1, uploadtest.OpCopyPart: 1, uploadtest.OpDelete: 1,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLab()
			var s upload.Status
			for _, size := range test.chunks {
				c := upload.Chunk{Owner: owner, ID: s.ID, Offset: s.Offset, Length: int64(size), Body: read(content(1, size))()}
				if test.promised && s.ID == "" {
					c.Destination, c.ContentType = "file", "text/plain"
				}
				var err error
				if s, err = l.Append(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			before := l.calls()
			l.mustCommit(t, s.ID, "file")
			for op, n := range l.calls() {
				if got := n - before[op]; got != test.calls[op] {
					t.Errorf("%d × %s, want %d", got, op, test.calls[op])
				}
			}
			want := upload.Attributes{ContentType: "text/plain", Upload: s.ID}
			if got := l.objects.Attributes("file"); got != want {
				t.Errorf("attributes are %+v, want %+v", got, want)
			}
			l.wantOnly(t, "file")
		})
	}
}

// calls counts the calls of the object store.
func (l *lab) calls() map[string]int {
	n := map[string]int{}
	for _, op := range []string{
		uploadtest.OpCreateMultipart, uploadtest.OpUploadPart, uploadtest.OpCopyPart, uploadtest.OpComplete,
		uploadtest.OpAbort, uploadtest.OpMultiparts, uploadtest.OpPut, uploadtest.OpGetObject,
		uploadtest.OpHead, uploadtest.OpDelete, uploadtest.OpList,
	} {
		n[op] = l.objects.Calls(op)
	}
	return n
}

// A second commit of the same upload is the same, or an error (PROTOCOL 3.6).
func TestCommitTwice(t *testing.T) {
	l := newLab()
	s := l.mustPut(t, "", 0, content(1, 100))
	first := l.mustCommit(t, s.ID, "a")
	if again := l.mustCommit(t, s.ID, "a"); again != first {
		t.Errorf("repeated commit answers %+v, want %+v", again, first)
	}
	if _, err := l.commit(s.ID, "b"); !errors.Is(err, upload.ErrCompleted) {
		t.Errorf("commit elsewhere: %v, want ErrCompleted", err)
	}
	if _, err := l.put(s.ID, 100, content(1, 5)); !errors.Is(err, upload.ErrCompleted) {
		t.Errorf("append after the commit: %v, want ErrCompleted", err)
	}
	if _, err := l.Status(t.Context(), owner, s.ID); !errors.Is(err, upload.ErrCompleted) {
		t.Errorf("status after the commit: %v, want ErrCompleted", err)
	}
	l.wantOnly(t, "a")
}

func TestCommitConflict(t *testing.T) {
	for _, size := range []int{20, 100} { // a Put, and a copy
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			l := newLab()
			l.mustCommit(t, l.mustPut(t, "", 0, content(9, size)).ID, "file")
			s := l.mustPut(t, "", 0, content(1, size))
			if _, err := l.commitIf(s.ID, absent, "file"); !errors.Is(err, upload.ErrConflict) {
				t.Fatalf("commit onto another's object: %v, want ErrConflict", err)
			}
			l.wantObject(t, "file", content(9, size))
			// The upload lives on and may be committed elsewhere (PROTOCOL 3.8).
			l.mustCommit(t, s.ID, "elsewhere")
			l.wantObject(t, "elsewhere", content(1, size))
			l.wantOnly(t, "elsewhere", "file")
		})
	}
}

func TestCommitRenames(t *testing.T) {
	l := newLab()
	keys := make([]string, 20)
	for n := range keys {
		keys[n] = fmt.Sprintf("x (%02d)", n)
	}
	var clients sync.WaitGroup
	for n := range keys {
		clients.Go(func() {
			s, err := l.put("", 0, content(uint64(n), 20+10*n)) // some by Put, some by copy
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := l.commitIf(s.ID, absent, keys...); err != nil {
				t.Errorf("client %d: %v", n, err)
			}
		})
	}
	clients.Wait()
	l.wantOnly(t, keys...)
	sizes := map[int]int{}
	for _, key := range keys {
		b, _ := l.objects.Object(key)
		sizes[len(b)]++
	}
	if len(sizes) != len(keys) {
		t.Errorf("%d different objects of %d", len(sizes), len(keys))
	}
}

func TestCommitMatch(t *testing.T) {
	l := newLab()
	old := l.mustCommit(t, l.mustPut(t, "", 0, content(1, 100)).ID, "file")
	s := l.mustPut(t, "", 0, content(2, 100))
	if _, err := l.commitIf(s.ID, upload.Condition{Match: `"other"`}, "file"); !errors.Is(err, upload.ErrConflict) {
		t.Errorf("commit over another version: %v, want ErrConflict", err)
	}
	if _, err := l.commitIf(s.ID, upload.Condition{Match: old.ETag}, "file"); err != nil {
		t.Errorf("commit over the version named: %v", err)
	}
	l.wantObject(t, "file", content(2, 100))
}

func TestCommitElsewhereThanPromised(t *testing.T) {
	l := newLab()
	s, err := l.Append(t.Context(), upload.Chunk{Owner: owner, Destination: "promised", Length: 100, Body: read(content(1, 100))()})
	if err != nil {
		t.Fatal(err)
	}
	var invalid *upload.InvalidError
	if _, err := l.commit(s.ID, "elsewhere"); !errors.As(err, &invalid) {
		t.Errorf("got %v, want an InvalidError", err)
	}
	l.mustPut(t, s.ID, 100, content(2, 10)) // nothing changed
	l.mustCommit(t, s.ID, "promised")
	l.wantOnly(t, "promised")
}

// A repeat while the commit runs waits for that run and answers the same; so
// does one whose client hung up in between. The work is done once.
func TestCommitWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		slow := make(chan struct{})
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpComplete {
				<-slow
			}
			return nil
		}
		s := l.mustPut(t, "", 0, content(1, 100))

		gone, hangUp := context.WithCancel(t.Context())
		go func() {
			_, err := l.Commit(gone, upload.CommitRequest{Owner: owner, ID: s.ID, Terms: fmt.Sprint([]string{"file"}, upload.Condition{}),
				Key: func(n int) (string, bool) { return "file", n == 0 }})
			if !errors.Is(err, upload.ErrBusy) {
				t.Errorf("the client that hung up: %v", err)
			}
		}()
		synctest.Wait()
		hangUp()

		var clients sync.WaitGroup
		for range 5 {
			clients.Go(func() {
				if o, err := l.replica().commit(s.ID, "file"); err != nil || o.Size != 100 {
					t.Errorf("a repeat: %+v, %v", o, err)
				}
			})
		}
		if _, err := l.put(s.ID, 100, content(1, 1)); !errors.Is(err, upload.ErrBusy) {
			t.Errorf("append while committing: %v, want ErrBusy", err)
		}
		if err := l.Discard(t.Context(), owner, s.ID); !errors.Is(err, upload.ErrBusy) {
			t.Errorf("discard while committing: %v, want ErrBusy", err)
		}
		time.Sleep(5 * time.Minute) // the lease is renewed all the while
		close(slow)
		clients.Wait()
		if err := l.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if n := l.objects.Calls(uploadtest.OpCopyPart); n != 1 {
			t.Errorf("copied %d times", n)
		}
		l.wantOnly(t, "file")
	})
}

// A runner that dies after its object appeared: whoever comes next finds it.
func TestCommitTakeover(t *testing.T) {
	for _, key := range []string{"file", "elsewhere"} {
		t.Run(key, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				s := l.mustPut(t, "", 0, content(1, 100))
				dead := false
				l.sessions.Fault = func(op string) error {
					if dead = dead || op == uploadtest.OpEndCommit; dead {
						return upload.ErrUnavailable
					}
					return nil
				}
				if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrUnavailable) {
					t.Fatalf("the runner that dies: %v", err)
				}
				l.sessions.Fault = nil
				_, err := l.replica().commit(s.ID, key)
				if key == "file" && err != nil {
					t.Errorf("the same commit again: %v", err)
				}
				if key != "file" && !errors.Is(err, upload.ErrCompleted) {
					t.Errorf("another commit: %v, want ErrCompleted", err)
				}
				l.wantObject(t, "file", content(1, 100))
				l.wantOnly(t, "file")
			})
		})
	}
}

// A chunk stored before a commit that fails, and accepted after it, counts.
func TestCommitAmidChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.mustPut(t, "", 0, content(1, 30))
		if _, err := l.commit(l.mustPut(t, "", 0, content(9, 5)).ID, "taken"); err != nil {
			t.Fatal(err)
		}
		stored, failed := make(chan struct{}), make(chan struct{})
		l.sessions.Fault = func(op string) error {
			if op == uploadtest.OpAdvance {
				close(stored)
				<-failed
			}
			return nil
		}
		chunk := make(chan error, 1)
		go func() {
			_, err := l.put(s.ID, 30, content(2, 100))
			chunk <- err
		}()
		<-stored
		if _, err := l.commitIf(s.ID, upload.Condition{Absent: true}, "taken"); !errors.Is(err, upload.ErrConflict) {
			t.Errorf("commit: %v, want ErrConflict", err)
		}
		close(failed)
		if err := <-chunk; err != nil {
			t.Errorf("chunk: %v", err)
		}
		l.sessions.Fault = nil
		l.mustPut(t, s.ID, 130, content(3, 70))
		if _, err := l.commit(s.ID, "file"); err != nil {
			t.Errorf("commit elsewhere: %v", err)
		}
		l.wantObject(t, "file", slices.Concat(content(1, 30), content(2, 100), content(3, 70)))
	})
}
