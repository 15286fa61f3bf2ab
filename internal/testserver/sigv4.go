package testserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// amzDate is how X-Amz-Date tells the time.
const amzDate = "20060102T150405Z"

// signature is Signature Version 4 in a request's Authorization header.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
type signature struct {
	key     string   // the access key's id
	day     string   // 20060102
	region  string   // where the bucket is taken to be
	headers []string // that are signed, in order
	value   string   // in hexadecimal digits
}

const signingAlgorithm = "AWS4-HMAC-SHA256"

// signatureOf reads a request's signature; ok is false if it has none.
func signatureOf(r *http.Request) (s signature, ok bool) {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), signingAlgorithm+" ")
	if !ok {
		return signature{}, false
	}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 {
				return signature{}, false
			}
			s.key, s.day, s.region = scope[0], scope[1], scope[2]
		case "SignedHeaders":
			s.headers = strings.Split(value, ";")
		case "Signature":
			s.value = value
		}
	}
	return s, s.key != "" && s.value != ""
}

// of is the value that a secret gives r's signature. Headers are signed as r
// has them, and host and length as r will send them.
func (s signature) of(r *http.Request, secret string) string {
	scope := strings.Join([]string{s.day, s.region, "s3", "aws4_request"}, "/")
	sum := sha256.Sum256([]byte(s.canonical(r)))
	text := strings.Join([]string{signingAlgorithm, r.Header.Get("X-Amz-Date"), scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.day, s.region, "s3", "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func (s signature) canonical(r *http.Request) string {
	var query []string
	for name, values := range r.URL.Query() {
		for _, value := range values {
			query = append(query, queryEscape(name)+"="+queryEscape(value))
		}
	}
	slices.Sort(query)
	lines := []string{r.Method, r.URL.EscapedPath(), strings.Join(query, "&")}
	for _, name := range s.headers {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		lines = append(lines, name+":"+strings.Join(strings.Fields(value), " "))
	}
	return strings.Join(append(lines, "", strings.Join(s.headers, ";"), r.Header.Get("X-Amz-Content-Sha256")), "\n")
}

func queryEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// sign gives r another signature.
func (s signature) sign(r *http.Request, secret string) {
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s/%s/s3/aws4_request, SignedHeaders=%s, Signature=%s",
		signingAlgorithm, s.key, s.day, s.region, strings.Join(s.headers, ";"), s.of(r, secret)))
}
