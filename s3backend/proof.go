package s3backend

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/chunkgate/chunkgate/upload"
)

// A status proves nothing: whatever stands between us and the store may say 200
// (a maintenance page) or 404 (an ingress whose backend restarts). So each call
// has a proof, something that only the store can say, and an answer without it
// is taken for none at all. An ETag alone is no proof: web servers give their
// pages one.

// mostSaid bounds the answers that are read whole, in bytes. Complete may send
// spaces for minutes before it tells its result.
const mostSaid = 1 << 20

// unproven is an answer that is not the store's, or not one to this call. The
// SDK repeats the call if again is set.
type unproven struct {
	what  string
	again bool
}

func (u *unproven) Error() string        { return u.what }
func (u *unproven) RetryableError() bool { return u.again }

// lesson is a refusal by which the store's site has learnt how the call has to
// be made: it is worth a repeat, the SDK's or stream's.
type lesson struct {
	smithy.GenericAPIError
	call string
}

func (l *lesson) Error() string        { return fmt.Sprintf("%s: %s: %s", l.call, l.Code, l.Message) }
func (l *lesson) RetryableError() bool { return true }

func (p proof) lesson(code, message string) error {
	return &lesson{smithy.GenericAPIError{Code: code, Message: message}, p.what}
}

// proof is what the answer to a successful call must hold.
type proof struct {
	what    string // the call
	root    string // of the XML document in it; "any" but HTML's; "": there is none
	field   string // of the document, which must say something; "": none
	stream  bool   // the document may be long: its end is seen by who reads it
	content bool   // it holds or describes an object
	etag    bool   // in the header
	size    bool   // in the header
	deleted bool   // 204, as S3 says it, or 200
}

// proofOf tells which call a request is, and what proves its success.
func proofOf(r *http.Request) proof {
	q := r.URL.Query()
	switch r.Method {
	case http.MethodHead:
		return proof{what: "HEAD", content: true, etag: true, size: true}
	case http.MethodDelete:
		return proof{what: "DELETE", deleted: true}
	case http.MethodPut:
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			return proof{what: "copy", root: "CopyPartResult", field: "ETag"}
		}
		return proof{what: "PUT", etag: true}
	case http.MethodPost:
		switch {
		case q.Has("uploads"):
			return proof{what: "CreateMultipartUpload", root: "InitiateMultipartUploadResult", field: "UploadId"}
		case q.Has("delete"):
			return proof{what: "DeleteObjects", root: "DeleteResult"}
		}
		return proof{what: "CompleteMultipartUpload", root: "CompleteMultipartUploadResult", field: "ETag"}
	}
	switch {
	case q.Get("x-id") == "GetObject":
		return proof{what: "GetObject", content: true, etag: true}
	case q.Has("list-type"):
		return proof{what: "ListObjectsV2", root: "ListBucketResult", stream: true}
	case q.Has("uploads"):
		return proof{what: "ListMultipartUploads", root: "ListMultipartUploadsResult", stream: true}
	case q.Has("uploadId"):
		return proof{what: "ListParts", root: "ListPartsResult", stream: true}
	}
	return proof{what: "GET", root: "any", stream: true}
}

// believer is a transport that passes on nothing but what the store has said.
type believer struct {
	next http.RoundTripper
	site *site
}

// RoundTrip implements http.RoundTripper.
func (b believer) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	return b.site.believe(r, answer)
}

// Do implements aws.HTTPClient.
func (b believer) Do(r *http.Request) (*http.Response, error) { return b.RoundTrip(r) }

// believe passes an answer on, or closes it and says why it is none.
func (s *site) believe(r *http.Request, answer *http.Response) (*http.Response, error) {
	p := proofOf(r)
	var err error
	switch {
	case answer.StatusCode == http.StatusExpectationFailed && r.Header.Get("Expect") != "":
		s.askNoMore()
		err = p.lesson("ExpectationFailed", "100-continue is not known there")
	case answer.StatusCode/100 == 2:
		err = p.proven(answer)
	case r.Method == http.MethodHead:
		err = p.signed(answer)
		if code := "TemporaryRedirect"; err == nil && answer.StatusCode == http.StatusTemporaryRedirect && s.learn(r, answer, code) {
			err = p.lesson(code, "asked elsewhere")
		}
	default:
		err = s.refused(p, r, answer)
	}
	if err != nil {
		_ = answer.Body.Close() // nobody reads it
		return nil, err
	}
	return answer, nil
}

func (p proof) missing(answer *http.Response, what string) error {
	return &unproven{
		what:  fmt.Sprintf("%s: the answer with status %d is not the store's: %s", p.what, answer.StatusCode, what),
		again: answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests,
	}
}

// proven looks for p in an answer that says that all went well.
func (p proof) proven(answer *http.Response) error {
	switch status := answer.StatusCode; {
	case status == http.StatusOK:
	case status == http.StatusPartialContent && p.content:
	case status == http.StatusNoContent && p.deleted:
	default:
		return p.missing(answer, "S3 never says that here")
	}
	if !p.content && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		// Google's answers without a body are of this type.
		if p.root != "" || p.signed(answer) != nil {
			return p.missing(answer, "it is a web page")
		}
	}
	if p.size && answer.ContentLength < 0 {
		return p.missing(answer, "it has no Content-Length")
	}
	if p.etag && strings.Trim(answer.Header.Get("ETag"), `" `) == "" {
		return p.missing(answer, "it has no ETag")
	}
	switch {
	case p.content:
		return p.signed(answer)
	case p.root == "":
		return p.bare(answer)
	case p.stream:
		return p.begins(answer)
	}
	return p.whole(answer)
}

// signed looks for a header of S3's own: an object may be of any type, a web
// page too. All stores send x-amz-request-id at least, Google's its like.
func (p proof) signed(answer *http.Response) error {
	for name := range answer.Header {
		for _, own := range []string{"X-Amz-", "X-Goog-", "X-Guploader-"} {
			if strings.HasPrefix(name, own) {
				return nil
			}
		}
	}
	return p.missing(answer, "it has no x-amz- header")
}

// bare is an answer without a body.
func (p proof) bare(answer *http.Response) error {
	var first [1]byte
	if n, err := io.ReadFull(answer.Body, first[:]); n > 0 || !errors.Is(err, io.EOF) {
		return p.missing(answer, "it has a body, where S3 sends none")
	}
	return nil
}

// begins looks at the beginning of a long document. The SDK notices if its end
// is missing.
func (p proof) begins(answer *http.Response) error {
	const most = 1 << 10
	r := bufio.NewReaderSize(answer.Body, most)
	begin, _ := r.Peek(most) // an error is the reader's, too
	answer.Body = struct {
		io.Reader
		io.Closer
	}{r, answer.Body}
	root := rootOf(begin)
	if root == "" || root == "Error" || strings.EqualFold(root, "html") || p.root != "any" && root != p.root {
		return p.missing(answer, fmt.Sprintf("it begins with %q, not a %s", root, p.root))
	}
	return nil
}

func rootOf(begin []byte) string {
	d := xml.NewDecoder(bytes.NewReader(begin))
	for {
		t, err := d.Token()
		if err != nil {
			return ""
		}
		if root, ok := t.(xml.StartElement); ok {
			return root.Name.Local
		}
	}
}

// whole reads a document that is the proof. Copies and Complete may say 200 and
// then tell an error, which the SDK knows.
func (p proof) whole(answer *http.Response) error {
	said, err := io.ReadAll(io.LimitReader(answer.Body, mostSaid))
	if err != nil {
		return err
	}
	root, fields, err := document(said)
	switch {
	case err != nil:
		return p.missing(answer, "it is no whole XML document")
	case root == "Error" && fields["Code"] != "" && (p.root == "CopyPartResult" || p.root == "CompleteMultipartUploadResult"):
	case root != p.root:
		return p.missing(answer, fmt.Sprintf("it is a %s, not a %s", root, p.root))
	case p.field != "" && strings.Trim(fields[p.field], "\" \t\r\n") == "":
		return p.missing(answer, fmt.Sprintf("its %s is empty", p.field))
	}
	return again(answer, said)
}

// again makes what was read of an answer readable once more.
func again(answer *http.Response, said []byte) error {
	_ = answer.Body.Close() // read
	answer.Body = io.NopCloser(bytes.NewReader(said))
	return nil
}

// document reads a whole XML document: its root's name, and what the elements
// right below it say.
func document(said []byte) (root string, fields map[string]string, err error) {
	d := xml.NewDecoder(bytes.NewReader(said))
	fields = map[string]string{}
	var path []string
	for {
		t, err := d.Token()
		if err == io.EOF && root != "" {
			return root, fields, nil
		}
		if err != nil {
			return "", nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(path) == 0 {
				root = t.Name.Local
			}
			path = append(path, t.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) == 2 {
				fields[path[1]] += string(t)
			}
		}
	}
}

// refused lets an answer pass that refuses the call in S3's own words.
func (s *site) refused(p proof, r *http.Request, answer *http.Response) error {
	said, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return p.missing(answer, "it breaks off")
	}
	root, fields, err := document(said)
	if code := fields["Code"]; err == nil && root == "Error" && code != "" {
		if s.learn(r, answer, code) {
			return p.lesson(code, fields["Message"])
		}
		return again(answer, said)
	}
	return p.missing(answer, "it is no error of S3's")
}

// listing sees that its pages are of what was asked for, and that it goes on.
type listing struct {
	b      *Backend
	prefix string // that was asked for
	pages  int
	kept   string // a marker of before
}

// turn is an error if a page is of something else, or if what comes next has come
// before: the SDK would ask for ever. Of the markers one is kept, anew after 1, 2,
// 4, 8 pages and so on, so that a circle of any length comes back to it.
func (l *listing) turn(bucket, prefix *string, goesOn *bool, at ...*string) error {
	err := l.b.ofOthers(bucket, prefix, l.prefix, goesOn, at[0])
	if err != nil || !aws.ToBool(goesOn) {
		return err
	}
	marker := strings.Join(aws.ToStringSlice(at), "\x00")
	if marker == l.kept {
		return fmt.Errorf("%w: a listing that does not go on", upload.ErrUnavailable)
	}
	if l.pages++; l.pages&(l.pages-1) == 0 {
		l.kept = marker
	}
	return nil
}

// ofOthers is an error if a page of a listing tells that it is of another bucket
// or prefix than was asked for, or that it goes on, but not where.
func (b *Backend) ofOthers(bucket, prefix *string, want string, goesOn *bool, at *string) error {
	alias := strings.Contains(b.bucket, ":") || strings.HasSuffix(b.bucket, "-s3alias")
	switch {
	case aws.ToString(bucket) != "" && *bucket != b.bucket && !alias:
		return fmt.Errorf("%w: a listing of bucket %q", upload.ErrUnavailable, *bucket)
	case aws.ToString(prefix) != "" && *prefix != want:
		return fmt.Errorf("%w: a listing of prefix %q", upload.ErrUnavailable, *prefix)
	case aws.ToBool(goesOn) && aws.ToString(at) == "":
		return fmt.Errorf("%w: a listing that does not tell where it goes on", upload.ErrUnavailable)
	}
	return nil
}
