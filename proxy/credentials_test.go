package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
)

// Whatever is in a tokens file or in an Authorization header: nobody comes in
// without a secret, whoever has one does, and no secret is in an error.
func FuzzCredentials(f *testing.F) {
	const secret, other = "1f0c53e26a-consumer", "7be8e11d95-token"
	known := mustTokens(f, tokensFile+"oauth1:ck:"+secret+":at:"+other+"  bob  bob/\n")
	f.Add(tokensFile, `OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="ck", oauth_token="at", oauth_signature="cs&as"`, "cs", "as")
	f.Add("oauth1:key:sec:tok:toksec  tester  tests/\n", "Bearer tok", "%26", "é,\"=")
	f.Add("# none\n\nsha256:00 a b\n", `OAuth realm="x",oauth_consumer_key=ck,oauth_token=at,oauth_signature_method=HMAC-SHA1,oauth_signature=x`, "a", "")
	f.Fuzz(func(t *testing.T, file, header, consumer, token string) {
		if _, err := ParseTokens(strings.NewReader(file)); err != nil {
			for _, field := range strings.Fields(file) {
				if len(field) > 20 && strings.Contains(err.Error(), field) {
					t.Errorf("the error tells %q: %v", field, err)
				}
			}
		}
		r := &http.Request{Method: http.MethodPut, URL: &url.URL{Path: "/1/chunked_upload"}, RequestURI: "/1/chunked_upload", Header: http.Header{"Authorization": {header}}}
		if account, err := known.account(t.Context(), r, form{}); err == nil {
			signature := parseOAuth(header).Get("oauth_signature")
			if !strings.Contains(header, testToken) && !strings.Contains(signature, secret) {
				t.Errorf("%q comes in as %q", header, account.Owner)
			}
		}
		checkSigner(t, consumer, token)
	})
}

// checkSigner lets a client sign by PLAINTEXT with secrets that were written
// into a tokens file.
func checkSigner(t *testing.T, consumer, token string) {
	t.Helper()
	if strings.ContainsFunc(consumer+token, unicode.IsSpace) {
		return // it would end the field
	}
	line := "oauth1:ck:" + consumer + ":at:" + token + "  bob  bob/"
	a, err := ParseTokens(strings.NewReader(line))
	if err != nil {
		return
	}
	escaped := strings.NewReplacer("+", "%20")
	quote := func(s string) string { return escaped.Replace(url.QueryEscape(s)) }
	header := `OAuth oauth_consumer_key="ck", oauth_token="at", oauth_signature_method="PLAINTEXT", oauth_signature="` +
		quote(quote(consumer)+"&"+quote(token)) + `"`
	r := &http.Request{Method: http.MethodPut, URL: &url.URL{Path: "/"}, RequestURI: "/", Header: http.Header{"Authorization": {header}}}
	if got, err := a.account(t.Context(), r, form{}); err != nil || got.Owner != "bob" {
		t.Errorf("%q and %q do not sign: %q, %v", consumer, token, got.Owner, err)
	}
}
