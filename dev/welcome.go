package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// firstChunk is how many bytes of the README go into the first of two chunks.
const firstChunk = 1000

// findReadme is the project's README, seen from this folder.
func findReadme() string {
	if path, err := filepath.Abs("../README.md"); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return "README.md"
}

// welcome prints where the stack is, and three lines to paste that upload the
// project's README in two chunks.
func welcome(w io.Writer, address, folder, readme string) {
	base := "http://" + address + "/1"
	fmt.Fprintf(w, "chunkgate serves at http://%s (no authentication), objects are files in %s\n", address, filepath.Join(folder, bucket))
	fmt.Fprintf(w, "Upload its README in two chunks by pasting these lines:\n\n")
	fmt.Fprintf(w, "id=$(head -c %d '%s' | curl -sS -T - '%s/chunked_upload' | sed 's/.*\"upload_id\": \"\\([^\"]*\\)\".*/\\1/')\n", firstChunk, readme, base)
	fmt.Fprintf(w, "tail -c +%d '%s' | curl -sS -T - \"%s/chunked_upload?upload_id=$id&offset=%d\"\n", firstChunk+1, readme, base, firstChunk)
	fmt.Fprintf(w, "curl -sS -X POST \"%s/commit_chunked_upload/auto/README.md?upload_id=$id\"\n\n", base)
}
