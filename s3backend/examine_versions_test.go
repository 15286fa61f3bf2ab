package s3backend_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

// lockable is a MinIO with a bucket whose objects can be locked, which keeps
// versions therefore, and a client to set it up.
func lockable(t *testing.T) (testserver.Store, *s3.Client) {
	t.Helper()
	minio := testserver.MinIO(t)
	minio.Bucket = "versions"
	sdk := s3.New(s3.Options{
		Region: minio.Region, BaseEndpoint: &minio.Endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(minio.AccessKey, minio.SecretKey, ""),
	})
	_, err := sdk.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &minio.Bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return minio, sdk
}

func versionsOf(t *testing.T, minio testserver.Store) checkup.Finding {
	t.Helper()
	config := s3backend.Config{
		Endpoint: minio.Endpoint, Bucket: minio.Bucket, PathStyle: true, AccessKey: minio.AccessKey, SecretKey: minio.SecretKey,
	}
	f, _ := examined(t, config, 72*time.Hour, "s3 versions")
	return f
}

// Doctor knows what a bucket with versions keeps, and is content with the rules
// that docs/deployment.md gives; MinIO takes them, but for the one it does not know.
func TestVersions(t *testing.T) {
	minio, sdk := lockable(t)
	f := versionsOf(t, minio)
	if f.Level != checkup.Warn || !strings.Contains(f.Found, "keeps versions, and no rule removes those under .chunkgate/") ||
		!strings.Contains(f.Advice, "deploy/iam/lifecycle-versions.json") {
		t.Errorf("without rules: %+v", f)
	}
	text, err := os.ReadFile("../deploy/iam/lifecycle-versions.json")
	if err != nil {
		t.Fatal(err)
	}
	var config types.BucketLifecycleConfiguration
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "STAGING_PREFIX", ".chunkgate/")), &config); err != nil {
		t.Fatal(err)
	}
	config.Rules = config.Rules[1:] // MinIO has no AbortIncompleteMultipartUpload
	_, err = sdk.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &minio.Bucket, LifecycleConfiguration: &config,
	})
	if err != nil {
		t.Fatalf("MinIO does not take the rules: %v", err)
	}
	if f := versionsOf(t, minio); f.Level != checkup.OK {
		t.Errorf("with the rules: %+v", f)
	}
}

// In a bucket that locks every object, uploads work, whatever checksum is set,
// and doctor says what it costs.
func TestObjectLock(t *testing.T) {
	minio, sdk := lockable(t)
	_, err := sdk.PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{
		Bucket: &minio.Bucket,
		ObjectLockConfiguration: &types.ObjectLockConfiguration{
			ObjectLockEnabled: types.ObjectLockEnabledEnabled,
			Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{
				Mode: types.ObjectLockRetentionModeGovernance, Days: aws.Int32(7),
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if f := versionsOf(t, minio); f.Level != checkup.Warn || !strings.Contains(f.Found, "locks each for 7 days") {
		t.Errorf("got %+v", f)
	}
	for _, checksum := range []s3backend.Checksum{s3backend.Trailer, s3backend.None, s3backend.Off} {
		b := mustOpen(t, minio, checksum)
		if err := b.Probe(t.Context(), ".chunkgate/", false); err != nil {
			t.Errorf("%s: %v", checksum, err)
		}
		if _, err := b.Put(t.Context(), "file", 1, strings.NewReader("x"), upload.Attributes{}, upload.Condition{}); err != nil {
			t.Errorf("%s: %v", checksum, err)
		}
	}
}
