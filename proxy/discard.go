package proxy

import "net/http"

// discard handles DELETE /1/chunked_upload?upload_id=, an extension of ours:
// the upload is given up and what it holds is freed at once. It goes on when
// the client is gone, since half a removal helps nobody.
func (s *Server) discard(r *request) error {
	id, err := r.uploadID(r.Request().URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := s.outlive(r.Request())
	defer cancel()
	if err := s.cfg.Engine.Discard(ctx, r.account.Owner, id); err != nil {
		return err
	}
	var o object
	o.text("upload_id", id)
	r.reply(http.StatusOK, o)
	return nil
}
