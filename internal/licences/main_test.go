package main

import (
	"strings"
	"testing"
)

func TestList(t *testing.T) {
	const mit = `{"license": {"id": "MIT"}}`
	tests := map[string]struct{ sbom, out, wrong string }{
		"allowed":    {`{"components": [{"name": "b", "version": "v2", "evidence": {"licenses": [` + mit + `]}}, {"name": "a", "version": "v1", "licenses": [` + mit + `]}]}`, "a v1 MIT\nb v2 MIT\n", ""},
		"std":        {`{"components": [{"name": "std", "version": "go1"}]}`, "std go1 BSD-3-Clause\n", ""},
		"AGPL":       {`{"components": [{"name": "a", "version": "v1", "evidence": {"licenses": [{"license": {"id": "AGPL-3.0-or-later"}}]}}]}`, "a v1 AGPL-3.0-or-later\n", "a is under AGPL-3.0-or-later"},
		"one of two": {`{"components": [{"name": "a", "version": "v1", "evidence": {"licenses": [` + mit + `, {"license": {"id": "GPL-2.0-only"}}]}}]}`, "a v1 MIT AND GPL-2.0-only\n", "a is under GPL-2.0-only"},
		"expression": {`{"components": [{"name": "a", "version": "v1", "licenses": [{"expression": "MIT OR GPL-3.0-only"}]}]}`, "a v1 MIT OR GPL-3.0-only\n", "a is under MIT OR"},
		"none found": {`{"components": [{"name": "a", "version": "v1"}]}`, "a v1 no licence\n", "a is under no licence"},
		"empty":      {`{}`, "", "is empty"},
		"garbage":    {`<xml/>`, "", "read the bill"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			err := list(strings.NewReader(test.sbom), &out)
			if out.String() != test.out {
				t.Errorf("wrote %q, want %q", out.String(), test.out)
			}
			if (err != nil) != (test.wrong != "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("got %v, want %q", err, test.wrong)
			}
		})
	}
}
