package session

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

// What is written reads back as it was; what can be read is written back the
// same; and garbage, in any field, is an error and never a panic.
func FuzzRecord(f *testing.F) {
	for name, value := range map[string]string{
		"tail": ";s,a,1,1,0", "result": "k,1,e,1,u", "runner": "r", "expires": "9223372036854775807",
		"wins": " a b ", "offset": "-1", "state": "committing", "promised": "2",
	} {
		f.Add(name, value, "alice", int64(4<<20), uint16(3))
	}
	for _, tail := range []string{"", ";s,attempt,4194304,262144,0;o,staging%2Fx%2Ftail%2Fa-0,9,0,0", ";s,%00,0,0,0;;", `1,5,"e",crc32c:AA==`} {
		f.Add("tail", tail, "é,;\n", int64(0), uint16(1))
	}
	f.Fuzz(func(t *testing.T, name, value, text string, size int64, number uint16) {
		checkRoundTrip(t, text, size&(1<<53-1), int(number))
		checkRead(t, value)
		checkField(t, name, value)
	})
}

// flat is a record as Redis answers it.
func flat(s upload.Session) map[string]string {
	all := map[string]string{}
	written := append(fields(s, 1),
		"owner", s.Owner, "created", s.Created.UnixMilli(), "expires", s.Expires.UnixMilli(), "until", s.Expires.UnixMilli())
	for i := 0; i < len(written); i += 2 {
		all[written[i].(string)] = fmt.Sprint(written[i+1])
	}
	return all
}

func checkRoundTrip(t *testing.T, text string, size int64, number int) {
	t.Helper()
	part := upload.Part{Number: number, Size: size, ETag: text, Checksum: text}
	if got, err := decodePart(encodePart(part)); err != nil || got != part {
		t.Errorf("part %+v came back as %+v, %v", part, got, err)
	}
	at := time.UnixMilli(size).UTC()
	object := upload.Object{Key: text, Size: size, ETag: text, Modified: at, Upload: text}
	if got, err := decodeObject(encodeObject(object)); err != nil || !cmp.Equal(got, object) {
		t.Errorf("object %+v came back as %+v, %v", object, got, err)
	}
	s := upload.Session{
		ID: "u", Owner: text, State: upload.Open, Created: at, Expires: at, Offset: size,
		Key: text, Promised: number%2 == 0, Type: text, UploadID: text, Sealed: number%3 == 0,
	}
	if text != "" {
		s.Tail = []upload.Fragment{{Place: upload.InSessions, Name: text, Size: size, Piece: size, First: number}}
	}
	got, err := (&record{fields: flat(s)}).session("u")
	if diff := cmp.Diff(s, got); err != nil || diff != "" {
		t.Errorf("record: %v\n%s", err, diff)
	}
	if len(s.Tail) == 1 && !strings.Contains(encodeTail(s.Tail), spelled(s.Tail[0])) {
		t.Errorf("advance.lua does not find %+v in %q", s.Tail[0], encodeTail(s.Tail))
	}
}

func checkRead(t *testing.T, text string) {
	t.Helper()
	if tail, err := decodeTail(text); err == nil {
		if again, err := decodeTail(encodeTail(tail)); err != nil || !cmp.Equal(again, tail) {
			t.Errorf("tail %q: %+v, then %+v, %v", text, tail, again, err)
		}
	}
	if part, err := decodePart(text); err == nil {
		if again, err := decodePart(encodePart(part)); err != nil || again != part {
			t.Errorf("part %q: %+v, then %+v, %v", text, part, again, err)
		}
	}
	if object, err := decodeObject(text); err == nil {
		if again, err := decodeObject(encodeObject(object)); err != nil || !cmp.Equal(again, object) {
			t.Errorf("object %q: %+v, then %+v, %v", text, object, again, err)
		}
	}
}

// checkField gives a record's reader any value in any field.
func checkField(t *testing.T, name, value string) {
	t.Helper()
	all := flat(upload.Session{Offset: 1_000_000, Created: time.UnixMilli(0), Expires: time.UnixMilli(0)})
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
		t.Errorf("%s = %q: got %+v", name, value, s)
	}
}

// TestStateFitsCommit: a state that its commit does not bear out is an error, so that
// nobody relies on a commit that is not there.
func TestStateFitsCommit(t *testing.T) {
	claim := map[string]string{"runner": "r", "terms": "t", "destination": "k", "lease": "1", "copy_key": "", "copy_id": ""}
	done := maps.Clone(claim)
	done["result"] = "k,1,e,1,u"
	for state, wrong := range map[upload.State][]map[string]string{
		upload.Open: {claim, done}, upload.Committing: {nil, done}, upload.Committed: {nil, claim},
	} {
		for _, commit := range wrong {
			all := flat(upload.Session{ID: "u", Owner: "alice"})
			all["state"] = string(state)
			maps.Copy(all, commit)
			if u, err := (&record{fields: all}).session("u"); err == nil {
				t.Errorf("%s with %v: got %+v, want an error", state, commit, u)
			}
		}
	}
}
