package clienttest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// told is the server's answer to a chunk, accepted or not.
type told struct {
	UploadID string `json:"upload_id"`
	Offset   *int64 `json:"offset"`
	Error    string `json:"error"`
}

func (a told) String() string {
	offset := "none"
	if a.Offset != nil {
		offset = fmt.Sprint(*a.Offset)
	}
	return fmt.Sprintf("upload_id %q, offset %s, error %q", a.UploadID, offset, a.Error)
}

// send puts n bytes of the file, taken from where the offset says, as net/http
// does it.
func (c *resumer) send(offset, n int64, announced bool) (int, told) {
	c.t.Helper()
	body := io.Reader(io.NewSectionReader(c.data, offset, n))
	r, err := http.NewRequest(http.MethodPut, c.target.BaseURL+c.query(offset), body)
	if err != nil {
		c.t.Fatal(err)
	}
	if announced {
		r.ContentLength = n
	}
	r.Header.Set("Authorization", "Bearer "+c.target.Token)
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatalf("chunk of %d bytes at %d: %v", n, offset, err)
	}
	defer res.Body.Close()
	return c.read(c.t, res)
}

// sendLate puts n bytes of the file's beginning at an offset that is claimed
// only, and reads the answer when the last byte is written.
func (c *resumer) sendLate(t *testing.T, offset, n int64) (int, told) {
	t.Helper()
	conn := c.dial(t)
	defer conn.Close()
	c.write(t, conn, offset, n, io.NewSectionReader(c.data, 0, n))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("answer to %d bytes at the wrong offset %d: %v", n, offset, err)
	}
	defer res.Body.Close()
	return c.read(t, res)
}

// cut announces n bytes at the offset, writes sent of them and closes the
// connection.
func (c *resumer) cut(n, sent int64) {
	c.t.Helper()
	conn := c.dial(c.t)
	c.write(c.t, conn, c.offset, n, io.NewSectionReader(c.data, c.offset, sent))
	if err := conn.Close(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *resumer) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.target.BaseURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// write sends a request's head, which announces n bytes, and then body.
func (c *resumer) write(t *testing.T, conn net.Conn, offset, n int64, body io.Reader) {
	t.Helper()
	head := fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: api-content.dropbox.com\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n",
		c.query(offset), c.target.Token, n)
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatalf("write head: %v", err)
	}
	if _, err := io.Copy(conn, body); err != nil {
		t.Fatalf("write body at %d: %v", offset, err)
	}
}

func (c *resumer) query(offset int64) string {
	if c.id == "" {
		return "/1/chunked_upload"
	}
	return fmt.Sprintf("/1/chunked_upload?upload_id=%s&offset=%d", c.id, offset)
}

func (c *resumer) read(t *testing.T, res *http.Response) (int, told) {
	t.Helper()
	var got told
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatalf("status %d, answer: %v", res.StatusCode, err)
	}
	return res.StatusCode, got
}
