package faulttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// honest is a client that knows nothing but what it is told, repeats what got
// no answer, and turns to the other proxy then.
type honest struct {
	t       *testing.T
	proxies [2]testserver.Proxy
	at      int // proxy in use
	path    string
	promise bool
	absent  bool // overwrite=false
	unknown bool // bodies without a length
	split   bool // what got no answer is repeated in smaller chunks
	taken   bool // a file is at the path

	id   string
	told int64          // bytes; the largest offset told: it may never go back
	ends map[int64]bool // where a chunk that was sent ends

	terms url.Values // of the commit

	failures int             // requests without an answer
	failed   func(times int) // told of each; may be nil
	answered func()          // told of each answer, whatever it says; may be nil
}

type reply struct {
	status   int
	content  string
	UploadID string `json:"upload_id"`
	Offset   *int64 `json:"offset"`
	Path     string `json:"path"`
	Rev      string `json:"rev"`
	Bytes    int64  `json:"bytes"`
	Error    string `json:"error"`
}

var client = &http.Client{Timeout: 30 * time.Second}

// ask sends one request; no answer, or one that asks to come again, is false.
func (h *honest) ask(method, target string, q url.Values, body []byte) (reply, bool) {
	u := h.proxies[h.at].BaseURL + "/1/" + target + "?" + q.Encode()
	r, err := http.NewRequest(method, u, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if h.unknown && body != nil {
		r.ContentLength = -1
	}
	r.Header.Set("Authorization", "Bearer "+testserver.Token)
	answer, err := client.Do(r)
	if err != nil {
		h.turn()
		return reply{}, false
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if h.answered != nil {
		h.answered()
	}
	if err != nil || answer.StatusCode >= 500 {
		if answer.StatusCode == 500 {
			h.t.Errorf("%s %s: a defect: %s", method, target, b)
		}
		h.turn()
		return reply{}, false
	}
	got := reply{status: answer.StatusCode, content: string(b)}
	if target == h.content() && got.status == http.StatusOK {
		return got, true
	}
	if err := json.Unmarshal(b, &got); err != nil {
		h.t.Fatalf("%s %s: %s", method, target, b)
	}
	return got, true
}

// turn goes to the other proxy, not at once: what failed may need a moment.
func (h *honest) turn() {
	if h.failures++; h.failed != nil {
		h.failed(h.failures)
	}
	h.at = 1 - h.at
	time.Sleep(50 * time.Millisecond)
}

// most is how often anything is repeated.
const most = 30

// send uploads a chunk that begins at offset, and says whether it is in: not,
// if the upload has to start again because its id never arrived.
func (h *honest) send(offset int64, chunk []byte) bool {
	h.t.Helper()
	end := offset + int64(len(chunk))
	failed := false
	for range most {
		piece := chunk[len(chunk)-int(end-offset):]
		if h.split && failed {
			piece = piece[:(len(piece)+1)/2]
		}
		told, ok := h.put(offset, piece)
		switch {
		case !ok && h.id == "":
			return false
		case !ok:
			failed = true
		case told == end:
			return true
		case told < end && (told == offset || h.ends[told]):
			offset = told
		default:
			h.t.Fatalf("chunk at %d of %d bytes: told %d", offset, len(piece), told)
		}
	}
	h.t.Fatalf("chunk at %d is never accepted", offset)
	return false
}

// put sends one chunk and answers the offset that it is told.
func (h *honest) put(offset int64, chunk []byte) (told int64, ok bool) {
	h.t.Helper()
	q := url.Values{"offset": {fmt.Sprint(offset)}}
	switch {
	case h.id != "":
		q.Set("upload_id", h.id)
	case h.promise:
		q.Set("path", h.path)
	}
	if h.ends == nil {
		h.ends = make(map[int64]bool)
	}
	h.ends[offset+int64(len(chunk))] = true
	got, ok := h.ask("PUT", "chunked_upload", q, chunk)
	if !ok {
		return 0, false
	}
	if got.Offset == nil {
		h.t.Fatalf("chunk at %d: %d %s", offset, got.status, got.Error)
	}
	h.id = got.UploadID
	h.remember(*got.Offset)
	return *got.Offset, true
}

func (h *honest) remember(offset int64) {
	if offset < h.told {
		h.t.Fatalf("the offset went back from %d to %d", h.told, offset)
	}
	h.told = offset
}

// content is where the file is read.
func (h *honest) content() string { return "files/auto/" + h.path }

// await repeats a request until it is answered by one of these statuses. Any
// other answer is wrong.
func (h *honest) await(method, target string, q url.Values, body []byte, statuses ...int) reply {
	h.t.Helper()
	for range most {
		got, ok := h.ask(method, target, q, body)
		switch {
		case !ok:
		case slices.Contains(statuses, got.status):
			return got
		default:
			h.t.Fatalf("%s %s: %d %s", method, target, got.status, got.Error)
		}
	}
	h.t.Fatalf("%s %s never succeeds", method, target)
	return reply{}
}

// commit names the path until it is told the file's metadata.
func (h *honest) commit(size int64) reply {
	h.t.Helper()
	q := url.Values{"upload_id": {h.id}}
	if h.absent {
		q.Set("overwrite", "false")
	}
	if h.absent && h.taken && h.promise { // it can have no other name
		h.await("POST", "commit_chunked_upload/auto/"+h.path, q, nil, http.StatusConflict)
		q.Del("overwrite")
	}
	h.terms = q
	got := h.again()
	if got.Bytes != size || got.Path != "/"+h.wanted() {
		h.t.Fatalf("commit: %+v", got)
	}
	return got
}

// again repeats the commit.
func (h *honest) again() reply {
	h.t.Helper()
	return h.await("POST", "commit_chunked_upload/auto/"+h.path, h.terms, nil, http.StatusOK)
}

// wanted is the path that the file gets.
func (h *honest) wanted() string {
	if h.taken && h.absent && !h.promise {
		return renamed
	}
	return h.path
}
