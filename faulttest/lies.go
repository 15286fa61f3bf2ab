package faulttest

import (
	"encoding/xml"
	"io"
	"net/http"
	"slices"
	"strings"
)

// A lie is an answer that nothing stands behind: it comes from a maintenance
// page, a login form, an ingress whose backend restarts, a cache, or another
// server at the store's address. No lie carries all that proves its call, since
// nobody could tell it from the truth then (docs/guarantees.md). There is one
// exception: a deletion's success has nothing to show but its status. What such
// a lie leaves, the orphans' sweep must find.
type lie struct {
	name   Fault
	of     func(op string) bool
	takes  bool // the call's body is read first, and dropped
	done   bool // the call has its effect
	answer func(op string, r *http.Request) answer
}

// answer is what a lie says.
type answer struct {
	status   int
	kind     string // Content-Type
	etag     string
	location string
	body     string
}

const (
	html      = "text/html; charset=utf-8"
	plain     = "text/plain; charset=utf-8"
	xmlKind   = "application/xml"
	someETag  = `"5d41402abc4b2a76b9719d911017c592"`
	elsewhere = "/elsewhere" // where redirections lead
)

// page is larger than the smallest tail.
var page = "<html><head><title>Maintenance</title></head><body>\n" + strings.Repeat("<p>Back soon</p>\n", 200) + "</body></html>\n"

// elsewhereAnswer is what is found there.
var elsewhereAnswer = answer{status: http.StatusOK, kind: html, etag: someETag, body: page}

// s3Lies are all lies to calls of S3.
var s3Lies = []lie{
	{name: "200 page", of: every, answer: says(answer{status: 200, kind: html, body: page})},
	{name: "200 page with ETag", of: every, answer: says(answer{status: 200, kind: html, etag: someETag, body: page})},
	{name: "body taken, 200 page with ETag", of: streams, takes: true, answer: says(answer{status: 200, kind: html, etag: someETag, body: page})},
	{name: "body taken, 200 unnamed page with ETag", of: streams, takes: true, answer: says(answer{status: 200, etag: someETag, body: page})},
	{name: "200 empty", of: every, answer: says(answer{status: 200})},
	{name: "body taken, 200 empty", of: sends, takes: true, answer: says(answer{status: 200})},
	{name: "200 with ETag, body not taken", of: streams, answer: unread},
	{name: "200 without ETag or id", of: tellsXML, takes: true, answer: ownXML(withoutProof)},
	{name: "204", of: every, answer: says(answer{status: 204})},
	{name: "bare 404", of: every, answer: says(answer{status: 404, kind: plain, body: "404 page not found\n"})},
	{name: "body taken, bare 404", of: sends, takes: true, answer: says(answer{status: 404, kind: plain, body: "default backend - 404"})},
	{name: "404 empty", of: every, answer: says(answer{status: 404})},
	{name: "404 page", of: every, answer: says(answer{status: 404, kind: html, body: page})},
	{name: "404 cut XML", of: every, answer: says(answer{status: 404, kind: xmlKind, body: xml.Header + "<Error><Code>NoSuchUpload</Code><Message>gone</Mess"})},
	{name: "404 NoSuchBucket", of: every, answer: says(refusalXML(404, "NoSuchBucket"))},
	{name: "400 empty", of: every, answer: says(answer{status: 400})},
	{name: "400 ExpiredToken", of: every, answer: says(refusalXML(400, "ExpiredToken"))},
	{name: "403 page", of: every, answer: says(answer{status: 403, kind: html, body: page})},
	{name: "301", of: every, answer: redirects(301)},
	{name: "307", of: every, answer: redirects(307)},
	{name: "417", of: every, answer: says(answer{status: 417})},
	{name: "411", of: every, answer: says(answer{status: 411})},
	{name: "412 empty", of: every, answer: says(answer{status: 412})},
	{name: "200 cut XML", of: tellsOrLists, takes: true, answer: ownXML(cut)},
	{name: "200 XML of another call", of: every, takes: true, answer: otherXML},
	{name: "200 with S3's error", of: every, takes: true, answer: says(refusalXML(200, "InternalError"))},
	// MinIO says so while another Complete of the upload is still at work.
	{name: "400 InvalidPart", of: completes, takes: true, answer: says(refusalXML(400, "InvalidPart"))},
	{name: "done, 400 InvalidPart", of: completes, done: true, answer: says(refusalXML(400, "InvalidPart"))},
	{name: "done, 200 page", of: changes, done: true, answer: says(answer{status: 200, kind: html, body: page})},
	{name: "done, bare 404", of: changes, done: true, answer: says(answer{status: 404, kind: plain, body: "404 page not found\n"})},
}

// The calls that a lie is for.
func every(string) bool           { return true }
func completes(op string) bool    { return op == complete }
func streams(op string) bool      { return op == uploadPart || op == putObject }
func sends(op string) bool        { return streams(op) || op == complete || op == removeMany }
func tellsXML(op string) bool     { return op == create || op == complete || op == copyPart }
func lists(op string) bool        { return op == list || op == listOpen || op == listParts }
func tellsOrLists(op string) bool { return tellsXML(op) || lists(op) || op == removeMany }
func changes(op string) bool      { return !lists(op) && op != get && op != head }

func says(a answer) func(string, *http.Request) answer {
	return func(string, *http.Request) answer { return a }
}

func refusalXML(status int, code string) answer {
	return answer{status: status, kind: xmlKind, body: xml.Header + "<Error><Code>" + code + "</Code><Message>injected</Message></Error>"}
}

// unread says success before the body. Where the client does not wait to be
// asked for it, it may have been sent whole by then, and an ETag would be all
// the proof there is.
func unread(_ string, r *http.Request) answer {
	if r.Header.Get("Expect") == "" {
		return answer{status: 200}
	}
	return answer{status: 200, etag: someETag}
}

func redirects(status int) func(string, *http.Request) answer {
	return func(_ string, r *http.Request) answer {
		return answer{status: status, kind: html, location: "http://" + r.Host + elsewhere, body: page}
	}
}

// results are what S3 says to calls that it answers in XML; %s is where the
// proof is.
var results = map[string]string{
	create:     "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>",
	complete:   "<CompleteMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><ETag>%s</ETag></CompleteMultipartUploadResult>",
	copyPart:   "<CopyPartResult><LastModified>2026-11-25T12:00:00.000Z</LastModified><ETag>%s</ETag></CopyPartResult>",
	removeMany: "<DeleteResult></DeleteResult>",
	list:       "<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>",
	listOpen:   "<ListMultipartUploadsResult><Bucket>b</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
	listParts:  "<ListPartsResult><Bucket>b</Bucket><UploadId>%s</UploadId><IsTruncated>false</IsTruncated></ListPartsResult>",
}

func withoutProof(result string) string { return strings.ReplaceAll(result, "%s", "") }

// cut is a result whose end is missing, and with it only what says that
// nothing else is.
func cut(result string) string {
	result = strings.ReplaceAll(result, "%s", "x")
	return result[:len(result)-5]
}

func ownXML(spoil func(string) string) func(string, *http.Request) answer {
	return func(op string, _ *http.Request) answer {
		return answer{status: 200, kind: xmlKind, body: xml.Header + spoil(results[op])}
	}
}

// otherXML is what another call would be told, with what would prove this one.
func otherXML(op string, _ *http.Request) answer {
	other := map[string]string{create: listParts, copyPart: complete}[op]
	if other == "" {
		other = copyPart
	}
	a := answer{status: 200, kind: xmlKind, body: xml.Header + strings.ReplaceAll(results[other], "%s", "x")}
	if streams(op) || op == head {
		a.etag = someETag
	}
	return a
}

// write gives the answer. The connection closes: a body may be on it.
func (a answer) write(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = nil // none is guessed
	for name, value := range map[string]string{"Content-Type": a.kind, "ETag": a.etag, "Location": a.location} {
		if value != "" {
			h.Set(name, value)
		}
	}
	h.Set("Connection", "close")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// lie lets a call be lied to.
func (f *S3) lie(l lie, op string, w http.ResponseWriter, r *http.Request) {
	a := l.answer(op, r)
	switch {
	case l.done:
		f.effect(r)
	case l.takes:
		_, _ = io.Copy(io.Discard, r.Body)
	}
	a.write(w)
}

func s3Lie(name Fault) (lie, bool) {
	i := slices.IndexFunc(s3Lies, func(l lie) bool { return l.name == name })
	if i < 0 {
		return lie{}, false
	}
	return s3Lies[i], true
}

// liesTo are the lies that a call of S3 may be told.
func liesTo(op string) []Fault {
	var all []Fault
	for _, l := range s3Lies {
		if l.of(op) {
			all = append(all, l.name)
		}
	}
	return all
}

// lag is the lie that is no word: the connection leads to a replica that has
// heard of nothing yet.
const lag Fault = "a replica that lags"

// redisWords are what Redis says when it cannot help at the moment, or what a
// server says that stands in its place. Nothing is lost: the command may be
// repeated.
var redisWords = map[Fault]string{
	"DENIED":   "-DENIED Redis is running in protected mode because protected mode is enabled\r\n",
	"READONLY": "-READONLY You can't write against a read only replica.\r\n",
	"OOM":      "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
	"MOVED":    "-MOVED 1234 127.0.0.1:1\r\n", // nobody listens there
	"LOADING":  "-LOADING Redis is loading the dataset in memory\r\n",
	"nil":      "_\r\n", // where a value was
}

// redisLies may be told to any command.
func redisLies() []Fault {
	return []Fault{"DENIED", "READONLY", "OOM", "MOVED", "LOADING", "nil", lag}
}

func isLie(what Fault) bool {
	_, s3 := s3Lie(what)
	return s3 || slices.Contains(redisLies(), what)
}
