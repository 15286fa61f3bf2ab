package s3backend_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

// socket is a body that comes by a real connection and can be spliced from it.
type socket struct {
	*net.TCPConn
	raw     syscall.RawConn
	spliced int
}

func (s *socket) Splice(p upload.Pipe, most int) (int, error) {
	n, err := p.Fill(s.raw, most)
	s.spliced += n
	return n, err
}

// sent is a socket at which content arrives; nothing follows it.
func sent(tb testing.TB, content []byte) *socket {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close(); _ = c.Close() })
	go func() {
		_, _ = client.Write(content)
		_ = client.(*net.TCPConn).CloseWrite()
	}()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		tb.Fatal(err)
	}
	return &socket{TCPConn: c.(*net.TCPConn), raw: raw}
}

func someBytes(size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{3}).Read(b)
	return b
}

// A body that is spliced is stored as one that is copied; one that has a checksum
// is not spliced.
func TestSplicedPart(t *testing.T) {
	minio := testserver.MinIO(t)
	content := someBytes(7<<20 + 3)
	for _, checksum := range []s3backend.Checksum{s3backend.Trailer, s3backend.None, s3backend.Off} {
		t.Run(string(checksum), func(t *testing.T) {
			b := mustOpen(t, minio, checksum)
			key := "spliced-" + string(checksum)
			m, err := b.CreateMultipart(t.Context(), key, upload.Attributes{})
			if err != nil {
				t.Fatal(err)
			}
			var parts []upload.Part
			for number := 1; number <= 2; number++ {
				body := sent(t, content)
				part, err := b.UploadPart(t.Context(), m, number, int64(len(content)), body)
				if err != nil {
					t.Fatal(err)
				}
				if want := checksum == s3backend.Off; (body.spliced > len(content)/2) != want {
					t.Errorf("%d of %d bytes were spliced", body.spliced, len(content))
				}
				parts = append(parts, part)
			}
			if want := sumOf(checksum, content); parts[0].Checksum != want {
				t.Errorf("checksum %q, want %q", parts[0].Checksum, want)
			}
			if _, err := b.Complete(t.Context(), m, parts, upload.Condition{}); err != nil {
				t.Fatal(err)
			}
			object, err := b.Get(t.Context(), key, int64(2*len(content)))
			if err != nil {
				t.Fatal(err)
			}
			defer object.Close()
			if got, err := io.ReadAll(object); err != nil || !bytes.Equal(got, append(content, content...)) {
				t.Errorf("stored %d bytes that are not those sent, or %v", len(got), err)
			}
		})
	}
}

func sumOf(checksum s3backend.Checksum, content []byte) string {
	switch checksum {
	case s3backend.Trailer:
		sum := crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
		return base64.StdEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	case s3backend.None:
		return s3backend.CRC64NVME(content)
	}
	return ""
}

// A body that ends early is an error, and the part is not stored; a hose that
// still held bytes is not used again.
func TestSplicedBodyEndsEarly(t *testing.T) {
	minio := testserver.MinIO(t)
	b := mustOpen(t, minio, s3backend.Off)
	m, err := b.CreateMultipart(t.Context(), "spliced-short", upload.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	content := someBytes(6 << 20)
	for range 3 {
		if _, err := b.UploadPart(t.Context(), m, 1, int64(len(content))+1, sent(t, content)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
		}
		part, err := b.UploadPart(t.Context(), m, 2, int64(len(content)), sent(t, content))
		if want := fmt.Sprintf(`"%x"`, md5.Sum(content)); err != nil || part.ETag != want {
			t.Errorf("the part after it has ETag %s, %v; want %s", part.ETag, err, want)
		}
	}
	if err := b.Abort(t.Context(), m); err != nil {
		t.Error(err)
	}
}

// A store that goes away while a body is spliced to it is an error that can be
// repeated with another body.
func TestStoreGoesWhileSplicing(t *testing.T) {
	gone := false
	b := mustServe(t, s3backend.Off, s3backend.Timeouts{}, func(w http.ResponseWriter, r *http.Request) {
		if gone {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("ETag", `"e"`)
			return
		}
		gone = true
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		panic(http.ErrAbortHandler)
	})
	content := someBytes(16 << 20)
	if _, err := b.UploadPart(t.Context(), someMultipart, 1, int64(len(content)), sent(t, content)); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
	}
	if _, err := b.UploadPart(t.Context(), someMultipart, 2, int64(len(content)), sent(t, content)); err != nil {
		t.Error(err)
	}
}

// BenchmarkSplice is what a part costs that comes by a socket, spliced and
// copied. The time is of the client and the store, too: they share the process.
func BenchmarkSplice(b *testing.B) {
	content := someBytes(32 << 20)
	backend := mustServe(b, s3backend.Off, s3backend.Timeouts{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r.Body}, make([]byte, 256<<10))
		w.Header().Set("ETag", `"e"`)
	})
	for way, wrap := range map[string]func(*socket) io.Reader{
		"splice": func(s *socket) io.Reader { return s },
		"copy":   func(s *socket) io.Reader { return struct{ io.Reader }{s} },
	} {
		b.Run("way="+way, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if _, err := backend.UploadPart(b.Context(), someMultipart, 1, int64(len(content)), wrap(sent(b, content))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
