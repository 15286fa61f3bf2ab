package session_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// BenchmarkPieces stores and reads the tail of a chunk of 4 MiB on a real
// Redis. cpu-ms/op is this process's, which is what a proxy pays.
func BenchmarkPieces(b *testing.B) {
	const size, count = 64 << 10, 64
	s := session.New(mustConnect(b, testserver.StartRedis(b).URL), session.Options{})
	pieces, reads := make([][]byte, count), make([]upload.Piece, count)
	for i := range pieces {
		pieces[i] = make([]byte, size)
		reads[i] = upload.Piece{Name: "a", Number: i, Into: make([]byte, size)}
	}
	expires := time.Now().Add(time.Hour)
	put := func() error { return s.PutPieces(b.Context(), "bench", "a", 0, pieces, expires) }
	get := func() error { return s.GetPieces(b.Context(), "bench", reads) }
	for _, step := range []struct {
		name string
		do   func() error
	}{{"put", put}, {"get", get}} {
		b.Run(fmt.Sprintf("%s=4MiB", step.name), func(b *testing.B) {
			b.SetBytes(size * count)
			b.ReportAllocs()
			begun := cpu(b)
			for b.Loop() {
				if err := step.do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu(b)-begun).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
