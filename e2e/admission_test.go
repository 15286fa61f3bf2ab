package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// tokenLine is a line of a tokens file, for an owner of the token's name.
func tokenLine(token, terms string) string {
	sum := sha256.Sum256([]byte(token))
	return "sha256:" + hex.EncodeToString(sum[:]) + " " + token + " " + token + "/ " + terms + "\n"
}

// as sends a request with a token.
func as(t *testing.T, p testserver.Proxy, token, method, target, body string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.BaseURL+"/1/"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode >= 400 && strings.Contains(string(said), `"offset"`) {
		t.Errorf("%s %s: an error with an offset: %s", method, target, said)
	}
	return answer
}

// TestGreedyOwner: one owner begins 500 chunks and sends a byte of each that it is
// asked for. As many as its share allows are received, and those hold as many
// buffers as they may; the others are refused without having sent a byte; and
// another owner's chunk gets through all the while.
func TestGreedyOwner(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte(tokenLine("greedy", "")+tokenLine("ada", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	p := testserver.Serve(t, testserver.Build(t), testserver.MinIO(t), testserver.StartRedis(t),
		"CHUNKGATE_TOKENS_FILE="+file, "CHUNKGATE_MAX_IN_FLIGHT=80", "CHUNKGATE_BUFFER_MEMORY=1MiB",
		"CHUNKGATE_BODY_IDLE_TIMEOUT=1h") // nobody gets through by others' being given up
	const (
		places  = 60 // of 80
		buffers = 12 // of 16
	)
	said := make(chan int, 500)
	for range 500 {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.BaseURL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			_, _ = fmt.Fprintf(c, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer greedy\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", 2*mib)
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				said <- 0
				return
			}
			if answer.StatusCode == http.StatusContinue {
				_, _ = io.WriteString(c, "x")
			}
			said <- answer.StatusCode
		}()
	}
	got := map[int]int{}
	for got[http.StatusContinue] < buffers || got[http.StatusTooManyRequests] < 500-places {
		select {
		case status := <-said:
			got[status]++
		case <-time.After(time.Minute):
			t.Fatalf("answers by status: %v", got)
		}
	}
	for range 3 {
		if answer := as(t, p, "ada", "PUT", "chunked_upload", strings.Repeat("x", mib)); answer.StatusCode != http.StatusOK {
			t.Errorf("the other owner is answered %s", answer.Status)
		}
	}
	if len(got) != 2 || got[http.StatusContinue] > places || got[http.StatusTooManyRequests] != 500-places {
		t.Errorf("answers by status: %v, want %d to %d times 100 and %d times 429", got, buffers, places, 500-places)
	}
}

// TestOwnerLimits: the program keeps to what the tokens file says, over two
// replicas, and to a changed file without a restart.
func TestOwnerLimits(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write(tokenLine("two", "max-uploads=2 max-object=1KiB") + tokenLine("reader", "access=read-only") + tokenLine("fast", "max-rate=2"))
	program, store, redis := testserver.Build(t), testserver.MinIO(t), testserver.StartRedis(t)
	var replicas [2]testserver.Proxy
	for i := range replicas {
		replicas[i] = testserver.Serve(t, program, store, redis, "CHUNKGATE_TOKENS_FILE="+file, "CHUNKGATE_TOKENS_RELOAD=1s")
	}
	want := func(replica int, token, method, target, body string, status int) *http.Response {
		t.Helper()
		answer := as(t, replicas[replica], token, method, target, body)
		if answer.StatusCode != status {
			t.Errorf("%s: %s %s: got %s, want %d", token, method, target, answer.Status, status)
		}
		return answer
	}
	want(0, "two", "PUT", "chunked_upload", "x", 200)
	want(1, "two", "PUT", "chunked_upload", "x", 200)
	want(0, "two", "PUT", "chunked_upload", "x", 507)
	want(1, "two", "PUT", "files_put/auto/a", strings.Repeat("x", 1024), 200)
	want(1, "two", "PUT", "files_put/auto/b", strings.Repeat("x", 1025), 413)
	want(0, "reader", "PUT", "files_put/auto/a", "x", 403)
	want(0, "reader", "GET", "metadata/auto/a", "", 404)

	limited := false
	for i := range 200 { // far more than two a second
		answer := as(t, replicas[i%2], "fast", "GET", "account/info", "")
		if answer.StatusCode == http.StatusTooManyRequests && answer.Header.Get("Retry-After") == "1" {
			limited = true
			break
		}
	}
	if !limited {
		t.Error("200 requests were not too many for two a second")
	}

	write(tokenLine("later", ""))
	for i := range replicas {
		deadline := time.Now().Add(30 * time.Second)
		for as(t, replicas[i], "later", "GET", "account/info", "").StatusCode != 200 && time.Now().Before(deadline) {
		}
		want(i, "later", "GET", "account/info", "", 200)
		want(i, "two", "GET", "account/info", "", 401)
	}
}
