package clienttest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// file is a local file that a test uploads.
type file struct {
	name   string
	sha256 string // hex
}

// newFile writes a file of size bytes that look random and are the same in
// every run.
func newFile(t *testing.T, size int64) file {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(size))
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, sum), rand.NewChaCha8(seed), size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file{name: f.Name(), sha256: hex.EncodeToString(sum.Sum(nil))}
}
