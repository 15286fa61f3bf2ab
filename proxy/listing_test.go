package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// longFolder is a store with many files of long names, which it makes while it
// lists them by pages, as S3 does.
type longFolder struct {
	upload.Files
	files   int
	name    string
	listed  atomic.Int64 // listings that were begun
	waiting atomic.Int64 // that are not at their end
	change  func(pass int64, n int) error
}

const longPage = 250

func (f *longFolder) Tree(_ context.Context, prefix, _ string) iter.Seq2[upload.Object, error] {
	return func(yield func(upload.Object, error) bool) {
		pass := f.listed.Add(1)
		f.waiting.Add(1)
		defer f.waiting.Add(-1)
		var page []upload.Object
		for n := range f.files {
			page = append(page, upload.Object{
				Key: fmt.Sprintf("%s%05d%s", prefix, n, f.name), ETag: `"0a"`, Modified: testExpires, Size: int64(n),
			})
			if len(page) < longPage && n+1 < f.files {
				continue
			}
			for i, o := range page {
				if f.change != nil {
					if err := f.change(pass, n-len(page)+1+i); err != nil {
						yield(upload.Object{}, err)
						return
					}
				}
				if !yield(o, nil) {
					return
				}
			}
			page = nil
		}
	}
}

func (f *longFolder) Folder(ctx context.Context, prefix string) iter.Seq2[upload.Entry, error] {
	return func(yield func(upload.Entry, error) bool) {
		for o, err := range f.Tree(ctx, prefix, "") {
			if !yield(upload.Entry{Object: o}, err) {
				return
			}
		}
	}
}

// Forty clients each ask for 25,000 entries with long names, far more than the kernel takes, read the beginning
// and no more. Kept in memory, their answers have a gigabyte.
func TestSlowReadersOfListings(t *testing.T) {
	const readers, most = 40, 48 << 20
	files := &longFolder{Files: uploadtest.NewObjects(), files: longEntries, name: strings.Repeat("x", 900)}
	s := start(t, &fakeEngine{}, func(c *Config) { c.Files, c.BodyIdle = files, time.Hour })
	before := heap()
	for n := range readers {
		c := s.dial(t)
		if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		target := []string{"POST /1/delta", "GET /1/metadata/auto/?file_limit=25000"}[n%2]
		_, _ = io.WriteString(c, target+" HTTP/1.1\r\nHost: x\r\n"+bearer+"\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != 200 || res.ContentLength < 3<<20 {
			t.Fatalf("got %+v, %v, want an answer of many megabytes", res, err)
		}
	}
	if got := files.waiting.Load(); got != readers {
		t.Errorf("%d listings wait for their readers, want %d", got, readers)
	}
	if got := heap() - before; got > most {
		t.Errorf("%d slow readers hold %d MiB, want at most %d", readers, got>>20, most>>20)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A listing that was too long to keep is the same as one that was kept, to the byte.
func TestLongListing(t *testing.T) {
	files := &longFolder{Files: uploadtest.NewObjects(), files: 5000, name: "-name"}
	s := start(t, &fakeEngine{}, func(c *Config) { c.Files = files })
	for _, target := range []string{"/1/delta", "/1/metadata/auto/"} {
		long := s.call(t, "POST", target, "", "")
		passes := files.listed.Swap(0)
		var parsed map[string]any
		if err := json.Unmarshal([]byte(long.body), &parsed); err != nil || long.status != 200 || passes != 2 {
			t.Fatalf("%s: got %d, %d listings, %v", target, long.status, passes, err)
		}
		for _, entries := range []any{parsed["entries"], parsed["contents"]} {
			if list, ok := entries.([]any); ok && len(list) != files.files {
				t.Errorf("%s: got %d entries, want %d", target, len(list), files.files)
			}
		}
		if long.header.Get("Content-Length") != fmt.Sprint(len(long.body)) {
			t.Errorf("%s: length %s for %d bytes", target, long.header.Get("Content-Length"), len(long.body))
		}
	}
}

// What has begun must not end like something whole.
func TestListingBreaksOff(t *testing.T) {
	for name, change := range map[string]func(f *longFolder) func(int64, int) error{
		"the store fails": func(*longFolder) func(int64, int) error {
			return func(pass int64, n int) error {
				if pass == 2 && n == 4900 {
					return upload.ErrUnavailable
				}
				return nil
			}
		},
		"one less": func(f *longFolder) func(int64, int) error {
			return func(pass int64, n int) error {
				if pass == 1 && n == 4999 {
					f.files--
				}
				return nil
			}
		},
		"one more": func(f *longFolder) func(int64, int) error {
			return func(pass int64, n int) error {
				if pass == 1 && n == 4999 {
					f.files++
				}
				return nil
			}
		},
		"another name": func(f *longFolder) func(int64, int) error {
			return func(pass int64, n int) error {
				if pass == 1 && n == 4999 {
					f.name = "-eman"
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := &longFolder{Files: uploadtest.NewObjects(), files: 5000, name: "-name"}
			files.change = change(files)
			s := start(t, &fakeEngine{}, func(c *Config) { c.Files = files })
			c := s.dial(t)
			_, _ = io.WriteString(c, "POST /1/delta HTTP/1.1\r\nHost: x\r\n"+bearer+"\r\n")
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err == nil || json.Valid(body) {
				t.Errorf("the answer looks whole: %d bytes, ending in %q, %v", len(body), body[max(0, len(body)-40):], err)
			}
		})
	}
}

// One owner's listings leave room for another's, and what is one too many is
// told to come again.
func TestListingsAreBounded(t *testing.T) {
	files := &longFolder{Files: uploadtest.NewObjects(), files: 1}
	hold, held := make(chan struct{}), atomic.Int64{}
	files.change = func(int64, int) error {
		held.Add(1)
		<-hold
		return nil
	}
	s := start(t, &fakeEngine{}, func(c *Config) {
		c.Files = files
		c.Auth = mustTokens(t, tokensFile+"sha256:"+strings.Repeat("0", 64)+" bob bob/\n")
	})
	t.Cleanup(func() { close(hold) })
	refused := 0
	for range maxListings {
		c := s.dial(t)
		before := held.Load()
		_, _ = io.WriteString(c, "POST /1/delta HTTP/1.1\r\nHost: x\r\n"+bearer+"\r\n")
		answered := make(chan answer, 1)
		go func() {
			if res, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
				answered <- answer{status: res.StatusCode, header: res.Header}
			}
		}()
		var got answer
		await(t, "listing or refusal", func() bool {
			select {
			case got = <-answered:
				return true
			default:
				return held.Load() > before
			}
		})
		if got.status != 0 {
			refused++
			if got.status != 429 || got.header.Get("Retry-After") == "" {
				t.Errorf("got %d, want 429 with Retry-After", got.status)
			}
		}
	}
	if got := int(held.Load()); got+refused != maxListings || refused == 0 || got < 40 {
		t.Errorf("%d listings run, %d were refused", got, refused)
	}
}

// A delta is one listing, however many folders there are, and passes over what
// is the engine's own.
func TestDeltaIsOneListing(t *testing.T) {
	objects := uploadtest.NewObjects()
	var calls atomic.Int64
	objects.Fault = func(op, _ string) error {
		if op != uploadtest.OpPut {
			calls.Add(1)
		}
		return nil
	}
	names := []string{"a-b", "a.txt", "a/b/c", "a/d", "z/"}
	for n := range 200 {
		names = append(names, fmt.Sprintf("f%03d/x", n))
	}
	for n := range 50 {
		names = append(names, fmt.Sprintf(".staging/%d/tail/0", n), fmt.Sprintf("odd/%d//x", n))
	}
	s := serveFiles(t, objects, names...)
	calls.Store(0)
	got := s.call(t, "POST", "/1/delta", "", "")
	var parsed struct{ Entries [][2]any }
	if err := json.Unmarshal([]byte(got.body), &parsed); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range parsed.Entries {
		paths = append(paths, e[0].(string))
	}
	if want := "/a-b /a.txt /a /a/b /a/b/c /a/d /f000 /f000/x /f001"; !strings.HasPrefix(strings.Join(paths, " "), want) {
		t.Errorf("got %v, want %s …", paths[:12], want)
	}
	if want := 6 + 400 + 51 + 1; len(paths) != want {
		t.Errorf("got %d entries, want %d", len(paths), want)
	}
	if got := calls.Load(); got > 2 {
		t.Errorf("it took %d calls to the store, want at most 2", got)
	}
}
