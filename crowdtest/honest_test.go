package crowdtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// file is an upload of an honest client: its first chunk was acknowledged, the
// crowd comes over it, and the second is still to be sent.
type file struct {
	name          string
	first, second []byte
	id            string
}

type reply struct {
	Status   int    `json:"-"`
	UploadID string `json:"upload_id"`
	Offset   int64  `json:"offset"`
	Bytes    int64  `json:"bytes"`
	Error    string `json:"error"`
}

var patient = &http.Client{Timeout: patience}

// ask sends a request; target is what follows "/1/".
func ask(t *testing.T, addr, method, target string, body []byte) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+"/1/"+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testserver.Token)
	answer, err := patient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got := reply{Status: answer.StatusCode}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return got
}

// begin opens n uploads. Most of them are tails, every fourth has a part, too.
func begin(t *testing.T, addr string, n int) []*file {
	t.Helper()
	files := make([]*file, n)
	for i := range files {
		random := rand.NewChaCha8([32]byte{byte(i)})
		size := mib + i*1000
		if i%4 == 0 {
			size += 5 * mib
		}
		f := &file{name: fmt.Sprintf("crowd/%d-%d", time.Now().UnixNano(), i), first: make([]byte, size), second: make([]byte, 300*kib+i)}
		_, _ = random.Read(f.first)
		_, _ = random.Read(f.second)
		got := ask(t, addr, http.MethodPut, "chunked_upload", f.first)
		if got.Status != http.StatusOK || got.Offset != int64(size) {
			t.Fatalf("first chunk: %+v", got)
		}
		f.id = got.UploadID
		files[i] = f
	}
	return files
}

// next is what follows "/1/" of the chunk that is to come.
func (f *file) next() string {
	return fmt.Sprintf("chunked_upload?upload_id=%s&offset=%d", f.id, len(f.first))
}

// finish wants the upload to be where it was, sends the rest and commits. It
// answers what the object has to hold.
func (f *file) finish(t *testing.T, addr string) [sha256.Size]byte {
	t.Helper()
	if got := ask(t, addr, http.MethodGet, "chunked_upload?upload_id="+f.id, nil); got.Status != http.StatusOK || got.Offset != int64(len(f.first)) {
		t.Errorf("%s: %+v after the crowd, want offset %d", f.name, got, len(f.first))
	}
	size := int64(len(f.first) + len(f.second))
	if got := ask(t, addr, http.MethodPut, f.next(), f.second); got.Status != http.StatusOK || got.Offset != size {
		t.Errorf("%s: second chunk: %+v, want offset %d", f.name, got, size)
	}
	if got := ask(t, addr, http.MethodPost, "commit_chunked_upload/auto/"+f.name+"?upload_id="+f.id, nil); got.Status != http.StatusOK || got.Bytes != size {
		t.Errorf("%s: commit: %+v, want %d bytes", f.name, got, size)
	}
	return sha256.Sum256(append(bytes.Clone(f.first), f.second...))
}
