package redistest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// slots is how many a Redis Cluster has, and masters share them.
const (
	slots   = 16384
	masters = 3
)

// startCluster starts masters that know each other and answers their URL.
func startCluster(t *testing.T) string {
	t.Helper()
	var addrs []string
	var nodes []*redis.Client
	var firstBus string
	for n := range masters {
		_, bus, err := net.SplitHostPort(testserver.FreeAddr(t))
		if err != nil {
			t.Fatal(err)
		}
		// The usual port of the bus, 10,000 above, can be out of range or taken.
		server := testserver.StartRedis(t, "--cluster-enabled", "yes", "--cluster-port", bus)
		node := redis.NewClient(&redis.Options{Addr: server.Addr})
		t.Cleanup(func() { _ = node.Close() })
		if err := node.ClusterAddSlotsRange(t.Context(), n*slots/masters, (n+1)*slots/masters-1).Err(); err != nil {
			t.Fatalf("give slots to master %d: %v", n, err)
		}
		if n == 0 {
			firstBus = bus
		}
		addrs, nodes = append(addrs, server.Addr), append(nodes, node)
	}
	host, port, err := net.SplitHostPort(addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes[1:] {
		if err := node.Do(t.Context(), "cluster", "meet", host, port, firstBus).Err(); err != nil {
			t.Fatalf("meet: %v", err)
		}
	}
	for n, node := range nodes {
		await(t, fmt.Sprintf("master %d to know the cluster", n), func() bool { return complete(t, node) })
	}
	return fmt.Sprintf("redis+cluster://%s?addr=%s&addr=%s", addrs[0], addrs[1], addrs[2])
}

// complete says whether a node knows all masters and where every slot is.
func complete(t *testing.T, node *redis.Client) bool {
	t.Helper()
	info, err := node.ClusterInfo(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cluster_state:ok", fmt.Sprint("cluster_slots_ok:", slots), fmt.Sprint("cluster_size:", masters)} {
		if !slices.Contains(strings.Fields(info), want) {
			return false
		}
	}
	return true
}

func TestClusterSessions(t *testing.T) {
	url := startCluster(t)
	uploadtest.TestSessions(t, func(t *testing.T, ahead func() time.Duration) upload.Sessions {
		return session.New(mustConnect(t, url), session.Options{Prefix: rand.Text() + ":", Ahead: ahead})
	})
}

func TestClusterQuotas(t *testing.T) {
	url := startCluster(t)
	uploadtest.TestQuotas(t, func(t *testing.T, ahead func() time.Duration) upload.Quotas {
		return session.New(mustConnect(t, url), session.Options{Prefix: rand.Text() + ":", Ahead: ahead})
	})
}

// TestClusterUploads opens uploads until every master has two, commits one of
// each master's and lets the others expire.
func TestClusterUploads(t *testing.T) {
	s := newStack(t, startCluster(t), testserver.MinIO(t))
	cluster := s.redis.(*redis.ClusterClient)
	e := s.engine(8 * mib)
	at := make(map[string][]*sender) // by the address of its master
	total := 0
	for ; !twoEach(at); total++ {
		if total == 100 { // by chance once in 10^15 runs; and as many as one sweep takes
			t.Fatalf("after %d uploads not every master has two", total)
		}
		c := s.sender(e, 7*mib+1000)
		c.mustSend(t, 6*mib)
		c.mustSend(t, mib)
		wantOneSlot(t, cluster, c.told.ID)
		addr := masterOf(t, cluster, c.told.ID)
		at[addr] = append(at[addr], c)
	}

	var committed []string
	for _, uploads := range at {
		key := fmt.Sprint("file ", len(committed))
		uploads[0].finish(t, key)
		committed = append(committed, key)
	}

	s.ahead.Store(int64(49 * time.Hour))
	if n, err := e.Sweep(t.Context()); err != nil || n != total {
		t.Errorf("freed %d uploads (%v), want %d", n, err, total)
	}
	s.wantObjects(t, committed...)
	for _, uploads := range at {
		for _, c := range uploads {
			if n := s.open(t, c.told.ID); n > 0 {
				t.Errorf("%d multipart uploads of %s are still open", n, c.told.ID)
			}
		}
	}
	if keys := keysOf(t, cluster); len(keys) > 0 {
		t.Errorf("left in Redis: %q", keys)
	}
}

func twoEach(at map[string][]*sender) bool {
	for _, uploads := range at {
		if len(uploads) < 2 {
			return false
		}
	}
	return len(at) == masters
}

func masterOf(t *testing.T, cluster *redis.ClusterClient, id string) string {
	t.Helper()
	node, err := cluster.MasterForKey(t.Context(), "chunkgate:{"+id+"}")
	if err != nil {
		t.Fatal(err)
	}
	return node.Options().Addr
}

// wantOneSlot asks Redis for the slot of every key of an upload.
func wantOneSlot(t *testing.T, cluster *redis.ClusterClient, id string) {
	t.Helper()
	at := make(map[int64][]string)
	n := 0
	for _, key := range keysOf(t, cluster) {
		if !strings.Contains(key, id) {
			continue
		}
		slot, err := cluster.ClusterKeySlot(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		at[slot] = append(at[slot], key)
		n++
	}
	if len(at) != 1 || n != 3 {
		t.Errorf("keys by slot are %v, want record, parts and tail in one", at)
	}
}

// keysOf are those of all masters.
func keysOf(t *testing.T, cluster *redis.ClusterClient) []string {
	t.Helper()
	var mu sync.Mutex
	var all []string
	err := cluster.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		keys, err := node.Keys(ctx, "*").Result()
		mu.Lock()
		defer mu.Unlock()
		all = append(all, keys...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
