package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page that is kept, and the results it is made from.
const (
	kept    = "../../docs/performance.md"
	results = "../results/full.json"
)

// TestKeptPage: no figure on the page is typed by hand.
func TestKeptPage(t *testing.T) {
	r, err := Load(results)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.Renew(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("%s is not what make bench-page makes of %s (-want +kept):\n%s", kept, results, diff)
	}
}

// every is a page with all parts empty.
func every(r *Result) string {
	var b strings.Builder
	for name := range r.parts() {
		b.WriteString("before " + name + "\n" + opening + name + " -->\nold\n" + closing + "\n")
	}
	return b.String()
}

func TestRenew(t *testing.T) {
	r := fixture()
	page := every(r)
	once, err := r.Renew(page)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(once, "old") || !strings.Contains(once, "before goals\n"+opening+"goals -->\n| Goal |") {
		t.Errorf("renewed:\n%s", once)
	}
	twice, err := r.Renew(once)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Errorf("renewed again, it differs:\n%s", diff)
	}
	for name, wrong := range map[string]string{
		"a part is missing":     "no markers\n",
		"an unknown part":       page + opening + "figure -->\n" + closing,
		"a part twice":          page + opening + "goals -->\n" + closing,
		"a part without end":    strings.Replace(page, closing, "", 1) + opening + "x",
		"a marker without end":  page + opening + "goals",
		"the last without end ": strings.TrimSuffix(page, closing+"\n"),
	} {
		if got, err := r.Renew(wrong); err == nil {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}

// TestPage: the file and its picture are written.
func TestPage(t *testing.T) {
	r := fixture()
	dir := t.TempDir()
	file := dir + "/page.md"
	if err := os.WriteFile(file, []byte(every(r)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Page(file); err != nil {
		t.Fatal(err)
	}
	drawn, err := os.Open(dir + "/" + picture)
	if err != nil {
		t.Fatal(err)
	}
	defer drawn.Close()
	words := textsOf(t, drawn)
	for _, want := range []string{"nginx", "chunkgate", "goal", "4 MiB", "8 MiB", "chunk"} {
		if !slices.Contains(words, want) {
			t.Errorf("the picture does not say %q, only %q", want, words)
		}
	}
}

// textsOf reads an SVG.
func textsOf(t *testing.T, svg io.Reader) []string {
	t.Helper()
	var words []string
	for d := xml.NewDecoder(svg); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return words
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			words = append(words, strings.TrimSpace(string(text)))
		}
	}
}

// TestSaved: a result is read as it was saved.
func TestSaved(t *testing.T) {
	file := t.TempDir() + "/new/result.json"
	want := fixture()
	if err := want.Save(file); err != nil {
		t.Fatal(err)
	}
	got, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}
