package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
)

// healthy is what doctor prints of the stores that the tests start, once the
// measured is masked.
const healthy = `
ok    redis: it answers and takes writes, in SOME
ok    redis version: it is version SOME
ok    redis eviction: maxmemory-policy is noeviction, maxmemory 0B
ok    redis memory: maxmemory is 0: tails do not leave Redis by themselves when it fills up (CHUNKGATE_TAIL_REDIS_SHARE)
warn  redis persistence: neither append-only file nor replica: a restart costs every upload – set appendonly yes and appendfsync always, or keep replicas and set CHUNKGATE_REDIS_REPLICAS
ok    redis scripts: an upload was opened, advanced, buried and forgotten
ok    redis clock: its clock and ours agree to SOME
ok    s3 bucket: MinIO answers, in SOME
ok    s3 clock: its clock and ours agree to SOME
ok    s3 expiry: MinIO is said to end unfinished uploads after SPAN; they live SPAN
ok    s3 versions: the bucket keeps none
ok    s3 PutObject: allowed
ok    s3 HeadObject: allowed
ok    s3 GetObject: allowed
ok    s3 ListObjectsV2: allowed
ok    s3 names: names are kept
ok    s3 conditions on PutObject: If-None-Match and If-Match are kept
ok    s3 CreateMultipartUpload: allowed
ok    s3 UploadPart: allowed
ok    s3 checksum trailers: a part with a wrong checksum was refused
ok    s3 UploadPartCopy: allowed
ok    s3 ListParts: allowed
ok    s3 ListMultipartUploads: allowed
ok    s3 AbortMultipartUpload: allowed
ok    s3 CompleteMultipartUpload: allowed
ok    s3 conditions on CompleteMultipartUpload: If-None-Match and If-Match are kept
ok    s3 part numbers: gaps are accepted
ok    s3 DeleteObject: allowed
ok    s3 cleanup: nothing is left
`

var measured = regexp.MustCompile(`(in|to|version) [0-9][0-9.]*(ms|µs|s)?\n`)

func TestDoctor(t *testing.T) {
	s := newSite(t)
	t.Setenv("MINIO_API_STALE_UPLOADS_EXPIRY", "72h")
	got := measured.ReplaceAllString(s.run(exitWarned, "doctor"), "$1 SOME\n")
	got = regexp.MustCompile(`agree to [^\n]*\n`).ReplaceAllString(got, "agree to SOME\n")
	if diff := cmp.Diff(healthy[1:], got); diff != "" {
		t.Errorf("doctor (-want +got):\n%s", diff)
	}
	if keys := teststore.Keys(t, s.objects, ""); len(keys) > 0 {
		t.Errorf("objects are left: %q", keys)
	}
}

func TestDoctorJSON(t *testing.T) {
	s := newSite(t)
	redis := testserver.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	t.Setenv("CHUNKGATE_REDIS_URL", redis.URL)
	t.Setenv("MINIO_API_STALE_UPLOADS_EXPIRY", "72h")
	var d diagnosis
	text := s.run(exitOK, "doctor", "--json")
	if err := json.Unmarshal([]byte(text), &d); err != nil || d.Level != checkup.OK || len(d.Checks) != strings.Count(healthy, "\n")-1 {
		t.Errorf("got %s, %v", text, err)
	}
}

// What fails is told by line and exit code, and no secret with it.
func TestDoctorFails(t *testing.T) {
	s := newSite(t)
	t.Setenv("CHUNKGATE_REDIS_URL", "redis://:"+s.secret+"@"+testserver.FreeAddr(t))
	t.Setenv("AWS_ACCESS_KEY_ID", "another")
	got := s.run(exitFailed, "doctor")
	if !strings.HasPrefix(got, "FAIL  redis: ") || strings.Count(got, "\n") < 3 || !strings.Contains(got, "\nFAIL  s3 PutObject: refused with 403") && !strings.Contains(got, "set the right credentials") {
		t.Errorf("got %s", got)
	}
}
