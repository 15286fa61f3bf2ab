package proxy

import (
	"net/http"

	"github.com/chunkgate/chunkgate/upload"
)

// put handles PUT and POST /1/files_put/{root}/{path} (PROTOCOL 1.3). The body
// is the file whatever its type says, so parameters are taken from the query alone.
func (s *Server) put(r *request) error {
	if s.cfg.StrictLength && r.Request().Header.Get("Content-Length") == "" {
		return errNoLength
	}
	to, where, err := s.commitRequest(r, r.Request().URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := s.outlive(r.Request())
	defer cancel()
	made, err := s.cfg.Engine.Put(ctx, upload.PutRequest{
		CommitRequest: to,
		Length:        r.Request().ContentLength, // -1 is net/http's UnknownLength too
		MaxObject:     r.limits.MaxObject,
		Body:          r.body,
		Interrupt:     r.body.interrupt,
	})
	if err != nil {
		return err
	}
	r.reply(http.StatusOK, metadata(made, where.root, s.prefix(r.account)))
	return nil
}
