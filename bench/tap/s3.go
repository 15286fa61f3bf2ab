// Package tap has relays that count what goes to the stores. They stand in the
// way only in rounds that are not timed.
package tap

import (
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
)

// S3 is a relay in front of an S3 server that counts.
type S3 struct {
	Endpoint string

	bytes atomic.Int64
	mu    sync.Mutex
	calls map[string]int
}

// NewS3 relays to the server at endpoint until stop is called.
func NewS3(endpoint string) (s *S3, stop func(), err error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	s = &S3{Endpoint: "http://" + l.Addr().String(), calls: map[string]int{}}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.count(operation(r))
		forward.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(countingListener{l, &s.bytes}) }()
	return s, func() { _ = server.Close() }, nil
}

func (s *S3) count(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[call]++
}

// Calls are the requests so far, by S3's name of the operation.
func (s *S3) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// Bytes is what the server was sent so far, heads and framing included.
func (s *S3) Bytes() int64 { return s.bytes.Load() }

// operation names a call by what tells S3's operations apart.
func operation(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Has("partNumber") && r.Header.Get("X-Amz-Copy-Source") != "":
		return "UploadPartCopy"
	case q.Has("partNumber"):
		return "UploadPart"
	}
	names := map[string]string{
		"POST uploads":    "CreateMultipartUpload",
		"POST uploadId":   "CompleteMultipartUpload",
		"DELETE uploadId": "AbortMultipartUpload",
		"GET uploadId":    "ListParts",
		"GET uploads":     "ListMultipartUploads",
		"GET list-type":   "ListObjects",
		"POST delete":     "DeleteObjects",
	}
	for _, key := range []string{"uploads", "uploadId", "list-type", "delete"} {
		if name, ok := names[r.Method+" "+key]; ok && q.Has(key) {
			return name
		}
	}
	return map[string]string{
		http.MethodPut: "PutObject", http.MethodGet: "GetObject",
		http.MethodHead: "HeadObject", http.MethodDelete: "DeleteObject",
	}[r.Method]
}

// countingListener counts what its connections are sent.
type countingListener struct {
	net.Listener
	n *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c, l.n}, nil
}

type countingConn struct {
	net.Conn
	n *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}
