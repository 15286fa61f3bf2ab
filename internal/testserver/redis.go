package testserver

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"time"
)

// Redis is a redis-server of the test's own, empty and without persistence.
type Redis struct {
	*Process
	Addr string // host:port
	URL  string // redis://host:port
}

// StartRedis starts one. Further arguments go to redis-server as they are, for
// example "--maxmemory", "64mb".
func StartRedis(tb TB, args ...string) Redis {
	tb.Helper()
	return startRedis(tb, FreeAddr(tb), args)
}

// Restart kills the server and starts another at its address, which knows
// nothing of what was stored.
func (r *Redis) Restart(tb TB) {
	tb.Helper()
	r.Kill()
	*r = startRedis(tb, r.Addr, nil)
}

func startRedis(tb TB, addr string, args []string) Redis {
	tb.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		tb.Fatal(err)
	}
	// "-" reads a configuration from standard input, which is empty: no file
	// of the machine has a say. A replica is not made to wait 5 s for others that
	// might come.
	args = append([]string{"-", "--bind", host, "--port", port, "--dir", tb.TempDir(),
		"--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"}, args...)
	s := Redis{Addr: addr, URL: "redis://" + addr}
	s.Process = start(tb, pong(addr), nil, redisServer(tb), args...)
	return s
}

// redisServer is the program, which is also Sentinel's.
func redisServer(tb TB) string {
	tb.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Fatal("this test needs redis-server in PATH: install Redis 7 or newer (package redis-server or redis)")
	}
	return program
}

// pong says whether a Redis at addr answers PING.
func pong(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		line, err := told(ctx, addr, "PING\r\n")
		if err == nil && line != "+PONG\r\n" {
			return fmt.Errorf("PING answers %q", line)
		}
		return err
	}
}

// told sends a command to a Redis and answers the first line of what it says.
func told(ctx context.Context, addr, command string) (string, error) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprint(conn, command); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}
