package s3backend

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/chunkgate/chunkgate/internal/splice"
)

// line is a connection to the store, for one request at a time.
type line struct {
	lines *lines // to which it belongs
	addr  string
	conn  net.Conn
	raw   syscall.RawConn
	in    *bufio.Reader
	timer *time.Timer // while it is idle

	used  bool // by an earlier request
	begun bool // something of the body was asked for
	over  bool // no good for another request
}

// answerBuffer is more than the head of an answer has in practice, in bytes.
const answerBuffer = 2 << 10

func newLine(conn net.Conn, addr string) (*line, error) {
	b, ok := conn.(*blockConn)
	if !ok || b.raw == nil {
		return nil, fmt.Errorf("a connection to the store is a %T", conn)
	}
	return &line{addr: addr, conn: conn, raw: b.raw, in: bufio.NewReaderSize(conn, answerBuffer)}, nil
}

// do sends a request and reads its answer.
func (l *line) do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	stop := context.AfterFunc(ctx, func() { _ = l.conn.SetDeadline(time.Unix(1, 0)) })
	answer, err := l.exchange(ctx, r)
	if !stop() {
		l.over = true
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return answer, err
}

func (l *line) exchange(ctx context.Context, r *http.Request) (*http.Response, error) {
	if _, err := l.conn.Write(head(r)); err != nil {
		return nil, err
	}
	answer, err := l.invitation(ctx, r)
	if answer == nil && err == nil {
		answer, err = l.send(r)
	}
	for answer == nil && err == nil {
		answer, err = l.receive(r)
	}
	if err != nil {
		return nil, err
	}
	return answer, l.finish(answer)
}

// head is a request up to its body.
func head(r *http.Request) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.Method, r.URL.RequestURI(), r.Host, r.ContentLength)
	_ = r.Header.Write(&b) // to memory
	b.WriteString("\r\n")
	return b.Bytes()
}

// invitation waits for 100 Continue, if the request asks for it. Without, and
// without an answer instead, the body is sent unasked after a while.
func (l *line) invitation(ctx context.Context, r *http.Request) (*http.Response, error) {
	if r.Header.Get("Expect") == "" {
		return nil, nil
	}
	if err := l.within(ctx, l.lines.patience); err != nil {
		return nil, err
	}
	_, err := l.in.Peek(1)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.lines.site.asked(false)
		return nil, l.within(ctx, 0)
	}
	if err != nil {
		return nil, err
	}
	if err := l.within(ctx, 0); err != nil {
		return nil, err
	}
	answer, err := l.receive(r)
	l.over = l.over || answer != nil // the store may await the body yet
	if answer == nil && err == nil {
		l.lines.site.asked(true)
	}
	return answer, err
}

// within bounds the reading of answers; 0 lifts the bound.
func (l *line) within(ctx context.Context, d time.Duration) error {
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	if err := l.conn.SetReadDeadline(at); err != nil {
		return err
	}
	return ctx.Err() // else its end might just have set another
}

// receive reads the head of an answer; nil: it is 100 Continue, or the like.
func (l *line) receive(r *http.Request) (*http.Response, error) {
	answer, err := http.ReadResponse(l.in, r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode < 200 && answer.StatusCode != http.StatusSwitchingProtocols {
		return nil, nil
	}
	return answer, nil
}

// send sends the body, or as much as the store wants: what it says meanwhile is
// the answer.
func (l *line) send(r *http.Request) (*http.Response, error) {
	l.begun = true
	s := &sheet{line: l, request: r}
	s.direct, _ = r.Body.(direct)
	_, err := io.Copy(l.conn, &io.LimitedReader{R: s, N: r.ContentLength})
	switch {
	case s.answer != nil:
		l.over = true
		return s.answer, nil
	case err != nil:
		// The store may have said why before it closed the connection.
		if answer, _ := l.lastWords(r); answer != nil {
			return answer, nil
		}
		return nil, err
	}
	return nil, nil
}

// lastWords is an answer that came before an error of sending.
func (l *line) lastWords(r *http.Request) (*http.Response, error) {
	l.over = true
	if !l.peek() {
		return nil, nil
	}
	return l.receive(r)
}

// finish reads an answer to its end.
func (l *line) finish(answer *http.Response) error {
	said, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	_ = answer.Body.Close()
	l.over = l.over || err != nil || answer.Close || len(said) == mostAnswer
	answer.Body = io.NopCloser(bytes.NewReader(said))
	if answer.StatusCode/100 == 2 {
		return err
	}
	return nil // a refusal's status says enough
}

// peek says whether the store has said something, or closed the connection.
func (l *line) peek() bool { return l.in.Buffered() > 0 || readable(l.raw) }

// sheet is a request's body that ends early when the store has answered.
type sheet struct {
	line    *line
	request *http.Request
	direct  direct // the same body
	answer  *http.Response
}

// Read implements io.Reader.
func (s *sheet) Read(p []byte) (int, error) {
	if err := s.look(); err != nil {
		return 0, err
	}
	return s.request.Body.Read(p)
}

func (s *sheet) spliceable() bool { return s.direct != nil && s.direct.spliceable() }

func (s *sheet) splice(p *splice.Pipe, to syscall.RawConn) (int, error) {
	if err := s.look(); err != nil {
		return 0, err
	}
	return s.direct.splice(p, to)
}

// look is an error if the store has answered.
func (s *sheet) look() (err error) {
	for err == nil && s.answer == nil && s.line.peek() {
		s.answer, err = s.line.receive(s.request) //nolint:bodyclose // finish does
	}
	if s.answer != nil {
		return errAnswered
	}
	return err
}
