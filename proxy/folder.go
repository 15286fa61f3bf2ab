package proxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
		o.value("contents", l.json)
	}
	o.text("size", sizeText(0))
	return o
}

// listing is what is in a folder.
type listing struct {
	json []byte // an array

	// hash changes with everything that the array shows, and with nothing
	// else: replicas agree on it.
	hash string
}

func (l *listing) add(o object) { l.addJSON(o.bytes()) }

func (l *listing) addJSON(value []byte) {
	separator := ", "
	if len(l.json) == 0 {
		separator = "["
	}
	l.json = append(append(l.json, separator...), value...)
}

func (l *listing) end() {
	if len(l.json) == 0 {
		l.json = append(l.json, '[')
	}
	l.json = append(l.json, ']')
	l.hash = digest(l.json)
}

// digest is 32 hex digits, as v1's hashes have them.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// list reads a folder of at most limit entries. prefix begins the keys of the
// account. Errors: errTooMany, upload.ErrNotExist.
func (s *Server) list(ctx context.Context, p place, prefix string, limit int) (*listing, error) {
	l, n := &listing{}, 0
	for e, err := range s.entries(ctx, p) {
		if err != nil {
			return nil, err
		}
		if n++; n > limit {
			return nil, errTooMany
		}
		l.add(entryMetadata(e, p.root, prefix))
	}
	l.end()
	if n > 0 {
		return l, nil
	}
	return l, s.checkMarker(ctx, p)
}

func entryMetadata(e upload.Entry, root, prefix string) object {
	if !e.Folder {
		return metadata(e.Object, root, prefix)
	}
	path := "/" + strings.TrimSuffix(strings.TrimPrefix(e.Key, prefix), "/")
	return folderMetadata(path, root, nil)
}
