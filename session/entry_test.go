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

// FuzzDecodeTail: what can be read is written back the same, and garbage is an
// error, never a panic.
func FuzzDecodeTail(f *testing.F) {
	f.Add("")
	f.Add(";s,attempt,4194304,262144,0;o,staging%2Fx%2Ftail%2Fa-0,9,0,0")
	f.Add(";s,%00,0,0,0;;")
	f.Fuzz(func(t *testing.T, text string) {
		tail, err := decodeTail(text)
		if err != nil {
			return
		}
		again, err := decodeTail(encodeTail(tail))
		if diff := cmp.Diff(again, tail); err != nil || diff != "" {
			t.Fatalf("%q: %v\n%s", text, err, diff)
		}
	})
}

// FuzzDecodeRecord gives a record's reader any value in any field.
func FuzzDecodeRecord(f *testing.F) {
	f.Add("tail", ";s,a,1,1,0")
	f.Add("result", "k,1,e,1,u")
	f.Add("runner", "r")
	f.Add("expires", "9223372036854775807")
	names := fields(upload.Session{}, 0, time.Time{})
	f.Fuzz(func(t *testing.T, name, value string) {
		all := make(map[string]string)
		for i := 0; i < len(names); i += 2 {
			all[names[i].(string)] = "0"
		}
		all["state"], all["tail"], all["offset"] = "open", "", "1000000"
		all[name] = value
		s, err := (&record{fields: all}).session("u")
		if err != nil {
			return
		}
		var size int64
		for _, fragment := range s.Tail {
			size += fragment.Size
		}
		if size > s.Offset || s.State == upload.Committed && s.Commit == nil {
			t.Fatalf("%s = %q: got %+v", name, value, s)
		}
	})
}
