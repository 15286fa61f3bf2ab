package e2e

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// TestObjectLock: uploads work into a bucket that locks every object by
// default, by all ways that a commit takes, and so does a folder's marker.
func TestObjectLock(t *testing.T) {
	t.Parallel()
	store := testserver.MinIO(t)
	store.Bucket = "locked"
	sdk := s3.New(s3.Options{
		Region: store.Region, BaseEndpoint: &store.Endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(store.AccessKey, store.SecretKey, ""),
	})
	_, err := sdk.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &store.Bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sdk.PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{
		Bucket: &store.Bucket,
		ObjectLockConfiguration: &types.ObjectLockConfiguration{
			ObjectLockEnabled: types.ObjectLockEnabledEnabled,
			Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{
				Mode: types.ObjectLockRetentionModeGovernance, Days: aws.Int32(1),
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := testserver.Serve(t, testserver.Build(t), store, testserver.StartRedis(t))
	for _, way := range []struct {
		name, chunk string
		size        int64
	}{
		{"small", "chunked_upload", 5},
		{"copied", "chunked_upload", 6 * mib},
		{"promised", "chunked_upload?path=/promised", 6 * mib},
	} {
		st := ask(t, p, "PUT", way.chunk, make([]byte, way.size))
		got := ask(t, p, "POST", "commit_chunked_upload/auto/"+way.name+"?upload_id="+st.UploadID, nil)
		if got.Status != http.StatusOK || got.Bytes != way.size {
			t.Errorf("%s: %+v after %+v", way.name, got, st)
		}
	}
	if got := ask(t, p, "POST", "fileops/create_folder?root=auto&path=/folder", nil); got.Status != http.StatusOK {
		t.Errorf("create_folder: %+v", got)
	}
}
