package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// site is a running pair of stores, as the environment names them, and an
// engine over them that makes uploads with known ids.
type site struct {
	t        *testing.T
	redis    redis.UniversalClient
	sessions *session.Store
	objects  *s3backend.Backend
	engine   *upload.Engine
	secret   string
	names    map[string]string // what is masked in outputs
	forget   func(id string)   // loses a record
	minio    testserver.Store
}

func newSite(t *testing.T) *site {
	minio, server := testserver.MinIO(t), testserver.StartRedis(t)
	t.Setenv("CHUNKGATE_REDIS_URL", server.URL)
	t.Setenv("CHUNKGATE_S3_ENDPOINT", minio.Endpoint)
	t.Setenv("CHUNKGATE_S3_BUCKET", minio.Bucket)
	t.Setenv("CHUNKGATE_S3_PATH_STYLE", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", minio.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", minio.SecretKey)
	client, err := session.Connect(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	s := &site{
		t: t, redis: client, sessions: session.New(client, session.Options{}), objects: teststore.Open(t, minio),
		secret: minio.SecretKey, minio: minio, names: map[string]string{},
	}
	s.forget = func(id string) {
		if err := client.Del(t.Context(), "chunkgate:{"+id+"}").Err(); err != nil {
			t.Fatal(err)
		}
	}
	s.engine = s.with()
	return s
}

// with is an engine over the same stores.
func (s *site) with(change ...func(*upload.Config)) *upload.Engine {
	cfg := teststore.Config(s.sessions, s.objects)
	cfg.Failures = s.sessions
	for _, f := range change {
		f(&cfg)
	}
	return upload.New(cfg)
}

// put sends a chunk; an upload that it opens is masked as name.
func (s *site) put(e *upload.Engine, name, id string, size int64) upload.Status {
	s.t.Helper()
	st, err := e.Append(s.t.Context(), upload.Chunk{
		Owner: "alice", ID: id, Offset: upload.AnyOffset, Length: size, Body: bytes.NewReader(make([]byte, size)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if name != "" {
		s.names[st.ID] = name
	}
	s.mask(st.ID)
	return st
}

// mask masks the multipart upload of an upload, if there is one.
func (s *site) mask(id string) upload.Session {
	s.t.Helper()
	u, err := s.sessions.Record(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	if u.UploadID != "" {
		s.names[u.UploadID] = "MULTIPART"
	}
	return u.Session
}

func (s *site) commit(id, key string) {
	s.t.Helper()
	_, err := s.engine.Commit(s.t.Context(), upload.CommitRequest{
		Owner: "alice", ID: id, Terms: "terms", Key: func(n int) (string, bool) { return key, n == 0 },
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

var (
	times    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	spans    = regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+s\b`)
	aligned  = regexp.MustCompile(`SPAN +TIME`)
	trailing = regexp.MustCompile(` +\n`)
)

// want runs the program and compares what it prints, masked.
func (s *site) want(code int, want string, args ...string) {
	s.t.Helper()
	got := s.run(code, args...)
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
		s.t.Errorf("chunkgate %s (-want +got):\n%s", strings.Join(args, " "), diff)
	}
}

// run runs the program, wants its exit code, and answers what it printed, masked.
func (s *site) run(code int, args ...string) string {
	s.t.Helper()
	var out bytes.Buffer
	if got := run(s.t.Context(), args, &out, &out); got != code {
		s.t.Errorf("chunkgate %s: exit %d, want %d", strings.Join(args, " "), got, code)
	}
	text := out.String()
	if strings.Contains(text, s.secret) {
		s.t.Errorf("a secret is printed: %s", text)
	}
	longest := func(a, b string) int { return len(b) - len(a) } // names hold others
	for _, name := range slices.SortedFunc(maps.Keys(s.names), longest) {
		text = strings.ReplaceAll(text, name, s.names[name])
	}
	text = spans.ReplaceAllString(times.ReplaceAllString(text, "TIME"), "SPAN")
	text = aligned.ReplaceAllString(text, "SPAN  TIME") // how wide it was is chance
	return trailing.ReplaceAllString(text, "\n")
}

// post sends a body and wants an answer with a status.
func post(t *testing.T, url, body string, status int) []byte {
	t.Helper()
	resp, err := http.Post(url, "", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("POST %s: %s, %v\n%s", url, resp.Status, err, answer)
	}
	return answer
}
