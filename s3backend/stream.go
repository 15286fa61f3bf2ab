package s3backend

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/crc64nvme"

	"github.com/chunkgate/chunkgate/upload"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errStalled is the cause of a call that the store let hang.
var errStalled = errors.New("store made no progress")

// payload is a body as it goes out.
type payload struct {
	reader  io.Reader
	length  int64 // bytes on the wire
	ask     bool  // whether the store wants it, before it is sent
	options []func(*s3.Options)
}

// sending is what a streamed call is about.
type sending struct {
	what      string // for errors
	src       io.Reader
	size      int64 // bytes of src
	condition upload.Condition
}

// stream runs call, which sends s, once, and answers the checksum of what was
// sent. It is run once more where the store has refused it with something to
// learn from, and nothing of s.src was read. What s.src says goes first among the
// errors: the SDK would bury it under its own. After stream returns, s.src is not
// read any more; while a Read of it blocks, stream does not return.
func (b *Backend) stream(ctx context.Context, s sending, call func(context.Context, payload) error) (string, error) {
	rewind := rewinder(s.src)
	var learnt *lesson
	taught := func(ctx context.Context, p payload) error {
		err := call(ctx, p)
		errors.As(err, &learnt)
		return err
	}
	sum, begun, err := b.send(ctx, s, taught)
	if learnt != nil && (!begun || rewind != nil) {
		if rewind != nil {
			rewind()
		}
		sum, _, err = b.send(ctx, s, call)
	}
	return sum, err
}

// send is one try. begun says that something of s.src was read.
func (b *Backend) send(ctx context.Context, s sending, call func(context.Context, payload) error) (sum string, begun bool, err error) {
	watched, w := watch(ctx, b.timeouts.Stall)
	defer w.stop()
	body := &body{src: s.src, left: s.size, watch: w, sum: b.sum()}
	p := b.payload(body, s.size)
	err = call(watched, p)
	begun = body.left < s.size
	if body.err != nil {
		return "", true, body.err
	}
	if err != nil && context.Cause(watched) == errStalled {
		err = errStalled
	}
	if err != nil {
		return "", begun, translateConditional(ctx, s.what, s.condition, err)
	}
	if framed, ok := p.reader.(*framing); body.left > 0 || ok && !framed.sent() {
		return "", begun, fmt.Errorf("%s: %w: %v", s.what, upload.ErrUnavailable, errAnswered)
	}
	return body.checksum(), begun, nil
}

// rewinder goes back to where r stands now; nil: r cannot, or is not in memory.
func rewinder(r io.Reader) func() {
	seeker, ok := r.(io.Seeker)
	if !ok || !inMemory(r) {
		return nil
	}
	at, _ := seeker.Seek(0, io.SeekCurrent) // in memory, it does not fail
	return func() { _, _ = seeker.Seek(at, io.SeekStart) }
}

func (b *Backend) payload(body *body, size int64) payload {
	ask := size > 0 && !inMemory(body.src) && b.site.asks()
	p := payload{reader: body, length: size, ask: ask, options: []func(*s3.Options){func(o *s3.Options) {
		// Who owns the body knows whether a byte was taken, and repeats.
		o.Retryer = aws.NopRetryer{}
		o.ContinueHeaderThresholdBytes = 1
		if !ask {
			o.ContinueHeaderThresholdBytes = -1
		}
	}}}
	if b.checksum == Trailer && size > 0 {
		p.reader, p.length = newFraming(body), framedLength(size)
		p.options = append(p.options, withTrailer(size))
		return p
	}
	p.options = append(p.options, s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
	return p
}

// sum is what a body's checksum is computed with; nil: it has none.
func (b *Backend) sum() hash.Hash {
	switch b.checksum {
	case Trailer:
		return crc32.New(castagnoli)
	case None:
		return crc64nvme.New()
	}
	return nil
}

// inMemory says that nobody minds if some of r was read in vain: asking the
// store first would only cost a round trip.
func inMemory(r io.Reader) bool {
	switch r.(type) {
	case *bytes.Reader, *bytes.Buffer, *strings.Reader:
		return true
	}
	return false
}

// body yields exactly left bytes of src or an error, and never reads further.
// It is a type of its own also because the SDK sends an *io.PipeReader with
// Transfer-Encoding: chunked, which S3 refuses with 411.
type body struct {
	src   io.Reader
	left  int64     // bytes
	err   error     // the first that src said
	sum   hash.Hash // nil: none is computed
	watch *watchdog
}

// Read implements io.Reader. The time that src takes is not the store's.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), b.left)]
	b.watch.pause()
	n, err := b.src.Read(p)
	b.watch.resume()
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	return n, b.came(n, err)
}

// came accounts for what src yielded.
func (b *body) came(n int, err error) error {
	b.left -= int64(n)
	switch {
	case err == io.EOF && b.left > 0:
		b.err = fmt.Errorf("body ended %d bytes early: %w", b.left, io.ErrUnexpectedEOF)
	case err != io.EOF:
		b.err = err
	}
	return b.err
}

// checksum is of what was read so far; "" if none is computed.
func (b *body) checksum() string {
	if b.sum == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(b.sum.Sum(nil))
}
