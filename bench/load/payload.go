package load

import (
	"crypto/sha256"
	"hash"
	"math/rand/v2"
)

// Payload is a buffer of bytes that do not compress, from which bodies are cut.
// It is safe for concurrent use.
type Payload struct{ bytes []byte }

// shift is the distance between the bodies of neighbouring chunks, in bytes: a
// chunk in another's place changes the content.
const shift = 4099

// shifts is how many chunks an upload has before their content repeats.
const shifts = 1000

// NewPayload holds bodies of up to size bytes.
func NewPayload(size int64) *Payload {
	p := &Payload{bytes: make([]byte, size+shifts*shift)}
	_, _ = rand.NewChaCha8([32]byte{}).Read(p.bytes) // it never fails
	return p
}

// Chunk is the body of a client's n-th chunk. It must not be written to.
func (p *Payload) Chunk(client, n int, size int64) []byte {
	begin := int64((client*31+n)%shifts) * shift
	return p.bytes[begin : begin+size]
}

// SHA256 is the hash of what a client sent in chunks of size bytes.
func (p *Payload) SHA256(client, chunks int, size int64) [sha256.Size]byte {
	sum := sha256.New()
	for n := range chunks {
		_, _ = sum.Write(p.Chunk(client, n, size))
	}
	return Sum(sum)
}

// Sum is a hash's result as a value to compare.
func Sum(h hash.Hash) [sha256.Size]byte { return [sha256.Size]byte(h.Sum(nil)) }
