package faulttest

import (
	"crypto/sha256"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
)

// toxics are the ways in which a network is bad (toxiproxy's names and
// attributes; times in milliseconds, rates in KB/s, data in bytes). Those that
// let nothing large through end when the client has failed twice.
var toxics = []struct {
	kind       string
	attributes map[string]any
	fatal      bool
}{
	{kind: "latency", attributes: map[string]any{"latency": 20, "jitter": 20}},
	{kind: "bandwidth", attributes: map[string]any{"rate": 20_000}},
	{kind: "slicer", attributes: map[string]any{"average_size": 8000, "size_variation": 4000, "delay": 10}},
	{kind: "slow_close", attributes: map[string]any{"delay": 500}},
	{kind: "reset_peer", attributes: map[string]any{"timeout": 200}, fatal: true},
	{kind: "timeout", attributes: map[string]any{"timeout": 0}, fatal: true}, // nothing arrives
	{kind: "limit_data", attributes: map[string]any{"bytes": 3 << 20}, fatal: true},
}

// TestNetwork uploads while the network between the program and one of its
// stores is bad in one way.
func TestNetwork(t *testing.T) {
	store, redis := testserver.MinIO(t), testserver.StartRedis(t)
	s3, err := url.Parse(store.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	network := testserver.StartToxiproxy(t)
	links := map[string]testserver.Link{"S3": network.Link(t, s3.Host), "Redis": network.Link(t, redis.Addr)}
	objects := teststore.Open(t, store)
	store.Endpoint, redis.URL = "http://"+links["S3"].Addr, "redis://"+links["Redis"].Addr+"?read_timeout=1s"
	program := testserver.Build(t, "-race=false")
	var proxies [2]testserver.Proxy
	for n := range proxies {
		proxies[n] = testserver.Serve(t, program, store, redis, "CHUNKGATE_S3_TIMEOUT=2s", "CHUNKGATE_LOG_LEVEL=WARN")
	}
	for place, link := range links {
		for _, toxic := range toxics {
			t.Run(place+"/"+toxic.kind, func(t *testing.T) {
				file := random(7, 1<<10+4<<20+6<<20+17<<20)
				h := &honest{t: t, proxies: proxies, path: place + " " + toxic.kind}
				for !h.send(0, file[:1<<10]) {
				}
				bad := &atomic.Bool{}
				heal := func() {
					if bad.CompareAndSwap(true, false) {
						link.Heal(t, toxic.kind)
					}
				}
				defer heal()
				if toxic.fatal {
					h.failed = func(times int) {
						if times == 2 {
							heal()
						}
					}
				}
				bad.Store(true)
				link.Toxic(t, toxic.kind, toxic.attributes)
				for at := 1 << 10; at < len(file); {
					size := min(len(file)-at, 6<<20)
					h.send(int64(at), file[at:at+size])
					at += size
				}
				if toxic.fatal && h.failures == 0 {
					t.Error("nothing failed")
				}
				h.commit(int64(len(file)))
				heal()
				if teststore.SHA256(t, objects, testserver.KeyPrefix+h.path) != sha256.Sum256(file) {
					t.Error("the object is not the file")
				}
			})
		}
	}
}
