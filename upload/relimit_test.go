package upload_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// An upload that was opened under other limits goes on: its tail may be larger
// than a part may be now.
func TestTailLargerThanAPart(t *testing.T) {
	for _, test := range []struct {
		name  string
		tail  int
		chunk int
		after func(*upload.Config)
	}{
		{"a little", 99, 10, func(c *upload.Config) { c.Limits.EqualPart = 60 }},
		{"many times", 990, 10, func(c *upload.Config) { c.Limits.EqualPart = 60 }},
		{"exactly, twice", 120, 1, func(c *upload.Config) { c.Limits.EqualPart = 60 }},
		{"nothing is left", 110, 10, func(c *upload.Config) { c.Limits.EqualPart = 60 }},
		{"the largest part became smaller", 900, 10, func(c *upload.Config) { c.Limits.MaxPart = 100 }},
		{"nothing but a commit follows", 990, 0, func(c *upload.Config) { c.Limits.EqualPart = 60 }},
	} {
		for _, sessions := range []int64{0, 500, 100_000} { // bytes of a tail that are in the session store
			t.Run(fmt.Sprintf("%s/%d", test.name, sessions), func(t *testing.T) {
				l := newLab(func(c *upload.Config) { c.Limits.EqualPart, c.TailInSessions = 1000, sessions })
				// Two parts, then the tail in several fragments.
				file := content(1, 2000+test.tail+test.chunk)
				s := l.mustPut(t, "", 0, file[:2000])
				for n := range 3 {
					s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:2000+(n+1)*test.tail/3])
				}
				test.after(&l.cfg)
				l.cfg.Limits.EqualPart %= 1000
				l = l.replica()
				if test.chunk > 0 {
					s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:])
				}
				l.wantListed(t, s.ID)
				got, err := l.sessions.Get(t.Context(), s.ID, owner)
				if err != nil || slices.ContainsFunc(got.Tail, func(f upload.Fragment) bool { return f.Size == 0 }) {
					t.Errorf("the tail is %+v, %v", got.Tail, err)
				}
				l.mustCommit(t, s.ID, "file")
				l.wantObject(t, "file", file)
				l.wantOnly(t, "file")
				if n := l.sessions.Pieces(); n != 0 {
					t.Errorf("%d pieces are left", n)
				}
			})
		}
	}
}

// FuzzLimits changes the limits between any two chunks: all that was accepted
// is in the object, and every chunk is accepted.
func FuzzLimits(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		l := newLab(func(c *upload.Config) { c.Limits.MaxParts = 10_000 })
		file := content(seed, 1+r.IntN(4000))
		var s upload.Status
		for s.ID == "" || int(s.Offset) < len(file) {
			least := 50 + r.Int64N(200)
			l.cfg.Limits.MinPart, l.cfg.Limits.MaxPart = least, 2*least+r.Int64N(2000)
			if l.cfg.Limits.EqualPart = 0; r.IntN(3) > 0 {
				l.cfg.Limits.EqualPart = least + r.Int64N(1<<r.IntN(11))
				l.cfg.Limits.MaxPart += l.cfg.Limits.EqualPart
			}
			l.cfg.PartsParallel = r.IntN(4)
			l.cfg.TailInSessions = []int64{0, 20, 700, 100_000}[r.IntN(4)]
			l = l.replica()
			chunk := file[s.Offset:min(len(file), int(s.Offset)+r.IntN(1+1<<r.IntN(12)))]
			c := upload.Chunk{Owner: owner, ID: s.ID, Offset: s.Offset, Length: upload.UnknownLength, Body: bytes.NewReader(chunk)}
			if r.IntN(2) == 0 {
				c.Length = int64(len(chunk))
			}
			var err error
			if s, err = l.Append(t.Context(), c); err != nil {
				t.Fatalf("append %d bytes at %d under %+v: %v", len(chunk), c.Offset, l.cfg.Limits, err)
			}
		}
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
		l.wantOnly(t, "file")
		if n := l.sessions.Pieces(); n != 0 {
			t.Errorf("%d pieces are left", n)
		}
	})
}
