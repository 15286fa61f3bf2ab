package wiretest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// reply is an answer as it came over the wire.
type reply struct {
	continued bool     // after 100 Continue
	status    string   // the line
	header    []string // the lines that matter to clients, as they are
	body      []byte
}

// matter are the fields of an answer that clients act on. Some want the names
// in exactly these letters (PROTOCOL 1.4).
var matter = []string{"Content-Type", "Content-Range", "Location", "Retry-After", "WWW-Authenticate", "x-dropbox-metadata"}

// exchange sends a request, byte for byte, over a connection of its own.
func exchange(t *testing.T, p testserver.Proxy, head, body []byte) reply {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.BaseURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(head); err != nil {
		t.Fatalf("write head: %v", err)
	}
	in := bufio.NewReader(conn)
	var got reply
	if bytes.Contains(head, []byte("\r\nExpect: 100-continue\r\n")) {
		if got = readReply(t, in, head); !strings.HasPrefix(got.status, "HTTP/1.1 100 ") {
			return got
		}
		got = reply{continued: true}
	}
	if _, err := conn.Write(body); err != nil {
		t.Fatalf("write body: %v", err)
	}
	final := readReply(t, in, head)
	final.continued = got.continued
	return final
}

// readReply reads an answer to the request that begins with head.
func readReply(t *testing.T, in *bufio.Reader, head []byte) reply {
	t.Helper()
	var raw bytes.Buffer
	for !bytes.HasSuffix(raw.Bytes(), []byte("\r\n\r\n")) {
		line, err := in.ReadBytes('\n')
		if err != nil {
			t.Fatalf("read head: %v after %q", err, &raw)
		}
		raw.Write(line)
	}
	var got reply
	for n, line := range strings.Split(strings.TrimSpace(raw.String()), "\r\n") {
		switch name, _, _ := strings.Cut(line, ":"); {
		case n == 0:
			got.status = line
		case slices.ContainsFunc(matter, func(m string) bool { return strings.EqualFold(m, name) }):
			got.header = append(got.header, line)
		}
	}
	method, _, _ := strings.Cut(string(head), " ")
	res, err := http.ReadResponse(bufio.NewReader(io.MultiReader(&raw, in)), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	if res.StatusCode == http.StatusContinue {
		return got
	}
	defer res.Body.Close()
	if got.body, err = io.ReadAll(res.Body); err != nil {
		t.Fatalf("read body: %v", err)
	}
	return got
}

// String is the answer as golden files have it. Of a body that is no JSON it
// tells the digest.
func (r reply) String() string {
	var b strings.Builder
	if r.continued {
		b.WriteString("HTTP/1.1 100 Continue\n\n")
	}
	fmt.Fprintf(&b, "%s\n", r.status)
	for _, line := range r.header {
		fmt.Fprintf(&b, "%s\n", line)
	}
	b.WriteByte('\n')
	if bytes.HasPrefix(r.body, []byte("{")) {
		b.Write(r.body)
		return b.String()
	}
	fmt.Fprintf(&b, "(%d bytes, SHA-256 %x)", len(r.body), sha256.Sum256(r.body))
	return b.String()
}
