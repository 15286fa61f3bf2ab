package proxy

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// key is what a signer signs with, and as it is the PLAINTEXT signature
// (RFC 5849, 3.4.2 and 3.4.4).
func (s signer) key() string { return escape(s.consumerSecret) + "&" + escape(s.tokenSecret) }

// sign is the HMAC-SHA1 signature of a base string (RFC 5849, 3.4.2).
func (s signer) sign(base string) string {
	mac := hmac.New(sha1.New, []byte(s.key()))
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// covered are the parameters that a signature is made of (RFC 5849, 3.4.1.3.1):
// those of the query, of a URL-encoded form, and of the header if they came there.
func covered(r *http.Request, f form, oauth url.Values) url.Values {
	all := r.URL.Query()
	if f.signed {
		all = merged(all, f.fields)
	}
	for name, values := range oauth {
		if _, there := all[name]; !there {
			all[name] = values
		}
	}
	delete(all, "oauth_signature")
	return all
}

// baseString is what a client signs (RFC 5849, 3.4.1.1); params are normalized
// and escaped.
func baseString(r *http.Request, scheme, params string) string {
	return r.Method + "&" + escape(baseURI(r, scheme)) + "&" + params
}

// baseURI is the URL as the client wrote it, but for its query and the scheme's
// own port (RFC 5849, 3.4.1.2). The path is not r.URL's: that is canonical by
// now, and the client signed its own escapes and slashes.
func baseURI(r *http.Request, scheme string) string {
	port := map[string]string{"http": ":80", "https": ":443"}[scheme]
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if _, rest, absolute := strings.Cut(path, "://"); absolute && path[0] != '/' {
		_, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	return scheme + "://" + strings.TrimSuffix(strings.ToLower(r.Host), port) + path
}

// normalized puts parameters in the one order (RFC 5849, 3.4.1.3.2). It is that
// of names and then values, escaped, but not of the two as one string: `=` is
// greater than `-`.
func normalized(params url.Values) string {
	var pairs [][2]string
	for name, values := range params {
		for _, v := range values {
			pairs = append(pairs, [2]string{escape(name), escape(v)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	var text strings.Builder
	for i, p := range pairs {
		if i > 0 {
			text.WriteByte('&')
		}
		text.WriteString(p[0] + "=" + p[1])
	}
	return text.String()
}

// escape leaves letters, digits and -._~ as they are (RFC 5849, 3.6).
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
