package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGoals: each figure, by which side of its goal it lies.
func TestGoals(t *testing.T) {
	var got []string
	for _, g := range fixture().Goals() {
		line := fmt.Sprintf("%s: %s, %s", g.What, g.Unit.say(g.Got.Median), g.Verdict())
		if reference := g.reference(); reference != "" {
			line += "; " + reference
		}
		got = append(got, line)
	}
	want := []string{
		"CPU per GiB by nginx's, 4 MiB chunks: 1.20 ×, reached",
		"CPU per GiB by nginx's, 8 MiB chunks: 1.20 ×, not reached",
		"CPU per GiB by nginx's, 32 MiB chunks: 0.00 ×, not measured",
		"CPU per GiB by nginx's, 150 MiB chunks: 0.00 ×, not measured",
		"throughput of 4 clients by direct, 4 MiB chunks: 0.65 ×, not reached; nginx 1.00 ×",
		"throughput of 4 clients by direct, 8 MiB chunks: 0.65 ×, not reached; nginx 1.00 ×",
		"throughput of one client by direct, 32 MiB chunks: 0.00 ×, not measured",
		"the same, 3 parts of a chunk at once on both sides: 0.00 ×, not measured",
		"S3 requests per 4 MiB chunk: 0.50, reached",
		"Redis round trips per 4 MiB chunk: 3.00, reached",
		"S3 requests of a commit with path hint, no tail left: 1.00, reached",
		"S3 requests of a commit with path hint, a tail left: 3.00, not reached",
		"memory at 1000 slow uploads: 128 MiB, reached; nginx 64 MiB",
		"time of chunk 5000 by chunk 1's: 1.03 ×, reached; the same parts straight to MinIO 1.02 × (1.01 × to 1.03 ×)",
		"CPU of chunk 5000 by chunk 1's: 1.00 ×, reached",
		"100 idle uploads: more CPU of the proxy, of a core: 1.00 %, not reached",
		"100 idle uploads: more memory of the proxy, each: 512 B, reached",
		"100 idle uploads: memory of Redis besides tails, each: 1000 B, reached",
		"commit of 1 GiB without path hint by its upload's time: 0.50 ×, reached; MinIO's copying alone 0.25 × (0.20 × to 0.25 ×)",
		"CPU per GiB by nginx's, 8 MiB chunks, no checksum as nginx: 0.90 ×, reached",
		"CPU per GiB by nginx's, 32 MiB chunks, no checksum as nginx: 0.00 ×, not measured",
		"CPU per GiB by nginx's, 150 MiB chunks, no checksum as nginx: 0.00 ×, not measured",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("goals (-want +got):\n%s", diff)
	}
}

// TestNothingMeasured: a run that measured nothing reaches nothing.
func TestNothingMeasured(t *testing.T) {
	for _, g := range (&Result{}).Goals() {
		if g.Verdict() != "not measured" {
			t.Errorf("%s: %s", g.What, g.Verdict())
		}
	}
}

func TestTables(t *testing.T) {
	var b strings.Builder
	if err := fixture().Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  4 MiB  4        2       1.00 ×                       0.65 × (0.50 × to 0.80 ×)  1.20 ×",
		"chunkgate, no length",
		"chunkgate, no checksum",
		"3.00 (3: 1 HeadObject, 1 ListObjects, 1 PutObject, of 1 × 1 MiB; 2: 1 CompleteMultipartUpload, 1 UploadPart, of 5 × 4 MiB)",
		"Reference in the same run",
		"384 (256 to 512)",
		"1.80", // CPU of chunkgate
		"2: 1 CompleteMultipartUpload, 1 UploadPart",
		"not measured",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}

func TestSay(t *testing.T) {
	for _, test := range []struct {
		unit  unit
		value float64
		want  string
	}{
		{byteCount, 0, "0 B"},
		{byteCount, -18, "-18 B"},
		{byteCount, 1023, "1023 B"},
		{byteCount, 1536, "1.5 KiB"},
		{byteCount, 128 * MiB, "128 MiB"},
		{byteCount, 5 * GiB, "5 GiB"},
		{byteCount, 2048 * GiB, "2 TiB"},
		{times, 1.005, "1.00 ×"},
		{percent, 0.005, "0.50 %"},
		{plain, 3, "3.00"},
	} {
		if got := test.unit.say(test.value); got != test.want {
			t.Errorf("%v: got %q, want %q", test.value, got, test.want)
		}
	}
}
