package proxy

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// append handles PUT and POST /1/chunked_upload (PROTOCOL 1.1). Parameters are
// taken from the query alone: some clients label a chunk's raw bytes as a form.
func (s *Server) append(r *request) error {
	r.chunk = true
	chunk, err := s.chunk(r)
	if err != nil {
		return err
	}
	ctx, cancel := s.outlive(r.Request())
	defer cancel()
	st, err := s.cfg.Engine.Append(ctx, chunk)
	if err != nil {
		return err
	}
	r.stands(st.ID, st.Offset)
	r.reply(http.StatusOK, position(st.Expires, st.ID, st.Offset))
	return nil
}

// chunk reads the request of a chunk but for its body.
func (s *Server) chunk(r *request) (c upload.Chunk, err error) {
	q := r.Request().URL.Query()
	c = upload.Chunk{
		Owner:      r.account.Owner,
		Length:     r.Request().ContentLength, // -1 is net/http's UnknownLength too
		MaxObject:  r.limits.MaxObject,
		MaxUploads: int(r.limits.MaxUploads),
		Body:       r.body,
		Interrupt:  r.body.interrupt,
	}
	if c.Offset, err = parseOffset(first(q, "offset")); err != nil {
		return c, err
	}
	if first(q, "upload_id") == "" {
		err = s.promise(&c, r.account, q)
		return c, err
	}
	c.ID, err = r.uploadID(q)
	return c, err
}

// promise reads our extension: `path`, and if need be `root`, on the first
// chunk name the destination that the commit will have to name again.
func (s *Server) promise(c *upload.Chunk, a Account, q url.Values) error {
	path := first(q, "path")
	if path == "" {
		return nil
	}
	root := first(q, "root")
	if root == "" {
		root = "auto"
	}
	to, err := s.destination(a, root, path)
	if err != nil {
		return err
	}
	c.Destination, c.Root, c.ContentType = to.key, s.prefix(a), kindOf(to.key).mime
	return nil
}

// parseOffset reads an offset in bytes; none is wherever the upload ends (PROTOCOL 3.9).
func parseOffset(v string) (int64, error) {
	if v == "" {
		return upload.AnyOffset, nil
	}
	n, err := strconv.ParseUint(v, 10, 63) // takes no sign
	if err != nil {
		return 0, invalid("offset is not a number of bytes")
	}
	return int64(n), nil
}

// position is what a client is told about its upload, in v1's own order:
// dropbox_uploader.sh takes all up to the brace for the offset.
func position(expires time.Time, id string, offset int64) object {
	var o object
	o.text("expires", date(expires))
	o.text("upload_id", id)
	o.number("offset", offset)
	return o
}
