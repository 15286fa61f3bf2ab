//go:build ignore

// Uploads a file with stacktic/dropbox, unmodified, as Debian ships it, and
// reads it back. The library predates modules: the test builds this file in
// GOPATH mode, and the tag above keeps it out of the module.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"

	"github.com/stacktic/dropbox"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 6 {
		log.Fatalf("usage: %s BASE-URL TOKEN FILE PATH CHUNK-BYTES", os.Args[0])
	}
	db := dropbox.NewDropbox()
	db.APIURL, db.APIContentURL = os.Args[1]+"/1", os.Args[1]+"/1"
	if err := db.SetAppInfo("key", "secret"); err != nil {
		log.Fatalf("set app info: %v", err)
	}
	db.SetAccessToken(os.Args[2])
	if err := roundTrip(db, os.Args[3], os.Args[4], os.Args[5]); err != nil {
		log.Fatal(err)
	}
}

func roundTrip(db *dropbox.Dropbox, file, path, chunk string) error {
	made, err := upload(db, file, path, chunk)
	if err != nil {
		return err
	}
	const list, deleted, anyHash, anyRevision, usualLimit = false, false, "", "", 0
	found, err := db.Metadata(path, list, deleted, anyHash, anyRevision, usualLimit)
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	sum, err := download(db, path)
	if err != nil {
		return err
	}
	type entry struct {
		Path  string `json:"path"`
		Bytes int64  `json:"bytes"`
	}
	return json.NewEncoder(os.Stdout).Encode(struct {
		entry
		Found  entry  `json:"found"`
		SHA256 string `json:"sha256"`
	}{entry{made.Path, made.Bytes}, entry{found.Path, found.Bytes}, sum})
}

func upload(db *dropbox.Dropbox, file, path, chunk string) (*dropbox.Entry, error) {
	size, err := strconv.Atoi(chunk)
	if err != nil {
		return nil, fmt.Errorf("chunk size: %w", err)
	}
	input, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	const overwrite, anyRevision = true, ""
	made, err := db.UploadByChunk(input, size, path, overwrite, anyRevision)
	if err != nil {
		return nil, fmt.Errorf("upload by chunk: %w", err)
	}
	return made, nil
}

// download answers the SHA-256 of a file, in hex.
func download(db *dropbox.Dropbox, path string) (string, error) {
	const anyRevision, fromStart = "", 0
	body, size, err := db.Download(path, anyRevision, fromStart)
	if err != nil {
		return "", fmt.Errorf("download: %w", err)
	}
	defer body.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, body)
	if err != nil || n != size {
		return "", fmt.Errorf("download: %d of %d bytes: %v", n, size, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
