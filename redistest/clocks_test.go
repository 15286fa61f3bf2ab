package redistest

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// TestClocksApart lets a replica whose clock is days or a minute off sweep while
// an upload goes on: it is neither swept nor found to be an orphan.
func TestClocksApart(t *testing.T) {
	s := newStack(t, testserver.StartRedis(t).URL, testserver.MinIO(t))
	e := s.engine(8 * mib)
	for _, off := range []time.Duration{50 * time.Hour, 1000 * time.Hour, time.Minute, -50 * time.Hour} {
		c := s.sender(e, 13*mib)
		c.mustSend(t, 6*mib)
		c.mustSend(t, mib)
		cfg := teststore.Config(session.New(s.redis, session.Options{}), s.objects)
		cfg.Now = func() time.Time { return time.Now().Add(off) }
		wrong := upload.New(cfg)
		if n, err := wrong.Orphans(t.Context()); n != 0 || err != nil {
			t.Errorf("%v off: found %d orphans, %v", off, n, err)
		}
		if n, err := wrong.Sweep(t.Context()); n != 0 || err != nil {
			t.Errorf("%v off: swept %d, %v", off, n, err)
		}
		c.engine = wrong
		c.finish(t, "file "+off.String())
	}
}

// TestLaggingReplica: with one acknowledging replica of two, the one that was cut
// off takes over. It lacks what was acknowledged, and that is noticed.
func TestLaggingReplica(t *testing.T) {
	master, network := testserver.StartRedis(t), testserver.StartToxiproxy(t)
	front, between := network.Link(t, master.Addr), network.Link(t, master.Addr)
	lagging := startGroup(t, master, between.Addr, 1)
	good := startGroup(t, master, master.Addr, 1)
	s := newStack(t, "redis://"+front.Addr, testserver.MinIO(t))
	s.options = session.Options{Replicas: 1}
	e := s.engine(8 * mib)
	sent, ahead := s.sender(e, 12*mib), s.sender(e, 20*mib)
	for _, c := range []*sender{sent, ahead} {
		c.mustSend(t, 8*mib)
	}
	between.Cut(t)
	sent.mustSend(t, 4*mib)
	ahead.mustSend(t, 4*mib)

	master.Kill()
	good.signal(t, syscall.SIGKILL)
	replica := lagging.replicas[0]
	client := mustConnect(t, replica.URL)
	if err := client.SlaveOf(t.Context(), "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	startGroup(t, replica, replica.Addr, 1) // or nothing would be acknowledged any more
	front.Point(t, replica.Addr)

	if _, err := sent.commit(t, "sent"); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("commit of what is not all there: got %v, want %v", err, upload.ErrNotFound)
	}
	if err := ahead.send(t, 4*mib); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("send ahead of what is known: got %v, want %v", err, upload.ErrNotFound)
	}
	s.wantObjects(t, teststore.Keys(t, s.objects, staging)...) // nothing was published
}
