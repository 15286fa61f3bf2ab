package testserver

import (
	"os/exec"
	"path/filepath"
)

// BuildRevision builds the program as it was at a commit, from the history of
// this clone. What it depends on comes from Go's build cache, as for Build.
func BuildRevision(tb TB, revision string) string {
	tb.Helper()
	root, dir := Root(tb), tb.TempDir()
	if err := exec.Command("git", "-C", root, "cat-file", "-e", revision+"^{commit}").Run(); err != nil {
		tb.Fatalf("this test builds revision %s, which this clone does not have: git fetch --unshallow", revision)
	}
	source, program := filepath.Join(dir, "source.tar"), filepath.Join(dir, "chunkgate")
	for _, step := range [][]string{
		{"git", "-C", root, "archive", "--format=tar", "-o", source, revision},
		{"tar", "-xf", source, "-C", dir},
		{"go", "build", "-C", dir, "-buildvcs=false", "-o", program, "./cmd/chunkgate"},
	} {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			tb.Fatalf("build revision %s: %s: %v\n%s", revision, step[0], err, out)
		}
	}
	return program
}
