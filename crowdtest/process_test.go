package crowdtest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// held is what a server has of its clients and of the machine.
type held struct {
	clients int   // connections from clients
	other   int   // files and sockets, but for connections to the stores, which stay open
	memory  int64 // bytes
}

const listening = "0A" // in /proc/net/tcp

// heldBy looks at a process that listens at addr and talks to these stores.
func heldBy(t *testing.T, pid int, addr string, stores ...string) held {
	t.Helper()
	sockets := socketsOf(t, pid)
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(links) == 0 {
		t.Fatalf("no files of process %d: %v", pid, err)
	}
	h := held{memory: residentMemory(t, pid)}
	for _, link := range links {
		file, err := os.Readlink(link)
		if err != nil {
			continue // closed in the meantime
		}
		s := sockets[file]
		toStore := slices.ContainsFunc(stores, func(a string) bool { return s.remote == port(t, a) })
		switch {
		case s.local == port(t, addr) && s.state != listening:
			h.clients++
		case !toStore:
			h.other++
		}
	}
	return h
}

type socket struct {
	local, remote int // ports
	state         string
}

// socketsOf are the TCP sockets that a process sees, by what links to them say.
func socketsOf(t *testing.T, pid int) map[string]socket {
	t.Helper()
	sockets := map[string]socket{}
	for _, table := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) < 10 || !strings.Contains(f[1], ":") {
				continue // the heading
			}
			sockets["socket:["+f[9]+"]"] = socket{hexPort(t, f[1]), hexPort(t, f[2]), f[3]}
		}
	}
	return sockets
}

func hexPort(t *testing.T, address string) int {
	t.Helper()
	_, digits, _ := strings.Cut(address, ":")
	n, err := strconv.ParseInt(digits, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func port(t *testing.T, addr string) int {
	t.Helper()
	_, digits, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// residentMemory is a process's, in bytes.
func residentMemory(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
