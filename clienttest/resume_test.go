package clienttest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// TestResume sends 300 MiB in chunks of 1 byte to 20 MiB through connections
// that break: in mid-chunk, and after the last byte but before the answer. The
// client knows only what the server tells it, mostly by its 400.
func TestResume(t *testing.T) {
	const size = 300 * mib
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))

	f := newFile(t, size)
	data, err := os.Open(f.name)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()

	c := newResumer(t, start(t), data)
	for c.offset < size {
		n := min(chunkSize(random), size-c.offset)
		switch random.IntN(5) {
		case 0:
			c.cutInside(n, random.Int64N(n))
		case 1:
			c.cutBeforeAnswer(n)
		default:
			c.put(n, random.IntN(2) == 0)
		}
	}
	t.Logf("%d chunks, %d cut inside, %d answers lost", c.chunks, c.cuts, c.lost)

	const key = "resume/300 MiB.bin"
	if got, want := c.commit(key), (answer{Path: "/" + key, Bytes: size}); got != want {
		t.Errorf("commit answered %+v, want %+v", got, want)
	}
	if got := c.target.SHA256(t, key); got != f.sha256 {
		t.Errorf("SHA-256 of the object %s, of the file %s (seed %d)", got, f.sha256, seed)
	}
}

// chunkSize is 1 byte to 20 MiB, each order of magnitude as likely as another,
// and one in eight of the largest kind so that the upload ends in time.
func chunkSize(random *rand.Rand) int64 {
	const largest = 20 * mib
	if random.IntN(8) == 0 {
		return largest - random.Int64N(mib)
	}
	return int64(math.Exp(random.Float64() * math.Log(largest)))
}

// TestLateReader sends 32 MiB at a wrong offset and reads nothing until all is
// written, as Python's http.client does. A server that answers 400 without
// reading on resets the connection, and the client never sees where to resume
// (PROTOCOL 5.3).
func TestLateReader(t *testing.T) {
	const size = 32 * mib
	f := newFile(t, size)
	data, err := os.Open(f.name)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()

	c := newResumer(t, start(t), data)
	c.put(1, true)
	for n := range 20 {
		t.Run(fmt.Sprint(n), func(t *testing.T) { c.misaligned(t, 0, size) })
	}
}
