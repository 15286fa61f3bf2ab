package session

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

func TestEntries(t *testing.T) {
	part := upload.Part{Number: 10_000, Size: 5 << 30, ETag: `"a,b;c"`, Checksum: "crc32c:AAAAAA=="}
	if got, err := decodePart(encodePart(part)); err != nil || got != part {
		t.Errorf("got %+v, %v, want %+v", got, err, part)
	}
	for _, o := range []upload.Object{
		{},
		{Key: "é,;\n", Size: 5 << 40, ETag: `"e"`, Modified: time.UnixMilli(1_700_000_000_123).UTC(), Upload: "u"},
	} {
		got, err := decodeObject(encodeObject(o))
		if err != nil || !cmp.Equal(got, o) {
			t.Errorf("got %+v, %v, want %+v", got, err, o)
		}
	}
	tail := []upload.Fragment{
		{Place: upload.InObjects, Name: "staging/x;s,y,", Size: 9},
		{Place: upload.InSessions, Name: "attempt", Size: 4 << 20, Piece: 256 << 10, First: 3},
	}
	got, err := decodeTail(encodeTail(tail))
	if diff := cmp.Diff(got, tail); err != nil || diff != "" {
		t.Errorf("tail: %v\n%s", err, diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, text := range []string{
		"x", ";", ";s,a,1,1", ";s,a,1,1,1,1", ";x,a,1,1,1", ";s,,1,1,1", ";s,a,-1,1,1", ";s,a,01,1,1",
		";s,a,+1,1,1", ";s,a,1e3,1,1", ";s,a,9007199254740993,1,1", ";s,%zz,1,1,1", ";s,a,1,1,1;",
	} {
		if tail, err := decodeTail(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, tail)
		}
	}
	for _, text := range []string{"", "1", "1,2,a", "1,2,a,b,c", "a,2,a,b", "1,-2,a,b"} {
		if part, err := decodePart(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, part)
		}
	}
}
