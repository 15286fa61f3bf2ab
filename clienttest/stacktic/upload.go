//go:build ignore

// Uploads a file with stacktic/dropbox, unmodified, as Debian ships it. The
// library predates modules: the test builds this file in GOPATH mode, and the
// tag above keeps it out of the module.
package main

import (
	"encoding/json"
	"fmt"
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
	if err := upload(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		log.Fatal(err)
	}
}

func upload(baseURL, token, file, path, chunk string) error {
	size, err := strconv.Atoi(chunk)
	if err != nil {
		return fmt.Errorf("chunk size: %w", err)
	}
	input, err := os.Open(file)
	if err != nil {
		return err
	}
	defer input.Close()

	db := dropbox.NewDropbox()
	db.APIURL, db.APIContentURL = baseURL+"/1", baseURL+"/1"
	if err := db.SetAppInfo("key", "secret"); err != nil {
		return fmt.Errorf("set app info: %w", err)
	}
	db.SetAccessToken(token)

	const overwrite, anyRevision = true, ""
	entry, err := db.UploadByChunk(input, size, path, overwrite, anyRevision)
	if err != nil {
		return fmt.Errorf("upload by chunk: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(struct {
		Path  string `json:"path"`
		Bytes int64  `json:"bytes"`
	}{entry.Path, entry.Bytes})
}
