package s3backend_test

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

const awsRegion = "eu-central-1"

// mustRelay opens a bucket behind a relay that keeps to AWS's rules.
func mustRelay(t *testing.T, checksum s3backend.Checksum) (*testserver.AWS, *s3backend.Backend) {
	t.Helper()
	a := testserver.RelayAWS(t, testserver.MinIO(t), awsRegion)
	return a, mustOpenRelay(t, a, awsRegion, checksum)
}

func mustOpenRelay(t *testing.T, a *testserver.AWS, region string, checksum s3backend.Checksum) *s3backend.Backend {
	t.Helper()
	for _, setting := range a.Env() {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	b, err := s3backend.New(t.Context(), s3backend.Config{
		Endpoint: a.Endpoint, Bucket: a.Bucket, PathStyle: true, Region: region, Checksum: checksum,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestConformanceByRelay holds the backend to the contract where AWS's rules
// are kept that no store for tests knows, as a bucket may have them for good.
func TestConformanceByRelay(t *testing.T) {
	cases := []struct {
		name     string
		set      func(*testserver.AWS)
		checksum s3backend.Checksum
		// hit is a refusal that must have come, lest the rule was not tried.
		hit string
	}{
		{"as AWS is set", func(*testserver.AWS) {}, s3backend.None, ""},
		{"locked bucket", func(a *testserver.AWS) { a.SetLocked(true) }, s3backend.Trailer, ""},
		{"clock 20 min ahead", func(a *testserver.AWS) { a.SetAhead(20 * time.Minute) }, s3backend.None, "RequestTimeTooSkewed"},
		{"fresh bucket", func(a *testserver.AWS) { a.SetRedirects(true) }, s3backend.None, "TemporaryRedirect"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, b := mustRelay(t, c.checksum)
			c.set(a)
			t.Run("objects", func(t *testing.T) {
				uploadtest.TestObjects(t, func(*testing.T) upload.Objects { return b })
			})
			t.Run("files", func(t *testing.T) {
				uploadtest.TestFiles(t, func(*testing.T) upload.Files { return b })
			})
			if c.hit != "" && a.Refused(c.hit) == 0 {
				t.Errorf("%s was never said", c.hit)
			}
		})
	}
}

// TestExpiredToken: keys that end before their time are fetched anew, by
// whichever call hears of it first, and the call succeeds.
func TestExpiredToken(t *testing.T) {
	calls := []struct {
		name string
		call func(context.Context, *s3backend.Backend) error
	}{
		{"put", func(ctx context.Context, b *s3backend.Backend) error {
			_, err := b.Put(ctx, "put", 3, strings.NewReader("put"), upload.Attributes{}, upload.Condition{})
			return err
		}},
		{"create", func(ctx context.Context, b *s3backend.Backend) error {
			m, err := b.CreateMultipart(ctx, "object", upload.Attributes{})
			if err != nil {
				return err
			}
			return b.Abort(ctx, m)
		}},
		{"head", func(ctx context.Context, b *s3backend.Backend) error { _, err := b.Head(ctx, "put"); return err }},
		{"list", func(ctx context.Context, b *s3backend.Backend) error {
			for _, err := range b.List(ctx, "") {
				return err
			}
			return nil
		}},
		{"delete", func(ctx context.Context, b *s3backend.Backend) error { return b.Delete(ctx, "put") }},
		{"ping", func(ctx context.Context, b *s3backend.Backend) error { return b.Ping(ctx) }},
	}
	a, _ := mustRelay(t, s3backend.None)
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			// Keys are given up only so often: each call is of a backend of its own.
			b := mustOpenRelay(t, a, awsRegion, s3backend.None)
			if err := b.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := a.Refused("ExpiredToken")
			a.Expire()
			if err := c.call(t.Context(), b); err != nil {
				t.Errorf("after the keys ended: %v", err)
			}
			if a.Refused("ExpiredToken") == before {
				t.Error("the keys that had ended were not used")
			}
		})
	}
}

// TestExpiredTokenOfPart: a part's body comes from a client once; nothing of it
// may be taken before the keys are good.
func TestExpiredTokenOfPart(t *testing.T) {
	a, b := mustRelay(t, s3backend.None)
	m, err := b.CreateMultipart(t.Context(), "object", upload.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	a.Expire()
	const size = 5 << 20
	part, err := b.UploadPart(t.Context(), m, 1, size, strings.NewReader(strings.Repeat("x", size)))
	if err != nil {
		t.Fatalf("after the keys ended: %v", err)
	}
	if _, err := b.Complete(t.Context(), m, []upload.Part{part}, upload.Condition{}); err != nil {
		t.Fatal(err)
	}
}

// TestLockedBucket: where Object Lock has a default retention, what is put from
// memory carries a checksum whatever is set; a part without one is refused with
// the setting to change.
func TestLockedBucket(t *testing.T) {
	for _, checksum := range []s3backend.Checksum{s3backend.Trailer, s3backend.None, s3backend.Off} {
		a, b := mustRelay(t, checksum)
		a.SetLocked(true)
		for _, content := range []string{"", "in memory"} {
			if _, err := b.Put(t.Context(), "folder/", int64(len(content)), strings.NewReader(content), upload.Attributes{}, upload.Condition{}); err != nil {
				t.Errorf("%s: put %d bytes: %v", checksum, len(content), err)
			}
		}
		m, err := b.CreateMultipart(t.Context(), "file", upload.Attributes{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.UploadPart(t.Context(), m, 1, 5, io.MultiReader(strings.NewReader("hello")))
		if checksum == s3backend.Trailer && err != nil {
			t.Errorf("%s: upload part: %v", checksum, err)
		}
		if checksum != s3backend.Trailer && (!errors.Is(err, upload.ErrUnavailable) || !strings.Contains(err.Error(), "set CHUNKGATE_S3_CHECKSUM to trailer")) {
			t.Errorf("%s: upload part: got %v, want %v with what to set", checksum, err, upload.ErrUnavailable)
		}
		if err := b.Abort(t.Context(), m); err != nil {
			t.Error(err)
		}
	}
}

// TestExamineByRelay: what is put right on the way is told as what it is, and
// nothing else is found wrong for it.
func TestExamineByRelay(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*testserver.AWS)
		hit   string // a refusal that must have come
		check string
		found string // a regular expression
		level checkup.Level
	}{
		{"clock", func(a *testserver.AWS) { a.SetAhead(20 * time.Minute) }, "RequestTimeTooSkewed",
			"s3 clock", `^its clock is (20m0s|19m5.s) ahead of ours$`, checkup.Fail},
		{"clock behind", func(a *testserver.AWS) { a.SetAhead(-20 * time.Minute) }, "RequestTimeTooSkewed",
			"s3 clock", `^its clock is (20m0s|19m5.s) behind ours$`, checkup.Fail},
		{"fresh bucket", func(a *testserver.AWS) { a.SetRedirects(true) }, "TemporaryRedirect",
			"s3 bucket", "AmazonS3 answers", checkup.OK},
		{"expired keys", func(a *testserver.AWS) { a.Expire() }, "ExpiredToken", "s3 bucket", "AmazonS3 answers", checkup.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := mustRelay(t, s3backend.None)
			if err := b.Ping(t.Context()); err != nil { // the keys are fetched
				t.Fatal(err)
			}
			c.set(a)
			var told checkup.Finding
			for f := range b.Examine(t.Context(), s3backend.Examination{StagingPrefix: ".chunkgate/", TTL: 48 * time.Hour, Now: time.Now}) {
				switch {
				case f.Check == c.check:
					told = f
				case f.Level == checkup.Fail:
					t.Errorf("also found: %+v", f)
				}
			}
			if told.Level != c.level || !regexp.MustCompile(c.found).MatchString(told.Found) {
				t.Errorf("got %+v, want %s: %s", told, c.level, c.found)
			}
			if a.Refused(c.hit) == 0 {
				t.Errorf("%s was never said", c.hit)
			}
		})
	}
}

// TestWrongRegion: a bucket that is elsewhere says nothing about what is in it.
func TestWrongRegion(t *testing.T) {
	a, _ := mustRelay(t, s3backend.None)
	b := mustOpenRelay(t, a, "us-west-2", s3backend.None)
	_, err := b.Head(t.Context(), "object")
	if !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("head: got %v, want %v", err, upload.ErrUnavailable)
	}
	if _, err := b.CreateMultipart(t.Context(), "object", upload.Attributes{}); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("create multipart: got %v, want %v", err, upload.ErrUnavailable)
	}
	if err := b.Ping(t.Context()); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("ping: got %v, want %v", err, upload.ErrUnavailable)
	}
}
