package upload_test

import (
	"fmt"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// BenchmarkChunk is what the engine itself does with a chunk: plan, tail,
// buffers, advance. The stores answer at once and keep nothing.
func BenchmarkChunk(b *testing.B) {
	for _, size := range []int64{1 << 20, 4 << 20, 8 << 20, 32 << 20} {
		for name, length := range map[string]int64{"known": size, "unknown": upload.UnknownLength} {
			b.Run(fmt.Sprintf("MiB=%d/length=%s", size>>20, name), func(b *testing.B) {
				c := newCosts(func(*upload.Config) {})
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					c.record.next, c.record.session.Offset = 1, 0 // or the object would be full
					c.spend(b, size, length)
				}
			})
		}
	}
}
