package upload_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// A tail that is longer than a part may be now goes out as several parts, and
// every other try of one breaks off after some bytes: it is read again from
// where the part begins, and the file is what was sent.
func TestLongTailIsReadAgain(t *testing.T) {
	for _, tail := range []int{120, 250, 990} {
		for _, sessions := range []int64{0, 100_000} {
			for _, reads := range []int64{0, 7, 59} {
				t.Run(fmt.Sprintf("tail=%d/sessions=%d/reads=%d", tail, sessions, reads), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						store := &numberedTries{reads: reads, fails: func(int) bool { return false }}
						l := newLab(func(c *upload.Config) {
							store.Objects, c.Objects = c.Objects, store
							c.Limits.EqualPart, c.TailInSessions = 1000, sessions
						})
						file := content(1, tail+61)
						s := l.mustPut(t, "", 0, file[:tail/2])
						s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:tail])
						l.cfg.Limits.EqualPart = 60
						l = l.replica()
						store.fails = func(try int) bool { return try%2 == 1 && try < 12 }
						for range 40 {
							now, err := l.put(s.ID, s.Offset, file[s.Offset:])
							if err == nil {
								s = now
								break
							}
						}
						if int(s.Offset) != len(file) {
							t.Fatalf("the chunk is never taken")
						}
						store.wantNumbers(t)
						l.wantListed(t, s.ID)
						store.fails = func(int) bool { return false }
						l.mustCommit(t, s.ID, "file")
						l.wantObject(t, "file", file)
						l.wantOnly(t, "file")
					})
				})
			}
		}
	}
}

// A try that broke off amid the tail cost the client nothing, and it hears nothing
// of that.
func TestLongTailIsReadAgainUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &numberedTries{reads: 59, fails: func(int) bool { return false }}
		l := newLab(func(c *upload.Config) {
			store.Objects, c.Objects = c.Objects, store
			c.Limits.EqualPart = 1000
		})
		file := content(1, 310)
		s := l.mustPut(t, "", 0, file[:250])
		l.cfg.Limits.EqualPart = 60
		l = l.replica()
		store.fails = func(try int) bool { return try == 1 || try == 3 }
		l.mustPut(t, s.ID, 250, file[250:])
		store.wantNumbers(t)
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
	})
}

// Either store that does not answer makes the server not ready.
func TestReady(t *testing.T) {
	l := newLab()
	if err := l.Ready(t.Context()); err != nil {
		t.Errorf("all is well: %v", err)
	}
	l.sessions.Fault = failing(uploadtest.OpPingSessions)
	if l.Ready(t.Context()) == nil {
		t.Error("ready without the session store")
	}
	l.sessions.Fault = nil
	l.objects.Fault = func(op, _ string) error { return failing(uploadtest.OpPingObjects)(op) }
	if l.Ready(t.Context()) == nil {
		t.Error("ready without the object store")
	}
}
