package proxy

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

func TestAuthentication(t *testing.T) {
	const denied = `{"error": "Access token is missing, malformed or unknown"}`
	tests := map[string]struct {
		query, header string
		status        int
	}{
		"bearer":          {"", "Authorization: Bearer tok-4f1c\r\n", 200},
		"lower case":      {"", "authorization: bearer  tok-4f1c\r\n", 200},
		"query":           {"?access_token=tok-4f1c", "", 200},
		"query, no form":  {"?access_token=tok-4f1c", "Content-Type: application/x-www-form-urlencoded\r\n", 200},
		"other scheme":    {"?access_token=tok-4f1c", "Authorization: Basic eA==\r\n", 200},
		"none":            {"", "", 401},
		"empty":           {"?access_token=", "Authorization: Bearer \r\n", 401},
		"unknown":         {"", "Authorization: Bearer tok-4f1d\r\n", 401},
		"no scheme":       {"", "Authorization: tok-4f1c\r\n", 401},
		"digest as token": {"", "Authorization: Bearer " + strings.TrimPrefix(strings.Fields(tokensFile)[0], "sha256:") + "\r\n", 401},
		"unknown, query":  {"?access_token=x", "", 401},
		"two, header bad": {"?access_token=tok-4f1c", "Authorization: Bearer x\r\n", 401},
	}
	s := start(t, &fakeEngine{append: take})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := s.send(t, "PUT /1/chunked_upload"+test.query+" HTTP/1.1\r\nHost: x\r\n"+test.header+"Content-Length: 3\r\n\r\nabc")
			if got.status != test.status || test.status == 401 && got.body != denied {
				t.Errorf("got %d %s, want %d", got.status, got.body, test.status)
			}
			if test.status == 401 && got.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("WWW-Authenticate is %q", got.header.Get("WWW-Authenticate"))
			}
		})
	}
}

// Every route of the protocol wants an account; without an Authenticator there is none.
func TestNobodyComesIn(t *testing.T) {
	for name, auth := range map[string]*Authenticator{"tokens": mustTokens(t, tokensFile), "nil": nil} {
		s := start(t, &fakeEngine{}, func(c *Config) { c.Auth = auth })
		for _, route := range s.routes.Routes() {
			if !strings.HasPrefix(route.Path, "/1/") {
				continue
			}
			path := strings.ReplaceAll(route.Path, "*", "auto/x")
			if got := s.send(t, route.Method+" "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); got.status != http.StatusUnauthorized {
				t.Errorf("%s: %s %s: got %d, want 401", name, route.Method, path, got.status)
			}
		}
	}
}

func TestAnyone(t *testing.T) {
	var owner string
	s := start(t, &fakeEngine{append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) {
		owner = c.Owner
		return take(ctx, c)
	}}, func(c *Config) { c.Auth = Anyone() })
	if got := s.send(t, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); got.status != http.StatusOK || owner != "anyone" {
		t.Errorf("got %d for %q, want 200 for anyone", got.status, owner)
	}
}

func TestParseTokens(t *testing.T) {
	one, two := "sha256:"+strings.Repeat("0a", 32), "sha256:"+strings.Repeat("0B", 32)
	got := mustTokens(t, "# who may come in\n\n"+one+"  ada   team/ada\r\n\t"+two+" bob /\n")
	want := map[[32]byte]Account{
		[32]byte([]byte(strings.Repeat("\x0a", 32))): {Owner: "ada", Prefix: "team/ada/"},
		[32]byte([]byte(strings.Repeat("\x0b", 32))): {Owner: "bob"},
	}
	if diff := cmp.Diff(want, got.known().accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func TestTokensRefused(t *testing.T) {
	good := "sha256:" + strings.Repeat("0a", 32)
	for file, want := range map[string]string{
		"":                                       "there is no token",
		"# nothing\n":                            "there is no token",
		"\n" + good + " ada\n":                   "line 2: 2 fields instead of three or more: <token> <owner> <key prefix> [<key>=<value> …]",
		"my-secret ada /":                        "line 1: the first field is not sha256: and 64 hex digits",
		"sha256:0a ada /":                        "line 1: the first field is not sha256: and 64 hex digits",
		strings.Repeat("0a", 32) + " ada /":      "line 1: the first field is not sha256: and 64 hex digits",
		good + " ada /\n" + good + " bob b/\n":   "line 2: the same token again",
		good + " ada a/../b":                     "line 1: key prefix: path has a segment that is . or ..",
		good + " ada a\x00/":                     "line 1: key prefix: path has a control character",
		"oauth1:key:hunter2:tok ada /":           "line 1: the first field is not oauth1:<consumer key>:<consumer secret>:<token>:<token secret>",
		"oauth1:key::tok:hunter2 ada /":          "line 1: the first field is not oauth1:<consumer key>:<consumer secret>:<token>:<token secret>",
		"oauth1:k:s:t:a:hunter2 ada /":           "line 1: the first field is not oauth1:<consumer key>:<consumer secret>:<token>:<token secret>",
		"oauth1:k:a:t:b a /\noauth1:k:c:t:d b /": "line 2: the same token again",
		"#\n" + good + strings.Repeat("x", 1e5):  "line 2: bufio.Scanner: token too long",
	} {
		_, err := ParseTokens(strings.NewReader(file))
		if err == nil || err.Error() != want {
			t.Errorf("%.40q: got %v, want %s", file, err, want)
		}
	}
}

// A prefix under the staging prefix would be answered 400 at every path, if it
// did not open what unfinished uploads keep there.
func TestTokensUnderStaging(t *testing.T) {
	a := new(Authenticator)
	a.Reserve("all/", "all/.chunkgate/")
	line := "sha256:" + strings.Repeat("0a", 32) + " ada "
	for prefix, want := range map[string]string{
		"/": "", ".chunkgates/": "", "a/.chunkgate": "",
		".chunkgate/x": "line 1: key prefix: lies under the staging prefix",
		".chunkgate":   "line 1: key prefix: lies under the staging prefix",
	} {
		if _, err := a.Reload([]byte(line + prefix)); err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%s: got %v, want %q", prefix, err, want)
		}
	}
}
