package e2e

import (
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// A name that the store does not take, MinIO none over 255 bytes between two
// slashes, is the client's affair and not worth repeating; the upload lives on.
func TestNameTheStoreRefuses(t *testing.T) {
	t.Parallel()
	p := testserver.Serve(t, testserver.Build(t), testserver.MinIO(t), testserver.StartRedis(t))
	long := strings.Repeat("x", 300)
	for _, size := range []int{1000, 6 * mib} { // by Put, and by copy
		up := ask(t, p, "PUT", "chunked_upload", make([]byte, size))
		for _, path := range []string{long, long + "/file", "dir/" + long} {
			if got := ask(t, p, "POST", "commit_chunked_upload/auto/"+path+"?upload_id="+up.UploadID, nil); got.Status != 400 || got.Error == "" {
				t.Errorf("commit of %d bytes to a name that is too long: %+v", size, got)
			}
		}
		if got := ask(t, p, "POST", "commit_chunked_upload/auto/short?upload_id="+up.UploadID, nil); got.Status != 200 || got.Bytes != int64(size) {
			t.Errorf("commit elsewhere: %+v", got)
		}
	}
}
