package proxy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/chunkgate/chunkgate/upload"
)

// wanted is the place that a request asks about, which may be the root folder.
func (s *Server) wanted(r *request, root, path string) (place, error) {
	p, err := s.locateAny(r.account, root, path)
	r.path = p.path
	return p, err
}

// file looks at a file, in the version that rev names unless it is "".
// Errors: upload.ErrNotExist, also for a folder and another version.
func (s *Server) file(ctx context.Context, p place, rev string) (upload.Object, error) {
	if p.top() {
		return upload.Object{}, fmt.Errorf("the root is no file: %w", upload.ErrNotExist)
	}
	f, err := s.cfg.Files.Head(ctx, p.key)
	if err != nil {
		return upload.Object{}, fmt.Errorf("look at file: %w", err)
	}
	if rev != "" && rev != revOf(f.ETag) {
		return upload.Object{}, fmt.Errorf("another version is there: %w", upload.ErrNotExist)
	}
	return f, nil
}

// checkFolder says whether there is a folder: it has something in it, or a
// marker. The root folder is always there. Errors: upload.ErrNotExist.
func (s *Server) checkFolder(ctx context.Context, p place) error {
	for _, err := range s.entries(ctx, p) {
		return err
	}
	return s.checkMarker(ctx, p)
}

// checkMarker says whether a folder without anything in it is there.
// Errors: upload.ErrNotExist.
func (s *Server) checkMarker(ctx context.Context, p place) error {
	if p.top() {
		return nil
	}
	marker := p.folder()
	if len(marker) > maxKey {
		return fmt.Errorf("the marker would be too long a key: %w", upload.ErrNotExist)
	}
	// Not by Head: MinIO refuses to look at a marker whose name is too long for it,
	// and its answer to HEAD does not say why.
	for o, err := range s.cfg.Files.Tree(ctx, marker, "") {
		if err != nil {
			return listFailed(err)
		}
		if o.Key == marker {
			return nil
		}
		break
	}
	return fmt.Errorf("there is no such folder: %w", upload.ErrNotExist)
}

// checkFree says whether nothing is at a place, and no file in the place of a
// folder above it. Errors: errTaken.
func (s *Server) checkFree(ctx context.Context, a Account, p place) error {
	if p.top() {
		return errTaken
	}
	for i := len(s.prefix(a)); i <= len(p.key); i++ {
		if i < len(p.key) && p.key[i] != '/' {
			continue
		}
		switch _, err := s.cfg.Files.Head(ctx, p.key[:i]); {
		case err == nil:
			return fmt.Errorf("a file is there or above: %w", errTaken)
		case !errors.Is(err, upload.ErrNotExist):
			return fmt.Errorf("look for a file: %w", err)
		}
	}
	switch err := s.checkFolder(ctx, p); {
	case err == nil:
		return fmt.Errorf("a folder is there: %w", errTaken)
	case !errors.Is(err, upload.ErrNotExist):
		return err
	}
	return nil
}

func listFailed(err error) error { return fmt.Errorf("list folder: %w", err) }

// entries yields what a client may see directly in a folder. Left out are the
// engine's own things and, in a bucket that others write to as well, names that
// no request could give.
func (s *Server) entries(ctx context.Context, p place) iter.Seq2[upload.Entry, error] {
	folder := p.folder()
	return func(yield func(upload.Entry, error) bool) {
		if len(folder) >= maxKey {
			return // nothing fits under it
		}
		for e, err := range s.cfg.Files.Folder(ctx, folder) {
			if err != nil {
				yield(upload.Entry{}, listFailed(err))
				return
			}
			name := strings.TrimSuffix(strings.TrimPrefix(e.Key, folder), "/")
			if clean, err := cleanPath(name); err != nil || clean != name || s.reserved(e.Key) {
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}
