package upload_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// crash makes every call to the stores fail from the first one on that dies says.
func (l *lab) crash(dies func(op, key string) bool) (heal func()) {
	b := &breaker{}
	die := func(op, key string) error {
		if dies(op, key) {
			b.mu.Lock()
			b.dead = true
			b.mu.Unlock()
		}
		return b.before(op)
	}
	l.objects.Fault = die
	l.sessions.Fault = func(op string) error { return die(op, "") }
	return func() { l.objects.Fault, l.sessions.Fault = nil, nil }
}

func at(op, key string) func(string, string) bool {
	return func(now, at string) bool { return now == op && at == key }
}

// Three proxies commit one upload, each to another path, because the one before
// died. Whatever the dead left, one object appears and no second one.
func TestSuccessorOfSuccessor(t *testing.T) {
	lost := func(t *testing.T, l *lab, id, key string, heal func()) {
		t.Helper()
		if _, err := l.replica().commit(id, key); err == nil {
			t.Fatalf("the commit to %s did not fail", key)
		}
		heal()
		time.Sleep(time.Minute) // nobody renews the lease
	}
	t.Run("the first made the object", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := newLab()
			s := l.mustPut(t, "", 0, content(1, 100))
			lost(t, l, s.ID, "first", l.crash(at(uploadtest.OpEndCommit, "")))
			// The second looks at what the first left for so long that it renews its
			// lease, and dies of it.
			lost(t, l, s.ID, "second", l.crash(func(op, key string) bool {
				looks := (op == uploadtest.OpHead || op == uploadtest.OpFind) && key == "first"
				if looks {
					time.Sleep(25 * time.Second)
				}
				return looks
			}))
			if _, err := l.replica().commit(s.ID, "third"); !errors.Is(err, upload.ErrCompleted) {
				t.Errorf("third: got %v, want %v", err, upload.ErrCompleted)
			}
			l.wantObject(t, "first", content(1, 100))
			l.wantOnly(t, "first")
		})
	})
	t.Run("the second made the object", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := newLab()
			s := l.mustPut(t, "", 0, content(1, 100))
			lost(t, l, s.ID, "first", l.crash(at(uploadtest.OpCopyPart, "first")))
			lost(t, l, s.ID, "second", l.crash(at(uploadtest.OpEndCommit, "")))
			if _, err := l.replica().commit(s.ID, "third"); !errors.Is(err, upload.ErrCompleted) {
				t.Errorf("third: got %v, want %v", err, upload.ErrCompleted)
			}
			l.wantObject(t, "second", content(1, 100))
			l.wantOnly(t, "second")
			l.wantNoneOpen(t)
		})
	})
	t.Run("the second cannot end the first one's copy", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := newLab()
			s := l.mustPut(t, "", 0, content(1, 100))
			lost(t, l, s.ID, "first", l.crash(at(uploadtest.OpCopyPart, "first")))
			l.objects.Fault = func(op, key string) error {
				if op == uploadtest.OpAbort && key == "first" {
					return upload.ErrUnavailable
				}
				return nil
			}
			// It may yet complete: an object elsewhere would be a second one.
			if _, err := l.replica().commit(s.ID, "second"); !errors.Is(err, upload.ErrUnavailable) {
				t.Errorf("second: got %v, want %v", err, upload.ErrUnavailable)
			}
			l.objects.Fault = nil
			l.mustCommit(t, s.ID, "third")
			l.wantOnly(t, "third")
			l.wantNoneOpen(t)
		})
	})
}

// A successor that cannot say where it will put the object puts it nowhere: who
// comes next would not look there, and make another.
func TestSuccessorThatCannotSayWhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range []int{20, 100} { // a Put, and a copy
			l := newLab()
			s := l.mustPut(t, "", 0, content(1, size))
			heal := l.crash(func(op, key string) bool { return op == uploadtest.OpList && key == "first/" })
			if _, err := l.commit(s.ID, "first"); !errors.Is(err, upload.ErrUnavailable) {
				t.Fatalf("the proxy that dies: %v", err)
			}
			heal()
			time.Sleep(time.Minute)
			l.sessions.Fault = failing(uploadtest.OpUpdateCommit)
			if _, err := l.replica().commit(s.ID, "second"); !errors.Is(err, upload.ErrUnavailable) {
				t.Errorf("second: got %v, want %v", err, upload.ErrUnavailable)
			}
			if _, there := l.objects.Object("second"); there {
				t.Error("the object is where nobody knows of it")
			}
			l.sessions.Fault = nil
			time.Sleep(time.Minute)
			l.mustCommit(t, s.ID, "third")
			l.wantOnly(t, "third")
		}
	})
}

// A proxy dies after the object appeared under another name than the first. The
// client repeats, and hears that name; there is no second object.
func TestSuccessorFindsRenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range []int{20, 100} { // a Put, and a copy
			l := newLab()
			l.mustCommit(t, l.mustPut(t, "", 0, content(9, 5)).ID, "file")
			s := l.mustPut(t, "", 0, content(1, size))
			heal := l.crash(at(uploadtest.OpEndCommit, ""))
			names := []string{"file", "file (1)", "file (2)"}
			if _, err := l.commitIf(s.ID, absent, names...); !errors.Is(err, upload.ErrUnavailable) {
				t.Fatalf("the proxy that dies: %v", err)
			}
			heal()
			time.Sleep(time.Minute)
			if o, err := l.replica().commitIf(s.ID, absent, names...); err != nil || o.Key != "file (1)" {
				t.Errorf("repeated: %+v, %v", o, err)
			}
			l.wantOnly(t, "file", "file (1)")
		}
	})
}

// The same, but the repeat is of another client that wants another path: there is
// one object, and it is told so. Neither does an object appear under a name that
// could not be noted before.
func TestRenamedIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range []int{20, 100} { // a Put, and a copy
			for _, op := range []string{uploadtest.OpEndCommit, uploadtest.OpUpdateCommit} {
				l := newLab()
				l.mustCommit(t, l.mustPut(t, "", 0, content(9, 5)).ID, "file")
				s := l.mustPut(t, "", 0, content(1, size))
				looked := false
				l.objects.Fault = func(now, key string) error {
					looked = looked || key == "file" && (now == uploadtest.OpHead || now == uploadtest.OpFind)
					return nil
				}
				l.sessions.Fault = func(now string) error {
					if looked && now == op {
						return upload.ErrUnavailable
					}
					return nil
				}
				if _, err := l.commitIf(s.ID, absent, "file", "file (1)"); !errors.Is(err, upload.ErrUnavailable) {
					t.Fatalf("the proxy that dies: %v", err)
				}
				l.objects.Fault, l.sessions.Fault = nil, nil
				time.Sleep(time.Minute)
				_, err := l.replica().commit(s.ID, "elsewhere")
				if op == uploadtest.OpEndCommit {
					if !errors.Is(err, upload.ErrCompleted) {
						t.Errorf("elsewhere: got %v, want %v", err, upload.ErrCompleted)
					}
					l.wantOnly(t, "file", "file (1)")
					continue
				}
				if err != nil {
					t.Errorf("elsewhere: %v", err)
				}
				l.wantOnly(t, "elsewhere", "file")
			}
		}
	})
}

// A store that fails when it is asked what is in the way says nothing of that:
// the client is told to repeat, and not that there is a conflict, since the
// object may be its own.
func TestConflictThatCannotBeLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.mustCommit(t, l.mustPut(t, "", 0, content(9, 5)).ID, "file")
		s := l.mustPut(t, "", 0, content(1, 20))
		put := false
		l.objects.Fault = func(op, key string) error {
			put = put || op == uploadtest.OpPut
			if put && (op == uploadtest.OpHead || op == uploadtest.OpFind) && key == "file" {
				return upload.ErrUnavailable
			}
			return nil
		}
		if _, err := l.commitIf(s.ID, absent, "file"); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		l.objects.Fault = nil
		if _, err := l.commitIf(s.ID, absent, "file"); !errors.Is(err, upload.ErrConflict) {
			t.Errorf("again: got %v, want %v", err, upload.ErrConflict)
		}
	})
}

// After a failover nothing is published that might be too short. While the store
// cannot be asked whether the object is there already, nothing is decided.
func TestDoubtWhileTheStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.mustPut(t, "", 0, content(1, 100))
		takeOver := l.sessions.Replica()
		o := l.mustCommit(t, s.ID, "file")
		takeOver()
		l.objects.Fault = func(op, key string) error {
			if key == "file" {
				return upload.ErrUnavailable
			}
			return nil
		}
		if _, err := l.replica().commit(s.ID, "file"); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		l.objects.Fault = nil
		if again := l.mustCommit(t, s.ID, "file"); again.ETag != o.ETag {
			t.Errorf("repeated: %+v, want %+v", again, o)
		}
		l.wantOnly(t, "file")
	})
}

// What a commit answers is what its repeat will answer, whatever a store keeps
// of a time.
func TestCommitAnswersMilliseconds(t *testing.T) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 123_456_789, time.UTC)
	l := newLab(func(c *upload.Config) { c.Now = func() time.Time { return now } })
	o := l.mustCommit(t, l.mustPut(t, "", 0, content(1, 20)).ID, "file")
	if want := now.Truncate(time.Millisecond); !o.Modified.Equal(want) {
		t.Errorf("modified %v, want %v", o.Modified, want)
	}
}

// A client that is gone before its commit began is told to look again, as one
// that leaves later is: the commit may have begun.
func TestCommitOfAClientThatIsGone(t *testing.T) {
	l := newLab()
	s := l.mustPut(t, "", 0, content(1, 20))
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	_, err := l.Commit(gone, upload.CommitRequest{
		Owner: owner, ID: s.ID, Key: func(n int) (string, bool) { return "file", n == 0 },
	})
	if !errors.Is(err, upload.ErrBusy) {
		t.Errorf("got %v, want %v", err, upload.ErrBusy)
	}
	l.mustCommit(t, s.ID, "file")
}

// What was in the way is gone when it is looked at. Nobody named a version, so
// nobody is told that the version named is of no file.
func TestConflictThatVanishes(t *testing.T) {
	for _, size := range []int{20, 100} { // a Put, and a copy
		l := newLab()
		l.mustCommit(t, l.mustPut(t, "", 0, content(9, 5)).ID, "file")
		s := l.mustPut(t, "", 0, content(1, size))
		l.objects.Fault = func(op, key string) error {
			if op == uploadtest.OpFind && key == "file" {
				_ = l.objects.Delete(t.Context(), "file")
			}
			return nil
		}
		if _, err := l.commitIf(s.ID, absent, "file"); !errors.Is(err, upload.ErrConflict) {
			t.Errorf("got %v, want %v", err, upload.ErrConflict)
		}
		l.objects.Fault = nil
		l.mustCommit(t, s.ID, "file")
	}
}

// Where a file is in the place of a folder above, no other name helps, and none
// is tried: the store would be asked hundreds of times for nothing.
func TestFileAboveEndsTheSearch(t *testing.T) {
	l := newLab()
	l.mustCommit(t, l.mustPut(t, "", 0, content(9, 5)).ID, "file")
	s := l.mustPut(t, "", 0, content(1, 20))
	var keys []string
	for n := range 100 {
		keys = append(keys, fmt.Sprintf("file/x (%d)", n))
	}
	asked := l.objects.Calls(uploadtest.OpHead)
	if _, err := l.commitIf(s.ID, absent, keys...); !errors.Is(err, upload.ErrConflict) {
		t.Errorf("got %v, want %v", err, upload.ErrConflict)
	}
	if n := l.objects.Calls(uploadtest.OpHead) - asked; n > 2 {
		t.Errorf("the store was asked %d times", n)
	}
}
