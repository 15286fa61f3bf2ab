package proxy

import (
	"context"
	"errors"
	"strings"

	"github.com/chunkgate/chunkgate/upload"
)

// delta handles POST /1/delta, with which rclone lists (PROTOCOL 1.4). S3 keeps
// no history, so every answer is a reset that tells all there is, also to a
// cursor, and there is never more of it.
func (s *Server) delta(r *request) error {
	params, err := r.params()
	if err != nil {
		return err
	}
	below, err := s.wanted(r, "auto", first(params, "path_prefix"))
	if err != nil {
		return err
	}
	l, err := s.walk(r.Request().Context(), below, s.prefix(r.account))
	if err != nil {
		return err
	}
	var o object
	o.flag("has_more", false)
	o.text("cursor", l.hash)
	o.value("entries", l.json)
	o.flag("reset", true)
	return r.replyLong(o)
}

// walk reads the folder at a place and all below it: a pair each of the path in
// lower case and the metadata, folders before what is in them, without which
// rclone does not know their names. Errors: errTooMany.
func (s *Server) walk(ctx context.Context, top place, prefix string) (*listing, error) {
	l, n := &listing{}, 0
	add := func(e upload.Entry) error {
		if n++; n > mostEntries {
			return errTooMany
		}
		l.addPair("/"+strings.TrimSuffix(strings.TrimPrefix(e.Key, prefix), "/"), entryMetadata(e, top.root, prefix))
		return nil
	}
	if !top.top() {
		err := s.checkFolder(ctx, top)
		if err == nil {
			err = add(upload.Entry{Object: upload.Object{Key: top.folder()}, Folder: true})
		}
		if err != nil && !errors.Is(err, upload.ErrNotExist) {
			return nil, err
		}
	}
	for todo := []place{top}; len(todo) > 0; {
		folder := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for e, err := range s.entries(ctx, folder) {
			if err == nil {
				err = add(e)
			}
			if err != nil {
				return nil, err
			}
			if e.Folder {
				key := strings.TrimSuffix(e.Key, "/")
				todo = append(todo, place{root: top.root, path: "/" + strings.TrimPrefix(key, prefix), key: key})
			}
		}
	}
	l.end()
	return l, nil
}

// addPair adds an entry of a delta.
func (l *listing) addPair(path string, o object) {
	pair := append(appendString([]byte{'['}, strings.ToLower(path)), ", "...)
	l.addJSON(append(append(pair, o.bytes()...), ']'))
}
