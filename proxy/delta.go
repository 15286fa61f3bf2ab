package proxy

import (
	"context"
	"iter"
	"strings"
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
	leave, err := s.enterListing(r)
	if err != nil {
		return err
	}
	defer leave()
	l, err := s.survey(r.Request().Context(), mostEntries, s.pairs(below, s.prefix(r.account)))
	if err != nil {
		return err
	}
	defer l.free()
	var o object
	o.flag("has_more", false)
	o.text("cursor", l.hash)
	o.gap("entries")
	o.flag("reset", true)
	return r.replyLong(o, l)
}

// pairs are the entries of a delta: a pair each of the path in lower case and
// the metadata, folders before what is in them, without which rclone does not
// know their names.
func (s *Server) pairs(top place, prefix string) rows {
	return func(ctx context.Context) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			for e, err := range s.tree(ctx, top) {
				if err != nil {
					yield(nil, err)
					return
				}
				path := "/" + strings.TrimSuffix(strings.TrimPrefix(e.Key, prefix), "/")
				pair := append(appendString([]byte{'['}, strings.ToLower(path)), ", "...)
				about := entryMetadata(e, top.root, prefix)
				pair = append(append(pair, about.bytes()...), ']')
				if !yield(pair, nil) {
					return
				}
			}
		}
	}
}
