package testserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// Toxiproxy is a toxiproxy-server of the test's own: a network between programs
// that can be slow, cut and broken (github.com/Shopify/toxiproxy).
type Toxiproxy struct {
	*Process
	API string // http://host:port
}

// Link is one way through a Toxiproxy.
type Link struct {
	Addr string // host:port to connect to
	api  string // of this link
}

// StartToxiproxy starts one without links.
func StartToxiproxy(tb testing.TB) Toxiproxy {
	tb.Helper()
	addr := FreeAddr(tb)
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		tb.Fatal(err)
	}
	p := Toxiproxy{API: "http://" + addr}
	p.Process = start(tb, answers(p.API+"/version", http.StatusOK), []string{"LOG_LEVEL=error"},
		Tool(tb, "toxiproxy", "server"), "-host", host, "-port", port)
	return p
}

// Link opens a way to addr.
func (p Toxiproxy) Link(tb testing.TB, addr string) Link {
	tb.Helper()
	l := Link{Addr: FreeAddr(tb)}
	_, port, err := net.SplitHostPort(l.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	ask(tb, http.MethodPost, p.API+"/proxies", map[string]any{"name": port, "listen": l.Addr, "upstream": addr, "enabled": true})
	l.api = p.API + "/proxies/" + port
	return l
}

// Toxic makes the way bad, in both directions, until Heal. The kinds and their
// attributes are toxiproxy's: latency, bandwidth, slow_close, timeout,
// reset_peer, slicer, limit_data.
func (l Link) Toxic(tb testing.TB, kind string, attributes map[string]any) {
	tb.Helper()
	for _, stream := range []string{"upstream", "downstream"} {
		ask(tb, http.MethodPost, l.api+"/toxics", map[string]any{
			"name": kind + "-" + stream, "type": kind, "stream": stream, "attributes": attributes,
		})
	}
}

// Heal takes the toxics of a kind away.
func (l Link) Heal(tb testing.TB, kind string) {
	tb.Helper()
	for _, stream := range []string{"upstream", "downstream"} {
		ask(tb, http.MethodDelete, l.api+"/toxics/"+kind+"-"+stream, nil)
	}
}

// Cut closes all connections and takes no more, until Join.
func (l Link) Cut(tb testing.TB) {
	tb.Helper()
	ask(tb, http.MethodPost, l.api, map[string]any{"enabled": false})
}

// Point makes the way lead to addr, for connections from now on; those there
// are end.
func (l Link) Point(tb testing.TB, addr string) {
	tb.Helper()
	ask(tb, http.MethodPost, l.api, map[string]any{"upstream": addr, "enabled": true})
}

// Join takes connections again.
func (l Link) Join(tb testing.TB) {
	tb.Helper()
	ask(tb, http.MethodPost, l.api, map[string]any{"enabled": true})
}

// ask asks toxiproxy's API; anything but success fails the test.
func ask(tb testing.TB, method, url string, body any) {
	tb.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := http.NewRequestWithContext(tb.Context(), method, url, bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		why, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		tb.Fatal(fmt.Errorf("toxiproxy: %s %s: %s: %s", method, url, answer.Status, why))
	}
}
