package proxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// folderMetadata is v1's description of a folder, with what is in it unless l
// is nil. Java's SDK wants both hash and contents then, and neither otherwise;
// no `path` may follow the contents, for which shell clients look from behind
// (PROTOCOL 1.4).
//
// S3 knows neither versions nor times of folders. Clients that want them get
// some that never change; the root has none.
func folderMetadata(path, root string, l *listing) object {
	var o object
	if l != nil {
		o.text("hash", l.hash)
	}
	if path != "/" {
		o.text("rev", digest([]byte(path)))
	}
	o.flag("thumb_exists", false)
	o.number("bytes", 0)
	if path != "/" {
		o.text("modified", date(time.Unix(0, 0)))
		o.number("revision", 0)
	}
	o.text("path", path)
	o.flag("is_dir", true)
	o.text("icon", "folder")
	o.text("root", root)
	if l != nil {
		o.gap("contents")
	}
	o.text("size", sizeText(0))
	return o
}

// digest is 32 hex digits, as v1's hashes have them.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// contents are the entries of a folder, as its metadata lists them.
func (s *Server) contents(p place, prefix string) rows {
	return func(ctx context.Context) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			for e, err := range s.entries(ctx, p) {
				if err != nil {
					yield(nil, err)
					return
				}
				about := entryMetadata(e, p.root, prefix)
				if !yield(about.bytes(), nil) {
					return
				}
			}
		}
	}
}

func entryMetadata(e upload.Entry, root, prefix string) object {
	if !e.Folder {
		return metadata(e.Object, root, prefix)
	}
	path := "/" + strings.TrimSuffix(strings.TrimPrefix(e.Key, prefix), "/")
	return folderMetadata(path, root, nil)
}
