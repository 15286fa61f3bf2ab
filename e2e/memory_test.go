package e2e

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// The memory formula of the README, in bytes.
func formula(buffers, requests, listings int64) int64 {
	return 32*mib + buffers + requests*100<<10 + 16*mib + listings*mib/2
}

// TestMemoryFormula: clients that do their worst at once, bodies with and
// without a length that stop in the middle, listings that nobody reads, and
// connections that are idle after a long header, take no more than README says.
func TestMemoryFormula(t *testing.T) {
	const bodies, readers, idle, budget = 200, 40, 300, 16 * mib
	store := longListings(t, testserver.MinIO(t))
	p := testserver.Serve(t, testserver.Build(t, "-race=false"), store, testserver.StartRedis(t), "CHUNKGATE_BUFFER_MEMORY=16MiB")
	addr := strings.TrimPrefix(p.BaseURL, "http://")
	for range idle {
		c := dialRaw(t, addr)
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 30<<10))
		mustHead(t, c, 200)
	}
	for n := range bodies {
		c := dialRaw(t, addr)
		length, part := "Content-Length: 150000000\r\n\r\n", strings.Repeat("x", 256<<10)
		if n%2 == 0 {
			length, part = "Transfer-Encoding: chunked\r\n\r\n", "8f0d180\r\n"+part
		}
		fmt.Fprintf(c, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s", testserver.Token, length)
		go func() { _, _ = io.WriteString(c, part) }() // as much of it as is taken
	}
	for range readers {
		c := dialRaw(t, addr)
		fmt.Fprintf(c, "POST /1/delta?path_prefix=/long HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", testserver.Token)
		mustHead(t, c, 200)
	}
	peak, most := peakMemory(t, p.PID()), formula(budget, bodies+readers+idle, readers)
	t.Logf("peak memory %d MiB, the formula says %d", peak/mib, most/mib)
	if peak > most {
		t.Errorf("peak memory is %d MiB, the formula says %d", peak/mib, most/mib)
	}
}

func dialRaw(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// mustHead reads the head of an answer, and of its body what came with it.
func mustHead(t *testing.T, c net.Conn, want int) {
	t.Helper()
	got, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || got.StatusCode != want {
		t.Fatalf("got %+v, %v, want %d", got, err, want)
	}
}

// longListings is a store in front of another, which has a folder of many files
// with long names.
func longListings(t *testing.T, s testserver.Store) testserver.Store {
	t.Helper()
	behind, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = behind.Scheme, behind.Host // Host stays, since it is signed
	}}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("list-type") == "2" && strings.HasSuffix(q.Get("prefix"), "long/") {
			longListing(w, s.Bucket, q)
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	s.Endpoint = "http://" + l.Addr().String()
	return s
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
