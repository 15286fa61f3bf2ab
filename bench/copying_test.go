package main

import (
	"testing"

	"github.com/chunkgate/chunkgate/bench/report"
)

// TestCopyingAsChunkgate: in the kept results, where chunkgate's calls were
// counted, a commit without path hint made as many copies as the reference
// would.
func TestCopyingAsChunkgate(t *testing.T) {
	r, err := report.Load("results/full.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, c := range r.Counts {
		if got := c.Commit["UploadPartCopy"]; got > 0 {
			seen = true
			if size := c.Chunk * int64(c.Chunks); int64(got) != (size+copyPart-1)/copyPart {
				t.Errorf("chunkgate copied %d bytes in %d parts", size, got)
			}
		}
	}
	if !seen {
		t.Error("no commit copied anything")
	}
}
