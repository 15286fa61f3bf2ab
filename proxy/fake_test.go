package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// fakeEngine answers as a test says; what it does not say is an error.
type fakeEngine struct {
	append  func(context.Context, upload.Chunk) (upload.Status, error)
	status  func(owner, id string) (upload.Status, error)
	discard func(owner, id string) error
	commit  func(context.Context, upload.CommitRequest) (upload.Object, error)
	put     func(context.Context, upload.PutRequest) (upload.Object, error)
	ready   func(context.Context) error
}

var errUnexpected = errors.New("call that the test does not expect")

func (f *fakeEngine) Append(ctx context.Context, c upload.Chunk) (upload.Status, error) {
	if f.append == nil {
		return upload.Status{}, errUnexpected
	}
	return f.append(ctx, c)
}

func (f *fakeEngine) Status(_ context.Context, owner, id string) (upload.Status, error) {
	if f.status == nil {
		return upload.Status{}, errUnexpected
	}
	return f.status(owner, id)
}

func (f *fakeEngine) Discard(_ context.Context, owner, id string) error {
	if f.discard == nil {
		return errUnexpected
	}
	return f.discard(owner, id)
}

func (f *fakeEngine) Commit(ctx context.Context, r upload.CommitRequest) (upload.Object, error) {
	if f.commit == nil {
		return upload.Object{}, errUnexpected
	}
	return f.commit(ctx, r)
}

func (f *fakeEngine) Put(ctx context.Context, r upload.PutRequest) (upload.Object, error) {
	if f.put == nil {
		return upload.Object{}, errUnexpected
	}
	return f.put(ctx, r)
}

func (f *fakeEngine) Ready(ctx context.Context) error {
	if f.ready == nil {
		return errUnexpected
	}
	return f.ready(ctx)
}

const (
	testID    = "v0k84B0AT9fYkfMUp0sBTA"
	testToken = "tok-4f1c"
	// tokensFile has testToken for ada, whose keys begin with ada/.
	tokensFile = "sha256:dd99988497dabb68701e83597497dd40564ef53e193241c8f0b24680b0e1a059 ada ada/\n"
	bearer     = "Authorization: Bearer " + testToken + "\r\n"
)

var testExpires = time.Date(2011, 7, 19, 23, 55, 38, 0, time.FixedZone("", 2*60*60))

// site is a server on a real listener.
type site struct {
	*Server
	addr string
	log  *lockedBuffer
}

// start runs a server until the test ends. The log is complete down to debug.
func start(tb testing.TB, e *fakeEngine, change ...func(*Config)) *site {
	tb.Helper()
	log := &lockedBuffer{}
	cfg := Config{
		Engine:        e,
		Auth:          mustTokens(tb, tokensFile),
		KeyPrefix:     "uploads/",
		StagingPrefix: "uploads/ada/.staging/",
		RefuseAfter:   time.Millisecond,
		Log:           slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&cfg)
	}
	s := New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	srv := HTTPServer(s, cfg.Log)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(strictListener{Listener: l, log: cfg.Log})
	}()
	tb.Cleanup(func() {
		s.Halt()
		_ = srv.Close()
		<-done
	})
	return &site{Server: s, addr: l.Addr().String(), log: log}
}

func mustTokens(tb testing.TB, file string) *Authenticator {
	tb.Helper()
	a, err := ParseTokens(strings.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// dial opens a connection that does not outlive the test, nor block it.
func (s *site) dial(tb testing.TB) net.Conn {
	tb.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		tb.Fatal(err)
	}
	return c
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	close  bool
	body   string
}

// send writes raw bytes and reads one answer.
func (s *site) send(tb testing.TB, raw string) answer {
	tb.Helper()
	c := s.dial(tb)
	if _, err := io.WriteString(c, raw); err != nil {
		tb.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	return mustAnswerTo(tb, method, bufio.NewReader(c))
}

func mustAnswer(tb testing.TB, r *bufio.Reader) answer {
	tb.Helper()
	return mustAnswerTo(tb, http.MethodGet, r)
}

// mustAnswerTo knows that HEAD is answered without a body.
func mustAnswerTo(tb testing.TB, method string, r *bufio.Reader) answer {
	tb.Helper()
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		tb.Fatalf("read answer: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatalf("read answer's body: %v", err)
	}
	return answer{status: res.StatusCode, header: res.Header, close: res.Close, body: string(body)}
}

// call sends a request of a known account. As of most clients, one that could
// have a body and has none says so.
func (s *site) call(tb testing.TB, method, target, header, body string) answer {
	tb.Helper()
	if (method == http.MethodPut || method == http.MethodPost) && body == "" && !strings.Contains(header, "Content-Length") {
		header += "Content-Length: 0\r\n"
	}
	return s.send(tb, method+" "+target+" HTTP/1.1\r\nHost: x\r\n"+bearer+header+"\r\n"+body)
}

// take reads a chunk's body and answers the offset behind it.
func take(_ context.Context, c upload.Chunk) (upload.Status, error) {
	n, err := io.Copy(io.Discard, c.Body)
	if err != nil {
		return upload.Status{}, err
	}
	id := c.ID
	if id == "" {
		id = testID
	}
	return upload.Status{ID: id, Expires: testExpires, Offset: max(c.Offset, 0) + n}, nil
}

// lockedBuffer may be written and read at once.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// await returns when the log has text in it.
func (s *site) await(tb testing.TB, text string) {
	tb.Helper()
	await(tb, "log line with "+text, func() bool { return strings.Contains(s.log.String(), text) })
}

// await returns when cond holds.
func await(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-late:
			tb.Fatalf("%s: not within 20 s", what)
		}
	}
}
