package proxy

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// discard is the request that is smuggled: whoever executes it harms an upload.
const discard = "DELETE /1/chunked_upload?upload_id=" + testID + " HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\n"

// watched is an engine that knows how many chunks it has stored, and whether
// it was made to discard an upload.
type watched struct {
	*fakeEngine
	stored, discarded atomic.Int32
}

func watchedEngine() *watched {
	w := &watched{}
	w.fakeEngine = &fakeEngine{
		append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) {
			st, err := take(ctx, c)
			if err == nil {
				w.stored.Add(1)
			}
			return st, err
		},
		discard: func(string, string) error {
			w.discarded.Add(1)
			return nil
		},
	}
	return w
}

// readAll is all that a connection brings until the server closes it. Bytes
// that the server has not read make the kernel reset it.
func readAll(t *testing.T, c net.Conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Errorf("the connection stays open after %q", got)
	}
	return string(got)
}

// What two servers could frame in two ways is refused: the connection is
// closed after one answer, nothing is stored, and what follows on the
// connection, or is hidden in the body, is not executed.
func TestSmuggling(t *testing.T) {
	const put = "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\n" + bearer
	for name, raw := range map[string]string{
		"both lengths":              put + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"both, the other way round": put + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		"both, of nothing":          put + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
		"both, other cases":         put + "content-LENGTH: 5\r\ntransfer-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n",
		"both, behind a request":    put + "Content-Length: 3\r\n\r\nabc" + put + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"both, behind a chunked":    put + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + put + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",

		"two lengths":          put + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"list of lengths":      put + "Content-Length: 5, 5\r\n\r\nhello",
		"length with a plus":   put + "Content-Length: +5\r\n\r\nhello",
		"length with a minus":  put + "Content-Length: -5\r\n\r\nhello",
		"hexadecimal length":   put + "Content-Length: 0x5\r\n\r\nhello",
		"length of 2^64":       put + "Content-Length: 18446744073709551616\r\n\r\nhello",
		"length in two words":  put + "Content-Length: 5 5\r\n\r\nhello",
		"empty length":         put + "Content-Length:\r\n\r\n",
		"folded length":        put + "Content-Length:\r\n 5\r\n\r\nhello",
		"folded other":         put + "X-A: b\r\n\tContent-Length: 5\r\n\r\nhello",
		"folded first line":    strings.Replace(put, "Host", " Host", 1) + "Content-Length: 5\r\n\r\nhello",
		"space before colon":   put + "Content-Length : 5\r\n\r\nhello",
		"tab before colon":     put + "Content-Length\t: 5\r\n\r\nhello",
		"space before a name":  put + " Content-Length: 5\r\n\r\nhello",
		"line without a colon": put + "Content-Length\r\n\r\nhello",
		"control character":    put + "Content-Length:\x0b5\r\n\r\nhello",
		"NUL":                  put + "X-A: a\x00Content-Length: 5\r\n\r\nhello",
		"bare CR":              put + "X-A: a\rContent-Length: 5\r\n\r\nhello",

		"bare LF":                 put + "X-A: a\nContent-Length: 5\r\n\r\nhello",
		"bare LF at the end":      put + "Content-Length: 5\r\n\nhello",
		"bare LF, request line":   strings.Replace(put, "\r\n", "\n", 1) + "Content-Length: 5\r\n\r\nhello",
		"only bare LF":            strings.ReplaceAll(put+"Content-Length: 5\r\n\r\nhello", "\r\n", "\n"),
		"space before chunked":    put + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"another coding":          put + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"identity":                put + "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"chunked, identity":       put + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"identity, chunked":       put + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
		"gzip, chunked":           put + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"chunked twice":           put + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunked and identity":    put + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"quoted":                  put + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
		"empty coding":            put + "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello",
		"control before chunked":  put + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
		"folded chunked":          put + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		"chunked by HTTP/1.0":     strings.Replace(put, "1.1\r\n", "1.0\r\n", 1) + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.0, both":          strings.Replace(put, "1.1\r\n", "1.0\r\n", 1) + "Connection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"no Host":                 strings.Replace(put, "Host: x\r\n", "", 1) + "Content-Length: 5\r\n\r\nhello",
		"two Hosts":               put + "Host: y\r\nContent-Length: 5\r\n\r\nhello",
		"line without an end":     put + "X-A: " + strings.Repeat("a", maxLine) + "\r\n\r\n",
		"no version":              strings.Replace(put, " HTTP/1.1", "", 1) + "\r\n",
		"space in the target":     strings.Replace(put, "upload ", "up load ", 1) + "\r\n",
		"empty line, bare LF":     "\n" + put + "Content-Length: 5\r\n\r\nhello",
		"length of chunked bytes": put + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			e := watchedEngine()
			s := start(t, e.fakeEngine)
			before := int32(strings.Count(name, "behind"))
			c := s.dial(t)
			// A broken pipe is as good as an answer to what comes too late.
			_, _ = io.WriteString(c, raw+discard)
			got := readAll(t, c)
			refusals := strings.Count(got, "HTTP/1.1 400 Bad Request") + strings.Count(got, "HTTP/1.1 431 ")
			if refusals != 1 || strings.Count(got, "HTTP/1.1 ") != int(before)+1 {
				t.Errorf("answered %q", got)
			}
			if e.stored.Load() != before || e.discarded.Load() != 0 {
				t.Errorf("%d chunks stored, %d uploads discarded", e.stored.Load(), e.discarded.Load())
			}
		})
	}
}

// A body whose chunks are malformed drops the connection, for a 400 would make
// Python's SDK skip the chunk; what is hidden behind it is not executed either.
func TestSmugglingInChunks(t *testing.T) {
	const put = "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\n" + bearer + "Transfer-Encoding: chunked\r\n\r\n"
	for name, raw := range map[string]string{
		"size with a bare LF":      "5\nhello\r\n0\r\n\r\n",
		"chunk ended by a bare LF": "5\r\nhello\n0\r\n\r\n",
		"end with a bare LF":       "5\r\nhello\r\n0\r\n\n",
		"extension with a bare LF": "5;a\n\r\nhello\r\n0\r\n\r\n",
		"extension with a CR":      "5;\rx\r\nhello\r\n0\r\n\r\n",
		"size with 0x":             "0x5\r\nhello\r\n0\r\n\r\n",
		"size with a plus":         "+5\r\nhello\r\n0\r\n\r\n",
		"negative size":            "-5\r\nhello\r\n0\r\n\r\n",
		"size behind a space":      " 5\r\nhello\r\n0\r\n\r\n",
		"no size":                  "\r\nhello\r\n0\r\n\r\n",
		"size of 2^64 and more":    "10000000000000005\r\nhello\r\n0\r\n\r\n",
		"longer than its size":     "4\r\nhello\r\n0\r\n\r\n",
		"shorter than its size":    "6\r\nhello\r\n0\r\n\r\n",
		"folded trailer":           "0\r\nX: a\r\n b\r\n\r\n",
		"trailer with a bare LF":   "0\r\nX: a\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			e := watchedEngine()
			s := start(t, e.fakeEngine)
			c := s.dial(t)
			_, _ = io.WriteString(c, put+raw+discard)
			if got := readAll(t, c); got != "" {
				t.Errorf("answered %q", got)
			}
			if e.stored.Load() != 0 || e.discarded.Load() != 0 {
				t.Errorf("%d chunks stored, %d uploads discarded", e.stored.Load(), e.discarded.Load())
			}
		})
	}
}

// What old clients send, and what only looks odd, passes, and the connection
// is good for the next request wherever it is cut into packets.
func TestFramingPasses(t *testing.T) {
	const put = "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\n" + bearer
	for name, raw := range map[string]string{
		"a length":                 put + "Content-Length: 5\r\n\r\nhello",
		"chunked":                  put + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"capitals":                 put + "TRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"spaces around":            put + "Content-Length: \t5 \r\n\r\nhello",
		"no space":                 put + "Content-Length:5\r\n\r\nhello",
		"leading zeros":            put + "Content-Length: 005\r\n\r\nhello",
		"the same length twice":    put + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		"empty Content-Type":       put + "Content-Type:\r\nContent-Length: 5\r\n\r\nhello", // stacktic
		"Android's encoding":       put + "Content-Encoding: application/octet-stream\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.0":                 strings.Replace(put, "1.1\r\nHost: x", "1.0\r\nConnection: keep-alive", 1) + "Content-Length: 5\r\n\r\nhello",
		"no body":                  put + "Content-Length: 0\r\n\r\n",
		"extensions and a trailer": put + "Transfer-Encoding: chunked\r\n\r\n5;a=b \r\nhello\r\n00;x\r\nX-Sum: 1\r\n\r\n",
		"size behind zeros":        put + "Transfer-Encoding: chunked\r\n\r\n0005\r\nhello\r\n0\r\n\r\n",
		"a body like a header":     put + "Content-Length: 70\r\n\r\nContent-Length: 5\nTransfer-Encoding: chunked\n folded\r\n\r\nGET / HTTP/1.1",
		"empty line behind a form": strings.Replace(put, "PUT", "POST", 1) + "Content-Length: 5\r\n\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, step := range []int{1 << 20, 7, 1} {
				e := watchedEngine()
				s := start(t, e.fakeEngine)
				c := s.dial(t)
				last := strings.Replace(put, "Host: x", "Host: x\r\nConnection: close", 1) + "Content-Length: 1\r\n\r\nx"
				for all := raw + raw + last; all != ""; all = all[min(step, len(all)):] {
					if _, err := io.WriteString(c, all[:min(step, len(all))]); err != nil {
						t.Fatal(err)
					}
				}
				if got := readAll(t, c); strings.Count(got, " 200 OK\r\n") != 3 || e.stored.Load() != 3 {
					t.Errorf("by %d bytes: %d chunks stored, answered %q", step, e.stored.Load(), got)
				}
			}
		})
	}
}
