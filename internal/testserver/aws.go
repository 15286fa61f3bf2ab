package testserver

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// AWS is a relay in front of a MinIO that keeps to rules of Amazon S3 that no
// store for tests has: credentials that expire, a clock of its own, one region,
// redirects of a bucket's first minutes, checksums for locked buckets, and part
// lists that ascend. It checks each signature and signs anew for MinIO.
type AWS struct {
	Store                 // as its clients see it; the keys are those of now
	CredentialsURL string // answers the keys of now, as ECS tells them to a container

	minio Store

	mu        sync.Mutex
	token     string          // of the keys of now
	former    map[string]bool // key ids that have expired
	ahead     time.Duration   // its clock's lead over ours
	redirects bool            // whether the endpoint sends to the region's own host
	locked    bool            // whether the bucket has a default retention
	refused   map[string]int  // requests by the code of their refusal
	regional  string          // host:port of the region's own host
}

// RelayAWS starts a relay in front of minio, which is in region as far as its
// clients know. It ends with the test.
func RelayAWS(tb TB, minio Store, region string) *AWS {
	tb.Helper()
	a := &AWS{Store: minio, minio: minio, former: map[string]bool{}, refused: map[string]int{}}
	a.Region = region
	a.Expire()
	target, err := url.Parse(minio.Endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { a.resign(r.Out, target) },
		ModifyResponse: a.disguise,
		ErrorLog:       log.New(io.Discard, "", 0), // bodies that break off are what tests are about
	}
	serve := func(h http.HandlerFunc) *httptest.Server {
		s := httptest.NewServer(h)
		tb.Cleanup(s.Close)
		return s
	}
	regional := serve(func(w http.ResponseWriter, r *http.Request) {
		if !a.refuses(w, r) {
			forward.ServeHTTP(w, r)
		}
	})
	a.regional = strings.TrimPrefix(regional.URL, "http://")
	a.Endpoint = serve(func(w http.ResponseWriter, r *http.Request) {
		if !a.redirected(w, r) && !a.refuses(w, r) {
			forward.ServeHTTP(w, r)
		}
	}).URL
	a.CredentialsURL = serve(a.tellKeys).URL
	return a
}

// Expire ends the keys: who uses them hears ExpiredToken, until new ones are
// fetched.
func (a *AWS) Expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.former[a.AccessKey] = true
	a.AccessKey, a.SecretKey, a.token = "ASIA"+rand.Text()[:16], rand.Text(), rand.Text()
}

// SetAhead moves the clock.
func (a *AWS) SetAhead(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ahead = d
}

// SetRedirects is for a bucket whose name the world does not know yet: all
// requests are answered with 307 and the region's own host.
func (a *AWS) SetRedirects(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.redirects = on
}

// SetLocked is for a bucket with Object Lock and a default retention.
func (a *AWS) SetLocked(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.locked = on
}

// Refused is how many requests were refused with a code.
func (a *AWS) Refused(code string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused[code]
}

// Env has the program take its keys from the relay, in place of those that
// testserver gives it.
func (a *AWS) Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_CONTAINER_CREDENTIALS_FULL_URI=" + a.CredentialsURL}
}

// tellKeys answers as the endpoint of a container's role does.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (a *AWS) tellKeys(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{
		"AccessKeyId": a.AccessKey, "SecretAccessKey": a.SecretKey, "Token": a.token,
		// Nobody learns from this when they end.
		"Expiration": time.Now().Add(6 * time.Hour).UTC().Format(time.RFC3339),
	})
}

func (a *AWS) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Add(a.ahead)
}

// disguise makes MinIO's answers those of S3, by S3's clock.
func (a *AWS) disguise(r *http.Response) error {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Minio-") || strings.HasPrefix(name, "X-Ratelimit-") {
			r.Header.Del(name)
		}
	}
	a.mu.Lock()
	ahead := a.ahead
	a.mu.Unlock()
	r.Header.Set("Server", "AmazonS3")
	r.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
	if made, err := http.ParseTime(r.Header.Get("Last-Modified")); err == nil {
		r.Header.Set("Last-Modified", made.Add(ahead).Format(http.TimeFormat))
	}
	if r.Header.Get("Content-Type") != "application/xml" || r.Request.Method == http.MethodHead {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	body = timesInXML.ReplaceAllFunc(body, func(element []byte) []byte {
		parts := timesInXML.FindSubmatch(element)
		made, err := time.Parse(time.RFC3339, string(parts[2]))
		if err != nil {
			return element
		}
		return slices.Concat(parts[1], []byte(made.Add(ahead).Format(time.RFC3339Nano)))
	})
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

// timesInXML are when things were made.
var timesInXML = regexp.MustCompile(`(<(?:LastModified|Initiated)>)([^<]+)`)

// resign makes r MinIO's: with its host, its clock and its keys.
func (a *AWS) resign(r *http.Request, target *url.URL) {
	r.URL.Scheme, r.URL.Host, r.Host = target.Scheme, target.Host, target.Host
	now := time.Now().UTC()
	s, _ := signatureOf(r)
	s.key, s.day, s.region = a.minio.AccessKey, now.Format(amzDate)[:8], a.minio.Region
	s.headers = slices.DeleteFunc(s.headers, func(name string) bool { return name == "x-amz-security-token" })
	r.Header.Del("X-Amz-Security-Token")
	r.Header.Set("X-Amz-Date", now.Format(amzDate))
	s.sign(r, a.minio.SecretKey)
}

// genuine says whether r was signed with the keys of now. At the region's own
// host a signature for the endpoint's is as good: the SDK follows a redirect
// with the one it has.
func (a *AWS) genuine(r *http.Request, s signature) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.key != a.AccessKey || r.Header.Get("X-Amz-Security-Token") != a.token {
		return false
	}
	asked := *r
	for _, host := range []string{r.Host, strings.TrimPrefix(a.Endpoint, "http://")} {
		asked.Host = host
		if hmac.Equal([]byte(s.value), []byte(s.of(&asked, a.SecretKey))) {
			return true
		}
	}
	return false
}

// redirected sends r to the region's own host, unread, as long as there are redirects.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
func (a *AWS) redirected(w http.ResponseWriter, r *http.Request) bool {
	a.mu.Lock()
	on := a.redirects
	a.mu.Unlock()
	if !on {
		return false
	}
	w.Header().Set("Location", "http://"+a.regional+r.URL.RequestURI())
	a.say(w, r, refusal{http.StatusTemporaryRedirect, "TemporaryRedirect",
		"Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests.",
		fmt.Sprintf("<Endpoint>%s</Endpoint><Bucket>%s</Bucket>", a.regional, a.Bucket)})
	return true
}
