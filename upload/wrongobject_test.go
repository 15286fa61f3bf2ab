package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// garbling is a store that makes of the parts at one key another object than was
// sent, and says so.
type garbling struct {
	upload.Objects
	key  string
	then func() // happens before the engine hears of it
}

func (g *garbling) Complete(ctx context.Context, m upload.Multipart, parts []upload.Part, c upload.Condition) (upload.Object, error) {
	o, err := g.Objects.Complete(ctx, m, parts, c)
	if err != nil || m.Key != g.key {
		return o, err
	}
	if g.then != nil {
		g.then()
	}
	return upload.Object{}, fmt.Errorf("its checksum is another: %w", upload.ErrDamaged)
}

// An object that is not what was sent does not stay, and the client starts again
// rather than repeat for ever.
func TestWrongObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, promised := range []bool{false, true} {
			store := &garbling{}
			l := newLab(func(c *upload.Config) { store.Objects, c.Objects = c.Objects, store })
			first := upload.Chunk{Owner: owner, Length: 100, Body: read(content(1, 100))()}
			if promised {
				first.Destination = "file"
			}
			s, err := l.Append(t.Context(), first)
			if err != nil {
				t.Fatal(err)
			}
			if store.key = upload.StagingKey(staging, s.ID); promised {
				store.key = "file"
			}
			if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrNotFound) {
				t.Errorf("promised %v: got %v, want %v", promised, err, upload.ErrNotFound)
			}
			l.wantOnly(t)
		}
	})
}

// Somebody else's object has taken the place of the wrong one by the time that
// it is known to be wrong. It stays.
func TestWrongObjectReplacedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &garbling{key: "file"}
		l := newLab(func(c *upload.Config) { store.Objects, c.Objects = c.Objects, store })
		s, err := l.Append(t.Context(), upload.Chunk{
			Owner: owner, Destination: "file", Length: 100, Body: read(content(1, 100))(),
		})
		if err != nil {
			t.Fatal(err)
		}
		store.then = func() {
			other := content(2, 20)
			_, err := l.objects.Put(t.Context(), "file", 20, bytes.NewReader(other), upload.Attributes{Upload: "another"}, upload.Condition{})
			if err != nil {
				t.Error(err)
			}
		}
		if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("got %v, want %v", err, upload.ErrNotFound)
		}
		l.wantObject(t, "file", content(2, 20))
	})
}

// A copy goes wrong. What it was made from is as it was: the wrong copy goes,
// and the repeated commit makes a right one.
func TestWrongCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &garbling{key: "file"}
		l := newLab(func(c *upload.Config) { store.Objects, c.Objects = c.Objects, store })
		s := l.mustPut(t, "", 0, content(1, 100))
		for range 5 { // however often
			if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrUnavailable) {
				t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
			}
			if _, there := l.objects.Object("file"); there {
				t.Error("the wrong copy is there")
			}
			time.Sleep(2 * time.Minute)
		}
		store.key = "no longer"
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", content(1, 100))
		l.wantOnly(t, "file")
	})
}
