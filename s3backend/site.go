package s3backend

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// site is what one store has taught us: its clock, where it wants a bucket's
// calls, that our credentials have expired, and whether it knows Expect. Every
// call signs by it, the SDK's and the courier's.
type site struct {
	keys     aws.CredentialsProvider // forgets what it holds, if it can
	endpoint string                  // host of the endpoint that was set; "": AWS

	mu        sync.Mutex
	ahead     time.Duration   // of the store's clock
	elsewhere map[string]move // by the host that was asked
	renewed   time.Time       // when the credentials were last given up
	ignored   int             // how often in a row nothing came of Expect
	unasked   time.Time       // until then bodies are sent without asking first
}

// move is a host that stands for another for a while.
type move struct {
	host  string
	until time.Time
}

const (
	// A difference of clocks that is not worth a word: S3 allows 15 minutes.
	leastSkew = time.Minute

	// Credentials are given up at most every renewPause.
	renewPause = 10 * time.Second

	// A new bucket of AWS redirects for some hours, until DNS knows it.
	moveTime = 5 * time.Minute

	// Twice in a row without a word, a store is not asked again for a while.
	mostIgnored = 2
	unaskedTime = 10 * time.Minute
)

// learn says whether a refused call is worth repeating: it has taught us
// something, or another call has since this one was signed.
func (s *site) learn(r *http.Request, answer *http.Response, code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	signed, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date")) // by signer
	switch {
	case code == "RequestTimeTooSkewed":
		return s.setClock(signed, answer.Header)
	case code == "ExpiredToken" || code == "ExpiredTokenException" || code == "TokenRefreshRequired":
		return s.renew(signed.Add(-s.ahead))
	case answer.StatusCode == http.StatusTemporaryRedirect:
		return s.moved(r.URL, answer.Header.Get("Location"))
	}
	return false
}

func (s *site) setClock(signed time.Time, h http.Header) bool {
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" { // an old answer
		return false
	}
	if ahead := time.Until(theirs); (ahead - s.ahead).Abs() >= leastSkew {
		s.ahead = ahead
	}
	return theirs.Sub(signed).Abs() >= leastSkew
}

// renew gives up the keys, unless others came since the call was signed. The time
// of signing is in seconds.
func (s *site) renew(signed time.Time) bool {
	cache, ok := s.keys.(interface{ Invalidate() })
	if !ok {
		return false
	}
	if time.Since(s.renewed) > renewPause {
		cache.Invalidate()
		s.renewed = time.Now()
	}
	return !signed.After(s.renewed)
}

// awsHost is an endpoint of S3 on AWS, with or without a bucket before it.
var awsHost = regexp.MustCompile(`^([a-z0-9.-]+\.)?s3[a-z0-9.-]*\.amazonaws\.com(\.cn)?$`)

// moved follows a redirect to another host of the same store, with the same path
// and protocol. Bodies go there, so no other host is believed.
func (s *site) moved(from *url.URL, location string) bool {
	to, err := url.Parse(location)
	if err != nil || to.Scheme != from.Scheme || to.EscapedPath() != from.EscapedPath() || to.Host == from.Host || to.User != nil {
		return false
	}
	name := strings.ToLower(to.Hostname())
	switch {
	case s.endpoint != "" && name != s.endpoint && !strings.HasSuffix(name, "."+s.endpoint):
		return false
	case s.endpoint == "":
		bucket, _, _ := strings.Cut(strings.ToLower(from.Hostname()), "s3.")
		if !awsHost.MatchString(name) || !strings.HasPrefix(name, bucket+"s3") {
			return false
		}
	}
	if s.elsewhere == nil {
		s.elsewhere = map[string]move{}
	}
	for host, m := range s.elsewhere { // what was asked may be such a host itself
		if m.host == from.Host {
			s.elsewhere[host] = move{to.Host, time.Now().Add(moveTime)}
			return true
		}
	}
	s.elsewhere[from.Host] = move{to.Host, time.Now().Add(moveTime)}
	return true
}

// signer signs by the store's clock, for the host that the store wants.
type signer struct {
	s3.HTTPSignerV4
	site *site
}

// SignHTTP implements s3.HTTPSignerV4.
func (s signer) SignHTTP(ctx context.Context, keys aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, o ...func(*v4.SignerOptions)) error {
	ahead := s.site.direct(r)
	return s.HTTPSignerV4.SignHTTP(ctx, keys, r, hash, service, region, time.Now().Add(ahead), o...)
}

// direct turns a request to where it is wanted, and answers how far the clock
// there is ahead.
func (s *site) direct(r *http.Request) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.elsewhere[r.URL.Host]; ok && time.Now().Before(m.until) {
		r.URL.Host, r.Host = m.host, m.host
	}
	return s.ahead
}

// asks says whether a body is offered before it is sent.
func (s *site) asks() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().After(s.unasked)
}

// asked notes what came of an offer: an invitation, or nothing.
func (s *site) asked(invited bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if invited {
		s.ignored = 0
		return
	}
	if s.ignored++; s.ignored >= mostIgnored {
		s.ignored, s.unasked = 0, time.Now().Add(unaskedTime)
	}
}

// askNoMore is for a store that refuses to be asked.
func (s *site) askNoMore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unasked = time.Now().Add(unaskedTime)
}
