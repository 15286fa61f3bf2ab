package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

// signersFile has the credentials of PROTOCOL Appendix A.
const signersFile = tokensFile + "oauth1:key:sec:tok:toksec ada ada/\noauth1:ck:cs:at:as bob bob/\n"

const (
	// As dropbox_uploader.sh sends it, in query or form.
	plain = "oauth_consumer_key=key&oauth_token=tok&oauth_signature_method=PLAINTEXT&oauth_signature=sec%26toksec&oauth_timestamp=1795423648&oauth_nonce=15986"
	// As the Ruby SDK sends it.
	ruby = `Authorization: OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="ck", oauth_token="at", oauth_signature="cs&as"` + "\r\n"
	// All that a signature by HMAC needs but itself.
	hmacQuery = "oauth_consumer_key=key&oauth_token=tok&oauth_signature_method=HMAC-SHA1&oauth_timestamp=1795423648&oauth_nonce=15986"
	chunkPath = "PUT /1/chunked_upload"
)

func hmacHeader(signature string) string {
	return `Authorization: OAuth oauth_consumer_key="key",oauth_token="tok",oauth_signature_method="HMAC-SHA1",` +
		`oauth_timestamp="1795423648",oauth_nonce="15986",oauth_signature="` + signature + `"` + "\r\n"
}

// who starts a server that answers who a request was taken from.
func who(tb testing.TB) (*site, func(raw string) (owner string, got answer)) {
	tb.Helper()
	var owner string
	s := start(tb, &fakeEngine{
		append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) {
			owner = c.Owner
			return take(ctx, c)
		},
		commit: func(_ context.Context, r upload.CommitRequest) (upload.Object, error) {
			owner = r.Owner
			return upload.Object{}, nil
		},
		put: func(_ context.Context, r upload.PutRequest) (upload.Object, error) {
			owner = r.Owner
			_, err := io.Copy(io.Discard, r.Body)
			return upload.Object{}, err
		},
	}, func(c *Config) { c.Auth = mustTokens(tb, signersFile) })
	return s, func(raw string) (string, answer) {
		owner = ""
		got := s.send(tb, raw)
		return owner, got
	}
}

func raw(line, header, body string) string {
	if !strings.Contains(header, "Host: ") {
		header += "Host: api-content.dropbox.com\r\n"
	}
	return fmt.Sprintf("%s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", line, header, len(body), body)
}

// Every way in that PROTOCOL 1.0 has seen; signatures by HMAC were computed
// outside of this program.
func TestOAuth(t *testing.T) {
	const commit = "POST /1/commit_chunked_upload/auto/x"
	multipart := "--b\r\nContent-Disposition: form-data; name=\"oauth_token\"\r\n\r\ntok\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"upload_id\"\r\n\r\n" + testID + "\r\n--b--\r\n"
	tests := map[string]struct{ raw, owner string }{
		"uploader.sh, query": {raw(chunkPath+"?&"+plain, "Expect:\r\n", "abc"), "ada"},
		"uploader.sh, form":  {raw(commit, formed, "upload_id="+testID+"&"+plain), "ada"},
		"ruby":               {raw(chunkPath+"?offset=0", ruby, "abc"), "bob"},
		"ruby, form":         {raw(commit, ruby+formed, "overwrite=false&upload_id="+testID), "bob"},
		"python, no space":   {raw(chunkPath, strings.ReplaceAll(ruby, ", ", ","), "abc"), "bob"},
		"escaped":            {raw(chunkPath, strings.ReplaceAll(ruby, "cs&as", "cs%26as"), "abc"), "bob"},
		"not quoted":         {raw(chunkPath, strings.ReplaceAll(ruby, `"`, ""), "abc"), "bob"},
		"lower case":         {raw(chunkPath, strings.ReplaceAll(ruby, "OAuth", "oauth"), "abc"), "bob"},
		"files_put":          {raw("POST /1/files_put/auto/x?"+plain, formed, "upload_id=x"), "ada"},
		"hmac, header": {raw(chunkPath+"?upload_id="+testID+"&offset=7",
			"Host: API-content.dropbox.com:443\r\n"+hmacHeader("sqqwy1Q80KFdCWV6jHPJv3vO%2FM0%3D"), "abc"), "ada"},
		"hmac, header, raw": {raw(chunkPath+"?upload_id="+testID+"&offset=7", hmacHeader("sqqwy1Q80KFdCWV6jHPJv3vO/M0="), "abc"), "ada"},
		"hmac, chunk labelled as form": {raw(chunkPath+"?upload_id="+testID+"&offset=7",
			formed+hmacHeader("sqqwy1Q80KFdCWV6jHPJv3vO/M0="), "a=b&c=d"), "ada"},
		"hmac, form, path as sent": {raw("POST //1/commit_chunked_upload/auto/dir%20a%2Fb+%c3%a9.bin?upload_id="+testID, formed,
			"overwrite=1&note=a+b%2Bc&"+hmacQuery+"&oauth_signature=qshyjrq3gz7he%2Bw1LEhoWrimh2c%3D"), "ada"},
		"hmac, query, multipart is not signed": {raw(commit+"?upload_id="+testID+"&"+hmacQuery+"&oauth_signature=NNS89zNskJcWeOAkmNYb%2FwkUI88%3D",
			"Content-Type: multipart/form-data; boundary=b\r\n", multipart), "ada"},
		"token in form":      {raw(commit, formed, "upload_id="+testID+"&access_token="+testToken), "ada"},
		"token in multipart": {raw(commit+"?upload_id="+testID, "Content-Type: multipart/form-data; boundary=b\r\n", strings.ReplaceAll(strings.ReplaceAll(multipart, "oauth_token", "access_token"), "\ntok\r", "\n"+testToken+"\r")), "ada"},
	}
	_, send := who(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if owner, got := send(test.raw); got.status != http.StatusOK || owner != test.owner {
				t.Errorf("got %d %s for %q, want 200 for %s", got.status, got.body, owner, test.owner)
			}
		})
	}
}

// All refusals are the same, whatever was wrong, and what clients sent as a
// file is never taken for parameters.
func TestOAuthRefused(t *testing.T) {
	hmac := hmacHeader("sqqwy1Q80KFdCWV6jHPJv3vO/M0=")
	good := chunkPath + "?upload_id=" + testID + "&offset=7"
	tests := map[string]string{
		"unknown consumer":        raw(chunkPath, strings.ReplaceAll(ruby, `"ck"`, `"x"`), "abc"),
		"unknown token":           raw(chunkPath, strings.ReplaceAll(ruby, `"at"`, `"x"`), "abc"),
		"another's token":         raw(chunkPath, strings.ReplaceAll(ruby, `"at"`, `"tok"`), "abc"),
		"wrong secret":            raw(chunkPath, strings.ReplaceAll(ruby, "cs&as", "cs&at"), "abc"),
		"no secrets":              raw(chunkPath, strings.ReplaceAll(ruby, "cs&as", "&"), "abc"),
		"nobody without secrets":  raw(chunkPath+"?oauth_signature_method=PLAINTEXT&oauth_signature=%26", "", "abc"),
		"prefix of secret":        raw(chunkPath, strings.ReplaceAll(ruby, "cs&as", "cs&a"), "abc"),
		"no signature":            raw(chunkPath, strings.ReplaceAll(ruby, "oauth_signature=", "x="), "abc"),
		"unknown method":          raw(chunkPath, strings.ReplaceAll(ruby, "PLAINTEXT", "RSA-SHA1"), "abc"),
		"nothing":                 raw(chunkPath, "Authorization: OAuth\r\n", "abc"),
		"header wins over query":  raw(chunkPath+"?"+plain, "Authorization: OAuth x\r\n", "abc"),
		"hmac, other parameter":   raw(good+"8", hmac, "abc"),
		"hmac, other path":        raw(strings.Replace(good, "/1", "//1", 1), hmac, "abc"),
		"hmac, other method":      raw(strings.Replace(good, "PUT", "POST", 1), hmac, "abc"),
		"hmac, other host":        raw(good, "Host: x\r\n"+hmac, "abc"),
		"hmac, form not signed":   raw("POST /1/commit_chunked_upload/auto/x?upload_id="+testID+"&"+hmacQuery+"&oauth_signature=NNS89zNskJcWeOAkmNYb%2FwkUI88%3D", formed, "overwrite=0"),
		"chunk's body, oauth":     raw(chunkPath, formed, plain),
		"chunk's body, token":     raw(chunkPath, formed, "access_token="+testToken),
		"files_put's body, oauth": raw("POST /1/files_put/auto/x", formed, plain),
		"files_put's body, token": raw("POST /1/files_put/auto/x", formed, "access_token="+testToken),
	}
	_, send := who(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			owner, got := send(test)
			if got.status != http.StatusUnauthorized || got.body != `{"error": "Access token is missing, malformed or unknown"}` || got.close {
				t.Errorf("got %d %s for %q, closing: %t, want 401", got.status, got.body, owner, got.close)
			}
		})
	}
}

// Whatever is sent, and however it is answered, no part of it that proves an
// account is in the log.
func TestLogHasNoCredentials(t *testing.T) {
	s, send := who(t)
	secret := []string{testToken, "toksec", "cs&as", "cs%26as", "sqqwy", "NNS89"}
	n := 0
	for _, line := range []string{chunkPath, "POST /1/commit_chunked_upload/auto/x", "POST /1/files_put/auto/x", "PUT /1/nothing", "PATCH /1/chunked_upload"} {
		for _, query := range []string{"?" + plain, "?access_token=" + testToken, "?oauth_signature=toksec%zz", "?offset=toksec&" + plain, "?" + hmacQuery + "&oauth_signature=NNS89"} {
			for _, header := range []string{"", ruby, bearer, formed, hmacHeader("sqqwy")} {
				send(raw(line+query, header, plain+"&access_token="+testToken))
				n++
			}
		}
	}
	await(t, "a line a request", func() bool { return strings.Count(s.log.String(), "\n") >= n })
	for _, text := range secret {
		if strings.Contains(s.log.String(), text) {
			t.Errorf("the log has %q", text)
		}
	}
}

func TestParseOAuth(t *testing.T) {
	for header, want := range map[string]string{
		"":                               "=",
		`a="1",b="2"`:                    "a=1&b=2",
		"\ta=\"1\" ,   b=\"2%203\"":      "a=1&b=2+3",
		`realm="x", a="+%2B%zz"`:         "a=%2B%252B%25zz",
		`a="+%2B%20"`:                    "a=%2B%2B+",
		`a="=="`:                         "a=%3D%3D",
		`oauth_signature="cs&as",a="%x"`: "a=%25x&oauth_signature=cs%26as",
	} {
		if diff := cmp.Diff(want, parseOAuth(header).Encode()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", header, diff)
		}
	}
}

func TestParseSigners(t *testing.T) {
	got := mustTokens(t, "oauth1:key:sec:tok:toksec  ada  team/ada\noauth1:key:sec:other:x bob /\n")
	want := map[signerID]signer{
		{"key", "tok"}:   {"sec", "toksec", Account{Owner: "ada", Prefix: "team/ada/"}},
		{"key", "other"}: {"sec", "x", Account{Owner: "bob"}},
	}
	if diff := cmp.Diff(want, got.known().signers, cmp.AllowUnexported(signer{}, signerID{})); diff != "" {
		t.Errorf("signers (-want +got):\n%s", diff)
	}
}
