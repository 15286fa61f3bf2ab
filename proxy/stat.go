package proxy

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/chunkgate/chunkgate/upload"
)

// How many entries of a folder a client gets unless it says so, and at most
// (PROTOCOL 1.4).
const (
	usualEntries = 10_000
	mostEntries  = 25_000
)

// stat handles GET and POST /1/metadata/{root}/{path} (PROTOCOL 1.4). What was
// deleted is not known any more, so include_deleted changes nothing.
func (s *Server) stat(r *request) error {
	params, err := r.params()
	if err != nil {
		return err
	}
	root, path, _ := strings.Cut(r.Param("*"), "/")
	p, err := s.wanted(r, root, path)
	if err != nil {
		return err
	}
	rev := first(params, "rev")
	f, err := s.file(r.Request().Context(), p, rev)
	switch {
	case err == nil:
		r.reply(http.StatusOK, metadata(f, p.root, s.prefix(r.account)))
		return nil
	case rev == "" && errors.Is(err, upload.ErrNotExist): // folders have no versions
		return s.statFolder(r, p, params)
	}
	return err
}

func (s *Server) statFolder(r *request, p place, params url.Values) error {
	list, err := parseBool(params, "list", true)
	if err != nil {
		return err
	}
	limit, err := parseFileLimit(params)
	if err != nil {
		return err
	}
	ctx := r.Request().Context()
	if !list {
		if err := s.checkFolder(ctx, p); err != nil {
			return err
		}
		r.reply(http.StatusOK, folderMetadata(p.path, p.root, nil))
		return nil
	}
	leave, err := s.enterListing(r)
	if err != nil {
		return err
	}
	defer leave()
	l, err := s.survey(ctx, limit, s.contents(p, s.prefix(r.account)))
	if err != nil {
		return err
	}
	defer l.free()
	if l.entries == 0 {
		if err := s.checkMarker(ctx, p); err != nil {
			return err
		}
	}
	if first(params, "hash") == l.hash {
		return r.NoContent(http.StatusNotModified)
	}
	return r.replyLong(folderMetadata(p.path, p.root, l), l)
}

// parseFileLimit reads how many entries the client can take.
func parseFileLimit(params url.Values) (int, error) {
	value := first(params, "file_limit")
	if value == "" {
		return usualEntries, nil
	}
	n, err := strconv.Atoi(value)
	switch {
	case errors.Is(err, strconv.ErrRange) && n > 0, err == nil && n > mostEntries:
		return 0, errTooMany
	case err != nil || n < 0:
		return 0, invalid("file_limit is no number of files")
	}
	return n, nil
}
