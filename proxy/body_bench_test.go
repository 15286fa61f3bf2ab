package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// BenchmarkBody is a chunk's way from the client's socket through net/http to
// the engine, which reads it in blocks of this size.
func BenchmarkBody(b *testing.B) {
	const size = 8 << 20
	for _, block := range []int{32 << 10, 512 << 10} {
		b.Run(fmt.Sprintf("block=%dKiB", block>>10), func(b *testing.B) {
			s := start(b, &fakeEngine{append: func(_ context.Context, c upload.Chunk) (upload.Status, error) {
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c.Body}, make([]byte, block))
				return upload.Status{ID: testID, Expires: testExpires, Offset: n}, err
			}})
			c := s.dial(b)
			r := bufio.NewReader(c)
			request := append(fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", putChunk, size), make([]byte, size)...)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(request); err != nil {
					b.Fatal(err)
				}
				if got := mustAnswer(b, r); got.status != http.StatusOK {
					b.Fatalf("got %d %s", got.status, got.body)
				}
			}
		})
	}
}
