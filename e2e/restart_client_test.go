package e2e

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// fleet is two proxies that are restarted while clients use them.
type fleet struct {
	proxies [2]testserver.Proxy // their addresses stay
	busy    [2]atomic.Int64     // requests on their way
	stop    atomic.Bool         // clients end with the file they are at

	chunks    atomic.Int64 // acknowledged
	silent    atomic.Int64 // tries without an answer
	cut       atomic.Int64 // of these, chunks that a proxy had asked for
	refused   atomic.Int64 // tries answered 503
	unheard   atomic.Int64 // chunks that counted though a try had no answer
	disowned  atomic.Int64 // chunks that counted though every try was answered 503
	committed atomic.Int64
}

// uploader uploads files to one proxy until that fails it, and goes on at the
// other: it repeats what got no answer, and believes what it is told.
type uploader struct {
	t     *testing.T
	f     *fleet
	r     *rand.Rand
	at    int // proxy in use
	http  http.Client
	name  string
	hops  bool                         // each request goes to either proxy
	files map[string][sha256.Size]byte // what it committed, by path

	id      string
	told    int64 // bytes; may never go back
	content hash.Hash
}

// most is how often a request is tried.
const most = 100

// run uploads files until the fleet stops, or something is wrong.
func (u *uploader) run() {
	defer u.http.CloseIdleConnections()
	for n := 0; !u.f.stop.Load(); n++ {
		path := fmt.Sprintf("%s-%d", u.name, n)
		if err := u.file(path); err != nil {
			u.t.Errorf("%s: %v", path, err)
			return
		}
		u.files[path] = [sha256.Size]byte(u.content.Sum(nil))
		u.f.committed.Add(1)
	}
}

// file uploads one of up to ten chunks, most of them small, some a whole part.
func (u *uploader) file(path string) error {
	u.id, u.told, u.content = "", 0, sha256.New()
	for range 1 + u.r.IntN(10) {
		size := u.r.IntN(256 << 10)
		if u.r.IntN(8) == 0 {
			size = 5*mib + u.r.IntN(mib)
		}
		if err := u.chunk(u.bytes(size)); err != nil {
			return err
		}
	}
	return u.commit(path)
}

func (u *uploader) bytes(size int) []byte {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], u.r.Uint64())
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

// chunk sends one until it is in.
func (u *uploader) chunk(body []byte) error {
	begin, end := u.told, u.told+int64(len(body))
	var silent, denied bool // a try had no answer; one was answered 503
	for range most {
		q := url.Values{"offset": {fmt.Sprint(begin)}}
		if u.id != "" {
			q.Set("upload_id", u.id)
		}
		got, err := u.ask("PUT", "chunked_upload", q, body)
		switch {
		case err != nil:
			silent = u.id != "" // else it starts another upload
			continue
		case got.Status == http.StatusServiceUnavailable:
			denied = u.id != ""
			continue
		case got.Status == http.StatusOK && got.Offset == end:
		case got.Status == http.StatusBadRequest && got.Offset == end && silent:
			u.f.unheard.Add(1)
		case got.Status == http.StatusBadRequest && got.Offset == end && denied:
			u.f.disowned.Add(1)
		default:
			return fmt.Errorf("chunk of %d bytes at %d: %+v", len(body), begin, got)
		}
		u.id, u.told = got.UploadID, end
		u.content.Write(body)
		u.f.chunks.Add(1)
		return nil
	}
	return fmt.Errorf("chunk of %d bytes at %d is never accepted", len(body), begin)
}

// commit names a path that is free, until it is told the file: a second file
// would be named otherwise.
func (u *uploader) commit(path string) error {
	q := url.Values{"upload_id": {u.id}, "overwrite": {"false"}}
	for range most {
		got, err := u.ask("POST", "commit_chunked_upload/auto/"+path, q, nil)
		if err != nil || got.Status == http.StatusServiceUnavailable {
			continue
		}
		if got.Status != http.StatusOK || got.Bytes != u.told {
			return fmt.Errorf("commit of %d bytes: %+v", u.told, got)
		}
		return nil
	}
	return fmt.Errorf("the commit never succeeds")
}

// ask sends one request. Whatever fails, the next goes to the other proxy.
func (u *uploader) ask(method, target string, q url.Values, body []byte) (reply, error) {
	if u.hops {
		u.at = u.r.IntN(2)
	}
	got, err := u.try(method, target, q, body)
	if err == nil && got.Status != http.StatusServiceUnavailable {
		return got, nil
	}
	if err != nil {
		u.f.silent.Add(1)
	} else {
		u.f.refused.Add(1)
	}
	u.at = 1 - u.at
	time.Sleep(20 * time.Millisecond) // both may be gone for a moment
	return got, err
}

func (u *uploader) try(method, target string, q url.Values, body []byte) (got reply, err error) {
	// A body of our own type is never sent again by net/http itself.
	paced := &pacedReader{rest: body, size: len(body)/10 + 1, r: rand.New(rand.NewPCG(u.r.Uint64(), 0))}
	r, err := http.NewRequestWithContext(u.t.Context(), method, u.f.proxies[u.at].BaseURL+"/1/"+target+"?"+q.Encode(), paced)
	if err != nil {
		return got, err
	}
	if u.r.IntN(2) == 0 {
		r.ContentLength = int64(len(body))
	}
	r.Header.Set("Authorization", "Bearer "+testserver.Token)
	asked := new(atomic.Bool)
	if len(body) > 0 {
		r.Header.Set("Expect", "100-continue")
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got100Continue: func() { asked.Store(true) }}))
	}
	u.f.busy[u.at].Add(1)
	defer u.f.busy[u.at].Add(-1)
	answer, err := u.http.Do(r)
	if err != nil {
		if asked.Load() {
			u.f.cut.Add(1)
		}
		return got, err
	}
	defer answer.Body.Close()
	got.Status = answer.StatusCode
	return got, json.NewDecoder(answer.Body).Decode(&got)
}

// pacedReader gives a body in some ten pieces with pauses between them, so that
// there is a middle to be interrupted in.
type pacedReader struct {
	rest  []byte
	size  int // of a piece
	piece int // what is left of this one
	r     *rand.Rand
}

func (p *pacedReader) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	if p.piece == 0 {
		p.piece = min(p.size, len(p.rest))
		time.Sleep(time.Duration(p.r.IntN(60)) * time.Millisecond)
	}
	n := copy(b, p.rest[:p.piece])
	p.rest, p.piece = p.rest[n:], p.piece-n
	return n, nil
}
