package s3backend_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

// A byte that changes on the way is noticed by the store; without the trailer
// it is stored as it came.
func TestDamageOnTheWay(t *testing.T) {
	minio := testserver.MinIO(t)
	damaged := minio
	damaged.Endpoint = damaging(t, minio.Endpoint)
	content := bytes.Repeat([]byte("a"), 3<<20)
	cases := []struct {
		checksum s3backend.Checksum
		want     error
	}{
		{s3backend.Trailer, upload.ErrUnavailable},
		{s3backend.None, nil},
	}
	for _, c := range cases {
		t.Run(string(c.checksum), func(t *testing.T) {
			b := mustOpen(t, damaged, c.checksum)
			m, err := b.CreateMultipart(t.Context(), "damaged-"+string(c.checksum), upload.Attributes{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.UploadPart(t.Context(), m, 1, int64(len(content)), io.MultiReader(bytes.NewReader(content)))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err := b.Abort(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
}

// damaging is a proxy that changes one byte of each part.
func damaging(tb testing.TB, endpoint string) string {
	tb.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
		if r.In.Method == http.MethodPut {
			r.Out.Body = &damage{ReadCloser: r.In.Body, at: 1 << 20 / 2}
		}
	}})
	tb.Cleanup(proxy.Close)
	return proxy.URL
}

// damage changes the byte at an offset.
type damage struct {
	io.ReadCloser
	at int
}

func (d *damage) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	if d.at >= 0 && d.at < n {
		p[d.at] ^= 1
	}
	d.at -= n
	return n, err
}

func TestWrongCredentials(t *testing.T) {
	minio := testserver.MinIO(t)
	minio.SecretKey = "another-secret"
	b := mustOpen(t, minio, s3backend.Trailer)
	_, err := b.CreateMultipart(t.Context(), "key", upload.Attributes{})
	if !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
	}
	for _, secret := range []string{minio.SecretKey, "Signature=", "Credential="} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
}

// A name that MinIO does not take is the name's fault, whatever is done with it.
func TestNamesThatMinIORefuses(t *testing.T) {
	b := mustOpen(t, testserver.MinIO(t), s3backend.Auto)
	var invalid *upload.InvalidError
	for _, key := range []string{"a/../b", "a/" + strings.Repeat("n", 300)} {
		_, err := b.Head(t.Context(), key)
		if !errors.As(err, &invalid) {
			t.Errorf("head %.10q: got %v, want the name's fault", key, err)
		}
	}
	for _, prefix := range []string{`a\..`, ` ..`, `x\..\y`} {
		for _, err := range b.List(t.Context(), prefix) {
			if !errors.As(err, &invalid) {
				t.Errorf("list %q: got %v, want the name's fault", prefix, err)
			}
		}
		if _, err := b.Multiparts(t.Context(), prefix); err != nil && !errors.As(err, &invalid) {
			t.Errorf("multiparts at %q: got %v, want none or the name's fault", prefix, err)
		}
	}
}

func TestPing(t *testing.T) {
	minio := testserver.MinIO(t)
	if err := mustOpen(t, minio, s3backend.Auto).Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	minio.Bucket = "another"
	if err := mustOpen(t, minio, s3backend.Auto).Ping(t.Context()); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("ping without a bucket: got %v, want %v", err, upload.ErrUnavailable)
	}
	minio.Kill()
	if err := mustOpen(t, minio, s3backend.Auto).Ping(t.Context()); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("ping without a store: got %v, want %v", err, upload.ErrUnavailable)
	}
}
