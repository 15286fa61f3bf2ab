package wiretest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// TestBalanced asks two proxies through nginx with the local stack's settings,
// whose directives are those that deploy/proxies asks of other load balancers.
func TestBalanced(t *testing.T) {
	s := startWith(t, "CHUNKGATE_BODY_IDLE_TIMEOUT=1s")
	balancer := testserver.StartBalancer(t, s.proxies[:]...)
	s.proxies[0].BaseURL = balancer.BaseURL

	t.Run("paths pass untouched", s.testPathForms)
	t.Run("endpoints pass untouched", s.testChunkForms)
	t.Run("a body of unknown length", func(t *testing.T) {
		head := "PUT //1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + testserver.Token +
			"\r\nTransfer-Encoding: chunked\r\n\r\n"
		got := exchange(t, s.proxies[0], []byte(head), []byte("5\r\nchunk\r\n0\r\n\r\n"))
		if !strings.HasSuffix(string(got.body), `"offset": 5}`) {
			t.Errorf("answer %s", got)
		}
	})
	// With chunks of 2 MiB the second proxy gets about half of them.
	t.Run("chunks over both proxies", func(t *testing.T) {
		body := content("balanced", 9*mib)
		id := ""
		for offset := 0; offset < len(body); offset += 2 * mib {
			target := fmt.Sprintf("/1/chunked_upload?upload_id=%s&offset=%d", id, offset)
			id = member(t, s.mustAnswer(t, "PUT", target, body[offset:min(offset+2*mib, len(body))]), "upload_id")
		}
		s.mustAnswer(t, "POST", "/1/commit_chunked_upload/auto/balanced.bin?upload_id="+id, nil)
		if s.read(t, "balanced.bin") != sha256.Sum256(body) {
			t.Error("the object is another")
		}
	})
	// A load balancer that buffers would hold the half body back for itself, and
	// the proxy's own limit would not be seen. By HTTP/1.0, nginx buffers what
	// has no length.
	t.Run("bodies pass as they come", func(t *testing.T) {
		half := make([]byte, 1_000_000)
		for _, c := range []struct {
			framing string
			body    []byte
		}{
			{"Content-Length: 2000000", half},
			{"Transfer-Encoding: chunked", fmt.Appendf(nil, "%x\r\n%s\r\n", len(half), half)},
		} {
			begun := time.Now()
			head := "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + testserver.Token + "\r\n" + c.framing + "\r\n\r\n"
			got := exchange(t, s.proxies[0], []byte(head), c.body)
			if !strings.HasPrefix(got.status, "HTTP/1.1 408 ") || member(t, got.body, "error") == "" {
				t.Errorf("%s: after %v: %s", c.framing, time.Since(begun), got)
			}
		}
	})
}

// TestBalancedRequestLine: what a backend gets is what the client sent, byte for
// byte. The proxies understand all forms of a path, but OAuth 1 signs one.
func TestBalancedRequestLine(t *testing.T) {
	seen := make(chan string, 1)
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/healthz" { // which StartBalancer waits for
			seen <- r.Host + " " + r.RequestURI
		}
	}))
	t.Cleanup(backend.Close)
	s := stack{}
	s.proxies[0].BaseURL = testserver.StartBalancer(t, testserver.Proxy{BaseURL: backend.URL}).BaseURL
	for _, form := range oneFile {
		if strings.HasPrefix(form, "http://") {
			continue // a load balancer is no forward proxy
		}
		s.mustAnswer(t, "PUT", form+"?a=%2F+b", nil)
		if got, want := <-seen, "api-content.dropbox.com "+form+"?a=%2F+b"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
