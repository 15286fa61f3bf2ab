package load

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/chunkgate/chunkgate/upload"
)

// S3 is how the reference signs its parts: the head only, the body unsigned.
type S3 struct {
	Keys   aws.Credentials
	Region string
	Bucket string
}

// UploadPart sends one part of a multipart upload over c, be that to the store
// or to a proxy in front of it.
func (s S3) UploadPart(c *Conn, m upload.Multipart, number int, body []byte) (upload.Part, error) {
	q := url.Values{"partNumber": {strconv.Itoa(number)}, "uploadId": {m.ID}}
	r, err := s.put(c, m.Key, q, len(body))
	if err != nil {
		return upload.Part{}, fmt.Errorf("sign part %d: %w", number, err)
	}
	answer, err := c.Do(r.Method, r.URL.RequestURI(), r.Header, body, true)
	if err != nil {
		return upload.Part{}, fmt.Errorf("part %d: %w", number, err)
	}
	return upload.Part{Number: number, Size: int64(len(body)), ETag: answer.Header.Get("ETag")}, nil
}

// PutSlowly sends an object at rate bytes a second.
func (s S3) PutSlowly(ctx context.Context, c *Conn, key string, body []byte, rate int) error {
	r, err := s.put(c, key, nil, len(body))
	if err != nil {
		return fmt.Errorf("sign %s: %w", key, err)
	}
	_, err = c.DoSlowly(ctx, r.Method, r.URL.RequestURI(), r.Header, body, rate)
	return err
}

// put is a signed PUT, of which the head is to be sent.
func (s S3) put(c *Conn, key string, q url.Values, length int) (*http.Request, error) {
	target := url.URL{Scheme: "http", Host: c.host, Path: "/" + s.Bucket + "/" + key, RawQuery: q.Encode()}
	r := &http.Request{
		Method: http.MethodPut, URL: &target, Host: c.host, ContentLength: int64(length),
		Header: http.Header{"X-Amz-Content-Sha256": {unsigned}},
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return r, signer.SignHTTP(context.Background(), s.Keys, r, unsigned, "s3", s.Region, time.Now())
}

const unsigned = "UNSIGNED-PAYLOAD"
