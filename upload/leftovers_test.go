package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// leaves are the ways in which a request leaves something to be removed: what is
// done, the call that removes it, and what an operator reads when that fails. All
// are calls to either store, or to the count of open uploads.
var leaves = []struct {
	call   string
	says   string
	leave  func(*testing.T, *lab)
	repeat func(op string, calls int) bool // which call of that operation it is; nil: any
}{
	{uploadtest.OpDropPieces, "drop pieces", func(t *testing.T, l *lab) {
		l.mustBreak(t, 100_000)
	}, nil},
	{uploadtest.OpDelete, "delete tail objects", func(t *testing.T, l *lab) {
		l.mustBreak(t, 0)
	}, nil},
	{uploadtest.OpBury, "discard", func(t *testing.T, l *lab) {
		body := read(content(1, 20), fail{upload.ErrIdle})()
		if _, err := l.Append(t.Context(), upload.Chunk{Owner: owner, Length: 30, Body: body}); err == nil {
			t.Error("a broken chunk is taken")
		}
	}, nil},
	{uploadtest.OpRelease, "release quota", func(t *testing.T, l *lab) {
		l.mustCommit(t, l.mustPut(t, "", 0, content(1, 20)).ID, "file")
	}, nil},
	{uploadtest.OpDelete, "tidy up after the commit", func(t *testing.T, l *lab) {
		l.mustCommit(t, l.mustPut(t, "", 0, content(1, 100)).ID, "file")
	}, nil},
	{uploadtest.OpEndCommit, "tell that all is tidied up", func(t *testing.T, l *lab) {
		l.mustCommit(t, l.mustPut(t, "", 0, content(1, 100)).ID, "file")
	}, func(_ string, calls int) bool { return calls == 2 }},
	{uploadtest.OpReopen, "give up commit", func(t *testing.T, l *lab) {
		l.mustCommit(t, l.mustPut(t, "", 0, content(1, 20)).ID, "file")
		if _, err := l.commitIf(l.mustPut(t, "", 0, content(1, 20)).ID, absent, "file"); !errors.Is(err, upload.ErrConflict) {
			t.Errorf("got %v, want %v", err, upload.ErrConflict)
		}
	}, nil},
	{uploadtest.OpAbort, "abort multipart upload", func(t *testing.T, l *lab) {
		s := l.mustPut(t, "", 0, content(1, 20))
		l.before(uploadtest.OpAttach, func() error { // another chunk opens one, too
			l.mustPut(t, s.ID, 20, content(2, 100))
			return nil
		})
		if _, err := l.put(s.ID, 20, content(3, 100)); err == nil {
			t.Error("both chunks are taken")
		}
	}, nil},
}

// mustBreak sends a chunk that breaks off once some of it was stored in the tail.
func (l *lab) mustBreak(t *testing.T, sessions int64) {
	t.Helper()
	l.cfg.TailInSessions, l.cfg.Limits.MinPart, l.cfg.Limits.MaxPart = sessions, 150_000, 200_000
	l = l.replica()
	s := l.mustPut(t, "", 0, content(1, 20))
	body := &lateEnd{Reader: bytes.NewReader(content(2, slab+20)), err: upload.ErrIdle}
	chunk := upload.Chunk{Owner: owner, ID: s.ID, Offset: 20, Length: upload.UnknownLength, Body: body}
	if _, err := l.Append(t.Context(), chunk); !errors.Is(err, upload.ErrIdle) {
		t.Errorf("got %v, want %v", err, upload.ErrIdle)
	}
}

// lateEnd is a body whose first bytes are stored before it fails.
type lateEnd struct {
	io.Reader
	err error
}

func (l *lateEnd) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err == io.EOF {
		return 0, l.err
	}
	time.Sleep(time.Second) // no further slab is filled
	return n, nil
}

// What could not be removed is told to the operator, by the words of what was
// tried. The request is not held up by it; and when all goes well nothing is told.
func TestLeftoversAreTold(t *testing.T) {
	for _, test := range leaves {
		for _, fails := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", test.says, fails), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					quotas := uploadtest.NewQuotas()
					l := newLab(func(c *upload.Config) {
						c.Quotas = quotas
						c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
					})
					if fails {
						calls := 0
						fault := func(op string) error {
							if op != test.call {
								return nil
							}
							if calls++; test.repeat == nil || test.repeat(op, calls) {
								return fmt.Errorf("%s: refused", op)
							}
							return nil
						}
						l.sessions.Fault = fault
						l.objects.Fault = func(op, _ string) error { return fault(op) }
						quotas.After = fault
					}
					test.leave(t, l)
					synctest.Wait()
					line := fmt.Sprintf("op=%q", test.says)
					if !strings.Contains(test.says, " ") {
						line = "op=" + test.says
					}
					if got := log.String(); fails && strings.Count(got, line) != 1 || !fails && got != "" {
						t.Errorf("the log says:\n%s", got)
					}
				})
			})
		}
	}
}

// A failure that could not be noted is only told in the finest log; one that was
// is not told there as if it had not been.
func TestNotingFails(t *testing.T) {
	for _, fails := range []error{nil, errors.New("refused")} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			l := newLab(func(c *upload.Config) {
				c.Failures = refusingNotes{fails}
				c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			s := l.mustPut(t, "", 0, content(1, 20))
			l.objects.Fault = func(string, string) error { return upload.ErrUnavailable }
			if _, err := l.put(s.ID, 20, content(1, 100)); !errors.Is(err, upload.ErrUnavailable) {
				t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
			}
			synctest.Wait()
			if told := strings.Contains(log.String(), "failure not noted"); told != (fails != nil) {
				t.Errorf("with %v the log says:\n%s", fails, &log)
			}
		})
	}
}

// refusingNotes keeps no failure.
type refusingNotes struct{ err error }

func (r refusingNotes) NoteFailure(context.Context, string, string) error { return r.err }
