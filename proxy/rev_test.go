package proxy

import (
	"errors"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

const sum = "900150983cd24fb0d6963f7d28e17f72"

func TestRev(t *testing.T) {
	for etag, want := range map[string]string{
		`"` + sum + `"`:                       sum,
		`"` + sum + `-1"`:                     sum + "0001",
		`"` + sum + `-10000"`:                 sum + "2710",
		`"x"`:                                 "f227822",
		sum:                                   "f" + hexOf(sum),
		`"` + sum + `-012"`:                   "f" + hexOf(`"`+sum+`-012"`),
		`"` + sum + `-65536"`:                 "f" + hexOf(`"`+sum+`-65536"`),
		`"` + strings.ToUpper(sum) + `"`:      "f" + hexOf(`"`+strings.ToUpper(sum)+`"`),
		`W/"` + sum + `"`:                     "f" + hexOf(`W/"`+sum+`"`),
		`"` + strings.Repeat("0", 17) + `-3"`: "f" + hexOf(`"`+strings.Repeat("0", 17)+`-3"`),
	} {
		got := revOf(etag)
		if got != want {
			t.Errorf("%s: got rev %s, want %s", etag, got, want)
		}
		if back, err := etagOf(got); err != nil || back != etag {
			t.Errorf("%s: back from %s came %s, %v", etag, got, back, err)
		}
	}
}

func hexOf(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(digits[s[i]>>4])
		b.WriteByte(digits[s[i]&15])
	}
	return b.String()
}

func TestRevsRefused(t *testing.T) {
	for _, rev := range []string{"f", "0", "xyz", sum[1:], strings.ToUpper(sum), sum + "00", "f0a", "f220d0a22", "fe9", "f2"} {
		var reason *upload.InvalidError
		if got, err := etagOf(rev); !errors.As(err, &reason) {
			t.Errorf("%q: got %q, %v, want an InvalidError", rev, got, err)
		}
	}
}
