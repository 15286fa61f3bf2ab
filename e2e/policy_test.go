package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

// The two prefixes that the policy is filled with.
const (
	filesPrefix  = "files/"
	stagedPrefix = ".chunkgate/"
)

// TestPolicy gives a user of MinIO's the policy of deploy/iam, and has
// everything done that the proxy does. Then one action after the other is
// taken away, and something fails.
func TestPolicy(t *testing.T) {
	t.Parallel()
	store := testserver.MinIO(t)
	admin := newAdmin(t, store)
	text := readPolicy(t, store.Bucket)
	whole := admin.user(t, "whole", text)
	if err := everything(t, whole); err != nil {
		t.Fatalf("with the policy as it is: %v", err)
	}
	if _, err := whole.Put(t.Context(), "others/file", 1, strings.NewReader("x"), upload.Attributes{}, upload.Condition{}); err == nil {
		t.Error("may write outside of its prefixes")
	}
	var policy struct {
		Statement []struct {
			Sid    string
			Action []string
		}
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatal(err)
	}
	for _, s := range policy.Statement {
		for n, action := range s.Action {
			if s.Sid == "Doctor" {
				continue // serve needs none of it
			}
			// An action of ours that says nothing takes its place.
			less := strings.Replace(text, `"`+action+`"`, `"s3:GetObjectTagging"`, 1)
			name := fmt.Sprintf("less-%s-%d", s.Sid, n)
			if everything(t, admin.user(t, name, less)) == nil {
				t.Errorf("%s is not needed", action)
			}
		}
	}
}

func readPolicy(t *testing.T, bucket string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testserver.Root(t), "deploy", "iam", "policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("BUCKET", bucket, "KEY_PREFIX", filesPrefix, "STAGING_PREFIX", stagedPrefix).Replace(string(b))
}

// admin is MinIO's own client, which can make users.
type admin struct {
	program string
	store   testserver.Store
	env     []string
	dir     string
}

func newAdmin(t *testing.T, s testserver.Store) admin {
	t.Helper()
	a := admin{program: testserver.Tool(t, "minio", "mc"), store: s, dir: t.TempDir()}
	a.env = append(os.Environ(), "MC_CONFIG_DIR="+a.dir,
		"MC_HOST_local="+strings.Replace(s.Endpoint, "://", "://"+s.AccessKey+":"+s.SecretKey+"@", 1))
	return a
}

func (a admin) run(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(a.program, append([]string{"admin"}, args...)...)
	cmd.Env = a.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mc admin %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// user makes a user with a policy and opens the bucket as it.
func (a admin) user(t *testing.T, name, policy string) *s3backend.Backend {
	t.Helper()
	file := filepath.Join(a.dir, name+".json")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "secret-of-a-test"
	a.run(t, "policy", "create", "local", name, file)
	a.run(t, "user", "add", "local", name, secret)
	a.run(t, "policy", "attach", "local", name, "--user", name)
	b, err := s3backend.New(t.Context(), s3backend.Config{
		Endpoint: a.store.Endpoint, Bucket: a.store.Bucket, PathStyle: true, AccessKey: name, SecretKey: secret,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// everything does once each thing that the engine and the proxy do in the
// bucket, in the way of an upload, and answers all that failed.
func everything(t *testing.T, b *s3backend.Backend) error {
	t.Helper()
	ctx := t.Context()
	const body = "content of a file"
	staged, file, tail := stagedPrefix+"id/object", filesPrefix+"a/file", stagedPrefix+"id/tail/1"
	var errs []error
	try := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	try("ping", b.Ping(ctx))
	for _, key := range []string{staged, file} {
		lost, err := b.CreateMultipart(ctx, key, upload.Attributes{})
		try("create", err)
		_, err = b.Multiparts(ctx, key)
		try("list uploads", err)
		for _, err := range b.StoredParts(ctx, lost) {
			try("list parts", err)
		}
		try("abort", b.Abort(ctx, lost))
	}
	m, err := b.CreateMultipart(ctx, staged, upload.Attributes{})
	try("create", err)
	part, err := b.UploadPart(ctx, m, 1, int64(len(body)), strings.NewReader(body))
	try("upload part", err)
	_, err = b.Complete(ctx, m, []upload.Part{part}, upload.Condition{})
	try("complete", err)

	c, err := b.CreateMultipart(ctx, file, upload.Attributes{Upload: "id"})
	try("create", err)
	copied, err := b.CopyPart(ctx, c, 1, staged, 0, int64(len(body)))
	try("copy part", err)
	made, err := b.Complete(ctx, c, []upload.Part{copied}, upload.Condition{Absent: true})
	try("complete if absent", err)
	_, err = b.Put(ctx, file, int64(len(body)), strings.NewReader(body), upload.Attributes{}, upload.Condition{Match: made.ETag})
	try("put if it matches", err)
	_, err = b.Put(ctx, tail, 4, strings.NewReader("tail"), upload.Attributes{}, upload.Condition{})
	try("put", err)

	for _, key := range []string{tail, file} {
		o, err := b.Head(ctx, key)
		try("head", err)
		r, err := b.Get(ctx, key, o.Size)
		try("get", err)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			try("read", errors.Join(err, r.Close()))
		}
	}
	if _, err := b.Head(ctx, filesPrefix+"nothing"); !errors.Is(err, upload.ErrNotExist) {
		try("head of nothing", err)
	}
	for _, err := range b.List(ctx, stagedPrefix) {
		try("list", err)
	}
	for _, err := range b.Folder(ctx, filesPrefix) {
		try("list folder", err)
	}
	try("delete", b.Delete(ctx, file))
	try("delete several", b.Delete(ctx, staged, tail))
	return errors.Join(errs...)
}
