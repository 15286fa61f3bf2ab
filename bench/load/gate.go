package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Gate is an upload through chunkgate, as Dropbox's clients do it.
type Gate struct {
	conn   *Conn
	header http.Header
	path   string // destination, beginning with a slash
	hint   bool   // the first chunk names it
	id     string
	offset int64
}

// NewGate begins an upload to path. It does not send anything.
func NewGate(c *Conn, token, path string, hint bool) *Gate {
	return &Gate{conn: c, header: http.Header{"Authorization": {"Bearer " + token}}, path: path, hint: hint}
}

// ID is the upload's, once a chunk was sent.
func (g *Gate) ID() string { return g.id }

// Over is the upload over another connection.
func (g *Gate) Over(c *Conn) *Gate {
	other := *g
	other.conn = c
	return &other
}

// target is where the next chunk goes.
func (g *Gate) target() string {
	q := url.Values{}
	if g.id != "" {
		q.Set("upload_id", g.id)
		q.Set("offset", strconv.FormatInt(g.offset, 10))
	} else if g.hint {
		q.Set("path", g.path)
	}
	return "/1/chunked_upload?" + q.Encode()
}

// Send sends a chunk.
func (g *Gate) Send(chunk []byte, known bool) error {
	answer, err := g.conn.Do(http.MethodPut, g.target(), g.header, chunk, known)
	return g.took(answer, err, len(chunk))
}

// SendSlowly sends a chunk at rate bytes a second.
func (g *Gate) SendSlowly(ctx context.Context, chunk []byte, rate int) error {
	answer, err := g.conn.DoSlowly(ctx, http.MethodPut, g.target(), g.header, chunk, rate)
	return g.took(answer, err, len(chunk))
}

// took checks what the server says that it has.
func (g *Gate) took(answer Answer, err error, size int) error {
	if err != nil {
		return err
	}
	var status struct {
		UploadID string `json:"upload_id"`
		Offset   int64  `json:"offset"`
	}
	if err := json.Unmarshal(answer.Body, &status); err != nil {
		return fmt.Errorf("answer %q: %w", answer.Body, err)
	}
	if want := g.offset + int64(size); status.Offset != want {
		return fmt.Errorf("the server has %d bytes, want %d", status.Offset, want)
	}
	g.id, g.offset = status.UploadID, status.Offset
	return nil
}

// Commit makes the file appear.
func (g *Gate) Commit() error {
	target := "/1/commit_chunked_upload/auto" + g.path + "?upload_id=" + url.QueryEscape(g.id)
	_, err := g.conn.Do(http.MethodPost, target, g.header, nil, true)
	return err
}

// Discard gives the upload up.
func (g *Gate) Discard() error {
	if g.id == "" {
		return nil
	}
	_, err := g.conn.Do(http.MethodDelete, "/1/chunked_upload?upload_id="+url.QueryEscape(g.id), g.header, nil, true)
	return err
}
