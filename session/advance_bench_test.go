package session_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// BenchmarkChunk is both round trips of a chunk, Begin and Advance, at the start
// of an upload and behind 5,000 parts, on a real Redis.
func BenchmarkChunk(b *testing.B) {
	s := session.New(mustConnect(b, testserver.StartRedis(b).URL), session.Options{})
	for _, parts := range []int{0, 5000} {
		b.Run("parts="+strconv.Itoa(parts), func(b *testing.B) {
			id := fmt.Sprintf("bench-%d-%d", parts, b.N)
			_, _, err := s.Open(b.Context(), upload.Session{ID: id, Owner: "ada", Key: "k"}, time.Hour, 1)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Attach(b.Context(), id, "m"); err != nil {
				b.Fatal(err)
			}
			chunk := func(parts int) {
				u, n, err := s.Begin(b.Context(), upload.Begin{ID: id, Owner: "ada", Offset: upload.AnyOffset})
				if err != nil {
					b.Fatal(err)
				}
				a := upload.Advance{ID: id, Attempt: "a", Epoch: n.Epoch, From: u.Offset, To: u.Offset + 1, UploadID: "m", Tail: u.Tail}
				for i := range parts {
					a.Parts = append(a.Parts, upload.Part{Number: i + 1, Size: 5 << 20, ETag: `"0123456789abcdef0123456789abcdef"`, Checksum: "AAAAAA=="})
				}
				if err := s.Advance(b.Context(), a); err != nil {
					b.Fatal(err)
				}
			}
			chunk(parts)
			b.ReportAllocs()
			for b.Loop() {
				chunk(0)
			}
		})
	}
}
