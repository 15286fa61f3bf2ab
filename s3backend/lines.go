package s3backend

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// lines are connections for parts to a store without TLS. For each request under
// way net/http holds two goroutines and 48 KiB of buffers, in which a slow
// client's bytes never lie; here the goroutine that makes the request sends it,
// and waits with next to nothing in hand.
type lines struct {
	dial     dialer
	site     *site
	patience time.Duration // for 100 Continue

	mu   sync.Mutex
	idle map[string][]*line // by host:port, the latest last
	kept int                // in idle
}

// newLines is nil if requests to the address do not go straight to a plain socket.
func newLines(c aws.HTTPClient, to *url.URL, s *site, patience time.Duration) *lines {
	b, ok := c.(*awshttp.BuildableClient)
	if !ok || to.Scheme != "http" || !canPeek {
		return nil
	}
	tr := b.GetTransport()
	if tr.Proxy != nil {
		if via, err := tr.Proxy(&http.Request{URL: to}); via != nil || err != nil {
			return nil
		}
	}
	return &lines{dial: tr.DialContext, site: s, patience: patience, idle: map[string][]*line{}}
}

// RoundTrip sends a request and answers what the store says, all of it read. A
// connection that the store had closed is replaced as long as nothing of the
// body was read.
func (l *lines) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		line, err := l.take(r.Context(), hostPort(r.URL))
		if err != nil {
			return nil, err
		}
		follow(r.Context(), line.conn)
		answer, err := line.do(r)
		if err == nil {
			l.keep(line)
			return answer, nil
		}
		_ = line.conn.Close()
		if !line.used || line.begun || r.Context().Err() != nil {
			return nil, err
		}
	}
}

// take is a connection that was kept, or a new one.
func (l *lines) take(ctx context.Context, addr string) (*line, error) {
	for {
		kept := l.last(addr)
		if kept == nil {
			break
		}
		if kept.timer.Stop() && !kept.peek() {
			return kept, nil
		}
		_ = kept.conn.Close()
	}
	conn, err := l.dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	fresh, err := newLine(conn, addr)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	fresh.lines = l
	return fresh, nil
}

func (l *lines) last(addr string) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.idle[addr]
	if len(all) == 0 {
		return nil
	}
	last := all[len(all)-1]
	l.idle[addr] = all[:len(all)-1]
	l.kept--
	return last
}

// keep is for the next request, unless the line is at its end.
func (l *lines) keep(line *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if line.over || l.kept == idleConns {
		_ = line.conn.Close()
		return
	}
	line.used, line.begun = true, false
	line.timer = time.AfterFunc(idleConnTimeout, func() { l.drop(line) })
	l.idle[line.addr] = append(l.idle[line.addr], line)
	l.kept++
}

// drop closes a line that nobody wanted for long.
func (l *lines) drop(line *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.idle[line.addr]
	for i := range all {
		if all[i] == line {
			l.idle[line.addr] = append(all[:i:i], all[i+1:]...)
			l.kept--
			break
		}
	}
	_ = line.conn.Close()
}

// hostPort is what to dial for a URL.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "80")
}
