package proxy

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pageOrigin = "https://app.example.com"

func corsOf(h http.Header) map[string]string {
	got := map[string]string{}
	for _, name := range []string{"Origin", "Methods", "Headers", "Credentials"} {
		if v := h.Get("Access-Control-Allow-" + name); v != "" {
			got[name] = v
		}
	}
	for _, name := range []string{"Access-Control-Expose-Headers", "Access-Control-Max-Age", "Vary"} {
		if v := h.Get(name); v != "" {
			got[name] = v
		}
	}
	return got
}

// A preflight has no account. It is answered with what the path really allows.
func TestPreflight(t *testing.T) {
	const preflight = "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: authorization,content-type\r\nHost: x\r\n\r\n"
	allowed := func(origin, methods string) map[string]string {
		return map[string]string{
			"Origin": origin, "Methods": methods, "Headers": "Authorization,Content-Type,If-None-Match,Range", "Access-Control-Max-Age": "86400", "Vary": "Origin",
		}
	}
	listed := allowed(pageOrigin, "OPTIONS, DELETE, GET, POST, PUT")
	tests := map[string]struct {
		origins      []string
		path, origin string
		status       int
		want         map[string]string
	}{
		"listed":       {[]string{"http://other", pageOrigin}, "/1/chunked_upload", pageOrigin, 204, listed},
		"any":          {[]string{"*"}, "//1/files_put/auto/a%2Fb", pageOrigin, 204, allowed("*", "OPTIONS, POST, PUT")},
		"not listed":   {[]string{pageOrigin}, "/1/chunked_upload", pageOrigin + ".evil.com", 204, map[string]string{"Vary": "Origin"}},
		"other scheme": {[]string{pageOrigin}, "/1/chunked_upload", "http://app.example.com", 204, map[string]string{"Vary": "Origin"}},
		"off":          {nil, "/1/chunked_upload", pageOrigin, 204, map[string]string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, &fakeEngine{}, func(c *Config) { c.Origins = test.origins })
			got := s.send(t, "OPTIONS "+test.path+" HTTP/1.1\r\nOrigin: "+test.origin+"\r\n"+preflight)
			if got.status != test.status || got.body != "" {
				t.Errorf("got %d %q, want %d", got.status, got.body, test.status)
			}
			if diff := cmp.Diff(test.want, corsOf(got.header)); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

// A script has to be able to read refusals, too.
func TestCrossOriginAnswers(t *testing.T) {
	s := start(t, &fakeEngine{append: take}, func(c *Config) { c.Origins = []string{pageOrigin} })
	for header, status := range map[string]int{bearer: 200, "": 401} {
		for origin, want := range map[string]map[string]string{
			"Origin: " + pageOrigin + "\r\n": {
				"Origin": pageOrigin, "Vary": "Origin",
				"Access-Control-Expose-Headers": "Content-Range,ETag,Retry-After,X-Request-Id,x-dropbox-metadata,x-server-response",
			},
			"Origin: https://evil.com\r\n": {"Vary": "Origin"},
			"":                             {"Vary": "Origin"},
		} {
			got := s.send(t, "POST /1/chunked_upload HTTP/1.1\r\nHost: x\r\n"+header+origin+"Content-Length: 0\r\n\r\n")
			if got.status != status {
				t.Errorf("%s: got %d %s, want %d", origin, got.status, got.body, status)
			}
			if diff := cmp.Diff(want, corsOf(got.header)); diff != "" {
				t.Errorf("%d %s (-want +got):\n%s", status, origin, diff)
			}
		}
	}
}
