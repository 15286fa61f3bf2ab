package upload_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// wantListed checks that the stores hold of an open upload what its record lists
// and nothing else: what is more would be paid for until the upload expires.
func (l *lab) wantListed(t *testing.T, id string) {
	t.Helper()
	s, err := l.sessions.Get(context.Background(), id, owner)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := l.sessions.Parts(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	pieces, size := 0, int64(0)
	var keys []string
	for _, f := range s.Tail {
		pieces, size = pieces+f.Pieces(), size+f.Size
		if f.Place == upload.InObjects {
			keys = append(keys, f.Name)
		}
	}
	for _, p := range parts {
		size += p.Size
	}
	slices.Sort(keys)
	if got := l.sessions.Pieces(); got != pieces {
		t.Errorf("at %d: the session store holds %d pieces, want %d", s.Offset, got, pieces)
	}
	if got := l.objects.Keys(); !slices.Equal(got, keys) {
		t.Errorf("at %d: the object store holds\n%s\nwant\n%s", s.Offset, strings.Join(got, "\n"), strings.Join(keys, "\n"))
	}
	if size != s.Offset {
		t.Errorf("parts and tail have %d bytes, %d were accepted", size, s.Offset)
	}
}

// Many small chunks are stored again and again as fewer fragments, some of them
// for nothing: another attempt is faster, or a store fails. No copy of a byte is
// left beside the one that counts.
func TestNoByteIsKeptTwice(t *testing.T) {
	tests := map[string]func(*upload.Config){
		"in the session store":  func(*upload.Config) {},
		"in the object store":   func(c *upload.Config) { c.TailInSessions = 0 },
		"in both":               func(c *upload.Config) { c.TailInSessions = 500 },
		"parts now and then":    func(c *upload.Config) { c.Limits.MinPart = 900 },
		"hardly any memory":     func(c *upload.Config) { c.BufferMemory = 1 },
		"parts of equal length": func(c *upload.Config) { c.Limits.MinPart, c.Limits.EqualPart = 700, 700 },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLab(func(c *upload.Config) { c.Limits.MinPart = 50_000 }, change)
			r := rand.New(rand.NewPCG(1, 2))
			file := content(1, 10_000)
			s := l.mustPut(t, "", 0, file[:5])
			for n := range 400 {
				chunk := file[s.Offset:][:1+r.IntN(16)]
				switch n % 8 {
				case 3: // another attempt at the same offset is faster
					l.before(uploadtest.OpAdvance, func() error {
						_, err := l.put(s.ID, s.Offset, chunk)
						return err
					})
					var late *upload.OffsetError
					if _, err := l.put(s.ID, s.Offset, chunk); !errors.As(err, &late) {
						t.Fatalf("a chunk that came too late: %v", err)
					}
					s.Offset = late.Want
				case 5: // the client breaks off
					_, err := l.Append(t.Context(), upload.Chunk{
						Owner: owner, ID: s.ID, Offset: s.Offset, Length: upload.UnknownLength,
						Body: read(chunk, fail{upload.ErrIdle})(),
					})
					if !errors.Is(err, upload.ErrIdle) {
						t.Fatal(err)
					}
				case 6, 7: // a store fails while fragments are stored again
					broken, puts := errors.New("broken"), 0
					l.sessions.Fault = func(op string) error {
						if op == uploadtest.OpPutPieces {
							puts++ // the first is of the chunk
						}
						if n%8 == 6 && op == uploadtest.OpGetPieces || n%8 == 7 && op == uploadtest.OpPutPieces && puts == 2 {
							return broken
						}
						return nil
					}
					now, err := l.put(s.ID, s.Offset, chunk)
					if err == nil {
						s = now
					} else if !errors.Is(err, broken) {
						t.Fatal(err)
					}
					l.sessions.Fault = nil
				default:
					s = l.mustPut(t, s.ID, s.Offset, chunk)
				}
				l.wantListed(t, s.ID)
				if n := l.Lent(); n > 0 {
					t.Errorf("%d bytes of buffers are still in use", n)
				}
				if t.Failed() {
					t.FailNow()
				}
			}
			l.mustCommit(t, s.ID, "file")
			l.wantObject(t, "file", file[:s.Offset])
			l.wantOnly(t, "file")
			if n := l.sessions.Pieces(); n > 0 {
				t.Errorf("%d pieces are left", n)
			}
		})
	}
}

// before does something once, before the next call of op takes effect.
func (l *lab) before(op string, do func() error) {
	l.sessions.Fault = func(now string) error {
		if now != op {
			return nil
		}
		l.sessions.Fault = nil
		if err := do(); err != nil {
			return fmt.Errorf("before %s: %w", op, err)
		}
		return nil
	}
}

// The session store is slow, and fails amid fragments of more than one buffer that become
// one. What was read of them is given back, and what was read ahead.
func TestBuffersAfterABrokenMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(func(c *upload.Config) {
			c.Limits.MinPart, c.Limits.MaxPart, c.TailInSessions = 1000*kib, 2000*kib, 1000*kib
		})
		var s upload.Status
		for range 63 {
			s = l.mustPut(t, s.ID, s.Offset, content(1, 12*kib))
		}
		broken, puts := errors.New("broken"), 0
		l.sessions.Fault = func(op string) error {
			if op == uploadtest.OpPutPieces {
				puts++ // the first is of the chunk
			}
			if op == uploadtest.OpPutPieces && puts == 2 {
				return broken
			}
			if op == uploadtest.OpGetPieces {
				time.Sleep(time.Second)
			}
			return nil
		}
		if _, err := l.put(s.ID, s.Offset, content(1, 12*kib)); !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
		if n := l.Lent(); n > 0 {
			t.Errorf("%d bytes of buffers are still in use", n)
		}
		l.wantListed(t, s.ID)
	})
}
