package proxy

import (
	"testing"
	"time"
)

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 bytes", 1023: "1023 bytes", 1024: "1.0 KB", 339773: "331.8 KB", 803000: "784.2 KB",
		1 << 20: "1.0 MB", 5 << 29: "2.5 GB", 5 << 40: "5.0 TB", 5 << 50: "5120.0 TB",
	} {
		if got := sizeText(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

// A date has exactly the 31 characters that Java's SDK counts.
func TestDate(t *testing.T) {
	at := time.Date(2012, 10, 2, 9, 30, 44, 999, time.FixedZone("", 2*60*60))
	if got, want := date(at), "Tue, 02 Oct 2012 07:30:44 +0000"; got != want || len(got) != 31 {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestKindOf(t *testing.T) {
	for key, want := range map[string]kind{
		"a/b.TXT":  {"text/plain", "page_white_text"},
		"b.tar.gz": {"application/gzip", "page_white_compressed"},
		"a.txt/b":  {"application/octet-stream", "page_white"},
		"b.":       {"application/octet-stream", "page_white"},
		"b.xyzzy":  {"application/octet-stream", "page_white"},
	} {
		if got := kindOf(key); got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
}
