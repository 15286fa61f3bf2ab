package proxy

import "net/http"

// status handles GET /1/chunked_upload?upload_id=, an extension of ours: where
// to resume, in the form of a chunk's answer.
func (s *Server) status(r *request) error {
	id, err := r.uploadID(r.Request().URL.Query())
	if err != nil {
		return err
	}
	st, err := s.cfg.Engine.Status(r.Request().Context(), r.account.Owner, id)
	if err != nil {
		return err
	}
	r.reply(http.StatusOK, position(st.Expires, st.ID, st.Offset))
	return nil
}
