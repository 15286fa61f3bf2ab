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
	target := url.URL{Scheme: "http", Host: c.host, Path: "/" + s.Bucket + "/" + m.Key, RawQuery: q.Encode()}
	r := &http.Request{
		Method: http.MethodPut, URL: &target, Host: c.host, ContentLength: int64(len(body)),
		Header: http.Header{"X-Amz-Content-Sha256": {unsigned}},
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	err := signer.SignHTTP(context.Background(), s.Keys, r, unsigned, "s3", s.Region, time.Now())
	if err != nil {
		return upload.Part{}, fmt.Errorf("sign part %d: %w", number, err)
	}
	answer, err := c.Do(r.Method, target.RequestURI(), r.Header, body, true)
	if err != nil {
		return upload.Part{}, fmt.Errorf("part %d: %w", number, err)
	}
	return upload.Part{Number: number, Size: int64(len(body)), ETag: answer.Header.Get("ETag")}, nil
}

const unsigned = "UNSIGNED-PAYLOAD"
