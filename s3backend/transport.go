package s3backend

import (
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Timeouts bound how long a store may keep a call waiting. A field of zero
// takes its default.
type Timeouts struct {
	Connect time.Duration // dialling, and the TLS handshake; 5 s
	Call    time.Duration // a small call with its repeats; 30 s
	Work    time.Duration // CopyPart and Complete, in which the store moves data; 10 min
	Stall   time.Duration // a streamed body: until the store takes the next bytes, or answers; 30 s

	// Continue is how long a store may take to say 100 Continue; 5 s. A loaded one
	// takes its time. When it has not by then, it may not know the header, and the
	// body is sent unasked.
	Continue time.Duration
}

func (t Timeouts) withDefaults() Timeouts {
	fill := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	fill(&t.Connect, 5*time.Second)
	fill(&t.Call, 30*time.Second)
	fill(&t.Work, 10*time.Minute)
	fill(&t.Stall, 30*time.Second)
	fill(&t.Continue, 5*time.Second)
	return t
}

const (
	// An idle connection for each of the proxy's usual number of requests:
	// with net/http's two, nearly every part would dial.
	idleConns       = 256
	idleConnTimeout = 90 * time.Second

	// Bytes of each connection's buffers. Bodies to the store pass the first by
	// (blocks.go), bodies from it the second when read in larger pieces; an idle
	// connection keeps both.
	writeBuffer = 8 << 10
	readBuffer  = 8 << 10
)

// newHTTPClient is the SDK's client, which honours AWS_CA_BUNDLE, with a
// transport for long bodies.
func newHTTPClient(t Timeouts) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = t.Connect }).
		WithTransportOptions(func(tr *http.Transport) {
			tr.DialContext = inBlocks(tr.DialContext)
			tr.TLSHandshakeTimeout = t.Connect
			tr.ExpectContinueTimeout = t.Continue
			tr.MaxIdleConns = idleConns
			tr.MaxIdleConnsPerHost = idleConns
			tr.MaxConnsPerHost = 0 // bounded by the requests in flight
			tr.IdleConnTimeout = idleConnTimeout
			tr.WriteBufferSize = writeBuffer
			tr.ReadBufferSize = readBuffer
			tr.DisableCompression = true
			// One connection a part: in HTTP/2 one slow body's flow control
			// would hold up the others.
			tr.ForceAttemptHTTP2 = false
			tr.Protocols = new(http.Protocols)
			tr.Protocols.SetHTTP1(true)
		})
}

// finished is c with the gatekeeper and the believer before its transport. It
// also keeps the SDK from changing the client's timeouts, and net/http from
// following redirects: site does, within bounds.
func finished(c aws.HTTPClient, s *site) aws.HTTPClient {
	b, ok := c.(*awshttp.BuildableClient)
	if !ok {
		return c
	}
	f, ok := b.Freeze().(*http.Client)
	if !ok {
		return c
	}
	f.Transport = believer{gatekeeper{f.Transport, s}, s}
	f.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return f
}
