package proxy

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// formRequest is a request with a body.
func formRequest(query, contentType, body string) *request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header["Content-Type"] = []string{contentType}
	w := httptest.NewRecorder()
	return &request{Context: echo.New().NewContext(r, w), body: newBody(w, r, time.Hour)}
}

// Whatever comes as parameters: a form's are what net/http reads in it, and
// what is taken for a flag, an offset or an id is one.
func FuzzParameters(f *testing.F) {
	const boundary = "----BENCURL"
	for _, form := range []string{ // of Appendix A
		"overwrite=False&upload_id=" + testID, "locale=en_US&upload_id=" + testID + "&overwrite=false",
		"upload_id=" + testID + "&oauth_consumer_key=key&oauth_signature=sec%26toksec", "a=%zz&b=;&=", "offset=-1&offset=007",
	} {
		f.Add(form, "application/x-www-form-urlencoded; charset=utf-8", form)
	}
	f.Add("offset=9223372036854775807", "multipart/form-data; boundary="+boundary,
		"--"+boundary+"\r\nContent-Disposition: form-data; name=\"upload_id\"\r\n\r\n"+testID+"\r\n--"+boundary+"\r\n"+
			"Content-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nbytes\r\n--"+boundary+"--\r\n")
	f.Add("offset=9223372036854775808&overwrite=TRUE", "", "upload_id=x")
	f.Fuzz(func(t *testing.T, query, contentType, body string) {
		r := formRequest(query, contentType, body)
		params, err := r.params()
		if err != nil {
			return
		}
		checkMultipart(t, contentType, body, params)
		checkFlag(t, params)
		if n, err := parseOffset(first(params, "offset")); err == nil && first(params, "offset") != "" {
			if digits := strings.TrimLeft(first(params, "offset"), "0"); n < 0 || n > 0 && strconv.FormatInt(n, 10) != digits {
				t.Errorf("offset %q is read as %d", first(params, "offset"), n)
			}
		}
		if id, err := r.uploadID(params); err == nil {
			if plain := url.QueryEscape(id); plain != id || id == "" || len(id) > maxUploadID || strings.ContainsAny(id, ".~") {
				t.Errorf("upload id %q", id)
			}
		}
	})
}

// checkMultipart compares with net/http's own reading of a multipart form.
func checkMultipart(t *testing.T, contentType, body string, params url.Values) {
	t.Helper()
	if !strings.HasPrefix(contentType, "multipart/form-data;") || len(body) > maxForm {
		return
	}
	other := formRequest("", contentType, body).Request()
	if err := other.ParseMultipartForm(1 << 20); err != nil {
		return
	}
	for name, values := range other.MultipartForm.Value {
		got := params[name]
		if len(got) < len(values) || !slices.Equal(got[len(got)-len(values):], values) {
			t.Errorf("multipart %q is read as %q, want %q", name, got, values)
		}
	}
}

func checkFlag(t *testing.T, params url.Values) {
	t.Helper()
	words := map[string]bool{"true": true, "1": true, "false": false, "0": false}
	value := strings.ToLower(first(params, "overwrite"))
	want, known := words[value]
	got, err := parseBool(params, "overwrite", true)
	if value == "" {
		want, known = true, true
	}
	if known != (err == nil) || known && got != want {
		t.Errorf("overwrite=%q is read as %t, %v; words are %q", value, got, err, slices.Sorted(maps.Keys(words)))
	}
}
