package s3backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// streamed hides that a body is in memory.
func streamed(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }

var someUpload = upload.Multipart{Key: "k", ID: "u"}

// everyCall makes each call of the store, and answers its error.
var everyCall = []struct {
	name string
	make func(context.Context, *Backend) error
}{
	{"create", func(ctx context.Context, b *Backend) error {
		_, err := b.CreateMultipart(ctx, "k", upload.Attributes{})
		return err
	}},
	{"upload part", func(ctx context.Context, b *Backend) error {
		_, err := b.UploadPart(ctx, someUpload, 1, 5, streamed("hello"))
		return err
	}},
	{"upload part from memory", func(ctx context.Context, b *Backend) error {
		_, err := b.UploadPart(ctx, someUpload, 1, 5, strings.NewReader("hello"))
		return err
	}},
	{"copy part", func(ctx context.Context, b *Backend) error {
		_, err := b.CopyPart(ctx, someUpload, 1, "source", 0, 5)
		return err
	}},
	{"complete", func(ctx context.Context, b *Backend) error {
		_, err := b.Complete(ctx, someUpload, []upload.Part{{Number: 1, Size: 5, ETag: `"e"`}}, upload.Condition{})
		return err
	}},
	{"abort", func(ctx context.Context, b *Backend) error { return b.Abort(ctx, someUpload) }},
	{"multiparts", func(ctx context.Context, b *Backend) error {
		_, err := b.Multiparts(ctx, "k")
		return err
	}},
	{"stored parts", func(ctx context.Context, b *Backend) error {
		for _, err := range b.StoredParts(ctx, someUpload) {
			return err
		}
		return nil
	}},
	{"put", func(ctx context.Context, b *Backend) error {
		_, err := b.Put(ctx, "k", 5, streamed("hello"), upload.Attributes{}, upload.Condition{})
		return err
	}},
	{"put nothing", func(ctx context.Context, b *Backend) error {
		_, err := b.Put(ctx, "k", 0, strings.NewReader(""), upload.Attributes{}, upload.Condition{})
		return err
	}},
	{"get", func(ctx context.Context, b *Backend) error {
		r, err := b.Get(ctx, "k", int64(len(page)))
		if err == nil {
			_ = r.Close()
		}
		return err
	}},
	{"head", func(ctx context.Context, b *Backend) error {
		_, err := b.Head(ctx, "k")
		return err
	}},
	{"find", func(ctx context.Context, b *Backend) error {
		_, err := b.Find(ctx, "k")
		return err
	}},
	{"delete", func(ctx context.Context, b *Backend) error { return b.Delete(ctx, "k") }},
	{"delete many", func(ctx context.Context, b *Backend) error { return b.Delete(ctx, "k", "l") }},
	{"list", func(ctx context.Context, b *Backend) error {
		for _, err := range b.List(ctx, "p/") {
			return err
		}
		return nil
	}},
	{"staged", func(ctx context.Context, b *Backend) error {
		for _, err := range b.Staged(ctx, "p/") {
			return err
		}
		return nil
	}},
	{"ping", func(ctx context.Context, b *Backend) error { return b.Ping(ctx) }},
}

const page = "<html><body>We are back soon<br></body></html>"

// say answers with a status and a body, after the request's body was taken.
func say(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Whatever answers in the store's place, with whatever status, is neither
// believed nor the client's fault, and nothing counts as gone.
func TestLies(t *testing.T) {
	isolate(t)
	const s3header = "X-Amz-Request-Id"
	lies := []struct {
		name string
		tell http.HandlerFunc
		fit  string // for the calls to which this is no lie
	}{
		{"200 page", say(200, page, "Content-Type", "text/html"), ""},
		{"200 page with an ETag", say(200, page, "Content-Type", "text/html", "ETag", `"e"`), ""},
		{"200 empty page with an ETag", say(200, "", "Content-Type", "text/html; charset=UTF-8", "ETag", `"e"`), ""},
		{"200 text with an ETag", say(200, "ok", "Content-Type", "text/plain", "ETag", `"e"`), ""},
		{"200 empty", say(200, ""), "delete, abort"},
		{"200 of spaces", say(200, "  \n"), ""},
		{"200 without what was asked for", func(w http.ResponseWriter, r *http.Request) {
			say(200, fmt.Sprintf("<%s></%[1]s>", proofOf(r).root), s3header, "1")(w, r)
		}, "delete many, list, staged, multiparts, stored parts, ping"},
		{"204", say(204, ""), "delete, abort"},
		{"204 page", say(204, "", "Content-Type", "text/html"), ""},
		{"bare 404", say(404, ""), ""},
		{"text 404", say(404, "default backend - 404"), ""},
		{"page 404", say(404, page, "Content-Type", "text/html"), ""},
		{"bare 400", say(400, ""), ""},
		{"page 403", say(403, page, "Content-Type", "text/html"), ""},
		{"301", say(301, "", "Location", "http://127.0.0.1:1/b/k"), ""},
		{"307 to others", say(307, "<Error><Code>TemporaryRedirect</Code></Error>", "Location", "http://example.com/b/k"), ""},
		{"308", say(308, "", "Location", "https://127.0.0.1:1/b/k"), ""},
		{"411", say(411, ""), ""},
		{"412", say(412, ""), ""},
		{"416", say(416, ""), ""},
		{"417", say(417, ""), ""},
		{"cut document", func(w http.ResponseWriter, r *http.Request) {
			say(200, fmt.Sprintf("<%s><UploadId>u</UploadId><ETag>e</ETag>", proofOf(r).root), s3header, "1")(w, r)
		}, ""},
		{"cut refusal", say(404, "<Error><Code>NoSuchUpload</Code>"), ""},
		{"another call's document", say(200, "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>", "ETag", `"e"`), ""},
		{"a refusal with 200", say(200, "<Error><Code>NoSuchKey</Code></Error>", "ETag", `"e"`), "complete, copy part"},
		{"before the body", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(s3header, "1")
			w.Header().Set("ETag", `"e"`)
		}, "all but upload part, put"},
		{"without a size", func(w http.ResponseWriter, r *http.Request) {
			say(200, "", s3header, "1", "ETag", `"e"`, "Transfer-Encoding", "chunked")(w, r)
		}, "all but head, find, get"},
	}
	for _, checksum := range []Checksum{Trailer, None, Off} {
		for _, lie := range lies {
			for way, b := range bothWays(t, Config{Checksum: checksum}, lie.tell) {
				for _, call := range everyCall {
					fits := strings.Contains(", "+lie.fit+",", ", "+call.name+",")
					if but, ok := strings.CutPrefix(lie.fit, "all but "); ok {
						fits = !strings.Contains(", "+but+",", ", "+call.name+",")
					}
					if fits {
						continue
					}
					name := fmt.Sprintf("%s, %s: %s told of %s", checksum, way, call.name, lie.name)
					wantUnavailable(t, name, call.make(t.Context(), b))
				}
			}
		}
	}
}

func wantUnavailable(t *testing.T, name string, err error) {
	t.Helper()
	var invalid *upload.InvalidError
	if !errors.Is(err, upload.ErrUnavailable) || errors.As(err, &invalid) || errors.Is(err, upload.ErrNotExist) ||
		errors.Is(err, upload.ErrConflict) || errors.Is(err, upload.ErrNoPart) {
		t.Errorf("%s: got %v, want %v alone", name, err, upload.ErrUnavailable)
	}
}

// A listing of something else is none.
func TestListingOfOthers(t *testing.T) {
	isolate(t)
	for name, said := range map[string]string{
		"bucket":  "<ListBucketResult><Name>another</Name></ListBucketResult>",
		"prefix":  "<ListBucketResult><Name>b</Name><Prefix>q/</Prefix></ListBucketResult>",
		"no goal": "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
	} {
		b := bothWays(t, Config{}, say(200, said))["direct"]
		for _, err := range b.List(t.Context(), "p/") {
			wantUnavailable(t, name, err)
		}
		var all []string
		for key := range b.List(t.Context(), "p/") {
			all = append(all, key)
		}
		if len(all) == 0 {
			t.Errorf("%s: an empty listing without an error", name)
		}
	}
}

// A listing that comes back to where it was would go on for ever.
func TestListingInCircles(t *testing.T) {
	isolate(t)
	for _, circle := range []string{"a", "ab", "abcabc", "abcdefg", "abbbbb"} {
		asked := 0
		b := mustBothWays(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
			at := string(circle[asked%len(circle)])
			if asked++; asked > 100 {
				t.Errorf("%s: asked more than 100 times", circle)
				at = ""
			}
			say(200, fmt.Sprintf("<%s><Name>b</Name><IsTruncated>%t</IsTruncated><NextContinuationToken>%s</NextContinuationToken>"+
				"<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>%[3]s</NextUploadIdMarker><NextPartNumberMarker>%[3]s</NextPartNumberMarker></%[1]s>",
				proofOf(r).root, at != "", at))(w, r)
		})["direct"]
		for name, list := range map[string]func() error{
			"objects": func() error {
				for _, err := range b.List(t.Context(), "p/") {
					return err
				}
				return nil
			},
			"multipart uploads": func() error {
				for _, err := range b.multipartPages(t.Context(), "p/") {
					if err != nil {
						return err
					}
				}
				return nil
			},
			"parts": func() error {
				_, err := b.HighestPart(t.Context(), someUpload, 0)
				return err
			},
		} {
			asked = 0
			wantUnavailable(t, circle+": "+name, list())
		}
	}
}

// Google gives its answers without a body the type of a page.
func TestGoogle(t *testing.T) {
	isolate(t)
	for name, header := range map[string]string{"put": "X-Goog-Hash", "delete": "X-GUploader-UploadID"} {
		for way, b := range bothWays(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "text/html; charset=UTF-8")
			w.Header().Set(header, "1")
			if r.Method == http.MethodDelete {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			w.Header().Set("ETag", `"e"`)
		}) {
			for _, call := range everyCall {
				fits := strings.HasPrefix(call.name, "put") || strings.HasPrefix(call.name, "upload part")
				if name == "delete" {
					fits = call.name == "delete" || call.name == "abort"
				}
				if !fits {
					continue
				}
				if err := call.make(t.Context(), b); err != nil {
					t.Errorf("%s, %s: %v", way, call.name, err)
				}
			}
		}
		b := bothWays(t, Config{}, say(200, page, "Content-Type", "text/html", "ETag", `"e"`, header, "1"))["direct"]
		wantUnavailable(t, "page to a part", part(t.Context(), b))
		wantUnavailable(t, "page to DELETE", b.Delete(t.Context(), "k"))
	}
}

// Of many that are deleted, one that was not there is no failure; one that stays is.
func TestDeleteOfMany(t *testing.T) {
	isolate(t)
	for code, stays := range map[string]bool{"NoSuchKey": false, "AccessDenied": true} {
		b := mustBothWays(t, Config{}, say(200, "<DeleteResult><Error><Key>k</Key><Code>"+code+"</Code></Error></DeleteResult>"))["direct"]
		err := b.Delete(t.Context(), "k", "l")
		if (err != nil) != stays || stays && !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("%s: got %v, stays: %t", code, err, stays)
		}
	}
}

// Something in between that is busy is asked again, other pages are not.
func TestPagesAskedAgain(t *testing.T) {
	isolate(t)
	for status, again := range map[int]bool{429: true, 500: true, 503: true, 400: false, 404: false} {
		asked := 0
		b := mustBothWays(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked == 1 {
				say(status, page)(w, r)
				return
			}
			say(200, "<ListBucketResult></ListBucketResult>")(w, r)
		})["direct"]
		if err := b.Ping(t.Context()); (err == nil) != again || (asked == 2) != again {
			t.Errorf("%d: got %v, asked %d times, want again: %t", status, err, asked, again)
		}
	}
}

// Complete says what is wrong with its parts after it has said 200.
func TestRefusedWith200(t *testing.T) {
	isolate(t)
	b := mustBothWays(t, Config{}, say(200, "<Error><Code>InvalidPart</Code></Error>"))["direct"]
	_, err := b.Complete(t.Context(), someUpload, []upload.Part{{Number: 1, Size: 5, ETag: `"e"`}}, upload.Condition{})
	if !errors.Is(err, upload.ErrNoPart) {
		t.Errorf("got %v, want %v", err, upload.ErrNoPart)
	}
}

// How old what is staged is, only the store's clock tells: without it nothing is
// swept.
func TestStagedWithoutTime(t *testing.T) {
	isolate(t)
	const one = "<ListMultipartUploadsResult><Upload><Key>p/k</Key><Initiated>2020-01-01T00:00:00Z</Initiated></Upload></ListMultipartUploadsResult>"
	for name, test := range map[string]struct {
		dated, said string
		want        int
	}{
		"never":   {"", one, 0},
		"objects": {"list-type", one, 0},
		"all":     {"list-type, uploads", one, 1},
		"no list": {"list-type, uploads", page, 0},
		"in 0001": {"year one", one, 0},
	} {
		b := mustBothWays(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
			kind, said := "list-type", "<ListBucketResult></ListBucketResult>"
			if r.URL.Query().Has("uploads") {
				kind, said = "uploads", test.said
			}
			switch {
			case test.dated == "year one":
				w.Header().Set("Date", "Mon, 01 Jan 0001 00:00:00 GMT")
			case !strings.Contains(test.dated, kind):
				w.Header()["Date"] = nil
			}
			say(200, said)(w, r)
		})["direct"]
		listed := 0
		var err error
		for _, err = range b.Staged(t.Context(), "p/") {
			if err == nil {
				listed++
			}
		}
		if listed != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("%s: got %d, %v, want %d", name, listed, err, test.want)
		}
	}
}

// That an object is gone is told by a call whose answer has a body.
func TestFind(t *testing.T) {
	isolate(t)
	const gone = "<Error><Code>NoSuchKey</Code></Error>"
	for _, test := range []struct {
		name string
		get  http.HandlerFunc
		want error
	}{
		{"said so", say(404, gone), upload.ErrNotExist},
		{"bare 404", say(404, ""), upload.ErrUnavailable},
		{"there after all", say(206, "x", "ETag", `"e"`), upload.ErrUnavailable},
		{"no bucket", say(404, "<Error><Code>NoSuchBucket</Code></Error>"), upload.ErrUnavailable},
	} {
		b := mustBothWays(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			test.get(w, r)
		})["direct"]
		if _, err := b.Find(t.Context(), "k"); !errors.Is(err, test.want) || test.want != upload.ErrNotExist && errors.Is(err, upload.ErrNotExist) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

// Why a HEAD is refused is asked by a call that is told.
func TestHeadRefused(t *testing.T) {
	isolate(t)
	var invalid *upload.InvalidError
	for code, name := range map[string]bool{
		"AuthorizationHeaderMalformed": false, "ExpiredToken": false, "AccessDenied": false,
		"KeyTooLongError": true, "XMinioInvalidObjectName": true, "XMinioInvalidResourceName": true,
	} {
		b := mustBothWays(t, Config{}, say(400, "<Error><Code>"+code+"</Code></Error>"))["direct"]
		_, err := b.Head(t.Context(), "k")
		if errors.As(err, &invalid) != name || errors.Is(err, upload.ErrUnavailable) == name {
			t.Errorf("%s: got %v, the name's fault: %t", code, err, name)
		}
	}
}
