package s3backend

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The aws-chunked encoding with a trailing checksum:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
const (
	trailerPayload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	trailerName    = "x-amz-checksum-crc32c"

	// blockSize is the most bytes in a block. MinIO refuses more than 16 MiB,
	// which the SDK's own encoder sends, as one block.
	blockSize = 1 << 20

	crlf = "\r\n"
)

// framing encodes a body as it is read. A block's size is announced before
// its bytes and follows from what is left of the body, so nothing is held.
type framing struct {
	body    *body
	left    int64  // bytes of the body that are not announced yet
	block   int64  // bytes of the announced block that are still to be read
	pending []byte // framing to be sent before them
	begun   bool
	ended   bool
	buf     [64]byte // backs pending; 47 bytes are the most
}

// newFraming encodes b, of which nothing has been read.
func newFraming(b *body) *framing { return &framing{body: b, left: b.left} }

// Read implements io.Reader. Framing goes along with the body's bytes, so that
// it costs no write of its own. The body is read again only where it has just
// given all that it was asked for: else it may let wait. Its error is passed on
// as it is.
func (f *framing) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		switch {
		case len(f.pending) > 0:
			m := copy(p[n:], f.pending)
			f.pending = f.pending[m:]
			n += m
		case f.block == 0 && f.ended && n == 0:
			return 0, io.EOF
		case f.block == 0 && f.ended:
			return n, nil
		case f.block == 0:
			f.announce()
		default:
			want := min(int64(len(p)-n), f.block)
			m, err := f.body.Read(p[n : int64(n)+want])
			f.block -= int64(m)
			n += m
			if err != nil || int64(m) < want {
				return n, err
			}
		}
	}
	return n, nil
}

// sent says that all was read.
func (f *framing) sent() bool { return f.ended && f.block == 0 && len(f.pending) == 0 }

// announce ends a block and begins the next; the block of no bytes is the
// last, and the checksum follows it.
func (f *framing) announce() {
	b := f.buf[:0]
	if f.begun {
		b = append(b, crlf...)
	}
	f.begun = true
	f.block = min(f.left, blockSize)
	f.left -= f.block
	b = append(strconv.AppendInt(b, f.block, 16), crlf...)
	if f.block == 0 {
		f.ended = true
		b = append(b, trailerName...)
		b = append(b, ':')
		b = append(b, f.body.checksum()...)
		b = append(b, crlf+crlf...)
	}
	f.pending = b
}

// framedLength is the number of bytes that a body of size bytes is encoded in.
func framedLength(size int64) int64 {
	blocks, rest := size/blockSize, size%blockSize
	n := blocks*framedBlock(blockSize) +
		int64(len("0"+crlf+trailerName+":"+crlf+crlf)+base64.StdEncoding.EncodedLen(4))
	if rest > 0 {
		n += framedBlock(rest)
	}
	// The last block's own CRLF stands before the final "0", as each block's.
	return n
}

func framedBlock(size int64) int64 {
	return int64(len(strconv.FormatInt(size, 16))+2*len(crlf)) + size
}

// announceTrailer says in a request's header how a body of size bytes is framed.
func announceTrailer(h http.Header, size int64) {
	h.Set("Content-Encoding", "aws-chunked")
	h.Set("X-Amz-Trailer", trailerName)
	h.Set("X-Amz-Decoded-Content-Length", strconv.FormatInt(size, 10))
}

// withTrailer makes the SDK tell the store how a body of size bytes is framed.
func withTrailer(size int64) func(*s3.Options) {
	headers := middleware.BuildMiddlewareFunc("ChunkgateTrailer", func(
		ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler,
	) (middleware.BuildOutput, middleware.Metadata, error) {
		r, ok := in.Request.(*smithyhttp.Request)
		if !ok {
			return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("unknown request %T", in.Request)
		}
		announceTrailer(r.Header, size)
		return next.HandleBuild(v4.SetPayloadHash(ctx, trailerPayload), in)
	})
	return s3.WithAPIOptions(func(s *middleware.Stack) error {
		return s.Build.Add(headers, middleware.After)
	})
}
