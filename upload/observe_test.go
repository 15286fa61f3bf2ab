package upload_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// events writes down what an engine tells, and how often.
type events struct {
	mu   sync.Mutex
	seen map[string]int64 // "stored" counts bytes, the rest events
}

func (e *events) add(name string, n int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen == nil {
		e.seen = map[string]int64{}
	}
	e.seen[name] += n
}

func (e *events) Opened()                                  { e.add("opened", 1) }
func (e *events) Stored(bytes int64)                       { e.add("stored", bytes) }
func (e *events) Kept(at upload.Place, bytes int64)        { e.add("kept "+string(at), bytes) }
func (e *events) Moved(bytes int64)                        { e.add("moved", bytes) }
func (e *events) Retried(at upload.Place)                  { e.add("retried "+string(at), 1) }
func (e *events) Conflicted(over upload.Contest)           { e.add("conflict "+string(over), 1) }
func (e *events) Committed(by upload.Way, _ time.Duration) { e.add("committed "+string(by), 1) }
func (e *events) Freed(because upload.Reason, bytes int64) { e.add("freed "+string(because), bytes) }
func (e *events) Damaged()                                 { e.add("damaged", 1) }
func (e *events) Swept(err error)                          { e.add(fmt.Sprintf("swept %t", err == nil), 1) }
func (e *events) Defect()                                  { e.add("defect", 1) }

// What the engine tells of each thing that can happen.
func TestObserver(t *testing.T) {
	tests := map[string]struct {
		script func(*testing.T, *lab)
		want   map[string]int64
	}{
		"single": {func(t *testing.T, l *lab) {
			l.mustCommit(t, l.mustPut(t, "", 0, content(1, 40)).ID, "f")
		}, map[string]int64{"opened": 1, "stored": 40, "kept s": 40, "committed single": 1}},

		"copied": {func(t *testing.T, l *lab) {
			s := l.mustPut(t, "", 0, content(1, 80))
			l.mustCommit(t, l.mustPut(t, s.ID, 80, content(1, 30)).ID, "f")
		}, map[string]int64{"opened": 1, "stored": 110, "kept s": 30, "committed copied": 1}},

		"promised": {func(t *testing.T, l *lab) {
			s, err := l.Append(t.Context(), upload.Chunk{Owner: owner, Destination: "f", Length: 80, Body: read(content(1, 80))()})
			if err != nil {
				t.Fatal(err)
			}
			l.mustCommit(t, s.ID, "f")
		}, map[string]int64{"opened": 1, "stored": 80, "committed promised": 1}},

		"streamed": {func(t *testing.T, l *lab) {
			if _, err := l.putFile(content(1, 70), true, upload.Condition{}); err != nil {
				t.Fatal(err)
			}
		}, map[string]int64{"stored": 70, "committed streamed": 1}},

		"inherited": {func(t *testing.T, l *lab) {
			s := l.mustPut(t, "", 0, content(1, 80))
			l.sessions.Fault = func(op string) error {
				if op == uploadtest.OpEndCommit || op == uploadtest.OpUpdateCommit && l.sessions.Calls(uploadtest.OpEndCommit) > 0 {
					return upload.ErrUnavailable
				}
				return nil
			}
			if _, err := l.commit(s.ID, "f"); !errors.Is(err, upload.ErrUnavailable) {
				t.Fatalf("commit whose end is not stored: %v", err)
			}
			l.sessions.Fault = nil
			l.mustCommit(t, s.ID, "f")
		}, map[string]int64{"opened": 1, "stored": 80, "committed inherited": 1, "retried s": 3}},

		"tail object": {func(t *testing.T, l *lab) {
			l.mustPut(t, "", 0, content(1, 40))
		}, map[string]int64{"opened": 1, "stored": 40, "kept o": 40}},

		"wrong offset": {func(t *testing.T, l *lab) {
			s := l.mustPut(t, "", 0, content(1, 40))
			_, _ = l.put(s.ID, 0, content(1, 40))
		}, map[string]int64{"opened": 1, "stored": 40, "kept s": 40, "conflict offset": 1}},

		"destination taken": {func(t *testing.T, l *lab) {
			s := l.mustPut(t, "", 0, content(1, 40))
			l.mustCommit(t, s.ID, "f")
			s = l.mustPut(t, "", 0, content(1, 40))
			_, _ = l.commitIf(s.ID, absent, "f")
			_, _ = l.commitIf(s.ID, absent, "f", "f (1)")
		}, map[string]int64{"opened": 2, "stored": 80, "kept s": 80, "conflict destination": 2, "committed single": 2}},

		"name in the way of a whole file": {func(t *testing.T, l *lab) {
			l.mustCommit(t, l.mustPut(t, "", 0, content(1, 40)).ID, "f/below")
			if _, err := l.putFile(content(1, 70), true, upload.Condition{}); !errors.Is(err, upload.ErrConflict) {
				t.Errorf("got %v, want %v", err, upload.ErrConflict)
			}
		}, map[string]int64{"opened": 1, "stored": 40, "kept s": 40, "committed single": 1, "conflict destination": 1}},

		"name in the way of a promise": {func(t *testing.T, l *lab) {
			l.mustCommit(t, l.mustPut(t, "", 0, content(1, 40)).ID, "f/below")
			c := upload.Chunk{Owner: owner, Destination: "f", Length: 80, Body: read(content(1, 80))()}
			if _, err := l.Append(t.Context(), c); !errors.Is(err, upload.ErrConflict) {
				t.Errorf("got %v, want %v", err, upload.ErrConflict)
			}
		}, map[string]int64{"opened": 1, "stored": 40, "kept s": 40, "committed single": 1, "conflict destination": 1}},

		"parts list lost": {func(t *testing.T, l *lab) {
			s := l.mustPut(t, "", 0, content(1, 80))
			l.sessions.LoseParts(s.ID)
			_, _ = l.put(s.ID, 80, content(1, 80))
		}, map[string]int64{"opened": 1, "stored": 80, "damaged": 1}},

		"promised destination taken": {func(t *testing.T, l *lab) {
			s, err := l.Append(t.Context(), upload.Chunk{Owner: owner, Destination: "f", Length: 80, Body: read(content(1, 80))()})
			if err != nil {
				t.Fatal(err)
			}
			l.mustCommit(t, l.mustPut(t, "", 0, content(1, 40)).ID, "f")
			_, _ = l.commitIf(s.ID, absent, "f")
		}, map[string]int64{"opened": 2, "stored": 120, "kept s": 40, "committed single": 1, "conflict destination": 1}},

		"store refuses twice": {func(t *testing.T, l *lab) {
			left := 2
			l.objects.Fault = func(op, _ string) error {
				if op == uploadtest.OpUploadPart && left > 0 {
					left--
					return upload.ErrUnavailable
				}
				return nil
			}
			l.mustPut(t, "", 0, content(1, 80))
		}, map[string]int64{"opened": 1, "stored": 80, "retried o": 2}},

		"discarded, twice, then swept": {func(t *testing.T, l *lab) {
			s := l.mustPut(t, "", 0, content(1, 80))
			for range 2 {
				if err := l.Discard(t.Context(), owner, s.ID); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(ttl + 2*time.Hour)
			l.mustSweep(t, 1)
		}, map[string]int64{"opened": 1, "stored": 80, "freed discarded": 80, "swept true": 1}},

		"expired": {func(t *testing.T, l *lab) {
			l.mustPut(t, "", 0, content(1, 80))
			l.mustCommit(t, l.mustPut(t, "", 0, content(1, 40)).ID, "f")
			time.Sleep(ttl + 2*time.Hour)
			l.mustSweep(t, 2)
		}, map[string]int64{"opened": 2, "stored": 120, "kept s": 40, "committed single": 1, "freed expired": 80, "swept true": 1}},

		"sweep fails": {func(t *testing.T, l *lab) {
			l.sessions.Fault = func(string) error { return upload.ErrUnavailable }
			_, _ = l.Sweep(t.Context())
		}, map[string]int64{"swept false": 1}},

		"forgotten after a failover": {func(t *testing.T, l *lab) {
			s := l.mustPut(t, "", 0, content(1, 80))
			takeOver := l.sessions.Replica()
			l.mustPut(t, s.ID, 80, content(1, 80))
			takeOver()
			_, _ = l.commit(s.ID, "f")
		}, map[string]int64{"opened": 1, "stored": 160, "damaged": 1}},

		"commit forgotten after a failover": {func(t *testing.T, l *lab) {
			s := l.mustPut(t, "", 0, content(1, 80))
			takeOver := l.sessions.Replica()
			l.mustCommit(t, s.ID, "f")
			takeOver()
			l.mustCommit(t, s.ID, "f")
		}, map[string]int64{"opened": 1, "stored": 80, "committed copied": 1, "committed inherited": 1}},

		"damaged": {func(t *testing.T, l *lab) {
			s := l.mustPut(t, "", 0, content(1, 80))
			for _, m := range l.objects.OpenMultiparts() {
				_ = l.objects.Abort(t.Context(), m)
			}
			for range 4 {
				_, _ = l.put(s.ID, 80, content(1, 80))
				time.Sleep(time.Minute)
			}
		}, map[string]int64{"opened": 1, "stored": 80, "damaged": 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := &events{}
				l := newLab(func(c *upload.Config) {
					c.Observer = told
					if name == "tail object" {
						c.TailInSessions = 0
					}
				})
				test.script(t, l)
				if diff := cmp.Diff(test.want, told.seen); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func (l *lab) mustSweep(tb testing.TB, want int) {
	tb.Helper()
	if n, err := l.Sweep(tb.Context()); n != want || err != nil {
		tb.Fatalf("swept %d, %v; want %d", n, err, want)
	}
}

// The buffers given out, while a chunk waits for its client and after it.
func TestBuffersInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		first, more := make(chan struct{}), make(chan struct{})
		go func() {
			_, _ = l.Append(t.Context(), upload.Chunk{Owner: owner, Length: 10, Body: &waiting{first: first, gone: more}})
		}()
		synctest.Wait()
		if used, _ := l.Buffers(); used != 0 {
			t.Errorf("%d bytes in use before the client has sent any", used)
		}
		close(first)
		synctest.Wait()
		if used, budget := l.Buffers(); used != 64<<10 || budget != 8<<20 {
			t.Errorf("%d of %d bytes in use, want one slab of 8 MiB", used, budget)
		}
		close(more)
		synctest.Wait()
		if used, _ := l.Buffers(); used != 0 {
			t.Errorf("%d bytes in use after the chunk", used)
		}
	})
}

// waiting is a body whose client sends one byte and then goes away.
type waiting struct {
	first, gone chan struct{}
	sent        bool
}

func (w *waiting) Read(p []byte) (int, error) {
	if !w.sent {
		<-w.first
		w.sent = true
		return copy(p, "x"), nil
	}
	<-w.gone
	return 0, upload.ErrShortBody
}
