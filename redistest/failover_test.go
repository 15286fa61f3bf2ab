package redistest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// group is a Redis master and its replicas.
type group struct {
	master   testserver.Redis
	replicas []testserver.Redis
}

// startGroup starts replicas of a master, which they reach at addr.
func startGroup(t *testing.T, master testserver.Redis, addr string, replicas int) *group {
	t.Helper()
	g := &group{master: master}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	for range replicas {
		g.replicas = append(g.replicas, testserver.StartRedis(t, "--replicaof", host+" "+port))
	}
	g.awaitReplicas(t)
	return g
}

// awaitReplicas waits until the replicas have all that the master has.
func (g *group) awaitReplicas(t *testing.T) {
	t.Helper()
	master := mustConnect(t, g.master.URL)
	await(t, "the replicas", func() bool {
		answer, err := master.InfoMap(t.Context(), "replication").Result()
		if err != nil {
			t.Fatal(err)
		}
		info := answer["Replication"]
		for _, replica := range g.replicas {
			if !online(info, replica) {
				return false
			}
		}
		return true
	})
}

// online says whether the master counts this replica, of all that it has, among
// those that can acknowledge, and that it has everything.
func online(master map[string]string, replica testserver.Redis) bool {
	_, port, _ := net.SplitHostPort(replica.Addr)
	for key, line := range master {
		if strings.HasPrefix(key, "slave") && strings.Contains(line, ",port="+port+",") {
			return strings.Contains(line, "state=online") &&
				strings.Contains(line, "offset="+master["master_repl_offset"]+",")
		}
	}
	return false
}

// signal goes to all replicas.
func (g *group) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	for _, replica := range g.replicas {
		if err := replica.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailover lets a replica take over that missed what the master acknowledged
// last. Nobody is told a lower offset than before, and no object is short.
func TestFailover(t *testing.T) {
	master, network := testserver.StartRedis(t), testserver.StartToxiproxy(t)
	front, between := network.Link(t, master.Addr), network.Link(t, master.Addr)
	g := startGroup(t, master, between.Addr, 1)
	s := newStack(t, "redis://"+front.Addr, testserver.MinIO(t))
	e := s.engine(8 * mib)
	ahead, sent, done, still, unsure := s.sender(e, 20*mib), s.sender(e, 9*mib), s.sender(e, 9*mib), s.sender(e, 9*mib), s.sender(e, 20*mib)
	for _, c := range []*sender{ahead, sent, done, still, unsure} {
		c.mustSend(t, 7*mib)
	}
	g.awaitReplicas(t)
	between.Cut(t)
	unknown := s.sender(e, 9*mib)
	unknown.mustSend(t, 4*mib)
	ahead.mustSend(t, 6*mib)
	sent.mustSend(t, 2*mib)
	done.finish(t, "done")
	before := unsure.told
	unsure.mustSend(t, 6*mib)

	master.Kill()
	if err := mustConnect(t, g.replicas[0].URL).SlaveOf(t.Context(), "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	front.Point(t, g.replicas[0].Addr)

	for name, c := range map[string]*sender{"told more than is remembered": ahead, "opened in between": unknown} {
		if err := c.send(t, 6*mib); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", name, err, upload.ErrNotFound)
		}
	}
	if _, err := sent.commit(t, "sent"); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("commit of what is not remembered: got %v, want %v", err, upload.ErrNotFound)
	}
	if o := done.mustCommit(t, "done"); o.Size != 9*mib {
		t.Errorf("repeated commit answers %+v, want 9 MiB", o)
	}
	still.finish(t, "still")
	unsure.told = before // as if the answer had been lost: it repeats the chunk
	unsure.finish(t, "unsure")
	s.wantObjects(t, "done", "still", "unsure")

	for name, c := range map[string]*sender{"ahead": ahead, "sent": sent, "unknown": unknown} {
		c.told = upload.Status{}
		c.finish(t, name)
	}
}

// TestReplicatedFailover: when nothing is acknowledged that no replica has, a
// failover by Sentinel forgets nothing.
func TestReplicatedFailover(t *testing.T) {
	master := testserver.StartRedis(t)
	g := startGroup(t, master, master.Addr, 2)
	sentinel := testserver.StartSentinel(t, master)
	s := newStack(t, sentinel.URL, testserver.MinIO(t))
	s.options = session.Options{Replicas: 1}
	e := s.engine(8 * mib)
	going, sent := s.sender(e, 20*mib), s.sender(e, 9*mib)
	going.mustSend(t, 7*mib)
	sent.mustSend(t, 9*mib)

	// The replicas stop while the chunk is under way: it is stored and not
	// acknowledged, and its repeat is told so.
	chunk := going.file[7*mib : 13*mib]
	_, err := e.Append(t.Context(), upload.Chunk{
		Owner: owner, ID: going.told.ID, Offset: 7 * mib, Length: 6 * mib,
		Body: &atFirst{Reader: bytes.NewReader(chunk), do: func() { g.signal(t, syscall.SIGSTOP) }},
	})
	if !errors.Is(err, upload.ErrUnavailable) {
		t.Fatalf("without a replica: got %v, want %v", err, upload.ErrUnavailable)
	}
	if err := going.send(t, 6*mib); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("repeat without a replica: got %v, want %v", err, upload.ErrUnavailable)
	}
	g.signal(t, syscall.SIGCONT)
	g.awaitReplicas(t)
	var stored *upload.OffsetError
	if err := going.patiently(t, func() error { return going.send(t, 6*mib) }); !errors.As(err, &stored) || stored.Want != 13*mib {
		t.Fatalf("repeat: got %v, want to be told 13 MiB", err)
	}
	going.told.Offset = stored.Want

	sentinel.Watch(t)
	master.Kill()
	await(t, "Sentinel to make a replica the master", func() bool { return e.Ready(t.Context()) == nil })
	await(t, "a replica of the new master", func() bool { return going.send(t, 0) == nil })
	for name, c := range map[string]*sender{"going": going, "sent": sent} {
		c.wantTold(t)
		c.finish(t, name)
	}
}

// atFirst does something before it is read.
type atFirst struct {
	io.Reader
	do func()
}

func (r *atFirst) Read(p []byte) (int, error) {
	if r.do != nil {
		r.do()
		r.do = nil
	}
	return r.Reader.Read(p)
}
