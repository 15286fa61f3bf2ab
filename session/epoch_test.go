package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// TestNothingForgotten changes the name of a server's history in each way in
// which it forgets nothing: a commit is not in doubt afterwards, and a chunk that
// was under way counts.
func TestNothingForgotten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		event func(*testing.T, testserver.Redis, redis.UniversalClient)
	}{
		{"first replica", func(t *testing.T, server testserver.Redis, client redis.UniversalClient) {
			startReplica(t, server, client)
		}},
		{"redis-cli --rdb", func(t *testing.T, server testserver.Redis, _ redis.UniversalClient) {
			_, port, _ := net.SplitHostPort(server.Addr)
			out, err := exec.CommandContext(t.Context(), "redis-cli", "-p", port, "--rdb", filepath.Join(t.TempDir(), "x.rdb")).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}},
		{"long without replicas", func(t *testing.T, server testserver.Redis, client redis.UniversalClient) {
			startReplica(t, server, client).Kill()
			mustConfig(t, client, "repl-backlog-ttl", "1")
			awaitInfo(t, client, "repl_backlog_active:0")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := testserver.StartRedis(t)
			client := mustConnect(t, server.URL)
			s := session.New(client, session.Options{})
			u := mustFill(t, s)
			before := replid(t, client)
			_, n, err := s.Begin(t.Context(), upload.Begin{ID: u.ID, Owner: "alice", Offset: 9, Wanted: 1})
			if err != nil {
				t.Fatal(err)
			}
			c.event(t, server, client)
			if replid(t, client) == before {
				t.Fatal("the epoch is the same: this tries nothing")
			}
			if err := s.Advance(t.Context(), upload.Advance{ID: u.ID, Attempt: "b", Epoch: n.Epoch, From: 9, To: 10, Tail: append(u.Tail, upload.Fragment{
				Place: upload.InSessions, Name: "b", Size: 1, Piece: 1,
			})}); err != nil {
				t.Errorf("a chunk that was under way: %v", err)
			}
			if _, _, err := s.Begin(t.Context(), upload.Begin{ID: u.ID, Owner: "alice", Offset: upload.AnyOffset}); err != nil {
				t.Errorf("begin wherever it ends: %v", err)
			}
			var wrong *upload.OffsetError // an honest mistake; it is not told that its upload is lost
			if _, _, err := s.Begin(t.Context(), upload.Begin{ID: u.ID, Owner: "alice", Offset: 99}); !errors.As(err, &wrong) {
				t.Errorf("begin ahead: got %v, want the offset", err)
			}
			wantDoubt(t, s, u.ID, false)

			idle := mustFill(t, s)
			wantDoubt(t, s, idle.ID, false)
		})
	}
}

// TestMoved moves an upload to another server, as a Cluster moves a slot. A new
// one and one that has run for long forget nothing by it.
func TestMoved(t *testing.T) {
	t.Parallel()
	from, old := testserver.StartRedis(t), testserver.StartRedis(t)
	source := mustConnect(t, from.URL)
	s := session.New(source, session.Options{})
	for name, to := range map[string]testserver.Redis{"old": old, "new": testserver.StartRedis(t)} {
		u := mustFill(t, s)
		migrate(t, source, to, u.ID)
		there := session.New(mustConnect(t, to.URL), session.Options{})
		wantDoubt(t, there, u.ID, false)
		if name == "old" { // and back
			u = mustFill(t, s)
			migrate(t, source, to, u.ID)
			migrate(t, mustConnect(t, to.URL), from, u.ID)
			wantDoubt(t, s, u.ID, false)
		}
	}
}

// TestForgotten takes each way in which a server may have forgotten what was
// answered last: a commit is in doubt then.
func TestForgotten(t *testing.T) {
	t.Parallel()
	logged, saved := []string{"--appendonly", "yes", "--appendfsync", "always", "--dir", t.TempDir()}, []string{"--dir", t.TempDir()}
	rewritten := []string{"--appendonly", "yes", "--appendfsync", "always", "--aof-use-rdb-preamble", "no", "--dir", t.TempDir()}
	for _, c := range []struct {
		name string
		args []string
		// lose lets another server take over, which missed the last chunk,
		// and answers it.
		lose func(t *testing.T, server testserver.Redis, client redis.UniversalClient, last func()) testserver.Redis
	}{
		{name: "replica by stream", lose: func(t *testing.T, server testserver.Redis, client redis.UniversalClient, last func()) testserver.Redis {
			replica := startReplica(t, server, client)
			last()
			inStep(t, client, replica)
			promote(t, replica)
			return replica
		}},
		{name: "replica by snapshot", lose: func(t *testing.T, server testserver.Redis, client redis.UniversalClient, last func()) testserver.Redis {
			last()
			replica := startReplica(t, server, client)
			promote(t, replica)
			return replica
		}},
		{name: "there and back", lose: func(t *testing.T, server testserver.Redis, client redis.UniversalClient, last func()) testserver.Redis {
			last()
			replica := startReplica(t, server, client)
			promote(t, replica)
			follow(t, client, replica, "master_link_status:up")
			if err := mustConnect(t, replica.URL).Set(t.Context(), "something", "else", 0).Err(); err != nil {
				t.Fatal(err)
			}
			awaitKey(t, client, "something")
			promote(t, server)
			mustConfig(t, client, "repl-backlog-ttl", "1")
			awaitInfo(t, client, "repl_backlog_active:0")
			return server
		}},
		{name: "restart from a log", args: logged, lose: func(t *testing.T, server testserver.Redis, _ redis.UniversalClient, last func()) testserver.Redis {
			last()
			server.Kill()
			return testserver.StartRedis(t, logged...)
		}},
		{name: "restart from a rewritten log", args: rewritten, lose: func(t *testing.T, server testserver.Redis, client redis.UniversalClient, last func()) testserver.Redis {
			last()
			if err := client.BgRewriteAOF(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			awaitInfo(t, client, "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0")
			server.Kill()
			return testserver.StartRedis(t, rewritten...)
		}},
		{name: "restart from a snapshot", args: saved, lose: func(t *testing.T, server testserver.Redis, client redis.UniversalClient, last func()) testserver.Redis {
			last()
			if err := client.Save(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			server.Kill()
			return testserver.StartRedis(t, saved...)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := testserver.StartRedis(t, c.args...)
			client := mustConnect(t, server.URL)
			s := session.New(client, session.Options{})
			var u upload.Session
			now := c.lose(t, server, client, func() { u = mustFill(t, s) })
			if u.ID == "" {
				t.Fatal("nothing was stored")
			}
			after := session.New(mustConnect(t, now.URL), session.Options{})
			if _, _, err := after.Begin(t.Context(), upload.Begin{ID: u.ID, Owner: "alice", Offset: 12}); !errors.Is(err, upload.ErrNotFound) {
				t.Errorf("begin ahead of what is known: got %v, want %v", err, upload.ErrNotFound)
			}
			wantDoubt(t, after, u.ID, true)
		})
	}
}

// TestTwoFailovers: a server that took over from one that had itself taken over
// remembers no more than the first of them, however long it has been running.
func TestTwoFailovers(t *testing.T) {
	t.Parallel()
	third := testserver.StartRedis(t)
	thirds := mustConnect(t, third.URL)
	awaitUptime(t, thirds, 3) // a seal is compared with it, within two seconds
	first := testserver.StartRedis(t)
	u := mustFill(t, session.New(mustConnect(t, first.URL), session.Options{}))
	second := startReplica(t, first, mustConnect(t, first.URL))
	promote(t, second) // what the first answers from here on is forgotten
	follow(t, thirds, second, "master_link_status:up")
	promote(t, third)
	wantDoubt(t, session.New(thirds, session.Options{}), u.ID, true)
}

// TestMovedAndForgotten moves an upload to a master whose replica misses what
// comes next, and takes over: the move itself has reached it, seal and all.
func TestMovedAndForgotten(t *testing.T) {
	from, to := testserver.StartRedis(t), testserver.StartRedis(t)
	source, target := mustConnect(t, from.URL), mustConnect(t, to.URL)
	replica := startReplica(t, to, target)
	u := mustFill(t, session.New(source, session.Options{}))
	migrate(t, source, to, u.ID)
	inStep(t, target, replica)
	there := mustConnect(t, replica.URL)
	promote(t, replica)
	mustAdvance(t, session.New(target, session.Options{}), u.ID, 9, 12)
	after := session.New(there, session.Options{})
	wantDoubt(t, after, u.ID, true)

	// Neither what an operator resets nor what it forgets by itself makes it sure.
	received := told(t, there, "total_net_repl_input_bytes")
	if err := there.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if now := told(t, there, "total_net_repl_input_bytes"); now != "0" || received == now {
		t.Fatalf("received %s bytes, after the reset %s: this tries nothing", received, now)
	}
	wantDoubt(t, after, u.ID, true)
}

// TestMovedAndForgottenLater: the same to a server that has no replica for so long
// that it forgets whose history it took over.
func TestMovedAndForgottenLater(t *testing.T) {
	t.Parallel()
	from, to := testserver.StartRedis(t), testserver.StartRedis(t)
	source, target := mustConnect(t, from.URL), mustConnect(t, to.URL)
	replica := startReplica(t, to, target)
	u := mustFill(t, session.New(source, session.Options{}))
	migrate(t, source, to, u.ID)
	inStep(t, target, replica)
	there := mustConnect(t, replica.URL)
	promote(t, replica)
	mustConfig(t, there, "repl-backlog-ttl", "1")
	awaitInfo(t, there, "master_replid2:"+strings.Repeat("0", 40))
	wantDoubt(t, session.New(there, session.Options{}), u.ID, true)
}

// TestLowerOffset: who was told an offset that a failover forgot is never told a
// lower one, neither in the middle of a chunk nor after another client, such as a
// request that came late, has shown that the record is whole.
func TestLowerOffset(t *testing.T) {
	server := testserver.StartRedis(t)
	client := mustConnect(t, server.URL)
	replica := startReplica(t, server, client)
	s, ctx := session.New(client, session.Options{}), t.Context()
	u := mustFill(t, s)
	inStep(t, client, replica)
	promote(t, replica)
	mustAdvance(t, s, u.ID, 9, 12)
	_, n, err := s.Begin(ctx, upload.Begin{ID: u.ID, Owner: "alice", Offset: 12, Wanted: 1})
	if err != nil {
		t.Fatal(err)
	}

	after := session.New(mustConnect(t, replica.URL), session.Options{})
	late := upload.Advance{ID: u.ID, Attempt: "late", Epoch: n.Epoch, From: 12, To: 13}
	if err := after.Advance(ctx, late); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("a chunk that was under way: got %v, want %v", err, upload.ErrUnavailable)
	}
	if _, _, err := after.Begin(ctx, upload.Begin{ID: u.ID, Owner: "alice", Offset: 9}); err != nil {
		t.Errorf("begin where the record stands: %v", err)
	}
	if err := after.Advance(ctx, late); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("a chunk that was under way, later: got %v, want %v", err, upload.ErrUnavailable)
	}
	if _, _, err := after.Begin(ctx, upload.Begin{ID: u.ID, Owner: "alice", Offset: 12}); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("begin ahead of what is known: got %v, want %v", err, upload.ErrNotFound)
	}
}

// TestCommitTakenOver lets a failover forget that a commit was given up and that
// bytes came after it. Whoever takes the commit over has to doubt the record,
// unless it was sealed, after which no byte is taken any more.
func TestCommitTakenOver(t *testing.T) {
	server := testserver.StartRedis(t)
	client := mustConnect(t, server.URL)
	replica := startReplica(t, server, client)
	s, ctx := session.New(client, session.Options{}), t.Context()
	claim := upload.Commit{Runner: "dead"}
	begin := func(sealed bool) string {
		u := mustFill(t, s)
		if _, _, err := s.BeginCommit(ctx, u.ID, "alice", claim, 0); err != nil {
			t.Fatal(err)
		}
		if err := s.UpdateCommit(ctx, u.ID, claim, 0, sealed); err != nil {
			t.Fatal(err)
		}
		return u.ID
	}
	open, sealed, reopened := begin(false), begin(true), begin(true)
	if err := s.Reopen(ctx, reopened, "dead"); err != nil {
		t.Fatal(err)
	}
	inStep(t, client, replica)
	promote(t, replica)
	if err := s.Reopen(ctx, open, "dead"); err != nil {
		t.Fatal(err)
	}
	mustAdvance(t, s, open, 9, 12)

	after := session.New(mustConnect(t, replica.URL), session.Options{})
	wantDoubt(t, after, open, true)
	wantDoubt(t, after, sealed, false)
	wantDoubt(t, after, reopened, false)
}

// mustAdvance adds bytes in an attempt of their own.
func mustAdvance(t *testing.T, s *session.Store, id string, from, to int64) {
	t.Helper()
	u, n, err := s.Begin(t.Context(), upload.Begin{ID: id, Owner: "alice", Offset: from, Wanted: 1})
	if err != nil {
		t.Fatal(err)
	}
	name := rand.Text()
	if err := s.Advance(t.Context(), upload.Advance{
		ID: id, Attempt: name, Epoch: n.Epoch, From: from, To: to,
		Tail: append(u.Tail, upload.Fragment{Place: upload.InSessions, Name: name, Size: to - from, Piece: to - from}),
	}); err != nil {
		t.Fatal(err)
	}
}

// inStep waits until a replica has all that its master has.
func inStep(t *testing.T, master redis.UniversalClient, replica testserver.Redis) {
	t.Helper()
	key := rand.Text()
	if err := master.Set(t.Context(), key, "", 0).Err(); err != nil {
		t.Fatal(err)
	}
	awaitKey(t, mustConnect(t, replica.URL), key)
}

// wantDoubt claims an upload's commit and gives it up again.
func wantDoubt(t *testing.T, s *session.Store, id string, want bool) {
	t.Helper()
	u, _, err := s.BeginCommit(t.Context(), id, "alice", upload.Commit{Runner: rand.Text()}, time.Minute)
	if err != nil {
		t.Fatalf("begin commit: %v", err)
	}
	if u.Doubt != want {
		t.Errorf("in doubt: %t, want %t", u.Doubt, want)
	}
	if err := s.Reopen(t.Context(), id, u.Commit.Runner); err != nil {
		t.Fatal(err)
	}
}

func startReplica(t *testing.T, server testserver.Redis, client redis.UniversalClient) testserver.Redis {
	t.Helper()
	host, port, _ := net.SplitHostPort(server.Addr)
	replica := testserver.StartRedis(t, "--replicaof", host+" "+port)
	awaitInfo(t, client, "state=online")
	awaitInfo(t, mustConnect(t, replica.URL), "master_link_status:up")
	return replica
}

func follow(t *testing.T, client redis.UniversalClient, master testserver.Redis, until string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(master.Addr)
	if err := client.SlaveOf(t.Context(), host, port).Err(); err != nil {
		t.Fatal(err)
	}
	awaitInfo(t, client, until)
}

func promote(t *testing.T, replica testserver.Redis) {
	t.Helper()
	if err := mustConnect(t, replica.URL).SlaveOf(t.Context(), "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
}

func mustConfig(t *testing.T, client redis.UniversalClient, name, value string) {
	t.Helper()
	if err := client.ConfigSet(t.Context(), name, value).Err(); err != nil {
		t.Fatal(err)
	}
}

func replid(t *testing.T, client redis.UniversalClient) string {
	t.Helper()
	info, err := client.InfoMap(t.Context(), "replication").Result()
	if err != nil {
		t.Fatal(err)
	}
	return info["Replication"]["master_replid"]
}

// awaitInfo polls until the server says so of itself.
func awaitInfo(t *testing.T, client redis.UniversalClient, line string) {
	t.Helper()
	awaitTold(t, client, line, func(info string) bool { return strings.Contains(info, line) })
}

// awaitUptime polls until the server has run for so many seconds.
func awaitUptime(t *testing.T, client redis.UniversalClient, seconds int) {
	t.Helper()
	awaitTold(t, client, "its uptime", func(info string) bool {
		_, after, _ := strings.Cut(info, "uptime_in_seconds:")
		up, _, _ := strings.Cut(after, "\r\n")
		n, err := strconv.Atoi(up)
		return err == nil && n >= seconds
	})
}

// told is what the server says under a name.
func told(t *testing.T, client redis.UniversalClient, name string) string {
	t.Helper()
	info, err := client.Info(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(info, name+":")
	value, _, _ := strings.Cut(after, "\r\n")
	return value
}

func awaitTold(t *testing.T, client redis.UniversalClient, what string, so func(info string) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := client.Info(ctx).Result()
		if err == nil && so(info) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited for %s: %s, %v", what, info, err)
		case <-tick.C:
		}
	}
}

// awaitKey polls until the server has a key.
func awaitKey(t *testing.T, client redis.UniversalClient, key string) {
	t.Helper()
	awaitTold(t, client, key, func(string) bool { return client.Exists(t.Context(), key).Val() == 1 })
}

func migrate(t *testing.T, source redis.UniversalClient, to testserver.Redis, id string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(to.Addr)
	for _, suffix := range []string{"", ":parts", ":tail"} {
		if err := source.Migrate(t.Context(), host, port, "chunkgate:{"+id+"}"+suffix, 0, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
