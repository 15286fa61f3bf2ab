package uploadtest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/chunkgate/chunkgate/upload"
)

func testPieces(c *sessionsCase) {
	s := c.mustOpen()
	large := bytes.Repeat([]byte("\x00\xff\r\n"), 64<<10)
	c.mustPut(s.ID, "a", 0, large, []byte("one"))
	c.mustPut(s.ID, "a", 2, []byte("two"))
	c.mustPut(s.ID, "b", 0, []byte("other"))
	c.mustPut(s.ID, "a", 2, []byte("two")) // a repeat

	want := []struct {
		name   string
		number int
		bytes  []byte
	}{
		{"a", 2, []byte("two")}, {"b", 0, []byte("other")}, {"a", 0, large}, {"a", 1, []byte("one")},
	}
	pieces := make([]upload.Piece, len(want))
	for i, w := range want {
		pieces[i] = upload.Piece{Name: w.name, Number: w.number, Into: make([]byte, len(w.bytes))}
	}
	for n := range len(pieces) + 1 {
		if err := c.GetPieces(c.Context(), s.ID, pieces[:n]); err != nil {
			c.Fatalf("get %d pieces: %v", n, err)
		}
	}
	for i, w := range want {
		c.wantSame(fmt.Sprintf("piece %d of %s", w.number, w.name), pieces[i].Into, w.bytes)
	}
	for _, size := range []int{0, 2, 4} {
		_, err := c.piece(s.ID, "a", 1, size)
		c.wantError(fmt.Sprintf("get a piece of 3 bytes as one of %d", size), err, upload.ErrNotExist)
	}
	beyond := append(slices.Clone(pieces), upload.Piece{Name: "a", Number: 3, Into: make([]byte, 1)})
	c.wantError("get a piece beyond the last", c.GetPieces(c.Context(), s.ID, beyond), upload.ErrNotExist)
	other := c.mustOpen()
	_, err := c.piece(other.ID, "a", 1, 3)
	c.wantError("get another session's piece", err, upload.ErrNotExist)
	if err := c.PutPieces(c.Context(), s.ID, "a", 9, nil, s.Expires); err != nil {
		c.Fatalf("put no pieces: %v", err)
	}
}

func testPiecesDropped(c *sessionsCase) {
	s := c.mustOpen()
	c.mustPut(s.ID, "a", 0, []byte("0000"), []byte("1111"), []byte("2222"), []byte("33"))
	c.mustPut(s.ID, "b", 0, []byte("b"))
	drop := []upload.Fragment{
		{Place: upload.InSessions, Name: "a", Size: 6, Piece: 4, First: 2},
		{Place: upload.InSessions, Name: "never stored", Size: 1, Piece: 1},
		{Place: upload.InObjects, Name: "b", Size: 1}, // not here: ignored
	}
	for range 2 {
		if err := c.DropPieces(c.Context(), s.ID, drop); err != nil {
			c.Fatalf("drop pieces: %v", err)
		}
	}
	for number, want := range []bool{true, true, false, false} {
		_, err := c.piece(s.ID, "a", number, 4)
		if got := err == nil; got != want {
			c.Fatalf("piece %d: got %v, want it there: %v", number, err, want)
		}
	}
	if _, err := c.piece(s.ID, "b", 0, 1); err != nil {
		c.Fatalf("an unrelated piece: %v", err)
	}
	if err := c.DropPieces(c.Context(), s.ID, nil); err != nil {
		c.Fatalf("drop nothing: %v", err)
	}
}
