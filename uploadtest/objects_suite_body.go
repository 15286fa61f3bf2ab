package uploadtest

import (
	"bytes"
	"errors"
	"io"
	"testing/iotest"

	"github.com/chunkgate/chunkgate/upload"
)

// send is one of the two calls that take a body.
type send func(size int64, body io.Reader) error

// eachSend runs a test of bodies with UploadPart and with Put. gone makes sure
// that nothing came of the body.
func (c *objectsCase) eachSend(test func(s send, gone func())) {
	c.Helper()
	m := c.mustCreate(c.key("part"), upload.Attributes{})
	var sent upload.Part
	part := func(size int64, body io.Reader) (err error) {
		sent, err = c.UploadPart(c.Context(), m, 1, size, body)
		return err
	}
	test(part, func() {
		c.Helper()
		if sent != (upload.Part{}) {
			c.Errorf("got part %+v with an error", sent)
		}
	})
	c.mustAbort(m)

	key := c.key("put")
	put := func(size int64, body io.Reader) error {
		_, err := c.Put(c.Context(), key, size, body, upload.Attributes{}, upload.Condition{})
		return err
	}
	test(put, func() {
		c.Helper()
		c.wantNone(key)
	})
}

// testBodyShort: half a body is nothing, at whatever size it ends.
func testBodyShort(c *objectsCase) {
	c.eachSend(func(s send, gone func()) {
		for _, has := range []int{0, 1, 1 << 20, partSize - 1} {
			c.wantError(s(partSize, stream(random(1, has))), io.ErrUnexpectedEOF)
			gone()
		}
	})
}

var errBody = errors.New("the client went away")

// testBodyError: what the body says is what the caller hears, even if it says
// so together with its last byte.
func testBodyError(c *objectsCase) {
	content := random(1, 2<<20)
	c.eachSend(func(s send, gone func()) {
		broken := io.MultiReader(bytes.NewReader(content), iotest.ErrReader(errBody))
		c.wantError(s(partSize, broken), errBody)
		gone()
		c.wantError(s(partSize, iotest.ErrReader(errBody)), errBody)
		gone()
		c.wantError(s(int64(len(content)), &lastWords{content: content}), errBody)
		gone()
	})
}

// lastWords yields content and, with its last byte, an error.
type lastWords struct{ content []byte }

func (l *lastWords) Read(p []byte) (int, error) {
	n := copy(p, l.content)
	l.content = l.content[n:]
	if len(l.content) == 0 {
		return n, errBody
	}
	return n, nil
}

// testBodyLong: bytes behind the announced ones stay unread.
func testBodyLong(c *objectsCase) {
	content := random(1, 3<<20)
	const size = 1<<20 + 17
	m := c.mustCreate(c.key("part"), upload.Attributes{})
	body := bytes.NewReader(content)
	p, err := c.UploadPart(c.Context(), m, 1, size, io.MultiReader(body))
	if err != nil {
		c.Fatalf("upload part: %v", err)
	}
	if rest := body.Len(); rest != len(content)-size {
		c.Errorf("got %d bytes unread, want %d", rest, len(content)-size)
	}
	c.mustComplete(m, upload.Condition{}, p)
	c.wantContent(m.Key, content[:size])

	body = bytes.NewReader(content)
	if _, err := c.Put(c.Context(), c.key("put"), size, body, upload.Attributes{}, upload.Condition{}); err != nil {
		c.Fatalf("put: %v", err)
	}
	if rest := body.Len(); rest != len(content)-size {
		c.Errorf("got %d bytes unread, want %d", rest, len(content)-size)
	}
	c.wantContent(c.key("put"), content[:size])
}
