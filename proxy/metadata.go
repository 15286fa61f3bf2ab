package proxy

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// metadata is v1's description of a file, in the order of its wire captures
// (PROTOCOL 1.5). A commit tells no time of its own, so client_mtime is that
// of the upload.
func metadata(f upload.Object, root, prefix string) object {
	kind, modified := kindOf(f.Key), date(f.Modified)
	var o object
	o.text("rev", revOf(f.ETag))
	o.flag("thumb_exists", false)
	o.text("path", "/"+strings.TrimPrefix(f.Key, prefix))
	o.flag("is_dir", false)
	o.text("client_mtime", modified)
	o.text("icon", kind.icon)
	o.flag("read_only", false)
	o.null("modifier")
	o.number("bytes", f.Size)
	o.text("modified", modified)
	o.text("size", sizeText(f.Size))
	o.text("root", root)
	o.text("mime_type", kind.mime)
	// Deprecated; has to grow, and does. S3 keeps whole seconds.
	o.number("revision", f.Modified.Truncate(time.Second).UnixMilli())
	return o
}

// date writes a time in the one form that all clients parse, of 31 characters:
// http.TimeFormat says GMT instead of +0000.
func date(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// sizeText says a size as v1 did: `331.8 KB`, by 1024.
func sizeText(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	size, units := float64(n)/1024, []string{"KB", "MB", "GB"}
	for _, unit := range units {
		if size < 1024 {
			return fmt.Sprintf("%.1f %s", size, unit)
		}
		size /= 1024
	}
	return fmt.Sprintf("%.1f TB", size)
}

// kindOf tells a file's kind by its extension.
func kindOf(key string) kind {
	if k, ok := kinds[strings.ToLower(path.Ext(key))]; ok {
		return k
	}
	return kind{mime: "application/octet-stream", icon: "page_white"}
}
