package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
)

// ends feeds bytes one by one and answers behind which of them a request ends.
func ends(raw []byte) (at []int, err error) {
	var f framing
	for i := range raw {
		before := f.next != requestLine || f.left > 0
		if _, err := f.accept(raw[i : i+1]); err != nil {
			return at, err
		}
		if before && f.next == requestLine && f.left == 0 {
			at = append(at, i+1)
		}
	}
	return at, nil
}

// Where a request ends, net/http sees its end, too, or refuses it; and it does
// not matter how the bytes are cut into packets.
func FuzzConnection(f *testing.F) {
	for _, raw := range []string{
		"PUT /1/chunked_upload?offset=0 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /1/chunked_upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"POST /1/commit_chunked_upload/auto/x HTTP/1.1\r\nHost: x\r\nContent-Type:\r\nContent-Length: 0\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n\r\nGET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"PUT / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"PUT / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		"0 * HTTP/0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"PUT / HTTP/1.1\nContent-Length: 05\r\ncontent-length: 5\r\n\r\nhello",
	} {
		f.Add([]byte(raw), uint8(7))
	}
	f.Fuzz(func(t *testing.T, raw []byte, step uint8) {
		at, err := ends(raw)
		var whole framing
		for part := range slices.Chunk(raw, 1+int(step)) {
			if _, again := whole.accept(part); again != nil {
				if err == nil || err.Error() != again.Error() {
					t.Fatalf("%q: by one byte %v, by %d %v", raw, err, 1+int(step), again)
				}
				break
			}
		}
		if err != nil && !errors.Is(err, errFraming) {
			t.Fatalf("%q: %v", raw, err)
		}
		src := bytes.NewReader(raw)
		buffered := bufio.NewReader(src)
		for _, end := range at {
			r, err := http.ReadRequest(buffered)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if got := len(raw) - src.Len() - buffered.Buffered(); got != end {
				t.Fatalf("%q: a request ends behind byte %d, for net/http behind %d", raw, end, got)
			}
		}
	})
}
