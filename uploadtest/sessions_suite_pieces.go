package uploadtest

import (
	"bytes"

	"github.com/chunkgate/chunkgate/upload"
)

func testPieces(c *sessionsCase) {
	s := c.mustOpen()
	large := bytes.Repeat([]byte("\x00\xff\r\n"), 64<<10)
	c.mustPut(s.ID, "a", 0, large, []byte("one"))
	c.mustPut(s.ID, "a", 2, []byte("two"))
	c.mustPut(s.ID, "b", 0, []byte("other"))
	c.mustPut(s.ID, "a", 2, []byte("two")) // a repeat

	cases := []struct {
		name         string
		first, count int
		want         [][]byte
	}{
		{"a", 0, 3, [][]byte{large, []byte("one"), []byte("two")}},
		{"a", 1, 1, [][]byte{[]byte("one")}},
		{"b", 0, 1, [][]byte{[]byte("other")}},
		{"b", 0, 0, nil},
	}
	for _, tc := range cases {
		got, err := c.GetPieces(c.Context(), s.ID, tc.name, tc.first, tc.count)
		if err != nil {
			c.Fatalf("get %d pieces of %q from %d: %v", tc.count, tc.name, tc.first, err)
		}
		c.wantSame("pieces", got, tc.want)
	}
	for _, tc := range cases[:3] {
		_, err := c.GetPieces(c.Context(), s.ID, tc.name, tc.first, tc.count+3)
		c.wantError("get pieces beyond the last", err, upload.ErrNotExist)
	}
	other := c.mustOpen()
	_, err := c.GetPieces(c.Context(), other.ID, "a", 0, 1)
	c.wantError("get another session's pieces", err, upload.ErrNotExist)
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
		_, err := c.GetPieces(c.Context(), s.ID, "a", number, 1)
		if got := err == nil; got != want {
			c.Fatalf("piece %d: got %v, want it there: %v", number, err, want)
		}
	}
	if _, err := c.GetPieces(c.Context(), s.ID, "b", 0, 1); err != nil {
		c.Fatalf("an unrelated piece: %v", err)
	}
	if err := c.DropPieces(c.Context(), s.ID, nil); err != nil {
		c.Fatalf("drop nothing: %v", err)
	}
}
