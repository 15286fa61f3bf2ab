package upload_test

import (
	"context"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// What a chunk may cost this package: counts that are the same on every
// machine. The root package's budget has those of the real stores.
const (
	allocsPerChunk = 16 // whatever its size, when it becomes a part
)

// record is a session store of one session that keeps no pieces. The embedded
// interface is nil: what is not expected to be called panics.
type record struct {
	upload.Sessions
	session upload.Session
	next    int
	look    func() // at every call with pieces
}

func (s *record) Begin(_ context.Context, b upload.Begin) (upload.Session, upload.Numbers, error) {
	s.next += b.Wanted
	return s.session, upload.Numbers{First: s.next - b.Wanted, Count: b.Wanted}, nil
}

func (s *record) Draw(_ context.Context, _ string, wanted int) (upload.Numbers, error) {
	s.next += wanted
	return upload.Numbers{First: s.next - wanted, Count: wanted}, nil
}

func (s *record) Advance(_ context.Context, a upload.Advance) error {
	s.session.Offset, s.session.Tail = a.To, a.Tail
	if a.Unused.Count > 0 {
		s.next = a.Unused.First
	}
	return nil
}

func (s *record) PutPieces(context.Context, string, string, int, [][]byte, time.Time) error {
	s.look()
	return nil
}

func (s *record) GetPieces(context.Context, string, []upload.Piece) error { return nil }

// sink is an object store that takes parts and forgets them.
type sink struct {
	upload.Objects
	look func() // at every Read, from any goroutine
}

func (s *sink) UploadPart(_ context.Context, _ upload.Multipart, number int, size int64, body io.Reader) (upload.Part, error) {
	var block [16 << 10]byte
	for left := size; left > 0; {
		n, err := body.Read(block[:min(left, int64(len(block)))])
		if left -= int64(n); err != nil {
			return upload.Part{}, err
		}
		s.look()
	}
	return upload.Part{Number: number, Size: size}, nil
}

// costs is an engine over them; spend appends one chunk to it.
type costs struct {
	engine *upload.Engine
	record *record
	mu     sync.Mutex
	peak   int64 // bytes of buffers in use at once
}

func newCosts(change func(*upload.Config)) *costs {
	c := &costs{record: &record{next: 1, session: upload.Session{
		ID: "id", Owner: owner, State: upload.Open, UploadID: "u", Expires: time.Now().Add(ttl),
	}}}
	look := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.peak = max(c.peak, c.engine.Lent())
	}
	c.record.look = look
	cfg := upload.Config{
		Sessions: c.record, Objects: &sink{look: look}, Limits: upload.S3Limits(), TTL: ttl, StagingPrefix: staging,
		TailInSessions: 8 << 20, BufferMemory: 64 << 20,
	}
	change(&cfg)
	c.engine = upload.New(cfg)
	return c
}

func (c *costs) spend(tb testing.TB, size, length int64) {
	tb.Helper()
	if _, err := c.engine.Append(context.Background(), upload.Chunk{
		Owner: owner, ID: "id", Offset: c.record.session.Offset, Length: length, Body: io.LimitReader(zeros{}, size),
	}); err != nil {
		tb.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestAllocations counts those of a chunk: as many for the largest as for one
// of 5 MiB. The bytes of smaller ones, which wait in the tail, are in pooled
// buffers and never garbage.
func TestAllocations(t *testing.T) {
	for _, size := range []int64{5 << 20, 8 << 20, 32 << 20, 157_286_400} {
		c := newCosts(func(*upload.Config) {})
		if got := testing.AllocsPerRun(10, func() { c.spend(t, size, size) }); got > allocsPerChunk {
			t.Errorf("a chunk of %d bytes costs %.0f allocations, want at most %d", size, got, allocsPerChunk)
		} else {
			t.Logf("a chunk of %d bytes costs %.0f allocations", size, got)
		}
	}
	for _, size := range []int64{4 << 20, 1 << 20} {
		c := newCosts(func(*upload.Config) {})
		const chunks = 60
		for range chunks { // fills the pools
			c.spend(t, size, size)
		}
		bytes := allocated(func() {
			for range chunks {
				c.spend(t, size, size)
			}
		})
		if got, most := bytes/chunks, uint64(float64(size)*garbage); got > most {
			t.Errorf("a chunk of %d bytes makes %d bytes of garbage, want at most %d", size, got, most)
		} else {
			t.Logf("a chunk of %d bytes makes %d bytes of garbage", size, got)
		}
	}
}

// TestBuffers takes the most bytes of buffers that are in use at once for a
// chunk.
func TestBuffers(t *testing.T) {
	parallel := func(c *upload.Config) { c.PartsParallel = 4 }
	plain := func(*upload.Config) {}
	tests := []struct {
		name         string
		change       func(*upload.Config)
		size, length int64
		chunks       int
		most         int64
	}{
		{"streamed", plain, 150 << 20, 150 << 20, 1, 0},
		{"tail of 4 MiB, then its part", plain, 4 << 20, 4 << 20, 4, 4 << 20},
		{"unknown length", plain, 150 << 20, upload.UnknownLength, 1, 8 << 20},
		{"four parts at once", parallel, 150 << 20, 150 << 20, 1, 32 << 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newCosts(test.change)
			for range test.chunks {
				c.spend(t, test.size, test.length)
			}
			t.Logf("%d bytes of buffers", c.peak)
			if c.peak > test.most {
				t.Errorf("%d bytes of buffers were in use at once, want at most %d", c.peak, test.most)
			}
			if lent := c.engine.Lent(); lent != 0 {
				t.Errorf("%d bytes are still in use", lent)
			}
		})
	}
}

// allocated is how many bytes do allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
