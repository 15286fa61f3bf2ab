package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

func TestUploadsLs(t *testing.T) {
	s := newSite(t)
	s.want(exitOK, `
ID  OWNER  STATE  OFFSET  PARTS  TAIL  AGE  EXPIRES
`, "uploads", "ls")
	first := s.put(s.engine, "one", "", 6<<20)
	s.put(s.engine, "", first.ID, 100)
	done := s.put(s.engine, "two", "", 5)
	s.commit(done.ID, "file")
	for name, mask := range map[string]string{first.ID: strings.Repeat("1", len(first.ID)), done.ID: strings.Repeat("2", len(done.ID))} {
		s.names[name] = mask
	}
	s.want(exitOK, `
ID                      OWNER  STATE  OFFSET   PARTS  TAIL  AGE  EXPIRES
1111111111111111111111  alice  open   6291556  1      100   SPAN  TIME
`, "uploads", "ls")
	s.want(exitOK, `
ID                      OWNER  STATE      OFFSET   PARTS  TAIL  AGE  EXPIRES
1111111111111111111111  alice  open       6291556  1      100   SPAN  TIME
2222222222222222222222  alice  committed  5        0      0     SPAN  TIME
`, "uploads", "ls", "--all")
	s.want(exitOK, `
ID                      OWNER  STATE  OFFSET   PARTS  TAIL  AGE  EXPIRES
1111111111111111111111  alice  open   6291556  1      100   SPAN  TIME
there are more than --limit 1
`, "uploads", "ls", "--all", "--limit", "1")
	s.want(exitOK, `
{"id":"1111111111111111111111","owner":"alice","state":"open","offset":6291556,"parts":1,"tail_bytes":100,"created":"TIME","expires":"TIME"}
`, "uploads", "ls", "--json")
	s.want(exitUsage, "chunkgate: --limit must be at least 1\n", "uploads", "ls", "--limit", "0")
}

func TestUploadsShow(t *testing.T) {
	s := newSite(t)
	st := s.put(s.engine, "ID", "", 6<<20)
	s.put(s.engine, "", st.ID, 100)
	u := s.mask(st.ID)
	m := upload.Multipart{Key: u.Key, ID: u.UploadID}
	if _, err := s.objects.UploadPart(t.Context(), m, 9, 7, strings.NewReader("nobody's")); err != nil {
		t.Fatal(err)
	}
	if err := s.sessions.NoteFailure(t.Context(), st.ID, "chunk at 100: storage unavailable"); err != nil {
		t.Fatal(err)
	}
	const head = `
upload      ID
swept       after TIME
owner       alice
state       open
offset      6291556
created     TIME, SPAN ago
expires     TIME, in SPAN
multipart   MULTIPART at .chunkgate/ID/object
parts       1 listed, 6291456 bytes
`
	s.want(exitOK, head+`stored      0 missing, 0 wrong, 1 not listed of 7 bytes
tail        100 of 100 bytes are in Redis
staged      nothing at .chunkgate/ID/object
failure     TIME: chunk at 100: storage unavailable
verdict     whole: every accepted byte is there
repair      nothing to do
`, "uploads", "show", st.ID)

	var shown struct {
		ID      string
		Offset  int64
		Stored  struct{ Listed, NotListed struct{ Count, Bytes int64 } }
		Verdict string
	}
	text := strings.ReplaceAll(s.run(exitOK, "uploads", "show", st.ID, "--json"), "not_listed", "notlisted")
	if err := json.Unmarshal([]byte(text), &shown); err != nil || shown.Offset != 6291556 || shown.Stored.NotListed.Bytes != 7 ||
		shown.Verdict != "whole: every accepted byte is there" {
		t.Errorf("as JSON: %v\n%s", err, text)
	}

	if err := s.objects.Abort(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s.want(exitOK, head+`stored      the store has no such multipart upload
tail        100 of 100 bytes are in Redis
staged      nothing at .chunkgate/ID/object
failure     TIME: chunk at 100: storage unavailable
verdict     damaged: the multipart upload with its 1 listed parts is gone
repair      chunkgate uploads abort ID --yes, and the client starts again; find out by chunkgate doctor what removes unfinished uploads
`, "uploads", "show", st.ID)
	s.want(exitFailed, "chunkgate: show upload: no such upload\n", "uploads", "show", "unheard-of")
}

// A tail in objects, of which one is lost, and a commit on the way.
func TestUploadsShowCommit(t *testing.T) {
	s := newSite(t)
	st := s.put(s.with(func(c *upload.Config) { c.TailInSessions = 0 }), "ID", "", 100)
	u := s.mask(st.ID)
	s.names[u.Tail[0].Name] = "TAIL"
	if err := s.objects.Delete(t.Context(), u.Tail[0].Name); err != nil {
		t.Fatal(err)
	}
	c := upload.Commit{Terms: "secret terms", Key: "tests/file", Runner: "RUNNER"}
	if _, _, err := s.sessions.BeginCommit(t.Context(), st.ID, "alice", c, time.Minute); err != nil {
		t.Fatal(err)
	}
	s.want(exitOK, `
upload      ID
swept       after TIME
owner       alice
state       committing
offset      100
created     TIME, SPAN ago
expires     TIME, in SPAN
commit      to tests/file, terms 683cf04399a3
runner      RUNNER, lease until TIME, in SPAN
tail        0 of 100 bytes are in TAIL
staged      nothing at .chunkgate/ID/object
destination nothing at tests/file
verdict     its commit is running
repair      wait for it
`, "uploads", "show", st.ID)
	s.want(exitFailed, "chunkgate: its commit is running, with a lease until TIME: nothing was changed\n", "uploads", "abort", st.ID, "--yes")
}

func TestUploadsShowCommitted(t *testing.T) {
	s := newSite(t)
	st := s.put(s.engine, "ID", "", 5<<20)
	s.commit(st.ID, "tests/file")
	o, err := s.objects.Head(t.Context(), "tests/file")
	if err != nil {
		t.Fatal(err)
	}
	s.names[o.ETag] = "ETAG"
	head := fmt.Sprintf(`
upload      ID
swept       after TIME
owner       alice
state       committed
offset      %d
created     TIME, SPAN ago
expires     TIME, in SPAN
multipart   MULTIPART at .chunkgate/ID/object
commit      to tests/file, terms 51d2361f4fae
result      5242880 bytes at tests/file, ETag ETAG, TIME
staged      nothing at .chunkgate/ID/object
`, 5<<20)
	s.want(exitOK, head+`destination 5242880 bytes at tests/file, by this upload
verdict     committed, and its object is there
repair      nothing to do
`, "uploads", "show", st.ID)
	if _, err := s.objects.Put(t.Context(), "tests/file", 1, strings.NewReader("x"), upload.Attributes{}, upload.Condition{}); err != nil {
		t.Fatal(err)
	}
	s.want(exitOK, head+`destination 1 bytes at tests/file, by no upload of chunkgate
verdict     committed; another object is at its destination now
repair      nothing to do
`, "uploads", "show", st.ID)
	s.want(exitFailed, "chunkgate: it is committed: there is nothing to abort\n", "uploads", "abort", st.ID, "--yes")
}

func TestUploadsAbort(t *testing.T) {
	s := newSite(t)
	st := s.put(s.engine, "ID", "", 6<<20)
	key := upload.StagingKey(".chunkgate/", st.ID)
	s.want(exitUsage, "chunkgate: --yes is needed: the 6291456 bytes that alice has uploaded would be lost\n", "uploads", "abort", st.ID)
	if ids, err := s.objects.Multiparts(t.Context(), key); err != nil || len(ids) != 1 {
		t.Fatalf("without --yes: %q, %v", ids, err)
	}
	s.want(exitOK, "aborted ID of alice, 6291456 bytes\n", "uploads", "abort", st.ID, "--yes")
	if ids, err := s.objects.Multiparts(t.Context(), key); err != nil || len(ids) > 0 {
		t.Errorf("multipart uploads remain: %q, %v", ids, err)
	}
	s.want(exitFailed, "chunkgate: it has been discarded already\n", "uploads", "abort", st.ID, "--yes")
	s.want(exitFailed, "chunkgate: abort upload: no such upload\n", "uploads", "abort", "unheard-of", "--yes")
}

func TestUploadsSweep(t *testing.T) {
	s := newSite(t)
	at := func(age time.Duration) *upload.Engine {
		ago := session.New(s.redis, session.Options{Ahead: func() time.Duration { return -age }})
		return s.with(func(c *upload.Config) { c.Sessions = ago })
	}
	s.want(exitOK, "freed 0 uploads\n", "uploads", "sweep")
	old := s.put(at(50*time.Hour), "OLD", "", 6<<20)
	early := s.put(at(48*time.Hour+time.Minute), "EARLY", "", 5)
	s.put(s.engine, "NEW", "", 5)
	s.want(exitFailed, "chunkgate: it has expired: chunkgate uploads sweep frees it after TIME\n", "uploads", "abort", early.ID, "--yes")
	s.want(exitOK, "freed  OLD of alice, 6291456 bytes\nfreed 1 uploads\n", "uploads", "sweep")
	if ids, err := s.objects.Multiparts(t.Context(), upload.StagingKey(".chunkgate/", old.ID)); err != nil || len(ids) > 0 {
		t.Errorf("multipart uploads remain: %q, %v", ids, err)
	}
	if n, err := s.sessions.Deadlines(t.Context()); err != nil || n != 2 {
		t.Errorf("%d deadlines remain, %v; want 2", n, err)
	}
	s.want(exitOK, "freed 0 uploads\n", "uploads", "sweep")
}

// Of a record that Redis has lost, what is left is said and not guessed.
func TestUploadsLost(t *testing.T) {
	s := newSite(t)
	st := s.put(s.engine, "", "", 6<<20)
	s.names[st.ID] = strings.Repeat("1", len(st.ID))
	s.forget(st.ID)
	s.want(exitOK, `
ID                      OWNER  STATE  OFFSET  PARTS  TAIL  AGE  EXPIRES
1111111111111111111111  -      lost   0       1      0     -    TIME
`, "uploads", "ls")
	got := s.run(exitOK, "uploads", "show", st.ID)
	if !strings.Contains(got, "unrecorded  multipart upload MULTIPART at the staging key\n") ||
		!strings.Contains(got, "verdict     Redis has forgotten it: only its deadline is left\n") {
		t.Errorf("got:\n%s", got)
	}
}

// A commit that the object store did not do is in the list, as serve noted it.
func TestUploadsFailure(t *testing.T) {
	s := newSite(t)
	t.Setenv("CHUNKGATE_LISTEN", "127.0.0.1:0")
	t.Setenv("CHUNKGATE_INSECURE_NO_AUTH", "true")
	t.Setenv("CHUNKGATE_S3_TIMEOUT", "1s")
	base := "http://" + startServe(t) + "/1/"
	var st struct {
		ID string `json:"upload_id"`
	}
	if err := json.Unmarshal(post(t, base+"chunked_upload", "tail", http.StatusOK), &st); err != nil {
		t.Fatal(err)
	}
	s.minio.Kill()
	post(t, base+"commit_chunked_upload/auto/file?upload_id="+st.ID, "", http.StatusServiceUnavailable)
	var got struct{ Failure string }
	for deadline := time.Now().Add(30 * time.Second); got.Failure == "" && time.Now().Before(deadline); { // noted in passing
		if err := json.Unmarshal([]byte(s.run(exitOK, "uploads", "ls", "--json")), &got); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasPrefix(got.Failure, "commit to file: ") || !strings.Contains(got.Failure, "connection refused") {
		t.Errorf("failure: %q", got.Failure)
	}
}
