package faulttest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
)

// FrontS3 is a proxy in front of an S3 server whose calls obey t. It answers
// the URL to use in the server's place.
func FrontS3(tb testing.TB, endpoint string, t *Trigger) string {
	tb.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	f := &s3Front{trigger: t, forward: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	s := httptest.NewServer(f)
	tb.Cleanup(func() {
		s.CloseClientConnections() // hanging calls end
		s.Close()
	})
	return s.URL
}

type s3Front struct {
	trigger *Trigger
	forward *httputil.ReverseProxy
}

func (f *s3Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch f.trigger.next("S3 " + s3Op(r)) {
	case None:
		f.forward.ServeHTTP(w, r)
	case Refuse:
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `<Error><Code>InternalError</Code><Message>injected</Message></Error>`)
	case Hang:
		f.hang(w)
	case LoseAnswer:
		f.effect(r)
		panic(http.ErrAbortHandler)
	case KillBefore:
		f.trigger.killNow()
		panic(http.ErrAbortHandler)
	case KillAfter:
		f.effect(r)
		f.trigger.killNow()
		panic(http.ErrAbortHandler)
	}
}

// hang takes the connection and says nothing until the caller closes it.
func (f *s3Front) hang(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	_, _ = io.Copy(io.Discard, conn)
}

// effect lets the call happen and drops its answer.
func (f *s3Front) effect(r *http.Request) { f.forward.ServeHTTP(httptest.NewRecorder(), r) }

// s3Op names a call by what tells S3's operations apart.
func s3Op(r *http.Request) string {
	q := r.URL.Query()
	for _, name := range []string{"uploads", "uploadId", "delete", "list-type"} {
		if q.Has(name) {
			part := ""
			if q.Has("partNumber") {
				part = " part"
			}
			if r.Header.Get("X-Amz-Copy-Source") != "" {
				part = " copy part"
			}
			return fmt.Sprintf("%s ?%s%s", r.Method, name, part)
		}
	}
	return r.Method + " object"
}
