package s3backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

// mustBothWays makes two backends whose store is handle: one sends parts
// itself, with the other the SDK does. Its answers have the head of S3's.
func mustBothWays(t *testing.T, c Config, handle http.HandlerFunc) map[string]*Backend {
	t.Helper()
	return bothWays(t, c, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amz-Request-Id", "1")
		w.Header().Set("ETag", `"tag"`)
		handle(w, r)
	})
}

// bothWays is mustBothWays with a store whose answers lack what S3's have.
func bothWays(t *testing.T, c Config, handle http.HandlerFunc) map[string]*Backend {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	c.Endpoint, c.Bucket, c.PathStyle = server.URL, "b", true
	c.AccessKey, c.SecretKey = "local", "local-secret"
	both := map[string]*Backend{}
	for _, name := range []string{"direct", "sdk"} {
		b, err := New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if b.courier == nil {
			t.Fatal("parts go through the SDK")
		}
		if name == "sdk" {
			b.courier = nil
		}
		both[name] = b
	}
	return both
}

// own are headers whose values are nobody's business but the SDK's.
var own = regexp.MustCompile(`^(User-Agent|Amz-Sdk-.*|X-Amz-Date)$`)

// seen is what of a request a store goes by.
func seen(r *http.Request) string {
	var b strings.Builder
	body, err := io.ReadAll(r.Body)
	fmt.Fprintln(&b, r.Method, r.RequestURI, r.ContentLength, string(body), err)
	r.Header.Set("Authorization", regexp.MustCompile(`amz-sdk-[a-z-]+;|Signature=.*`).ReplaceAllString(r.Header.Get("Authorization"), ""))
	for name := range r.Header {
		if own.MatchString(name) {
			delete(r.Header, name)
		}
	}
	_ = r.Header.Write(&b)
	return b.String()
}

// A part goes out as the SDK would send it, whatever its key.
func TestPartsAsTheSDK(t *testing.T) {
	for _, checksum := range []Checksum{Trailer, None} {
		for _, key := range []string{"key", "a b/c+d&e=ü?#%41", "/a//b/", "~._-!*'()$,;:@"} {
			got := make(chan string, 1)
			sent := map[string]string{}
			for name, b := range mustBothWays(t, Config{Checksum: checksum}, func(w http.ResponseWriter, r *http.Request) {
				got <- seen(r)
				w.Header().Set("ETag", `"tag"`)
			}) {
				part, err := b.UploadPart(t.Context(), upload.Multipart{Key: key, ID: "i/d+ =="}, 7, 5, io.LimitReader(strings.NewReader("hello"), 5))
				if err != nil || part.ETag != `"tag"` {
					t.Fatalf("%s of %q: got %+v, %v", name, key, part, err)
				}
				sent[name] = <-got
			}
			if diff := cmp.Diff(sent["sdk"], sent["direct"]); diff != "" {
				t.Errorf("%s, key %q (-sdk +direct):\n%s", checksum, key, diff)
			}
		}
	}
}

// A refusal means the same as from the SDK.
func TestRefusedAsTheSDK(t *testing.T) {
	const slow = "<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>not now</Message><RequestId>r</RequestId></Error>"
	tests := map[string]struct {
		status int
		body   string
	}{
		"code":       {503, slow},
		"gone":       {404, "<Error><Code>NoSuchUpload</Code></Error>"},
		"defect":     {400, "<Error><Code>EntityTooSmall</Code><Message>small</Message></Error>"},
		"message":    {400, "<Error><Message>small</Message></Error>"},
		"empty":      {404, ""},
		"html":       {502, "<html><body>Bad Gateway<br></body></html>"},
		"html, 404":  {404, "<html><body>Not here<br></body></html>"},
		"other tags": {403, "<Fault><Why>no</Why></Fault>"},
		"cut":        {503, slow[:50]},
		"redirected": {307, slow},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			said := map[string]string{}
			for name, b := range mustBothWays(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}) {
				_, err := b.UploadPart(t.Context(), upload.Multipart{Key: "k", ID: "i"}, 1, 5, strings.NewReader("hello"))
				var r *refusal
				errors.As(err, &r)
				if r != nil {
					r.text = ""
				}
				said[name] = fmt.Sprintf("%+v %v %v", r, errors.Is(err, upload.ErrUnavailable), errors.Is(err, upload.ErrNotExist))
			}
			if said["direct"] != said["sdk"] {
				t.Errorf("got %s, want %s", said["direct"], said["sdk"])
			}
		})
	}
}

// What the SDK does beyond signing is left to it.
func TestCourierUnfit(t *testing.T) {
	isolate(t)
	for _, bucket := range []string{"b--use1-az4--x-s3", "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap"} {
		b, err := New(t.Context(), Config{Bucket: bucket, Region: "us-east-1", AccessKey: "a", SecretKey: "s"})
		if err != nil {
			t.Fatal(err)
		}
		if b.courier != nil {
			t.Errorf("parts into %s do not go through the SDK", bucket)
		}
	}
	b, err := New(t.Context(), Config{Bucket: "photos", Region: "eu-west-1", AccessKey: "a", SecretKey: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.courier.bucket.String(), "https://photos.s3.eu-west-1.amazonaws.com"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Credentials that change, as those of a role do, sign from then on.
func TestCourierCredentials(t *testing.T) {
	got := make(chan string, 1)
	b := mustBothWays(t, Config{}, func(_ http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization") + " " + r.Header.Get("X-Amz-Security-Token")
	})["direct"]
	keys := aws.Credentials{AccessKeyID: "first", SecretAccessKey: "s"}
	var none error
	b.courier.keys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, none })
	part := func() error {
		_, err := b.UploadPart(t.Context(), upload.Multipart{Key: "k", ID: "i"}, 1, 5, strings.NewReader("hello"))
		return err
	}
	for _, want := range []string{"first", "second"} {
		keys.AccessKeyID, keys.SessionToken = want, "token of "+want
		if err := part(); err != nil {
			t.Fatal(err)
		}
		if all := <-got; !strings.Contains(all, "Credential="+want+"/") || !strings.HasSuffix(all, keys.SessionToken) {
			t.Errorf("got %q, want it by %q", all, want)
		}
	}
	none = errors.New("no role")
	if err := part(); !errors.Is(err, upload.ErrUnavailable) || !strings.Contains(err.Error(), "no role") {
		t.Errorf("got %v, want %v for it", err, upload.ErrUnavailable)
	}
}

// Who waits for a slow client's bytes has a small stack.
func TestStackOfAWaitingPart(t *testing.T) {
	b := mustBothWays(t, Config{}, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })["direct"]
	var depth int
	next := b.courier.http
	b.courier.http = doer(func(r *http.Request) (*http.Response, error) {
		depth = runtime.Callers(0, make([]uintptr, 200))
		return next.Do(r)
	})
	if _, err := b.UploadPart(t.Context(), upload.Multipart{Key: "k", ID: "i"}, 1, 5, strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	if depth > 20 {
		t.Errorf("a part is sent %d calls deep", depth)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }
