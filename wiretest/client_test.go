package wiretest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// answer is what the server says to a chunk, a commit or a whole file.
type answer struct {
	Status   int    `json:"-"`
	UploadID string `json:"upload_id"`
	Path     string `json:"path"`
	Bytes    int64  `json:"bytes"`
	Rev      string `json:"rev"`
	Error    string `json:"error"`
}

var patient = &http.Client{Timeout: 2 * time.Minute}

// ask sends a request; target is what follows "/1/". It may be called from any
// goroutine.
func ask(ctx context.Context, p testserver.Proxy, method, target string, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.BaseURL+"/1/"+target, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+testserver.Token)
	res, err := patient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	got := answer{Status: res.StatusCode}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		return answer{}, fmt.Errorf("%s %s: status %d: %w", method, target, res.StatusCode, err)
	}
	return got, nil
}

// way is how a client stores a file.
type way struct {
	name  string
	size  int // bytes of the files
	whole bool
}

// ways differ in the calls that reach the store: a file that is all tail is
// put, one with a part is copied from where it was staged, or is sent whole.
var ways = []way{
	{name: "in the tail", size: 1000},
	{name: "staged", size: 6 * mib},
	{name: "files_put", size: 1000, whole: true},
	{name: "files_put, 6 MiB", size: 6 * mib, whole: true},
}

// stored is a file on its way: it takes the path and the parameters, through
// any proxy. It may be called again, for another path, and from any goroutine.
type stored func(p testserver.Proxy, path, params string) (answer, error)

// send does all that can be done before the path is known.
func (w way) send(t *testing.T, p testserver.Proxy, body []byte) stored {
	t.Helper()
	if w.whole {
		return func(p testserver.Proxy, path, params string) (answer, error) {
			return ask(t.Context(), p, "PUT", "files_put/auto/"+escaped(path)+"?"+params, body)
		}
	}
	chunk, err := ask(t.Context(), p, "PUT", "chunked_upload", body)
	if err != nil || chunk.Status != http.StatusOK {
		t.Fatalf("chunk: %+v, %v", chunk, err)
	}
	return func(p testserver.Proxy, path, params string) (answer, error) {
		return ask(t.Context(), p, "POST", "commit_chunked_upload/auto/"+escaped(path)+"?upload_id="+chunk.UploadID+"&"+params, nil)
	}
}

// must stores a file and demands success.
func (w way) must(t *testing.T, p testserver.Proxy, body []byte, path string) answer {
	t.Helper()
	got, err := w.send(t, p, body)(p, path, "")
	if err != nil || got.Status != http.StatusOK || got.Path != "/"+path {
		t.Fatalf("store %q: %+v, %v", path, got, err)
	}
	return got
}

func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }
