package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/chunkgate/chunkgate/upload"
)

// createFolder handles GET and POST /1/fileops/create_folder?root=&path=. It
// makes the marker of a folder that is empty; others are there without.
func (s *Server) createFolder(r *request) error {
	p, err := s.operand(r)
	if err != nil {
		return err
	}
	ctx := r.Request().Context()
	if err := s.checkFree(ctx, r.account, p); err != nil {
		return err
	}
	marker := p.folder()
	if len(marker) > maxKey {
		return invalid("path is too long")
	}
	_, err = s.cfg.Files.Put(ctx, marker, 0, http.NoBody, upload.Attributes{}, upload.Condition{Absent: true})
	switch {
	case errors.Is(err, upload.ErrConflict):
		return fmt.Errorf("%w: %w", errTaken, err)
	case err != nil:
		return fmt.Errorf("mark folder: %w", err)
	}
	r.reply(http.StatusOK, folderMetadata(p.path, p.root, nil))
	return nil
}

// remove handles GET and POST /1/fileops/delete?root=&path=, for a file and
// for a folder with all that is in it. It goes on when the client is gone,
// since half a removal helps nobody.
func (s *Server) remove(r *request) error {
	p, err := s.operand(r)
	if err != nil {
		return err
	}
	if p.top() {
		return errRoot
	}
	ctx, cancel := s.outlive(r.Request())
	defer cancel()
	f, err := s.file(ctx, p, "")
	switch {
	case err == nil:
		if err := s.cfg.Files.Delete(ctx, p.key); err != nil {
			return fmt.Errorf("delete file: %w", err)
		}
		f.Size = 0
		r.reply(http.StatusOK, deleted(metadata(f, p.root, s.prefix(r.account))))
		return nil
	case !errors.Is(err, upload.ErrNotExist):
		return err
	}
	if err := s.checkFolder(ctx, p); err != nil {
		return err
	}
	if err := s.removeAll(ctx, p.folder()); err != nil {
		return err
	}
	r.reply(http.StatusOK, deleted(folderMetadata(p.path, p.root, nil)))
	return nil
}

// operand is the place that a request names by parameters.
func (s *Server) operand(r *request) (place, error) {
	params, err := r.params()
	if err != nil {
		return place{}, err
	}
	return s.wanted(r, first(params, "root"), first(params, "path"))
}

// removeBatch keys are deleted at a time: S3's limit for one call.
const removeBatch = 1000

// removeAll deletes what is below prefix, but nothing of the engine's own.
func (s *Server) removeAll(ctx context.Context, prefix string) error {
	batch := make([]string, 0, removeBatch)
	for key, err := range s.cfg.Files.List(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("list what to delete: %w", err)
		}
		if s.reserved(key) {
			continue
		}
		if batch = append(batch, key); len(batch) < removeBatch {
			continue
		}
		if err := s.cfg.Files.Delete(ctx, batch...); err != nil {
			return fmt.Errorf("delete %d files: %w", len(batch), err)
		}
		batch = batch[:0]
	}
	if err := s.cfg.Files.Delete(ctx, batch...); err != nil {
		return fmt.Errorf("delete %d files: %w", len(batch), err)
	}
	return nil
}

// deleted marks the description of what was there.
func deleted(o object) object {
	o.flag("is_deleted", true)
	return o
}
