package s3backend_test

import (
	"errors"
	"strings"
	"testing"

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
