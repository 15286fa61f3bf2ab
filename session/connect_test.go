package session_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/session"
)

func TestConnect(t *testing.T) {
	c := mustConnect(t, "rediss://u:p%40ss@redis.example:6380/2?read_timeout=7s").(*redis.Client)
	o := c.Options()
	if o.Addr != "redis.example:6380" || o.Username != "u" || o.Password != "p@ss" || o.DB != 2 || o.TLSConfig == nil {
		t.Errorf("got %s as %s, database %d, TLS %v", o.Addr, o.Username, o.DB, o.TLSConfig != nil)
	}
	if o.ReadTimeout != 7*time.Second || o.WriteTimeout != 3*time.Second || o.DialTimeout != 2*time.Second || o.PoolSize != 64 || o.MaxRetries != 2 {
		t.Errorf("got bounds %v %v %v %d %d", o.ReadTimeout, o.WriteTimeout, o.DialTimeout, o.PoolSize, o.MaxRetries)
	}

	o = mustConnect(t, "unix:///run/redis.sock?db=1").(*redis.Client).Options()
	if o.Network != "unix" || o.Addr != "/run/redis.sock" || o.DB != 1 {
		t.Errorf("got %s %s, database %d", o.Network, o.Addr, o.DB)
	}

	cluster := mustConnect(t, "rediss+cluster://u:p@a:7000?addr=b:7001&pool_size=9").(*redis.ClusterClient).Options()
	if got := strings.Join(cluster.Addrs, " "); got != "a:7000 b:7001" || cluster.Password != "p" || cluster.PoolSize != 9 || cluster.TLSConfig == nil {
		t.Errorf("got cluster %s, pool of %d, TLS %v", got, cluster.PoolSize, cluster.TLSConfig != nil)
	}

	if _, ok := mustConnect(t, "redis+sentinel://:s@a:26379/1?master_name=m&addr=b:26379&password=p").(*redis.Client); !ok {
		t.Error("got no client for Sentinel")
	}
	if o.PipelinePoolSize != -1 || cluster.PipelinePoolSize != -1 { // else the bound of connections is none
		t.Errorf("pipelines have pools of their own: %d, %d", o.PipelinePoolSize, cluster.PipelinePoolSize)
	}
}

// TestConnectTLS looks at the first byte of each kind of client: with TLS nothing
// is ever sent in the clear, and without it what a server says is heard.
func TestConnectTLS(t *testing.T) {
	for url, want := range map[string]byte{
		"redis://%s": '*', "redis+cluster://%s": '*', "redis+sentinel://%s?master_name=m": '*',
		"rediss://%s": tlsHandshake, "rediss+cluster://%s": tlsHandshake, "rediss+sentinel://%s?master_name=m": tlsHandshake,
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		first := make(chan byte, 1)
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			b := make([]byte, 1)
			_, _ = conn.Read(b)
			first <- b[0]
			_, _ = io.WriteString(conn, "-DENIED in words\r\n")
		}()
		err = session.New(mustConnect(t, fmt.Sprintf(url, listener.Addr())), session.Options{}).Ping(t.Context())
		if got := <-first; got != want || err == nil {
			t.Errorf("%s: begins with %q, want %q; ping: %v", url, got, want, err)
		}
		_ = listener.Close()
	}
}

const tlsHandshake = 0x16 // the type of its record

// TestConnectReadsMaster: what would let replicas answer is refused.
func TestConnectReadsMaster(t *testing.T) {
	for _, url := range []string{
		"redis+cluster://a:7000?read_only=true",
		"redis+cluster://a:7000?addr=b:7001&route_by_latency=true",
		"redis+cluster://a:7000?route_randomly=1",
		"redis+sentinel://a:26379?master_name=m&replica_only=true",
		"redis+sentinel://a:26379?master_name=m&route_randomly=true",
		"redis+sentinel://a:26379?master_name=m&route_by_latency=true",
		"redis+sentinel://a:26379?master_name=m&use_disconnected_replicas=true",
	} {
		if _, err := session.Connect(url); err == nil || !strings.Contains(err.Error(), "must not route reads to replicas") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

// TestConnectKeepsSecrets puts a password that nobody escaped into every place
// where a URL can be wrong.
func TestConnectKeepsSecrets(t *testing.T) {
	for _, url := range []string{
		"",
		"localhost:6379",
		"http://u:secret@host",
		"redis+ring://u:secret@host",
		"unix+cluster:///secret",
		"redis://u:%secret@host",
		"redis://u:1/secret@host/0",
		"redis://u:1?secret@host=1",
		"redis://u:secret@host:port/0",
		"redis://u:secret@host/secret",
		"redis://u:p@host?pool_size=secret",
		"redis+sentinel://u:secret@host",
		"redis+sentinel://u:p@host?master_name=m&addr=secret",
		"redis+cluster://u:p@host?addr=secret",
	} {
		_, err := session.Connect(url)
		if err == nil {
			t.Errorf("%q: no error", url)
			continue
		}
		if text := err.Error(); strings.Contains(text, "secret") || strings.Contains(text, "\n") {
			t.Errorf("%q: got %q, want a sentence without the password", url, text)
		}
	}
}
