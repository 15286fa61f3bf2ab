package redistest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// Of a Cluster every master is examined, and the one that is not fit is named;
// its uploads are listed wherever they are.
func TestClusterExamine(t *testing.T) {
	cluster := mustConnect(t, startCluster(t)).(*redis.ClusterClient)
	sessions := session.New(cluster, session.Options{})
	const all = 20
	for i := range all {
		u := upload.Session{ID: fmt.Sprint("u", i), Owner: "alice", Key: "k"}
		if _, _, err := sessions.Open(t.Context(), u, time.Hour, 0); err != nil {
			t.Fatal(err)
		}
	}
	listed := 0
	for r, err := range sessions.Records(t.Context()) {
		if err != nil || r.Lost || r.Err != nil {
			t.Fatalf("%+v, %v", r, err)
		}
		listed++
	}
	if listed != all {
		t.Errorf("%d uploads are listed, want %d", listed, all)
	}

	master, err := cluster.MasterForKey(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := master.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lfu").Err(); err != nil {
		t.Fatal(err)
	}
	checks := 0
	for f := range sessions.Examine(t.Context(), time.Now) {
		checks++
		switch f.Check {
		case "redis eviction":
			if f.Level != checkup.Fail || !strings.HasPrefix(f.Found, master.Options().Addr+": maxmemory-policy is allkeys-lfu") {
				t.Errorf("got %+v, want a failure of %s", f, master.Options().Addr)
			}
		case "redis persistence":
			if f.Level != checkup.Warn {
				t.Errorf("got %+v", f)
			}
		default:
			if f.Level != checkup.OK {
				t.Errorf("got %+v", f)
			}
		}
	}
	if checks != 7 {
		t.Errorf("%d checks, want 7", checks)
	}
}

// Of a Cluster, the master that is nearest to its limit says how full it is, and
// those without a limit say nothing.
func TestClusterMemory(t *testing.T) {
	cluster := mustConnect(t, startCluster(t)).(*redis.ClusterClient)
	sessions := session.New(cluster, session.Options{})
	var mu sync.Mutex
	limits := []string{"1gb", "64mb", "0"}
	if err := cluster.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		limit := limits[0]
		limits = limits[1:]
		return node.ConfigSet(ctx, "maxmemory", limit).Err()
	}); err != nil {
		t.Fatal(err)
	}
	used, limit, err := sessions.Memory(t.Context())
	if used == 0 || used > limit || limit != 64<<20 || err != nil {
		t.Errorf("got %d of %d, %v; want some of 64 MiB", used, limit, err)
	}
}
