package proxy

import (
	"testing"
)

func TestParseRange(t *testing.T) {
	const size = 100
	none := span{0, size}
	tests := []struct {
		header string
		want   span
		ok     bool
		err    error
	}{
		{"bytes=0-", span{0, 100}, true, nil},
		{"bytes=10-", span{10, 90}, true, nil},
		{"bytes=10-19", span{10, 10}, true, nil},
		{"bytes=99-99", span{99, 1}, true, nil},
		{"bytes=0-100", span{0, 100}, true, nil}, // File::Dropbox
		{"bytes=99-123456", span{99, 1}, true, nil},
		{"bytes=5-99999999999999999999", span{5, 95}, true, nil},
		{"bytes=-1", span{99, 1}, true, nil},
		{"bytes=-100", span{0, 100}, true, nil},
		{"bytes=-200", span{0, 100}, true, nil},
		{"Bytes = 3-4", span{3, 2}, true, nil},

		{"bytes=100-", span{}, false, errRange},
		{"bytes=100-100", span{}, false, errRange},
		{"bytes=99999999999999999999-", span{}, false, errRange},
		{"bytes=-0", span{}, false, errRange},

		{"", none, false, nil},
		{"bytes", none, false, nil},
		{"bytes=", none, false, nil},
		{"bytes=-", none, false, nil},
		{"bytes=7", none, false, nil},
		{"bytes=7-6", none, false, nil},
		{"bytes=a-b", none, false, nil},
		{"bytes=+1-2", none, false, nil},
		{"bytes=-1-2", none, false, nil},
		{"bytes=0-1,3-4", none, false, nil},
		{"lines=0-1", none, false, nil},
	}
	for _, test := range tests {
		got, ok, err := parseRange(test.header, size)
		if got != test.want || ok != test.ok || err != test.err {
			t.Errorf("%q: got %v, %v, %v, want %v, %v, %v", test.header, got, ok, err, test.want, test.ok, test.err)
		}
	}
	for _, header := range []string{"bytes=0-", "bytes=-1", "bytes=0-0"} {
		if _, _, err := parseRange(header, 0); err != errRange {
			t.Errorf("%q of nothing: got %v, want %v", header, err, errRange)
		}
	}
}
