package proxy

import (
	"io"
	"strings"
	"testing"
)

// What our own guard refuses is answered as all errors are. What only net/http
// refuses is plain text (docs/protocol.md): a client learns the status at least.
func TestRefusalsBeforeARoute(t *testing.T) {
	const put = "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\n" + bearer
	const get = "GET /healthz HTTP/1.1\r\nHost: x\r\n"
	for name, test := range map[string]struct{ raw, status, kind, body string }{
		"both lengths": {put + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400 Bad Request", "text/javascript",
			`{"error": "malformed or ambiguous request: Content-Length and Transfer-Encoding"}`},
		"bare LF": {"GET /healthz HTTP/1.1\nHost: x\n\n", "400 Bad Request", "text/javascript",
			`{"error": "malformed or ambiguous request: a line that ends in a bare LF"}`},
		"many lines": {get + strings.Repeat("X: y\r\n", maxLines) + "\r\n", "400 Bad Request", "text/javascript",
			`{"error": "malformed or ambiguous request: a header of more than 200 lines"}`},

		"escape":      {"GET /1/metadata/auto/a%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "text/plain; charset=utf-8", "400 Bad Request"},
		"version":     {"GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n", "505 HTTP Version Not Supported", "text/plain; charset=utf-8", "505 HTTP Version Not Supported: unsupported protocol version"},
		"long header": {get + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 50) + "\r\n", "431 Request Header Fields Too Large", "text/plain; charset=utf-8", "431 Request Header Fields Too Large"},
		"no Host":     {"GET /healthz HTTP/1.1\r\n\r\n", "400 Bad Request", "text/plain; charset=utf-8", "400 Bad Request: missing required Host header"},

		"HTTP/1.0 without Host": {"GET /1/account/info HTTP/1.0\r\n" + bearer + "\r\n", "200 OK", "text/javascript", `{"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, &fakeEngine{})
			c := s.dial(t)
			_, _ = io.WriteString(c, test.raw)
			got := readAll(t, c)
			head, body, _ := strings.Cut(got, "\r\n\r\n")
			_, status, _ := strings.Cut(head, " ")
			status, _, _ = strings.Cut(status, "\r\n")
			if !strings.HasPrefix(status, test.status) || !strings.HasPrefix(body, test.body) || !strings.Contains(head+"\r\n", "Content-Type: "+test.kind+"\r\n") {
				t.Errorf("got %q, want %s, %s, %s", got, test.status, test.kind, test.body)
			}
		})
	}
}

// The refusal of what follows on a connection comes behind the answer that is
// still under way, and never into it.
func TestRefusalWaitsForTheAnswerBefore(t *testing.T) {
	s := start(t, &fakeEngine{append: take})
	c := s.dial(t)
	_, _ = io.WriteString(c, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\n"+bearer+"Content-Length: 1\r\n\r\nx"+"no request\n")
	got := readAll(t, c)
	first, second := strings.Index(got, `"offset": 1}`), strings.Index(got, "HTTP/1.1 400 Bad Request")
	if first < 0 || second < first {
		t.Errorf("got %q", got)
	}
}

// A long line of a header must not stay in memory with an idle connection.
func TestLongLinesAreGivenBack(t *testing.T) {
	var f framing
	if _, err := f.accept([]byte("GET / HTTP/1.1\r\nX: " + strings.Repeat("y", 30<<10) + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if got := cap(f.line); got > 2<<10 {
		t.Errorf("an idle connection holds a buffer of %d bytes", got)
	}
}
