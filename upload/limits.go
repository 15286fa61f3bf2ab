package upload

import "math"

// Limits are S3's and the protocol's, as parameters so that tests may use
// bytes. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
type Limits struct {
	MinPart  int64 // bytes; least size of a part but the last: 5 MiB
	MaxPart  int64 // bytes; 5 GiB
	MaxParts int   // 10,000; at least 2 × commitNumbers

	MaxChunk  int64 // bytes; 157,286,400 in Dropbox v1 (PROTOCOL 3.3)
	MaxObject int64 // bytes; 5 TiB

	// EqualPart, if not 0, makes every part but the last exactly this many
	// bytes, as Cloudflare R2 demands. Between MinPart and MaxPart.
	EqualPart int64
}

// S3Limits are those of AWS and MinIO, and of Dropbox v1 for chunks.
func S3Limits() Limits {
	return Limits{
		MinPart:   5 << 20,
		MaxPart:   5 << 30,
		MaxParts:  10_000,
		MaxChunk:  157_286_400,
		MaxObject: 5 << 40,
	}
}

// commitNumbers are the last part numbers, kept for commits: the tail becomes
// the last part, under a number for each offset that a commit was tried at.
const commitNumbers = 64

// growth is the number of parts, as a share of MaxParts, over which the least
// part size grows by e. With 0.062 the numbers up to 10,000 hold 5 TiB cut
// from chunks of any size, one number in ten lost to retries included; the
// property tests hold it. DESIGN.md has 0.065, which leaves no room for both.
const growth = 0.062

// minPart is the least size, in bytes, of the part with number n unless it is the
// last. It stays MinPart for the first half of the numbers, so that 40 GB in
// chunks of 4 MiB cost no byte sent twice, and grows from there to MaxPart.
func (l Limits) minPart(n int) int64 {
	if l.EqualPart > 0 {
		return l.EqualPart
	}
	half := l.MaxParts / 2
	if n <= half {
		return l.MinPart
	}
	grown := float64(l.MinPart) * math.Exp(float64(n-half)/(growth*float64(l.MaxParts)))
	return int64(math.Min(grown, float64(l.MaxPart)))
}

// within is the smaller of an owner's own limit, which is none if 0, and of
// everybody's.
func within(own, all int64) int64 {
	if own == 0 {
		return all
	}
	return min(own, all)
}

// lastNumber is the highest part number that a chunk may take.
func (l Limits) lastNumber() int { return l.MaxParts - commitNumbers }

// wanted is how many part numbers a chunk of length bytes can need at most,
// whatever the tail. Those it turns out not to need are given back.
func (l Limits) wanted(length int64) int {
	switch {
	case length == 0:
		return 0
	case length == UnknownLength || l.EqualPart == 0:
		return 1
	}
	return int((l.EqualPart - 1 + length) / l.EqualPart)
}
