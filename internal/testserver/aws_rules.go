package testserver

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// refusal is an answer of S3's own instead of MinIO's.
type refusal struct {
	status        int
	code, message string
	more          string // elements of the error's XML
}

// maxSkew is how far S3 lets a request's time be off.
const maxSkew = 15 * time.Minute

// refuses answers r itself if a rule of S3's speaks against it.
func (a *AWS) refuses(w http.ResponseWriter, r *http.Request) bool {
	why := a.identity(w, r)
	if why.code == "" {
		why = a.checksum(r)
	}
	if why.code == "" {
		why = ascending(r)
	}
	if why.code == "" {
		return false
	}
	a.say(w, r, why)
	return true
}

// identity checks who asks, where, and when.
func (a *AWS) identity(w http.ResponseWriter, r *http.Request) refusal {
	s, ok := signatureOf(r)
	if !ok {
		return refusal{http.StatusForbidden, "AccessDenied", "Access Denied", ""}
	}
	if s.region != a.Region {
		w.Header().Set("X-Amz-Bucket-Region", a.Region)
		return refusal{http.StatusMovedPermanently, "PermanentRedirect",
			"The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
			fmt.Sprintf("<Endpoint>%s</Endpoint><Bucket>%s</Bucket>", a.regional, a.Bucket)}
	}
	now := a.now().UTC()
	sent, err := time.Parse(amzDate, r.Header.Get("X-Amz-Date"))
	if off := now.Sub(sent); err != nil || off.Abs() > maxSkew {
		return refusal{http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
			fmt.Sprintf("<RequestTime>%s</RequestTime><ServerTime>%s</ServerTime><MaxAllowedSkewMilliseconds>%d</MaxAllowedSkewMilliseconds>",
				r.Header.Get("X-Amz-Date"), now.Format(time.RFC3339), maxSkew.Milliseconds())}
	}
	a.mu.Lock()
	expired := a.former[s.key]
	a.mu.Unlock()
	if expired {
		return refusal{http.StatusBadRequest, "ExpiredToken", "The provided token has expired.", ""}
	}
	if !a.genuine(r, s) {
		return refusal{http.StatusForbidden, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. Check your key and signing method.", ""}
	}
	return refusal{}
}

// checksum is what a bucket with a default retention wants of each body that it
// stores.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
func (a *AWS) checksum(r *http.Request) refusal {
	a.mu.Lock()
	locked := a.locked
	a.mu.Unlock()
	if !locked || r.Method != http.MethodPut || r.Header.Get("X-Amz-Copy-Source") != "" || r.Header.Get("Content-Md5") != "" ||
		strings.HasPrefix(r.Header.Get("X-Amz-Trailer"), "x-amz-checksum-") {
		return refusal{}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") && name != "X-Amz-Checksum-Algorithm" {
			return refusal{}
		}
	}
	kind := "Object"
	if r.URL.Query().Has("partNumber") {
		kind = "Part"
	}
	return refusal{http.StatusBadRequest, "InvalidRequest",
		"Content-MD5 OR x-amz-checksum- HTTP header is required for Put " + kind + " requests with Object Lock parameters", ""}
}

// ascending refuses a list of parts with a number that is not above the one
// before.
func ascending(r *http.Request) refusal {
	if r.Method != http.MethodPost || !r.URL.Query().Has("uploadId") {
		return refusal{}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	var list struct {
		Part []struct{ PartNumber int }
	}
	if err != nil || xml.Unmarshal(body, &list) != nil {
		return refusal{http.StatusBadRequest, "MalformedXML",
			"The XML you provided was not well-formed or did not validate against our published schema", ""}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	last := 0
	for _, p := range list.Part {
		if p.PartNumber <= last {
			return refusal{http.StatusBadRequest, "InvalidPartOrder",
				"The list of parts was not in ascending order. Parts must be ordered by part number.", ""}
		}
		last = p.PartNumber
	}
	return refusal{}
}

// say answers as S3 does: to HEAD with the status alone.
func (a *AWS) say(w http.ResponseWriter, r *http.Request, why refusal) {
	a.mu.Lock()
	a.refused[why.code]++
	a.mu.Unlock()
	h := w.Header()
	h.Set("Server", "AmazonS3")
	h.Set("Date", a.now().UTC().Format(http.TimeFormat))
	h.Set("X-Amz-Request-Id", "RELAY00000000000")
	h.Set("X-Amz-Id-2", "relay")
	if r.ContentLength != 0 {
		h.Set("Connection", "close") // the body is not read
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(why.status)
		return
	}
	h.Set("Content-Type", "application/xml")
	w.WriteHeader(why.status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message>%s<RequestId>RELAY00000000000</RequestId><HostId>relay</HostId></Error>",
		why.code, why.message, why.more)
}
