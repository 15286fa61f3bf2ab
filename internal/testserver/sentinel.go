package testserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Sentinel is a Redis Sentinel of the test's own.
type Sentinel struct {
	*Process
	Addr string // host:port
	URL  string // redis+sentinel://…, for the master it watches
}

// StartSentinel starts one that, alone, makes a replica of master take over, but
// not before Watch: a loaded machine would make it think the master dead.
func StartSentinel(tb TB, master Redis) Sentinel {
	tb.Helper()
	addr := FreeAddr(tb)
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		tb.Fatal(err)
	}
	masterHost, masterPort, err := net.SplitHostPort(master.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	// Sentinel writes what it learns into its file.
	file := filepath.Join(tb.TempDir(), "sentinel.conf")
	config := fmt.Sprintf("bind %s\nport %s\nsentinel monitor tests %s %s 1\nsentinel down-after-milliseconds tests 600000\nsentinel failover-timeout tests 5000\n",
		host, port, masterHost, masterPort)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
	return Sentinel{
		Process: start(tb, pong(addr), nil, redisServer(tb), file, "--sentinel"),
		Addr:    addr,
		URL:     "redis+sentinel://" + addr + "?master_name=tests",
	}
}

// Watch lets a replica take over when the master has not answered for half a second.
func (s Sentinel) Watch(tb TB) {
	tb.Helper()
	const set = "SENTINEL SET tests down-after-milliseconds 500\r\n"
	if line, err := told(context.Background(), s.Addr, set); err != nil || line != "+OK\r\n" {
		tb.Fatalf("%q: %q, %v", set, line, err)
	}
}
