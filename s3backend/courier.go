package s3backend

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/chunkgate/chunkgate/upload"
)

// courier sends UploadPart, the one call that waits for clients, without the
// SDK's stack of middleware: a goroutine that waits inside of it holds 64 KiB
// of stack, a shallow one 16, and building the request costs half as much. Where
// the bucket is, who signs and what sends is the SDK's own.
type courier struct {
	http   aws.HTTPClient
	keys   aws.CredentialsProvider
	signer s3.HTTPSignerV4
	spans  tracing.Tracer

	bucket  url.URL // as an address
	service string  // in the signature, as region
	region  string
}

// newCourier is nil where the SDK has more to do than to sign a request with the
// credentials: for directory buckets and access points across regions, or when
// nothing is signed.
func newCourier(ctx context.Context, o s3.Options, bucket string, sockets aws.HTTPClient, s *site, patience time.Duration) *courier {
	if o.EndpointResolverV2 == nil || o.Credentials == nil || aws.IsCredentialsProvider(o.Credentials, aws.AnonymousCredentials{}) {
		return nil
	}
	to, err := o.EndpointResolverV2.ResolveEndpoint(ctx, s3.EndpointParameters{
		Bucket:                         &bucket,
		Region:                         &o.Region,
		UseFIPS:                        aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack:                   aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		Endpoint:                       o.BaseEndpoint,
		ForcePathStyle:                 &o.UsePathStyle,
		Accelerate:                     &o.UseAccelerate,
		DisableMultiRegionAccessPoints: &o.DisableMultiRegionAccessPoints,
		UseArnRegion:                   &o.UseARNRegion,
		DisableS3ExpressSessionAuth:    o.DisableS3ExpressSessionAuth,
	})
	if err != nil || len(to.Headers) > 0 { // the SDK will say what is wrong
		return nil
	}
	ways, _ := auth.GetAuthOptions(&to.Properties)
	if len(ways) != 1 || ways[0].SchemeID != "sigv4" { // as the rules of endpoints call it
		return nil
	}
	c := &courier{http: o.HTTPClient, keys: o.Credentials, signer: o.HTTPSignerV4, bucket: to.URI}
	c.service, _ = smithyhttp.GetSigV4SigningName(&ways[0].SignerProperties)
	c.region, _ = smithyhttp.GetSigV4SigningRegion(&ways[0].SignerProperties)
	if c.service == "" || c.region == "" {
		return nil
	}
	if l := newLines(sockets, &c.bucket, s, patience); l != nil {
		c.http = believer{l, s}
	}
	c.spans = o.TracerProvider.Tracer("github.com/chunkgate/chunkgate/s3backend")
	return c
}

// uploadPart sends p, which carries s, as a part, and answers its ETag. After
// it has returned, nothing of p is read.
func (c *courier) uploadPart(ctx context.Context, m upload.Multipart, number int, s sending, p payload) (etag string, err error) {
	ctx, span := c.spans.StartSpan(ctx, s3.ServiceID+".UploadPart")
	defer func() { c.end(span, err) }()
	tracePartNumber(ctx, number)
	body := &returnable{r: p.reader}
	defer body.takeBack()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, c.bucket.String(), body)
	if err != nil {
		return "", err
	}
	r.ContentLength = p.length
	r.URL.Path, r.URL.RawPath = objectPath(r.URL.Path, m.Key)
	r.URL.RawQuery = url.Values{
		"partNumber": {strconv.Itoa(number)}, "uploadId": {m.ID}, "x-id": {"UploadPart"},
	}.Encode()
	describe(r.Header, s, p)
	if err := c.sign(r); err != nil {
		return "", err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return "", err
	}
	span.SetProperty("http.status_code", answer.StatusCode)
	return answer.Header.Get("ETag"), accepted(answer)
}

// objectPath is the path of a key, as it is and as it is escaped; bucket is the
// path of its bucket.
func objectPath(bucket, key string) (path, escaped string) {
	path = strings.TrimSuffix(bucket, "/") + "/" + key
	return path, httpbinding.EscapePath(path, false)
}

// describe tells the store in what form the body comes.
func describe(h http.Header, s sending, p payload) {
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Accept-Encoding", "identity")
	h.Set("User-Agent", "chunkgate")
	hash := "UNSIGNED-PAYLOAD"
	if _, framed := p.reader.(*framing); framed {
		hash = trailerPayload
		announceTrailer(h, s.size)
	}
	h.Set("X-Amz-Content-Sha256", hash)
	if p.ask {
		h.Set("Expect", "100-continue")
	}
}

func (c *courier) sign(r *http.Request) error {
	keys, err := c.keys.Retrieve(r.Context())
	if err != nil {
		return err
	}
	return c.signer.SignHTTP(r.Context(), keys, r, r.Header.Get("X-Amz-Content-Sha256"), c.service, c.region, time.Now(),
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
}

func (c *courier) end(span tracing.Span, err error) {
	if err != nil {
		span.SetStatus(tracing.SpanStatusError)
		if code := codeOf(err); code != "" {
			span.SetProperty("api.error_code", code)
		}
	}
	span.End()
}
