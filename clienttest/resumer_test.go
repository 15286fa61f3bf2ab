package clienttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"
)

// resumer is a client that loses its connections and resumes where the server
// says. It checks each answer as it goes.
type resumer struct {
	t      *testing.T
	target target
	data   *os.File
	http   *http.Client

	id     string // of the upload; empty before the first chunk
	offset int64  // bytes, as the server told last
	// late are the offsets that a chunk without an answer would lead to. The
	// server may still be at work on it, so the offset may move to one of them
	// at any time.
	late []int64

	chunks, cuts, lost int
}

func newResumer(t *testing.T, srv target, data *os.File) *resumer {
	return &resumer{t: t, target: srv, data: data, http: &http.Client{Timeout: 2 * time.Minute}}
}

// put sends the n bytes at the offset and expects them to be accepted, with a
// Content-Length or without.
func (c *resumer) put(n int64, announced bool) {
	c.t.Helper()
	status, got := c.send(c.offset, n, announced)
	if status == http.StatusBadRequest && got.Offset != nil && slices.Contains(c.late, *got.Offset) {
		c.moveTo(*got.Offset)
		return
	}
	want := c.offset + n
	if status != http.StatusOK || got.Offset == nil || *got.Offset != want {
		c.t.Fatalf("chunk of %d bytes at %d: status %d, %s", n, c.offset, status, got)
	}
	if c.id != "" && got.UploadID != c.id {
		c.t.Fatalf("upload_id changed from %q to %q", c.id, got.UploadID)
	}
	c.id = got.UploadID
	c.moveTo(want)
	c.chunks++
}

// cutInside breaks the connection after sent of n bytes, sent < n. Nothing of
// the chunk may count.
func (c *resumer) cutInside(n, sent int64) {
	c.t.Helper()
	if c.id == "" {
		return // whatever a cut first chunk opened, its id is lost
	}
	c.cut(n, sent)
	c.cuts++
	c.resume()
}

// cutBeforeAnswer breaks the connection after the chunk's last byte. The chunk
// counts whole or not at all, now or a little later.
func (c *resumer) cutBeforeAnswer(n int64) {
	c.t.Helper()
	if c.id == "" {
		return
	}
	c.cut(n, n)
	c.lost++
	c.late = append(c.late, c.offset+n)
	c.resume()
}

// resume learns the offset from the 400 that an impossible one is answered
// with, and goes on from there. The offset has not moved, unless a chunk
// without an answer was accepted.
func (c *resumer) resume() {
	c.t.Helper()
	const impossible = 1 << 40
	offset := c.misaligned(c.t, impossible, 1)
	if offset == c.offset {
		return
	}
	if !slices.Contains(c.late, offset) {
		c.t.Fatalf("offset after a cut is %d, want %d or one of %d", offset, c.offset, c.late)
	}
	c.moveTo(offset)
}

func (c *resumer) moveTo(offset int64) { c.offset, c.late = offset, nil }

// misaligned sends n bytes at a wrong offset and answers the offset that the
// 400 tells.
func (c *resumer) misaligned(t *testing.T, offset, n int64) int64 {
	t.Helper()
	status, got := c.sendLate(t, offset, n)
	if status != http.StatusBadRequest || got.Offset == nil {
		t.Fatalf("chunk at the wrong offset %d: status %d, %s", offset, status, got)
	}
	want := fmt.Sprintf("Submitted input out of alignment: got [%d] expected [%d]", offset, *got.Offset)
	if got.Error != want || got.UploadID != c.id {
		t.Fatalf("400 says %s, want upload_id %q and error %q", got, c.id, want)
	}
	return *got.Offset
}

// commit names the path.
func (c *resumer) commit(key string) answer {
	c.t.Helper()
	u := c.target.BaseURL + "/1/commit_chunked_upload/auto/" + url.PathEscape(key) + "?upload_id=" + c.id
	r, err := http.NewRequest(http.MethodPost, u, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.target.Token)
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var got answer
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("commit: status %d, %v", res.StatusCode, err)
	}
	return got
}
