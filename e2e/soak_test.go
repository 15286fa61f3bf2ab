package e2e

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/proxy"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// soaked is a server for `soak`, over stores in memory that can be full.
type soaked struct {
	url  string
	full atomic.Bool
}

// newSoaked is a server whose stores answer so to an op once they are full.
func newSoaked(t *testing.T, op string, says error) *soaked {
	t.Helper()
	s := &soaked{}
	fault := func(called string) error {
		if s.full.Load() && called == op {
			return fmt.Errorf("%s: %w", op, says)
		}
		return nil
	}
	objects, sessions := uploadtest.NewObjects(), uploadtest.NewSessions()
	objects.Fault, sessions.Fault = func(op, _ string) error { return fault(op) }, fault
	server := httptest.NewServer(proxy.New(proxy.Config{
		Engine: upload.New(teststore.Config(sessions, objects)), Files: objects, Auth: proxy.Anyone(),
		StagingPrefix: staging, Log: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// run runs it with small files, and nothing to say of how fast they go.
func (s *soaked) run(t *testing.T, env ...string) *k6 {
	t.Helper()
	return startK6(t, "soak", s.url, append([]string{
		"LOAD_VUS=2", "LOAD_FILE_MB=1", "LOAD_CHUNK_MB=0.25", "LOAD_TROUBLE=0",
	}, env...)...)
}

// TestSoakIsPaced: unless it is told otherwise a user of `soak` begins a file
// each twentieth of the time at most, however fast the server is.
func TestSoakIsPaced(t *testing.T) {
	t.Parallel()
	k := newSoaked(t, "", nil).run(t, "LOAD_SECONDS=5")
	<-k.ended // on a busy machine it may tell of slow chunks
	count := k.counted(t)
	const most = 2 * (20 + 1)
	if begun := count("uploads_begun"); begun == 0 || begun > most || count("uploads_committed") != begun {
		t.Errorf("%v uploads were begun, %v committed, want at most %v\n%s", begun, count("uploads_committed"), most, k.out.String())
	}
}

// TestSoakStopsWhenTheStoreIsFull: it ends at once, and says why.
func TestSoakStopsWhenTheStoreIsFull(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		op     string
		says   error
		answer string
	}{
		"object store": {uploadtest.OpPut, upload.ErrUnavailable, "503 Storage is not available now"},
		"owner":        {uploadtest.OpOpen, upload.ErrQuota, "507 Too many uploads are open: commit some, or give them up"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSoaked(t, test.op, test.says)
			k := s.run(t, "LOAD_SECONDS=3600", "LOAD_PACE=0", "LOAD_TRIES=2")
			s.full.Store(true)
			const aborted = 108 // k6's exit code when a script ends the run
			var exit *exec.ExitError
			if err := <-k.ended; !errors.As(err, &exit) || exit.ExitCode() != aborted {
				t.Errorf("k6: %v, want exit code %d", err, aborted)
			}
			want := "the store takes no more (" + test.answer + "): is its disk full? k6/README.md says how much a run needs"
			if said := k.out.String(); !strings.Contains(said, want) {
				t.Errorf("k6 said:\n%.2000s\nwant %q", said, want)
			}
		})
	}
}
