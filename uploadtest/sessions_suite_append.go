package uploadtest

import (
	"context"
	"fmt"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

func testOpen(c *sessionsCase) {
	s := c.newSession()
	s.Key, s.Promised, s.Type = "alice/film.mkv", true, "video/x-matroska"
	stored, first, err := c.Open(c.Context(), s, life, 3)
	if err != nil {
		c.Fatalf("open: %v", err)
	}
	c.wantNear("created", stored.Created, c.now())
	c.wantSame("life", stored.Expires.Sub(stored.Created), life)
	s.Created, s.Expires = stored.Created, stored.Expires
	c.wantSame("session opened", stored, s)
	c.wantSame("numbers", first, upload.Numbers{First: 1, Count: 3, Epoch: first.Epoch})
	c.wantSame("session", c.mustGet(s.ID), s)

	c.mustAdvance(upload.Advance{ID: s.ID, From: 0, To: 7})
	stored, again, err := c.Open(c.Context(), s, life, 3)
	if err != nil {
		c.Fatalf("open, repeated: %v", err)
	}
	s.Offset = 7
	c.wantSame("session opened again", stored, s)
	c.wantSame("session opened twice", c.mustGet(s.ID), s)
	c.wantDisjoint([]upload.Numbers{first, c.mustDraw(s.ID, 2)})
	c.wantDisjoint([]upload.Numbers{again, c.mustDraw(s.ID, 2)})

	foreign := s
	foreign.Owner = "bob"
	_, _, err = c.Open(c.Context(), foreign, life, 1)
	c.wantError("open another's", err, upload.ErrNotFound)
	c.wantSame("session that another wanted", c.mustGet(s.ID), s)
}

func testGet(c *sessionsCase) {
	s := c.mustOpen()
	for _, when := range []time.Time{s.Created, s.Expires.Add(-moment)} {
		c.reach(when)
		got, err := c.Get(c.Context(), s.ID, owner)
		if err != nil {
			c.Fatalf("get %v before it expires: %v", s.Expires.Sub(when), err)
		}
		c.wantSame("session", got, s)
	}
}

func testBegin(c *sessionsCase) {
	s := c.mustOpen()
	tail := []upload.Fragment{kept("a", 10)}
	c.mustAdvance(upload.Advance{ID: s.ID, From: 0, To: 10, Tail: tail})
	s.Offset, s.Tail = 10, tail

	for _, offset := range []int64{10, upload.AnyOffset} {
		got, n, err := c.attemptAt(s.ID, offset, 2)
		if err != nil {
			c.Fatalf("begin at %d: %v", offset, err)
		}
		c.wantSame("session", got, s)
		if n.Count != 2 {
			c.Fatalf("got numbers %+v, want 2", n)
		}
	}
	for _, offset := range []int64{0, 9, 11, 1 << 45} {
		_, _, err := c.attemptAt(s.ID, offset, 2)
		c.wantOffset(err, s, offset, 10)
	}
	c.wantSame("session after all attempts", c.mustGet(s.ID), s)
}

func testAttach(c *sessionsCase) {
	s := c.mustOpen()
	// The second is another's, the third the first one's repeat.
	for _, id := range []string{"first", "second", "first"} {
		stored, err := c.Attach(c.Context(), s.ID, id)
		if err != nil {
			c.Fatalf("attach: %v", err)
		}
		c.wantSame("attached id", stored, "first")
	}
	c.wantSame("stored id", c.mustGet(s.ID).UploadID, "first")
}

// testDetach: a multipart upload is forgotten only as long as nothing is in it.
func testDetach(c *sessionsCase) {
	s := c.mustOpen()
	attach := func(id string) {
		if _, err := c.Attach(c.Context(), s.ID, id); err != nil {
			c.Fatalf("attach: %v", err)
		}
	}
	attach("first")
	c.wantError("detach another", c.Detach(c.Context(), s.ID, "other"), nil)
	c.wantSame("stored id", c.mustGet(s.ID).UploadID, "first")
	for range 2 { // a repeat is harmless
		c.wantError("detach", c.Detach(c.Context(), s.ID, "first"), nil)
	}
	c.wantSame("stored id", c.mustGet(s.ID).UploadID, "")
	attach("second")
	stored := upload.Advance{
		ID: s.ID, Attempt: "a", From: 0, To: 8,
		UploadID: "first", Parts: []upload.Part{{Number: 1, Size: 8, ETag: `"a"`}},
	}
	c.wantError("advance with parts of what was detached", c.advance(stored), upload.ErrNotExist)
	stored.UploadID = "second"
	c.mustAdvance(stored)
	c.wantError("detach what holds parts", c.Detach(c.Context(), s.ID, "second"), upload.ErrNotExist)
	c.wantSame("stored id", c.mustGet(s.ID).UploadID, "second")
}

func testAdvance(c *sessionsCase) {
	s := c.mustOpen()
	c.mustPut(s.ID, "a", 0, []byte("four"), []byte("more"))
	tail := []upload.Fragment{{Place: upload.InSessions, Name: "a", Size: 8, Piece: 4}}
	c.mustAdvance(upload.Advance{ID: s.ID, Attempt: "a", From: 0, To: 8, Tail: tail})

	// b turns a's bytes and some of its own into two parts and a new tail.
	c.mustPut(s.ID, "b", 0, []byte("rest"))
	parts := []upload.Part{
		{Number: 2, Size: 9, ETag: `"aa"`, Checksum: "crc32c:AAAAAA=="},
		{Number: 5, Size: 9, ETag: `"bb"`},
	}
	fragments := []upload.Fragment{
		kept("b", 4),
		{Place: upload.InObjects, Name: "staging/x/tail/b-0", Size: 5},
	}
	c.mustAdvance(upload.Advance{ID: s.ID, Attempt: "b", From: 8, To: 27, Parts: parts, Tail: fragments, Drop: tail})

	s.Offset, s.Tail = 27, fragments
	c.wantSame("session", c.mustGet(s.ID), s)
	c.wantParts(s.ID, parts...)
	_, err := c.piece(s.ID, "a", 0, 1)
	c.wantError("read a dropped piece", err, upload.ErrNotExist)
	piece, err := c.piece(s.ID, "b", 0, 4)
	if err != nil {
		c.Fatalf("get pieces: %v", err)
	}
	c.wantSame("piece", piece, []byte("rest"))

	more := upload.Part{Number: 6, Size: 20, ETag: `"cc"`}
	c.mustAdvance(upload.Advance{ID: s.ID, From: 27, To: 38, Parts: []upload.Part{more}, Drop: fragments})
	c.wantParts(s.ID, append(parts, more)...)
	c.wantSame("tail", c.mustGet(s.ID).Tail, []upload.Fragment(nil))
}

// testPartsShort: the record knows how many bytes the listed parts hold.
func testPartsShort(c *sessionsCase) {
	s := c.mustOpen()
	part := upload.Part{Number: 1, Size: 5, ETag: `"a"`}
	c.mustAdvance(upload.Advance{ID: s.ID, From: 0, To: 9, Parts: []upload.Part{part}, Tail: []upload.Fragment{kept("a", 4)}})
	c.wantParts(s.ID, part)
	c.mustAdvance(upload.Advance{ID: s.ID, From: 9, To: 12, Tail: []upload.Fragment{kept("b", 4)}})
	_, err := c.Parts(c.Context(), s.ID)
	c.wantError("parts that lack 3 bytes", err, upload.ErrDamaged)
}

// testAdvanceLarge lists and drops more than any store takes at a time.
func testAdvanceLarge(c *sessionsCase) {
	const count = 9_500
	s := c.mustOpen()
	pieces := make([][]byte, count)
	parts := make([]upload.Part, count)
	for i := range count {
		pieces[i] = []byte{byte(i)}
		parts[i] = upload.Part{Number: i + 1, Size: 5 << 20, ETag: fmt.Sprintf("%q", fmt.Sprint(i))}
	}
	c.mustPut(s.ID, "a", 0, pieces...)
	c.mustPut(s.ID, "b", 0, []byte("stays"))
	all := upload.Fragment{Place: upload.InSessions, Name: "a", Size: count, Piece: 1}
	c.mustAdvance(upload.Advance{ID: s.ID, From: 0, To: count * 5 << 20, Parts: parts, Drop: []upload.Fragment{all}})

	c.wantParts(s.ID, parts...)
	for _, number := range []int{0, 1, 999, 1000, 8000, count - 1} {
		_, err := c.piece(s.ID, "a", number, 1)
		c.wantError(fmt.Sprintf("read dropped piece %d", number), err, upload.ErrNotExist)
	}
	if _, err := c.piece(s.ID, "b", 0, 5); err != nil {
		c.Fatalf("read a piece that was not dropped: %v", err)
	}
}

// testOddText stores every text with the characters that encodings trip over.
func testOddText(c *sessionsCase) {
	const odd = "a,b;c:d|e%20+f\"g\\h\ni\x00j{k}l é 日本 \xff"
	s := c.newSession()
	s.Key, s.Type = odd, odd
	s, _, err := c.Open(c.Context(), s, life, 0)
	if err != nil {
		c.Fatalf("open: %v", err)
	}
	part := upload.Part{Number: 1, Size: 1, ETag: odd, Checksum: odd}
	tail := []upload.Fragment{{Place: upload.InObjects, Name: odd, Size: 3}, kept(odd, 2)}
	c.mustAdvance(upload.Advance{ID: s.ID, Attempt: odd, From: 0, To: 6, Parts: []upload.Part{part}, Tail: tail})
	s.Offset, s.Tail = 6, tail
	c.wantSame("session", c.mustGet(s.ID), s)
	c.wantParts(s.ID, part)

	commit := upload.Commit{Terms: odd, Key: odd, Runner: odd}
	c.mustBeginCommit(s.ID, commit)
	commit.Copy = upload.Multipart{Key: odd, ID: odd}
	c.mustUpdateCommit(s.ID, commit)
	commit.Result = &upload.Object{Key: odd, Size: 6, ETag: odd, Modified: c.now(), Upload: odd}
	c.mustEndCommit(s.ID, commit)
	c.wantCommit("commit", c.mustGet(s.ID).Commit, commit)
}

func testSessionsContext(c *sessionsCase) {
	s := c.mustOpen()
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	_, err := c.Get(ctx, s.ID, owner)
	c.wantError("get under an ended context", err, ctx.Err())
	_, err = c.Draw(ctx, s.ID, 1)
	c.wantError("draw under an ended context", err, ctx.Err())
}
