package proxy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAccountTerms(t *testing.T) {
	for fields, want := range map[string]Account{
		"":                                        {},
		"access=read-only":                        {Access: ReadOnly},
		"access=write-only max-object=0":          {Access: WriteOnly, Limits: Limits{MaxObject: NoLimit}},
		"max-object=1TiB max-in-flight=64MiB":     {Limits: Limits{MaxObject: 1 << 40, MaxInFlight: 64 << 20}},
		"max-uploads=20 max-rate=50":              {Limits: Limits{MaxUploads: 20, MaxRate: 50}},
		"max-object=1000 max-in-flight=2KiB":      {Limits: Limits{MaxObject: 1000, MaxInFlight: 2048}},
		"max-object=8388607TiB access=read-write": {Limits: Limits{MaxObject: 8388607 << 40}},
	} {
		var got Account
		if err := got.parseTerms(strings.Fields(fields)); err != nil {
			t.Errorf("%s: %v", fields, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", fields, diff)
		}
	}
}

func TestAccountTermsRefused(t *testing.T) {
	const good = "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a ada a/ "
	for fields, want := range map[string]string{
		"max-object":                  "max-object= is not a number, or a size such as 64MiB",
		"max-object=-1":               "max-object= is not a number, or a size such as 64MiB",
		"max-object=1.5GiB":           "max-object= is not a number, or a size such as 64MiB",
		"max-object=1GB":              "max-object= is not a number, or a size such as 64MiB",
		"max-object=MiB":              "max-object= is not a number, or a size such as 64MiB",
		"max-object=8388608TiB":       "max-object= is too large",
		"max-uploads=1KiB":            "max-uploads= is not a number, or a size such as 64MiB",
		"max-rate=1000000001":         "max-rate= is too large",
		"max-rate=hunter2":            "max-rate= is not a number, or a size such as 64MiB",
		"access=all":                  "access= is none of read-only, write-only and read-write",
		"max-rate=1 max-rate=2":       "max-rate again",
		"hunter2":                     errTerm.Error(),
		"Max-Rate=1":                  errTerm.Error(),
		"prefix=hunter2 max-object=1": errTerm.Error(),
	} {
		_, err := ParseTokens(strings.NewReader("#\n" + good + fields))
		if err == nil || err.Error() != "line 2: "+want {
			t.Errorf("%s: got %v, want line 2: %s", fields, err, want)
		}
	}
}

// What an account says counts, also that there is no limit; else what everybody has.
func TestLimitsOr(t *testing.T) {
	own := Limits{MaxObject: 5, MaxUploads: NoLimit}
	usual := Limits{MaxObject: 7, MaxUploads: 7, MaxInFlight: 7}
	if diff := cmp.Diff(Limits{MaxObject: 5, MaxInFlight: 7}, own.or(usual)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
