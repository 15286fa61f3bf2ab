package faulttest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
)

// TestZombie: a proxy stops in the middle of a chunk, another takes the same
// chunk with other bytes and commits, and then the first wakes up and goes on.
// What it still stores must not count (PEERS.md, silent failure 5).
func TestZombie(t *testing.T) {
	store, redis := testserver.MinIO(t), testserver.StartRedis(t)
	program := testserver.Build(t)
	sleeper, other := testserver.Serve(t, program, store, redis), testserver.Serve(t, program, store, redis)
	objects := teststore.Open(t, store)
	for _, size := range []int{1 << 20, 6 << 20, 20 << 20} { // into the tail, and into a part
		for _, committed := range []bool{false, true} { // when the sleeper wakes up
			t.Run(fmt.Sprintf("%d bytes, committed=%v", size, committed), func(t *testing.T) {
				head, lost, kept := random(1, 3<<20), random(2, size), random(3, size)
				h := &honest{t: t, proxies: [2]testserver.Proxy{other, other}, path: fmt.Sprintf("zombie %d %v", size, committed)}
				h.send(0, head)

				zombie := beginChunk(t, sleeper, h.id, len(head), lost)
				pause(t, sleeper, syscall.SIGSTOP)
				h.send(int64(len(head)), kept)
				file := slices.Concat(head, kept)
				if committed {
					h.commit(int64(len(file)))
				}
				pause(t, sleeper, syscall.SIGCONT)
				if answer := zombie.finish(t); strings.HasPrefix(answer, "HTTP/1.1 200") {
					t.Errorf("the zombie's chunk was accepted: %s", answer)
				}
				if !committed {
					tail := random(4, 1<<20)
					h.send(int64(len(file)), tail)
					file = append(file, tail...)
					h.commit(int64(len(file)))
				}
				if teststore.SHA256(t, objects, testserver.KeyPrefix+h.path) != sha256.Sum256(file) {
					t.Error("the object is not what was acknowledged")
				}
			})
		}
	}
}

func pause(t *testing.T, p testserver.Proxy, s syscall.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// random is n bytes that look random and are the same for a seed.
func random(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// slowChunk is a chunk of which half is sent.
type slowChunk struct {
	conn net.Conn
	rest []byte
}

// beginChunk sends half of a chunk and waits until the proxy has read some.
func beginChunk(t *testing.T, p testserver.Proxy, id string, offset int, body []byte) *slowChunk {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.BaseURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	q := url.Values{"upload_id": {id}, "offset": {fmt.Sprint(offset)}}
	half := len(body) / 2
	var request bytes.Buffer
	fmt.Fprintf(&request, "PUT /1/chunked_upload?%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
		q.Encode(), testserver.Token, len(body))
	if _, err := conn.Write(request.Bytes()); err != nil {
		t.Fatal(err)
	}
	// It says so when it begins to read: the attempt has begun by then.
	wanted := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, wanted); err != nil || !bytes.Contains(wanted, []byte(" 100 ")) {
		t.Fatalf("the chunk is not wanted: %q, %v", wanted, err)
	}
	if _, err := conn.Write(body[:half]); err != nil {
		t.Fatal(err)
	}
	return &slowChunk{conn: conn, rest: body[half:]}
}

// finish sends the rest and answers what the proxy says; nothing, if it closed
// the connection.
func (c *slowChunk) finish(t *testing.T) string {
	t.Helper()
	_, _ = c.conn.Write(c.rest) // it may have closed the connection
	answer, _ := io.ReadAll(io.LimitReader(c.conn, 4096))
	return string(answer)
}
