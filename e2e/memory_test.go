package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// The memory formula of the README, in bytes, for so many requests that are
// under way or whose connections are idle.
func formula(buffers, requests, listings, http2 int64, secure bool) int64 {
	if secure {
		requests *= 2
	}
	return 32*mib + buffers + requests*100<<10 + 16*mib + listings*mib/2 + http2*mib
}

const memoryBudget = 16 * mib

// patient settings: nothing is given up while all the clients come.
var patient = []string{"CHUNKGATE_BUFFER_MEMORY=16MiB", "CHUNKGATE_S3_TIMEOUT=10m", "CHUNKGATE_BODY_IDLE_TIMEOUT=10m"}

// TestMemoryFormula: clients that do their worst at once, bodies with and
// without a length that stop in the middle, listings that nobody reads, and
// connections that are idle after a long header, take no more than README says.
// So it is with TLS on both sides, and clients of HTTP/2 whose bodies have no end.
func TestMemoryFormula(t *testing.T) {
	program := testserver.Build(t, "-race=false")
	t.Run("plain", func(t *testing.T) {
		store := newWorstStore(t, nil)
		p := testserver.Serve(t, program, store.Store, testserver.StartRedis(t), patient...)
		c := crowd{dial: func() (net.Conn, error) { return net.Dial("tcp", strings.TrimPrefix(p.BaseURL, "http://")) }}
		store.holds.Store(true)
		c.worst(t)
		store.awaitParts(t, c.parts)
		mustKeepTo(t, p, formula(memoryBudget, c.requests, c.listings, 0, false))
	})
	t.Run("TLS", func(t *testing.T) {
		const connections = 64 // that speak HTTP/2: as many as may
		cert := newCertificate(t)
		store := newWorstStore(t, cert.server)
		p := testserver.ServeTLS(t, program, store.Store, testserver.StartRedis(t),
			&http.Client{Transport: &http.Transport{TLSClientConfig: cert.client, DisableKeepAlives: true}},
			append([]string{"CHUNKGATE_HTTP2=true", "AWS_CA_BUNDLE=" + cert.file,
				"CHUNKGATE_TLS_CERT=" + cert.file, "CHUNKGATE_TLS_KEY=" + cert.keyFile}, patient...)...)
		c := crowd{dial: func() (net.Conn, error) {
			return tls.Dial("tcp", strings.TrimPrefix(p.BaseURL, "https://"), cert.client)
		}}
		store.holds.Store(true)
		c.worst(t)
		var full []func() bool
		for range connections {
			full = append(full, c.endless(t, p.BaseURL, cert.client))
		}
		store.awaitParts(t, c.parts)
		for _, full := range full {
			await(t, "a window of HTTP/2 to be full", full)
		}
		mustKeepTo(t, p, formula(memoryBudget, c.requests, c.listings, connections, true))
	})
}

func mustKeepTo(t *testing.T, p testserver.Proxy, most int64) {
	t.Helper()
	peak := peakMemory(t, p.PID())
	t.Logf("peak memory %d MiB, the formula says %d", peak/mib, most/mib)
	if peak > most {
		t.Errorf("peak memory is %d MiB, the formula says %d", peak/mib, most/mib)
	}
}

// crowd are clients that do their worst, and how many of what there are.
type crowd struct {
	dial                      func() (net.Conn, error)
	requests, listings, parts int64
}

func (c *crowd) connect(t *testing.T) net.Conn {
	t.Helper()
	conn, err := c.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// worst opens connections of HTTP/1.1.
func (c *crowd) worst(t *testing.T) {
	t.Helper()
	const bodies, readers, idle = 200, 40, 300
	const auth = "Host: x\r\nAuthorization: Bearer " + testserver.Token + "\r\n"
	for range idle {
		conn := c.connect(t)
		fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 30<<10))
		mustHead(t, conn, 200)
	}
	for n := range bodies {
		conn := c.connect(t)
		length, part := "Content-Length: 150000000\r\n\r\n", strings.Repeat("x", 256<<10)
		if n%2 == 0 {
			length, part = "Transfer-Encoding: chunked\r\n\r\n", "8f0d180\r\n"+part
		} else {
			c.parts++
		}
		go func() { _, _ = io.WriteString(conn, "PUT /1/chunked_upload HTTP/1.1\r\n"+auth+length+part) }() // as much as is taken
	}
	for range readers {
		conn := c.connect(t)
		fmt.Fprint(conn, "POST /1/delta?path_prefix=/long HTTP/1.1\r\n"+auth+"\r\n")
		mustHead(t, conn, 200)
	}
	c.requests, c.listings = c.requests+bodies+readers+idle, c.listings+readers
}

// endless sends two bodies at once on a connection of HTTP/2, one with and one
// without a length, and says whether the connection's window is full.
func (c *crowd) endless(t *testing.T, base string, trusted *tls.Config) (full func() bool) {
	t.Helper()
	var sent atomic.Int64
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: trusted.Clone(), MaxConnsPerHost: 1}
	for _, length := range []int64{150_000_000, -1} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/1/chunked_upload", endlessBody{&sent})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		r.Header.Set("Authorization", "Bearer "+testserver.Token)
		go func() {
			if answer, err := transport.RoundTrip(r); err == nil {
				_ = answer.Body.Close()
			}
		}()
	}
	t.Cleanup(transport.CloseIdleConnections)
	c.requests, c.parts = c.requests+2, c.parts+1
	return func() bool { return sent.Load() >= mib }
}

// endlessBody counts what is taken of it.
type endlessBody struct{ sent *atomic.Int64 }

func (b endlessBody) Read(p []byte) (int, error) {
	b.sent.Add(int64(len(p)))
	clear(p)
	return len(p), nil
}

func (endlessBody) Close() error { return nil }

// mustHead reads the head of an answer, and of its body what came with it.
func mustHead(t *testing.T, c net.Conn, want int) {
	t.Helper()
	got, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || got.StatusCode != want {
		t.Fatalf("got %+v, %v, want %d", got, err, want)
	}
}

// worstStore is a store in front of another, which has a folder of many files
// with long names and, while it holds, takes the first byte of a part and no more.
type worstStore struct {
	testserver.Store
	behind *httputil.ReverseProxy
	holds  atomic.Bool
	parts  atomic.Int64  // that are held
	ended  chan struct{} // with the test
}

// newWorstStore is by https if it is told how.
func newWorstStore(t *testing.T, secure *tls.Config) *worstStore {
	t.Helper()
	s := &worstStore{Store: testserver.MinIO(t), ended: make(chan struct{})}
	behind, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	s.behind = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = behind.Scheme, behind.Host // Host stays, since it is signed
	}}
	srv := httptest.NewUnstartedServer(s)
	if srv.TLS = secure; secure == nil {
		srv.Start()
	} else {
		srv.StartTLS()
	}
	t.Cleanup(func() {
		close(s.ended)
		srv.CloseClientConnections()
		srv.Close()
	})
	s.Endpoint = srv.URL
	return s
}

func (s *worstStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case q.Get("list-type") == "2" && strings.HasSuffix(q.Get("prefix"), "long/"):
		longListing(w, s.Bucket, q)
	case s.holds.Load() && q.Has("partNumber"):
		_, _ = io.ReadFull(r.Body, make([]byte, 1))
		s.parts.Add(1)
		<-s.ended
	default:
		s.behind.ServeHTTP(w, r)
	}
}

func (s *worstStore) awaitParts(t *testing.T, n int64) {
	t.Helper()
	await(t, fmt.Sprintf("%d parts", n), func() bool { return s.parts.Load() >= n })
}

// certified is a certificate for the loopback, who shows it and who trusts it.
type certified struct {
	file, keyFile  string
	server, client *tls.Config
}

func newCertificate(t *testing.T) certified {
	t.Helper()
	sample := httptest.NewTLSServer(nil) // for its certificate
	sample.Close()
	shown := sample.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(shown.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(sample.Certificate())
	c := certified{
		file: filepath.Join(t.TempDir(), "cert.pem"), keyFile: filepath.Join(t.TempDir(), "key.pem"),
		server: &tls.Config{Certificates: []tls.Certificate{shown}},
		client: &tls.Config{RootCAs: trusted},
	}
	for file, block := range map[string]*pem.Block{
		c.file: {Type: "CERTIFICATE", Bytes: shown.Certificate[0]}, c.keyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

const longFiles = 5_000 // proxy.TestSlowReadersOfListings has more

// longListing is a page of ListObjectsV2, whose token is the number to go on from.
func longListing(w http.ResponseWriter, bucket string, q url.Values) {
	from, _ := strconv.Atoi(q.Get("continuation-token"))
	size, err := strconv.Atoi(q.Get("max-keys"))
	if err != nil {
		size = 1000
	}
	type content struct {
		Key, LastModified, ETag string
		Size                    int
	}
	page := struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name, Prefix          string
		KeyCount, MaxKeys     int
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []content
	}{Name: bucket, Prefix: q.Get("prefix"), MaxKeys: size}
	for n := from; n < min(longFiles, from+size); n++ {
		page.Contents = append(page.Contents, content{
			Key:          fmt.Sprintf("%s%05d%s", page.Prefix, n, strings.Repeat("x", 240)),
			LastModified: "2026-11-25T00:00:00.000Z", ETag: `"900150983cd24fb0d6963f7d28e17f72"`, Size: 1,
		})
	}
	if page.KeyCount = len(page.Contents); from+size < longFiles {
		page.IsTruncated, page.NextContinuationToken = true, strconv.Itoa(from+size)
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("X-Amz-Request-Id", "1")
	_ = xml.NewEncoder(w).Encode(page)
}
