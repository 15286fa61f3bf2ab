package proxy

import (
	"bytes"
	"encoding/json"
	"strconv"
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

// What is written is ASCII on one line, and reads back as it was.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n", "é🌃", "\xff\xc3", "\x00\x7f", "\u2028"} {
		f.Add(s, s, int64(len(s)), true)
	}
	f.Fuzz(func(t *testing.T, name, text string, n int64, flag bool) {
		var o object
		o.text("t"+name, text)
		o.number("n"+name, n)
		o.flag("f"+name, flag)
		o.null("z" + name)
		got := o.bytes()
		for _, c := range got {
			if c < ' ' || c >= utf8.RuneSelf {
				t.Fatalf("byte %#x in %q", c, got)
			}
		}
		read := json.NewDecoder(bytes.NewReader(got))
		read.UseNumber()
		var back map[string]any
		if err := read.Decode(&back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		name = valid(name)
		want := map[string]any{"t" + name: valid(text), "n" + name: json.Number(strconv.FormatInt(n, 10)), "f" + name: flag, "z" + name: nil}
		if diff := cmp.Diff(want, back); diff != "" {
			t.Errorf("%q (-want +got):\n%s", got, diff)
		}
	})
}

// valid makes U+FFFD of each byte that is not UTF-8.
func valid(s string) string { return string([]rune(s)) }
