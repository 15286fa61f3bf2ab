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

// Every request about a name that MinIO refuses is the client's affair at once,
// and harms nothing else of the upload.
func TestRefusedNamesEverywhere(t *testing.T) {
	t.Parallel()
	p := testserver.Serve(t, testserver.Build(t), testserver.MinIO(t), testserver.StartRedis(t))
	up := ask(t, p, "PUT", "chunked_upload", []byte("content"))
	for _, name := range []string{"..%5Cx", "a%5C..", "%5C.", "%20..", "..%20", strings.Repeat("x", 300)} {
		for _, request := range []string{
			"PUT chunked_upload?path=/" + name,
			"POST commit_chunked_upload/auto/" + name + "?upload_id=" + up.UploadID,
			"PUT files_put/auto/" + name,
			"GET metadata/auto/" + name,
			"POST delta?path_prefix=/" + name,
			"POST fileops/delete?root=auto&path=/" + name,
			"POST fileops/create_folder?root=auto&path=/" + name,
		} {
			method, target, _ := strings.Cut(request, " ")
			got := ask(t, p, method, target, []byte("x"))
			// A promise that fits the tail is not told to the store yet.
			if strings.HasPrefix(target, "chunked_upload") && len(name) > 255 {
				continue
			}
			// A name can be asked for though it could not be given.
			asks := strings.HasPrefix(target, "metadata") || strings.HasPrefix(target, "delta") || strings.HasPrefix(target, "fileops/delete")
			if got.Status != 400 && !(asks && (got.Status == 404 || got.Status == 200)) {
				t.Errorf("%s: got %+v, want 400", request, got)
			}
		}
	}
	if got := ask(t, p, "POST", "commit_chunked_upload/auto/short?upload_id="+up.UploadID, nil); got.Status != 200 {
		t.Errorf("commit elsewhere: %+v", got)
	}
}

// Of a name for which MinIO has no folder's marker, it can be said that nothing
// is there; and one that leaves no room for a suffix is renamed all the same.
func TestNamesWithoutRoom(t *testing.T) {
	t.Parallel()
	p := testserver.Serve(t, testserver.Build(t), testserver.MinIO(t), testserver.StartRedis(t))
	for n := 246; n <= 255; n++ {
		name := strings.Repeat("x", n)
		if got := ask(t, p, "GET", "metadata/auto/"+name, nil); got.Status != 404 {
			t.Errorf("metadata of nothing, name of %d bytes: %+v, want 404", n, got)
		}
		for range 2 {
			if got := ask(t, p, "PUT", "files_put/auto/"+name+"?overwrite=false", []byte("content")); got.Status != 200 || got.Bytes != 7 {
				t.Errorf("file, name of %d bytes: %+v", n, got)
			}
		}
	}
}
