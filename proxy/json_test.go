package proxy

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestObject(t *testing.T) {
	var o object
	o.text("a", "b\"\\/\n\r\t\b\f\x00\x1f\x7f<&>é\u2028🌃\xff")
	o.number("n", -1<<63)
	o.flag("t", true)
	o.flag("f", false)
	o.null("ü")
	want := `{"a": "b\"\\/\n\r\t\b\f\u0000\u001f` + "\x7f" + `<&>\u00e9\u2028\ud83c\udf03\ufffd", ` +
		`"n": -9223372036854775808, "t": true, "f": false, "\u00fc": null}`
	if diff := cmp.Diff(want, string(o.bytes())); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
}

// What is written is ASCII on one line and reads back as it was.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n", "é🌃", "\xff\xc3", "\x00\x7f", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := appendString(nil, s)
		for _, c := range got {
			if c < ' ' || c >= utf8.RuneSelf {
				t.Fatalf("byte %#x in %q", c, got)
			}
		}
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		var want strings.Builder
		for _, r := range s { // makes U+FFFD of each byte that is not UTF-8
			want.WriteRune(r)
		}
		if back != want.String() {
			t.Errorf("got %q, want %q", back, want.String())
		}
	})
}
