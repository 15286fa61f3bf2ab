package proxy

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// What a stranger can make us do is bounded: a request full of parameters is
// refused before they are parsed, sorted and escaped, and a signature is
// computed only of somebody who is known.
func TestCostOfAStranger(t *testing.T) {
	a := mustTokens(t, signersFile)
	many := strings.Repeat("oauth_a=b&", 8000)
	for name, r := range map[string]*http.Request{
		"query, known":   mustRequest(t, "GET /1/account/info?"+many+hmacQuery+"&oauth_signature=x HTTP/1.1\r\nHost: x\r\n\r\n"),
		"query, token":   mustRequest(t, "GET /1/account/info?"+many+"access_token=x HTTP/1.1\r\nHost: x\r\n\r\n"),
		"query, header":  mustRequest(t, "GET /1/account/info?"+many+" HTTP/1.1\r\nHost: x\r\n"+hmacHeader("x")+"\r\n"),
		"header":         mustRequest(t, "GET /1/account/info HTTP/1.1\r\nHost: x\r\nAuthorization: OAuth "+strings.ReplaceAll(many, "&", ",")+"\r\n\r\n"),
		"query, unknown": mustRequest(t, "GET /1/account/info?oauth_consumer_key=x&oauth_signature_method=HMAC-SHA1&a="+strings.Repeat("%20", 9000)+" HTTP/1.1\r\nHost: x\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			const most = 64 // allocations; a parameter costs several
			got := testing.AllocsPerRun(10, func() {
				if _, err := a.account(t.Context(), r, form{}); !errors.Is(err, errUnauthorized) {
					t.Errorf("got %v", err)
				}
			})
			if got > most {
				t.Errorf("a refusal took %v allocations, want at most %d", got, most)
			}
		})
	}
}

// Forms, too, are bounded before they are parsed.
func TestFormsOfManyFields(t *testing.T) {
	s := start(t, &fakeEngine{})
	part := "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
	for kind, body := range map[string]string{
		"application/x-www-form-urlencoded": strings.Repeat("a=b&", maxParams) + "upload_id=" + testID,
		"multipart/form-data; boundary=b":   strings.Repeat(part, maxParams+1) + "--b--\r\n",
	} {
		got := s.call(t, "POST", "/1/commit_chunked_upload/auto/x", "Content-Type: "+kind+"\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n", body)
		if got.status != 400 || got.body != `{"error": "form has too many fields"}` {
			t.Errorf("%s: got %d %s", kind, got.status, got.body)
		}
	}
}
