package faulttest

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The names of the calls that some faults are for.
const (
	uploadPart = "PUT ?uploadId part"
	putObject  = "PUT object"
	complete   = "POST ?uploadId"
	create     = "POST ?uploads"
	copyPart   = "PUT ?uploadId copy part"
	abort      = "DELETE ?uploadId"
	remove     = "DELETE object"
	removeMany = "POST ?delete"
	get        = "GET object"
	head       = "HEAD object"
	list       = "GET ?list-type"
	listOpen   = "GET ?uploads"
	listParts  = "GET ?uploadId"
)

// S3 is a proxy in front of an S3 server whose calls obey a Trigger. It refuses
// lists of parts that AWS would refuse, also where the server behind it, as
// MinIO, would not.
type S3 struct {
	URL string // to use in the server's place

	trigger *Trigger
	forward *httputil.ReverseProxy
	mu      sync.Mutex
	opened  map[string]bool // paths at which multipart uploads were opened
	refused []string        // lists of parts
}

// FrontS3 starts one.
func FrontS3(tb testing.TB, endpoint string, t *Trigger) *S3 {
	tb.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	f := &S3{trigger: t, opened: make(map[string]bool), forward: &httputil.ReverseProxy{
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
	f.URL = s.URL
	return f
}

// Opened are the paths at which multipart uploads were opened since it was
// called last.
func (f *S3) Opened() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	paths := slices.Collect(maps.Keys(f.opened))
	clear(f.opened)
	return paths
}

// Refused are the lists of parts that AWS would not have taken.
func (f *S3) Refused() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refused
}

func (f *S3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == elsewhere {
		elsewhereAnswer.write(w)
		return
	}
	op := s3Op(r)
	switch op {
	case create:
		f.mu.Lock()
		f.opened[r.URL.Path] = true
		f.mu.Unlock()
	case complete:
		if !f.strict(r) {
			say(w, http.StatusBadRequest, "InvalidPartOrder")
			return
		}
	}
	fault := f.trigger.next("S3 " + op)
	if l, ok := s3Lie(fault); ok {
		f.lie(l, op, w, r)
		return
	}
	f.meet(fault, w, r)
}

// meet lets a call meet a fault.
func (f *S3) meet(fault Fault, w http.ResponseWriter, r *http.Request) {
	switch fault {
	case None:
		f.forward.ServeHTTP(w, r)
	case Delay:
		time.Sleep(delay)
		f.forward.ServeHTTP(w, r)
	case Refuse:
		say(w, http.StatusInternalServerError, "InternalError")
	case SlowDown:
		say(w, http.StatusServiceUnavailable, "SlowDown")
	case SlowDownAfter:
		_, _ = io.Copy(io.Discard, r.Body)
		say(w, http.StatusServiceUnavailable, "SlowDown")
	case ErrorBody:
		_, _ = io.Copy(io.Discard, r.Body)
		say(w, http.StatusOK, "InternalError")
	case ErrorBodyAfter:
		f.effect(r)
		say(w, http.StatusOK, "InternalError")
	case Hang:
		f.hang(w)
	default:
		f.breakOff(fault, r)
	}
}

// breakOff lets a call meet a fault after which the connection breaks.
func (f *S3) breakOff(fault Fault, r *http.Request) {
	switch fault {
	case CutBody:
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
	case LoseAnswer:
		f.effect(r)
	case Late:
		f.postpone(r)
	case KillBefore:
		f.trigger.killNow()
	case KillAfter:
		f.effect(r)
		f.trigger.killNow()
	}
	panic(http.ErrAbortHandler)
}

// say answers as S3 tells an error. The connection closes: a body may be on it.
func say(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "%s<Error><Code>%s</Code><Message>injected</Message></Error>", xml.Header, code)
}

// hang takes the connection and says nothing until the caller closes it.
func (f *S3) hang(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	_, _ = io.Copy(io.Discard, conn)
}

// effect lets the call happen and drops its answer.
func (f *S3) effect(r *http.Request) { f.forward.ServeHTTP(httptest.NewRecorder(), r) }

// postpone takes the whole call and keeps its effect for Release. If the caller
// breaks off before, there is none.
func (f *S3) postpone(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	later := r.Clone(context.Background())
	later.Body = io.NopCloser(bytes.NewReader(body))
	f.trigger.hold(func() {
		defer func() { _ = recover() }() // the server may break off, too
		f.effect(later)
	})
}

// strict says whether AWS would take a call's list of parts: their numbers
// ascend, none comes twice.
func (f *S3) strict(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return true // the server will say so
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var list struct {
		Part []struct{ PartNumber int }
	}
	if err := xml.Unmarshal(body, &list); err != nil {
		return true
	}
	last := 0
	for _, p := range list.Part {
		if p.PartNumber <= last {
			f.mu.Lock()
			f.refused = append(f.refused, string(body))
			f.mu.Unlock()
			return false
		}
		last = p.PartNumber
	}
	return true
}

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

// keyOf is the key in a path of a bucket.
func keyOf(path string) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return key
}
