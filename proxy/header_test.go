package proxy

import "testing"

// Whatever a client asks for by Range, what it gets is in the file. No two
// ETags share a rev, for each rev leads back to its own; and whatever a client
// sends as one yields an ETag that can be sent on, or an error.
func FuzzHeaders(f *testing.F) {
	for _, header := range []string{
		"bytes=0-", "bytes=1-2", "bytes=-3", "bytes=9223372036854775807-", "bytes=0-9223372036854775807",
		`"` + sum + `-3"`, sum + "0003", "f227822", "W/" + sum + `, "a", *`,
	} {
		f.Add(header, uint32(4))
	}
	f.Fuzz(func(t *testing.T, header string, size uint32) {
		checkRange(t, header, int64(size))
		checkRev(t, header)
		if matches(header, "") {
			for _, tag := range []string{`"` + sum + `"`, `"x"`} {
				if !matches(header, tag) {
					t.Errorf("%q matches no ETag, but not %s", header, tag)
				}
			}
		}
	})
}

func checkRange(t *testing.T, header string, size int64) {
	t.Helper()
	got, ok, err := parseRange(header, size)
	switch {
	case err != nil && !ok:
	case !ok && got != span{0, size}:
		t.Errorf("%q of %d: got %v, want the whole", header, size, got)
	case ok && (got.offset < 0 || got.length < 1 || got.offset+got.length > size):
		t.Errorf("%q of %d: got %v", header, size, got)
	}
}

func checkRev(t *testing.T, s string) {
	t.Helper()
	if fitsHeader([]byte(s)) {
		if back, err := etagOf(revOf(s)); err != nil || back != s {
			t.Errorf("%q: back from %q came %q, %v", s, revOf(s), back, err)
		}
	}
	if etag, err := etagOf(s); err == nil && !fitsHeader([]byte(etag)) {
		t.Errorf("rev %q: ETag %q", s, etag)
	}
}
