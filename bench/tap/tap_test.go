package tap

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestCopyValue(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, test := range []struct {
		value, first string
		kind         byte
	}{
		{"+OK\r\n", "", '+'},
		{":17\r\n", "", ':'},
		{"$-1\r\n", "", '$'},
		{"$3\r\nab\n\r\n", "ab\n", '$'},
		{"*-1\r\n", "", '*'},
		{"*0\r\n", "", '*'},
		{"*2\r\n$4\r\nHGET\r\n$1\r\nk\r\n", "HGET", '*'},
		{"*2\r\n*1\r\n+a\r\n%1\r\n+k\r\n$1\r\nv\r\n", "", '*'},
		{"*2\r\n$4\r\nHSET\r\n$100000\r\n" + long + "\r\n", "HSET", '*'},
		{">2\r\n+push\r\n_\r\n", "", '>'},
	} {
		var out bytes.Buffer
		w, r := bufio.NewWriter(&out), bufio.NewReader(strings.NewReader(test.value+"+NEXT\r\n"))
		kind, first, err := copyValue(w, r)
		if err != nil {
			t.Errorf("%.40q: %v", test.value, err)
			continue
		}
		_ = w.Flush()
		if kind != test.kind || first != test.first || out.String() != test.value {
			t.Errorf("%.40q: got %c, %q and %.60q", test.value, kind, first, out.String())
		}
	}
	for _, value := range []string{"", "\r\n", "hello\r\n", "$x\r\n", "$5\r\nabc", "*2\r\n+a\r\n"} {
		if _, _, err := copyValue(bufio.NewWriter(io.Discard), bufio.NewReader(strings.NewReader(value))); err == nil {
			t.Errorf("%q: want an error", value)
		}
	}
}

// TestTrips: who waits for an answer before it sends on makes two trips, who
// does not makes one.
func TestTrips(t *testing.T) {
	r, conn, in := through(t)
	const hello, get, multi, exec = "*1\r\n$5\r\nhello\r\n", "*1\r\n$3\r\nGET\r\n", "*1\r\n$5\r\nMULTI\r\n", "*1\r\n$4\r\nEXEC\r\n"
	for _, step := range []struct {
		send            string
		trips, commands int64 // more by it
	}{
		{hello, 0, 0},
		{get, 1, 1},
		{get + get + get, 1, 3},
		{multi + get + exec, 1, 3},
		{get, 1, 1},
	} {
		trips, commands := r.Trips(), r.Commands()
		if _, err := io.WriteString(conn, step.send); err != nil {
			t.Fatal(err)
		}
		for range strings.Count(step.send, "*") {
			if line, err := in.ReadString('\n'); err != nil || line != "+OK\r\n" {
				t.Fatalf("answer %q, %v", line, err)
			}
		}
		if got := r.Trips() - trips; got != step.trips {
			t.Errorf("%q: %d trips, want %d", step.send, got, step.trips)
		}
		if got := r.Commands() - commands; got != step.commands {
			t.Errorf("%q: %d commands, want %d", step.send, got, step.commands)
		}
	}
}

// through is a connection to a server through a relay.
func through(t *testing.T) (*Redis, net.Conn, *bufio.Reader) {
	t.Helper()
	r, stop, err := NewRedis(answering(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return r, conn, bufio.NewReader(conn)
}

// TestTransaction: it is one trip even if its commands arrive one by one, as
// those of a long one do.
func TestTransaction(t *testing.T) {
	r, conn, in := through(t)
	for _, name := range []string{"MULTI", "HSET", "PEXPIREAT", "EXEC"} {
		if _, err := fmt.Fprintf(conn, "*1\r\n$%d\r\n%s\r\n", len(name), name); err != nil {
			t.Fatal(err)
		}
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.Trips(); got != 1 {
		t.Errorf("%d trips, want 1", got)
	}
}

// TestEarly: what has begun to arrive before the value ahead was passed on was
// sent without waiting for its answer.
func TestEarly(t *testing.T) {
	var got []bool
	see := func(_ byte, _ string, early bool) { got = append(got, early) }
	_ = pump(io.Discard, strings.NewReader("+a\r\n+b\r\n"), see)
	_ = pump(io.Discard, iotest.DataErrReader(iotest.OneByteReader(strings.NewReader("+a\r\n+b\r\n"))), see)
	if diff := cmp.Diff([]bool{false, true, false, false}, got); diff != "" {
		t.Errorf("early (-want +got):\n%s", diff)
	}
}

// answering is the address of a server that says OK to every command.
func answering(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					if _, _, err := copyValue(bufio.NewWriter(io.Discard), in); err != nil {
						return
					}
					_, _ = io.WriteString(c, "+OK\r\n")
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestS3(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer store.Close()
	s, stop, err := NewS3(store.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, call := range []string{
		"PUT /b/k", "PUT /b/k?partNumber=1&uploadId=x", "POST /b/k?uploads", "POST /b/k?uploadId=x", "DELETE /b/k?uploadId=x",
		"DELETE /b/k", "HEAD /b/k", "GET /b/k", "GET /b?list-type=2&prefix=p", "GET /b?uploads", "GET /b/k?uploadId=x", "POST /b?delete",
		"COPY /b/k?partNumber=1&uploadId=x",
	} {
		method, target, _ := strings.Cut(call, " ")
		header := http.Header{}
		if method == "COPY" {
			method, header = http.MethodPut, http.Header{"X-Amz-Copy-Source": {"b/other"}}
		}
		r, err := http.NewRequest(method, s.Endpoint+target, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		before := s.Bytes()
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if sent := s.Bytes() - before; sent < int64(len(target)+len("body")) || sent > 1000 {
			t.Errorf("%s: %d bytes were counted", call, sent)
		}
	}
	want := map[string]int{
		"PutObject": 1, "UploadPart": 1, "CreateMultipartUpload": 1, "CompleteMultipartUpload": 1, "AbortMultipartUpload": 1,
		"DeleteObject": 1, "HeadObject": 1, "GetObject": 1, "ListObjects": 1, "ListMultipartUploads": 1, "ListParts": 1,
		"DeleteObjects": 1, "UploadPartCopy": 1,
	}
	if diff := cmp.Diff(want, s.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
