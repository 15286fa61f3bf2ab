package proxy

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/chunkgate/chunkgate/upload"
)

// openTries bounds how often a file is looked at that is replaced between the
// look and the read.
const openTries = 3

// download handles GET and HEAD /1/files/{root}/{path} (PROTOCOL 1.4). The
// version that is described is the one that is read.
func (s *Server) download(r *request) error {
	root, path, _ := strings.Cut(r.Param("*"), "/")
	p, err := s.wanted(r, root, path)
	if err != nil {
		return err
	}
	for range openTries {
		f, err := s.file(r.Request().Context(), p, first(r.Request().URL.Query(), "rev"))
		if err != nil {
			return err
		}
		if err := s.passOn(r, p, f); !errors.Is(err, upload.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("file changes all the time: %w", upload.ErrUnavailable)
}

// passOn answers with a file, or with what the client has not got of it.
// Errors: upload.ErrNotExist when this version has gone and nothing was answered.
func (s *Server) passOn(r *request, p place, f upload.Object) error {
	req, h := r.Request(), r.Response().Header()
	if matches(req.Header.Get("If-None-Match"), f.ETag) {
		h.Set("ETag", f.ETag)
		return r.NoContent(http.StatusNotModified)
	}
	asked := req.Header.Get("Range")
	if v := req.Header.Get("If-Range"); v != "" && v != f.ETag {
		asked = ""
	}
	part, partial, err := parseRange(asked, f.Size)
	if err != nil {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", f.Size))
		return err
	}
	var content io.ReadCloser = http.NoBody
	if req.Method != http.MethodHead && part.length > 0 {
		content, err = s.cfg.Files.Read(req.Context(), f.Key, f.ETag, part.offset, part.length)
		if err != nil {
			return fmt.Errorf("open file: %w", err)
		}
		defer content.Close()
	}
	describe(h, f, metadata(f, p.root, s.prefix(r.account)))
	h.Set("Content-Length", strconv.FormatInt(part.length, 10))
	if partial {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.offset, part.offset+part.length-1, f.Size))
		r.Response().WriteHeader(http.StatusPartialContent)
	} else {
		r.Response().WriteHeader(http.StatusOK)
	}
	return r.send(content)
}

// describe tells about a file in the header of an answer.
func describe(h http.Header, f upload.Object, about object) {
	kind := f.Type
	if kind == "" {
		kind = kindOf(f.Key).mime
	}
	h.Set("Content-Type", kind)
	// It is anybody's file under our name, and the URL may hold a token: nothing
	// in it may run here. Browsers save what they could run instead of showing it.
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox")
	if !inert(kind) {
		h.Set("Content-Disposition", "attachment")
	}
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Accept-Ranges", "bytes")
	h.Set("ETag", f.ETag)
	// In lower case, in which Java's SDK looks for it (PROTOCOL 5.5).
	h["x-dropbox-metadata"] = []string{string(about.bytes())}
}

// inert says whether a browser only shows, or plays, content of a type, whatever
// is in it.
func inert(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil || t == "image/svg+xml" {
		return false
	}
	class, _, _ := strings.Cut(t, "/")
	return t == "text/plain" || class == "image" || class == "audio" || class == "video"
}

// matches says whether an ETag is in an If-None-Match header. S3's ETags have
// no comma in them.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || tag == etag && tag != "" {
			return true
		}
	}
	return false
}
