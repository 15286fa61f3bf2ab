package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/chunkgate/chunkgate/upload"
)

// commit handles POST /1/commit_chunked_upload/{root}/{path} (PROTOCOL 1.2).
// Only the waiting ends when the client is gone; the engine's work goes on.
func (s *Server) commit(r *request) error {
	params, err := r.params()
	if err != nil {
		return err
	}
	req, to, err := s.commitRequest(r, params)
	if err != nil {
		return err
	}
	if req.ID, err = r.uploadID(params); err != nil {
		return asCommitError(err)
	}
	made, err := s.cfg.Engine.Commit(r.Request().Context(), req)
	if err != nil {
		return asCommitError(err)
	}
	r.reply(http.StatusOK, metadata(made, to.root, s.prefix(r.account)))
	return nil
}

// commitRequest reads where a file goes, and on what condition; which upload
// it is comes with a commit only.
func (s *Server) commitRequest(r *request, params url.Values) (upload.CommitRequest, place, error) {
	root, path, _ := strings.Cut(r.Param("*"), "/")
	to, err := s.destination(r.account, root, path)
	if err != nil {
		return upload.CommitRequest{}, place{}, err
	}
	m, err := parseMode(params)
	if err != nil {
		return upload.CommitRequest{}, place{}, err
	}
	return upload.CommitRequest{
		Owner:       r.account.Owner,
		Key:         m.names(to.key),
		Root:        s.prefix(r.account),
		Condition:   m.condition,
		ContentType: kindOf(to.key).mime,
		Terms:       m.terms(to.key),
	}, to, nil
}

// asCommitError makes an unknown upload 400 instead of 404, which the PHP SDK
// would take for "no such file" and answer with null (PROTOCOL 2.3).
func asCommitError(err error) error {
	if errors.Is(err, upload.ErrNotFound) {
		return fmt.Errorf("%w (%w)", invalid(noUpload), err)
	}
	return err
}

// mode is how a commit treats what lies at its destination (PROTOCOL 3.13).
type mode struct {
	condition upload.Condition // at the path itself; other names must be free
	rename    bool             // try other names on a conflict
}

// parseMode reads overwrite, autorename and parent_rev, which makes the first
// of them count for nothing.
func parseMode(params url.Values) (mode, error) {
	overwrite, err := parseBool(params, "overwrite", true)
	if err != nil {
		return mode{}, err
	}
	rename, err := parseBool(params, "autorename", true)
	if err != nil {
		return mode{}, err
	}
	if rev := first(params, "parent_rev"); rev != "" {
		etag, err := etagOf(rev)
		return mode{condition: upload.Condition{Match: etag}, rename: rename}, err
	}
	if overwrite {
		return mode{}, nil
	}
	return mode{condition: upload.Condition{Absent: true}, rename: rename}, nil
}

// names yields the key and, if renaming is allowed, those to try after it.
func (m mode) names(key string) func(n int) (string, bool) {
	return func(n int) (string, bool) {
		if n == 0 {
			return key, true
		}
		if !m.rename || n > maxRenames {
			return "", false
		}
		return renamed(key, m.suffix(n))
	}
}

// suffix tells the n-th other name: of one file among others of that name, or
// of a change to a file that has changed meanwhile.
func (m mode) suffix(n int) string {
	switch {
	case m.condition.Absent:
		return fmt.Sprintf(" (%d)", n)
	case n == 1:
		return " (conflicted copy)"
	}
	return fmt.Sprintf(" (conflicted copy %d)", n)
}

// terms spell out what decides the result, so that a repeat is recognised. A
// key has no control character, so a line break ends the rest.
func (m mode) terms(key string) string {
	return fmt.Sprintf("absent=%t match=%s rename=%t\n%s", m.condition.Absent, m.condition.Match, m.rename, key)
}
