package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// damages are what may happen to accepted bytes behind the engine's back.
var damages = map[string]func(*lab, string){
	"multipart upload aborted": func(l *lab, _ string) {
		for _, m := range l.objects.OpenMultiparts() {
			_ = l.objects.Abort(context.Background(), m)
		}
	},
	"tail gone": func(l *lab, id string) {
		got, err := l.sessions.Get(context.Background(), id, owner)
		if err == nil {
			err = l.sessions.DropPieces(context.Background(), id, got.Tail)
		}
		if err != nil {
			panic(err)
		}
	},
}

// damaged is an upload of which some bytes are gone.
func (l *lab) damaged(tb testing.TB, damage func(*lab, string)) (id string) {
	tb.Helper()
	id = l.mustPut(tb, "", 0, content(1, 100)).ID
	l.mustPut(tb, id, 100, content(2, 30))
	damage(l, id)
	return id
}

// Accepted bytes that are not there any more end the upload, but not at the
// first word: the client is told to repeat until that was seen three times, a
// minute apart. What is left stays for the operator until the upload expires,
// and nothing wrong ever appears.
func TestDamaged(t *testing.T) {
	requests := map[string]func(*lab, string) error{
		"commit": func(l *lab, id string) error {
			_, err := l.commit(id, "file")
			return err
		},
		"append": func(l *lab, id string) error {
			_, err := l.put(id, 130, content(3, 50))
			return err
		},
	}
	for name, damage := range damages {
		for what, request := range requests {
			t.Run(name+"/"+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLab()
					id := l.damaged(t, damage)
					aborts, deletes := l.objects.Calls(uploadtest.OpAbort), l.objects.Calls(uploadtest.OpDelete)
					for range 2 {
						for range 10 { // however often it is asked
							if err := request(l, id); !errors.Is(err, upload.ErrUnavailable) || errors.Is(err, upload.ErrNotExist) {
								t.Fatalf("got %v, want %v", err, upload.ErrUnavailable)
							}
						}
						time.Sleep(time.Minute)
					}
					for range 2 {
						if err := request(l, id); !errors.Is(err, upload.ErrNotFound) {
							t.Errorf("the third time: got %v, want %v", err, upload.ErrNotFound)
						}
					}
					if _, err := l.Engine.Status(t.Context(), owner, id); !errors.Is(err, upload.ErrNotFound) {
						t.Errorf("status: got %v, want %v", err, upload.ErrNotFound)
					}
					if l.objects.Calls(uploadtest.OpAbort) > aborts || l.objects.Calls(uploadtest.OpDelete) > deletes {
						t.Error("something is removed before the upload expires")
					}
					time.Sleep(ttl + 2*time.Hour)
					l.mustSweep(t, 1)
					l.wantOnly(t)
				})
			})
		}
	}
}

// A store that denies for a moment what it has costs repeats, and not the upload:
// what was seen before is forgotten with the chunk that succeeds.
func TestConfusedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		id := l.mustPut(t, "", 0, content(1, 100)).ID
		var all []byte
		all = append(all, content(1, 100)...)
		for round := range uint64(3) {
			l.objects.Fault = func(op, _ string) error {
				if op == uploadtest.OpUploadPart {
					return upload.ErrNotExist
				}
				return nil
			}
			l.cfg.Objects = blind{l.objects} // it lists nothing either
			confused := l.replica()
			chunk := content(10+round, 60)
			for range 2 {
				if _, err := confused.put(id, int64(len(all)), chunk); !errors.Is(err, upload.ErrUnavailable) {
					t.Fatalf("got %v, want %v", err, upload.ErrUnavailable)
				}
				time.Sleep(time.Minute)
			}
			l.objects.Fault = nil
			l.mustPut(t, id, int64(len(all)), chunk)
			all = append(all, chunk...)
		}
		l.mustCommit(t, id, "file")
		l.wantObject(t, "file", all)
	})
}

// blind is a store that lists no multipart uploads.
type blind struct{ upload.Objects }

func (blind) Multiparts(context.Context, string) ([]string, error) { return nil, nil }

// What the record says of itself is certain at once: a list of parts that is
// not there makes the upload damaged, also for the next chunk.
func TestDamagedRecord(t *testing.T) {
	l := newLab()
	id := l.mustPut(t, "", 0, content(1, 100)).ID
	l.cfg.Sessions = partless{l.sessions}
	if _, err := l.replica().commit(id, "file"); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("commit: got %v, want %v", err, upload.ErrNotFound)
	}
	if _, err := l.put(id, 100, content(2, 60)); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("append: got %v, want %v", err, upload.ErrNotFound)
	}
	if keys := l.objects.Keys(); len(keys) > 0 {
		t.Errorf("objects are %q", keys)
	}
}

// partless has lost the lists of parts.
type partless struct{ upload.Sessions }

func (partless) Parts(context.Context, string) ([]upload.Part, error) { return nil, nil }

// A store says that a part is not there while another Complete of the upload is
// running, of a runner that was killed inside.
func TestCompleteWhileCompleting(t *testing.T) {
	for name, install := range map[string]func(*lab){
		"it fails in the end": func(l *lab) {
			n := 0
			l.objects.Fault = func(op, _ string) error {
				if op == uploadtest.OpComplete && n < 2 {
					n++
					return fmt.Errorf("InvalidPart: %w", upload.ErrNoPart)
				}
				return nil
			}
		},
		"it succeeds": func(l *lab) {
			n := 0
			l.objects.After = func(op, _ string) error {
				if op == uploadtest.OpComplete && n == 0 {
					n++
					return fmt.Errorf("InvalidPart: %w", upload.ErrNoPart)
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				id := l.mustPut(t, "", 0, content(1, 100)).ID
				l.mustPut(t, id, 100, content(2, 30))
				install(l)
				l.mustCommit(t, id, "file")
				l.wantObject(t, "file", slices.Concat(content(1, 100), content(2, 30)))
				l.wantOnly(t, "file")
			})
		})
	}
}

// A part that is never there is damage, and not a defect.
func TestLostPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		id := l.mustPut(t, "", 0, content(1, 100)).ID
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpComplete {
				return fmt.Errorf("InvalidPart: %w", upload.ErrNoPart)
			}
			return nil
		}
		for _, want := range []error{upload.ErrUnavailable, upload.ErrUnavailable, upload.ErrNotFound} {
			if _, err := l.commit(id, "file"); !errors.Is(err, want) {
				t.Errorf("commit: got %v, want %v", err, want)
			}
			time.Sleep(time.Minute)
		}
	})
}

// An object of this upload that is not as long as what was accepted is neither
// success nor ours to delete.
func TestWrongSize(t *testing.T) {
	framed := append([]byte("64;chunk-signature="), content(1, 100)...)
	for name, key := range map[string]string{"staged": "", "at the destination": "file"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				id := l.mustPut(t, "", 0, content(1, 100)).ID
				if key == "" {
					key = upload.StagingKey(staging, id)
				}
				l.objects.After = func(op, at string) error {
					if op == uploadtest.OpComplete && at == key {
						_, err := l.objects.Put(context.Background(), key, int64(len(framed)), bytes.NewReader(framed),
							upload.Attributes{Upload: id}, upload.Condition{})
						return errors.Join(err, upload.ErrUnavailable) // the answer is lost
					}
					return nil
				}
				for _, want := range []error{upload.ErrUnavailable, upload.ErrUnavailable, upload.ErrUnavailable, upload.ErrNotFound} {
					if _, err := l.commit(id, "file"); !errors.Is(err, want) {
						t.Errorf("commit: got %v, want %v", err, want)
					}
					time.Sleep(time.Minute)
				}
				l.wantObject(t, key, framed)
			})
		})
	}
}

// Numbers of parts that are kept for commits last for any number of commits,
// and chunks that fail do not take them.
func TestFailingCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(func(c *upload.Config) { c.Limits.MaxParts = 10_000 })
		id := l.mustPut(t, "", 0, content(1, 100)).ID
		l.mustPut(t, id, 100, content(2, 30))
		if _, err := l.sessions.Draw(t.Context(), id, 9_930); err != nil {
			t.Fatal(err)
		}
		broken := true
		l.objects.Fault = func(op, _ string) error {
			if broken && (op == uploadtest.OpComplete || op == uploadtest.OpUploadPart && l.objects.Calls(uploadtest.OpComplete) == 0) {
				return upload.ErrUnavailable
			}
			return nil
		}
		for range 70 {
			if _, err := l.put(id, 130, content(3, 60_000)); err == nil {
				t.Fatal("the chunk is taken")
			}
		}
		for range 200 {
			if _, err := l.commit(id, "file"); !errors.Is(err, upload.ErrUnavailable) {
				t.Fatalf("got %v, want %v", err, upload.ErrUnavailable)
			}
		}
		broken = false
		l.mustCommit(t, id, "file")
		l.wantObject(t, "file", slices.Concat(content(1, 100), content(2, 30)))
		l.wantOnly(t, "file")
	})
}
