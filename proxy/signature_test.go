package proxy

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func mustRequest(tb testing.TB, raw string) *http.Request {
	tb.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func mustQuery(tb testing.TB, query string) url.Values {
	tb.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		tb.Fatal(err)
	}
	return values
}

// The base string that RFC 5849, 3.4.1.1 gives for its request, and the
// signature of it by the secrets of the RFC's erratum 2550.
func TestBaseString(t *testing.T) {
	r := mustRequest(t, "POST /request?b5=%3D%253D&a3=a&c%40=&a2=r%20b HTTP/1.1\r\nHost: example.com\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\n\r\n")
	oauth := parseOAuth(`realm="Example",
                    oauth_consumer_key="9djdj82h48djs9d2",
                    oauth_token="kkk9d7dh3k39sjv7",
                    oauth_signature_method="HMAC-SHA1",
                    oauth_timestamp="137131201",
                    oauth_nonce="7d8f3e4a",
                    oauth_signature="bYT5CMsGcbgUdFHObYMEfcx6bsw%3D"`)
	f := form{fields: mustQuery(t, "c2&a3=2+q"), signed: true}
	const want = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q" +
		"%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_" +
		"key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_m" +
		"ethod%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk" +
		"9d7dh3k39sjv7"
	got := baseString(r, "http", escape(normalized(covered(r, f, oauth))))
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s := signer{consumerSecret: "j49sk3j29djd", tokenSecret: "dh893hdasih9"}
	if got := s.sign(got); got != "r6/TJjbCOr97/+UU0NsvSne7s5g=" {
		t.Errorf("signature is %s", got)
	}
}

// The signed requests of RFC 5849, 1.2, with the scheme found out.
func TestSignatures(t *testing.T) {
	a := mustTokens(t, "oauth1:dpf43f3p2l4k3l03:kd94hf93k423kf44:hh5s93j4hdidpola:hdhd0244k9j7ao03 token /\n"+
		"oauth1:dpf43f3p2l4k3l03:kd94hf93k423kf44:nnch734d00sl2jdk:pfkkdhi9sl3r4s00 photos /\n")
	const token = "POST /token HTTP/1.1\r\nHost: photos.example.net\r\nAuthorization: OAuth realm=\"Photos\"," +
		` oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="hh5s93j4hdidpola", oauth_signature_method="HMAC-SHA1",` +
		` oauth_timestamp="137131201", oauth_nonce="walatlh", oauth_verifier="hfdp7dh39dks9884",` +
		` oauth_signature="gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"` + "\r\n\r\n"
	const photos = "GET /photos?file=vacation.jpg&size=original HTTP/1.1\r\nHost: photos.example.net\r\nAuthorization: OAuth realm=\"Photos\"," +
		` oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", oauth_signature_method="HMAC-SHA1",` +
		` oauth_timestamp="137131202", oauth_nonce="chapoH", oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"` + "\r\n\r\n"
	for raw, want := range map[string]string{token: "token", photos: "photos"} {
		if got, err := a.account(t.Context(), mustRequest(t, raw), form{}); err != nil || got.Owner != want {
			t.Errorf("%s: got %q, %v", want, got.Owner, err)
		}
		for _, change := range []string{"1371312", "Host: photos", "hdpola", "sl2jdk", "/IHF7", "size=orig", "POST", "GET", "HMAC-SHA1"} {
			changed := strings.ReplaceAll(raw, change, strings.Replace(change, change[:1], "x", 1))
			if changed == raw {
				continue
			}
			if got, err := a.account(t.Context(), mustRequest(t, changed), form{}); err == nil {
				t.Errorf("%s, %s changed: still %q", want, change, got.Owner)
			}
		}
	}
}

func TestBaseURI(t *testing.T) {
	tests := []struct{ target, host, scheme, want string }{
		{"/r%20v/X?id=123", "EXAMPLE.COM:80", "http", "http://example.com/r%20v/X"}, // RFC 5849, 3.4.1.2
		{"/?q=1", "www.example.net:8080", "https", "https://www.example.net:8080/"}, // and this one
		{"//1/x%2fy//z/", "a", "https", "https://a//1/x%2fy//z/"},
		{"/1/x", "a:443", "https", "https://a/1/x"}, // Android
		{"/1/x", "a:443", "http", "http://a:443/1/x"},
		{"/1/x://y", "a", "http", "http://a/1/x://y"},
		{"http://B:80/1/x?y", "a", "http", "http://b/1/x"},
		{"http://b", "a", "http", "http://b/"},
	}
	for _, test := range tests {
		r := mustRequest(t, "GET "+test.target+" HTTP/1.1\r\nHost: "+test.host+"\r\n\r\n")
		if got := baseURI(r, test.scheme); got != test.want {
			t.Errorf("%s: got %s, want %s", test.target, got, test.want)
		}
	}
	if got := baseURI(mustRequest(t, "OPTIONS * HTTP/1.0\r\n\r\n"), "http"); got != "http://*" {
		t.Errorf("no path: got %s", got)
	}
}

func TestNormalized(t *testing.T) {
	for query, want := range map[string]string{
		"":                  "",
		"b=1&a=2":           "a=2&b=1",
		"a-b=1&a=2":         "a=2&a-b=1", // as one string the other way round
		"a=2&a=10&a=":       "a=&a=10&a=2",
		"a=%7E-._%C3%A9%2B": "a=~-._%C3%A9%2B",
		"a=x+y%2A%27":       "a=x%20y%2A%27",
	} {
		if got := normalized(mustQuery(t, query)); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}
