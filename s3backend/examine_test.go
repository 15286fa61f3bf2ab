package s3backend_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
)

// intercept is a proxy before a store that answers some requests itself, and
// may change the store's answers.
type intercept struct {
	answer func(http.ResponseWriter, *http.Request) bool // whether it did
	change func(*http.Response)
}

func (i intercept) start(t *testing.T, endpoint string) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: func(r *http.Response) error {
			if i.change != nil {
				i.change(r)
			}
			return nil
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.answer == nil || !i.answer(w, r) {
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// call names a request as the documentation of S3 does, but HeadBucket and
// HeadObject of an absent object.
func call(r *http.Request) string {
	q := r.URL.Query()
	inBucket := strings.Count(strings.Trim(r.URL.Path, "/"), "/") == 0
	switch r.Method {
	case http.MethodPut:
		switch {
		case r.Header.Get("X-Amz-Copy-Source") != "":
			return "UploadPartCopy"
		case q.Has("partNumber"):
			return "UploadPart"
		}
		return "PutObject"
	case http.MethodPost:
		switch {
		case q.Has("uploads"):
			return "CreateMultipartUpload"
		case q.Has("delete"):
			return "DeleteObjects"
		}
		return "CompleteMultipartUpload"
	case http.MethodDelete:
		if q.Has("uploadId") {
			return "AbortMultipartUpload"
		}
		return "DeleteObject"
	case http.MethodHead:
		if inBucket {
			return "HeadBucket"
		}
		return "HeadObject"
	}
	switch {
	case q.Has("lifecycle"):
		return "GetBucketLifecycleConfiguration"
	case q.Has("uploadId"):
		return "ListParts"
	case q.Has("uploads"):
		return "ListMultipartUploads"
	case inBucket:
		return "ListObjectsV2"
	}
	return "GetObject"
}

// say answers with a status and a body.
func say(w http.ResponseWriter, r *http.Request, status int, format string, args ...any) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("ETag", `"00000000000000000000000000000001"`)
	w.Header().Set("X-Amz-Request-Id", "1")
	body := fmt.Sprintf(format, args...)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
	return true
}

func refuse(w http.ResponseWriter, r *http.Request, status int, code string) bool {
	return say(w, r, status, "<Error><Code>%s</Code><Message>No.</Message></Error>", code)
}

// refusing refuses every call.
func refusing(status int, code string) intercept {
	return intercept{answer: func(w http.ResponseWriter, r *http.Request) bool { return refuse(w, r, status, code) }}
}

// malformed says that the region is wrong, as AWS does: where there is a body.
var malformed = intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
	return say(w, r, http.StatusBadRequest, "<Error><Code>AuthorizationHeaderMalformed</Code>"+
		"<Message>the region 'us-east-1' is wrong; expecting 'eu-north-1'</Message><Region>eu-north-1</Region></Error>")
}}

// denying refuses one call, as a policy does.
func denying(name string) intercept {
	return intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == name && refuse(w, r, http.StatusForbidden, "AccessDenied")
	}}
}

// lifecycle gives the bucket of a store that calls itself AmazonS3 these rules.
func lifecycle(rules string) intercept {
	return intercept{
		answer: func(w http.ResponseWriter, r *http.Request) bool {
			if call(r) != "GetBucketLifecycleConfiguration" {
				return false
			}
			if rules == "" {
				return refuse(w, r, http.StatusNotFound, "NoSuchLifecycleConfiguration")
			}
			return say(w, r, http.StatusOK, "<LifecycleConfiguration>%s</LifecycleConfiguration>", rules)
		},
		change: named("AmazonS3"),
	}
}

func named(server string) func(*http.Response) {
	return func(r *http.Response) { r.Header.Set("Server", server) }
}

func rule(filter, action string) string {
	return "<Rule><ID>r</ID><Status>Enabled</Status>" + filter + action + "</Rule>"
}

const (
	everything = "<Filter><Prefix></Prefix></Filter>"
	staged     = "<Filter><Prefix>.chunkgate/</Prefix></Filter>"
	elsewhere  = "<Filter><Prefix>logs/</Prefix></Filter>"
	abort1     = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
	abort3     = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>3</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
	delete1    = "<Expiration><Days>1</Days></Expiration>"
	delete3    = "<Expiration><Days>3</Days></Expiration>"
)

// failing are ways in which a store is not fit, with the check that has to say
// so.
var failing = []struct {
	name   string
	store  intercept
	config func(*s3backend.Config)
	stale  time.Duration
	check  string
	level  checkup.Level
	found  string
	advice string
	alone  bool // nothing else is tried
}{
	{name: "bucket denied", store: denying("ListObjectsV2"), check: "s3 bucket", level: checkup.Fail, found: "refused with 403 AccessDenied", advice: "allow s3:ListBucket"},
	{name: "put denied", store: denying("PutObject"), check: "s3 PutObject", level: checkup.Fail, found: "refused with 403 AccessDenied: No.", advice: "allow s3:PutObject;"},
	{name: "put of tagged and encrypted denied", store: denying("PutObject"), config: func(c *s3backend.Config) {
		c.Storage = s3backend.Storage{SSE: s3backend.ByKMS, Tags: map[string]string{"a": "b"}}
	}, check: "s3 PutObject", level: checkup.Fail, found: "refused", advice: "allow s3:PutObject, s3:PutObjectTagging, kms:GenerateDataKey, kms:Decrypt;"},
	{name: "head denied", store: denying("HeadObject"), check: "s3 HeadObject", level: checkup.Fail, found: "refused with 403", advice: "allow s3:GetObject;"},
	{name: "absence hidden", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == "HeadObject" && strings.HasSuffix(r.URL.Path, "/absent") && refuse(w, r, http.StatusForbidden, "AccessDenied")
	}}, check: "s3 HeadObject", level: checkup.Fail, found: "refused with 403", advice: "allow s3:ListBucket: without it S3 hides"},
	{name: "get denied", store: denying("GetObject"), check: "s3 GetObject", level: checkup.Fail, found: "refused with 403", advice: "allow s3:GetObject,"},
	{name: "get answers other bytes", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == "GetObject" && say(w, r, http.StatusOK, "sixteen others! ")
	}}, check: "s3 GetObject", level: checkup.Fail, found: "16 bytes for 16", advice: "do not use"},
	{name: "list denied", store: denying("ListObjectsV2"), check: "s3 ListObjectsV2", level: checkup.Fail, found: "refused with 403", advice: "allow s3:ListBucket;"},
	{name: "list is empty", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == "ListObjectsV2" && say(w, r, http.StatusOK, "<ListBucketResult><Name>uploads</Name></ListBucketResult>")
	}}, check: "s3 ListObjectsV2", level: checkup.Fail, found: "0 objects of 2", advice: "use a store that lists"},
	{name: "create denied", store: denying("CreateMultipartUpload"), check: "s3 CreateMultipartUpload", level: checkup.Fail, found: "refused with 403", advice: "allow s3:PutObject;"},
	{name: "what needs a denied call", store: denying("CreateMultipartUpload"), check: "s3 part numbers", level: checkup.Warn, found: "not tried: it needs s3 CompleteMultipartUpload", advice: "repair"},
	{name: "part denied", store: denying("UploadPart"), check: "s3 UploadPart", level: checkup.Fail, found: "refused with 403", advice: "allow s3:PutObject;"},
	{name: "trailers not known", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == "UploadPart" && refuse(w, r, http.StatusNotImplemented, "NotImplemented")
	}}, check: "s3 UploadPart", level: checkup.Fail, found: "NotImplemented", advice: "CHUNKGATE_S3_CHECKSUM=none"},
	{name: "trailers not verified", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == "UploadPart" && r.URL.Query().Get("partNumber") == "6" && say(w, r, http.StatusOK, "")
	}}, check: "s3 checksum trailers", level: checkup.Fail, found: "a wrong checksum was taken", advice: "use a store that verifies"},
	{name: "trailers verified", check: "s3 checksum trailers", level: checkup.OK, found: "a part with a wrong checksum was refused"},
	{name: "trailers off", config: func(c *s3backend.Config) { c.Checksum = s3backend.None }, check: "s3 checksum trailers", level: checkup.OK, found: "not used"},
	{name: "copy denied", store: denying("UploadPartCopy"), check: "s3 UploadPartCopy", level: checkup.Fail, found: "refused with 403", advice: "allow s3:PutObject, s3:GetObject;"},
	{name: "gaps not tried without a copy", store: denying("UploadPartCopy"), check: "s3 part numbers", level: checkup.Warn, found: "it needs s3 UploadPartCopy", advice: "repair"},
	{name: "list of parts denied", store: denying("ListParts"), check: "s3 ListParts", level: checkup.Fail, found: "refused with 403", advice: "allow s3:ListMultipartUploadParts;"},
	{name: "list of multipart uploads denied", store: denying("ListMultipartUploads"), check: "s3 ListMultipartUploads", level: checkup.Fail, found: "refused with 403", advice: "allow s3:ListBucketMultipartUploads;"},
	{name: "multipart uploads are not listed", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == "ListMultipartUploads" && say(w, r, http.StatusOK, "<ListMultipartUploadsResult></ListMultipartUploadsResult>")
	}}, check: "s3 ListMultipartUploads", level: checkup.Fail, found: "does not list the one", advice: "use a store that lists"},
	{name: "abort denied", store: denying("AbortMultipartUpload"), check: "s3 AbortMultipartUpload", level: checkup.Fail, found: "refused with 403", advice: "allow s3:AbortMultipartUpload;"},
	{name: "complete denied", store: denying("CompleteMultipartUpload"), check: "s3 CompleteMultipartUpload", level: checkup.Fail, found: "refused with 403", advice: "allow s3:PutObject;"},
	{name: "delete denied", store: denying("DeleteObject"), check: "s3 DeleteObject", level: checkup.Fail, found: "refused with 403", advice: "allow s3:DeleteObject;"},
	{name: "delete of many denied", store: denying("DeleteObjects"), check: "s3 DeleteObject", level: checkup.Fail, found: "refused with 403", advice: "allow s3:DeleteObject;"},
	{name: "something is left", store: denying("DeleteObjects"), check: "s3 cleanup", level: checkup.Warn, found: "something may be left", advice: "delete .chunkgate/doctor-"},
	{name: "backslashes become slashes", store: intercept{change: func(r *http.Response) {
		if call(r.Request) == "ListObjectsV2" {
			body, _ := io.ReadAll(r.Body)
			body = bytes.ReplaceAll(body, []byte("taken-too%5Cbelow"), []byte("taken-too/below"))
			body = bytes.ReplaceAll(body, []byte(`taken-too\below`), []byte("taken-too/below"))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Length", fmt.Sprint(len(body)))
		}
	}}, check: "s3 names", level: checkup.Warn, found: `it takes a\b for a/b`, advice: "have the store keep backslashes"},
	{name: "put ignores If-None-Match", store: ignoring("PutObject", "If-None-Match"), check: "s3 conditions on PutObject", level: checkup.Fail, found: "If-None-Match: * over an object that is there was ignored", advice: "use a store that keeps conditions"},
	{name: "put ignores If-Match", store: ignoring("PutObject", "If-Match"), check: "s3 conditions on PutObject", level: checkup.Fail, found: "If-Match with another ETag over", advice: "use a store that keeps conditions"},
	{name: "put does not know conditions", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == "PutObject" && r.Header.Get("If-None-Match") != "" && refuse(w, r, http.StatusNotImplemented, "NotImplemented")
	}}, check: "s3 conditions on PutObject", level: checkup.Fail, found: "was not answered with 412 but: NotImplemented", advice: "use a store that has this call"},
	{name: "complete ignores If-None-Match", store: ignoring("CompleteMultipartUpload", "If-None-Match"), check: "s3 conditions on CompleteMultipartUpload", level: checkup.Fail, found: "If-None-Match: * over", advice: "use a store that keeps conditions"},
	{name: "complete ignores If-Match", store: ignoring("CompleteMultipartUpload", "If-Match"), check: "s3 conditions on CompleteMultipartUpload", level: checkup.Fail, found: "If-Match with another ETag over", advice: "use a store that keeps conditions"},
	{name: "gaps lose bytes", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		// The second look at the object is the one after Complete.
		return call(r) == "HeadObject" && strings.HasSuffix(r.URL.Path, "/taken") && !first(r) && say(w, r, http.StatusOK, "")
	}}, check: "s3 part numbers", level: checkup.Fail, found: "parts 1 and 5 became", advice: "use a store that takes part numbers with gaps"},
	{name: "gaps refused", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == "CompleteMultipartUpload" && refuse(w, r, http.StatusBadRequest, "InvalidPartOrder")
	}}, check: "s3 CompleteMultipartUpload", level: checkup.Fail, found: "InvalidPartOrder", advice: "see what the store's own log"},
	{name: "clock behind", store: intercept{change: func(r *http.Response) {
		r.Header.Set("Date", time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat))
	}}, check: "s3 clock", level: checkup.Fail, found: "behind ours", advice: "NTP"},
	{name: "MinIO does not say", check: "s3 expiry", level: checkup.Warn, found: "24h by default", advice: "MINIO_API_STALE_UPLOADS_EXPIRY=72h"},
	{name: "MinIO's expiry is short", stale: 24 * time.Hour, check: "s3 expiry", level: checkup.Fail, found: "after 24h0m0s, but they live 48h0m0s", advice: "MINIO_API_STALE_UPLOADS_EXPIRY=72h"},
	{name: "MinIO's expiry is long", stale: 72 * time.Hour, check: "s3 expiry", level: checkup.OK, found: "is said to end"},
	{name: "versitygw", store: intercept{change: named("VERSITYGW")}, check: "s3 expiry", level: checkup.OK, found: "versitygw ends no upload"},
	{name: "no rule", store: lifecycle(""), check: "s3 expiry", level: checkup.Warn, found: "no rule ends", advice: "AbortIncompleteMultipartUpload after 3 days, and one that expires .chunkgate/ after 3"},
	{name: "good rules", store: lifecycle(rule(everything, abort3) + rule(staged, delete3) + rule(elsewhere, delete1)), check: "s3 expiry", level: checkup.OK, found: "leave uploads the 48h0m0s"},
	{name: "aborts too early", store: lifecycle(rule(elsewhere, abort1)), check: "s3 expiry", level: checkup.Fail, found: `rule "r" ends multipart uploads after 1 days`, advice: "wait 3 days"},
	{name: "disabled rule", store: lifecycle(strings.ReplaceAll(rule(everything, abort1), "Enabled", "Disabled")), check: "s3 expiry", level: checkup.Warn, found: "no rule ends", advice: "add"},
	{name: "deletes everything too early", store: lifecycle(rule(everything, delete1)), check: "s3 expiry", level: checkup.Fail, found: "deletes what is under .chunkgate/ after 1 days", advice: "wait 3 days"},
	{name: "deletes by an old rule's prefix", store: lifecycle(rule("<Prefix>.chunk</Prefix>", delete1)), check: "s3 expiry", level: checkup.Fail, found: "deletes what is under", advice: "wait"},
	{name: "deletes what is tagged", store: lifecycle(rule("<Filter><And><Prefix></Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter>", delete1) + rule(everything, abort3)), check: "s3 expiry", level: checkup.OK, found: "leave"},
	{name: "freezes too early", store: lifecycle(rule(staged, "<Transition><Days>0</Days><StorageClass>GLACIER</StorageClass></Transition>")), check: "s3 expiry", level: checkup.Fail, found: "freezes what is under", advice: "wait"},
	{name: "lifecycle denied", store: func() intercept {
		i := denying("GetBucketLifecycleConfiguration")
		i.change = named("AmazonS3")
		return i
	}(), check: "s3 expiry", level: checkup.Warn, found: "cannot be read: AccessDenied", advice: "allow s3:GetLifecycleConfiguration to doctor"},
	{name: "wrong key", config: func(c *s3backend.Config) { c.AccessKey = "another" }, check: "s3 PutObject", level: checkup.Fail, found: "InvalidAccessKeyId", advice: "set the right credentials"},
	{name: "wrong region", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return refuse(w, r, http.StatusMovedPermanently, "PermanentRedirect")
	}}, check: "s3 bucket", level: checkup.Fail, found: "", advice: "set AWS_REGION"},
	{name: "region told", store: malformed, check: "s3 bucket", level: checkup.Fail, found: "AuthorizationHeaderMalformed: the region", advice: "set AWS_REGION to eu-north-1", alone: true},
	{name: "clock that nothing tells", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		w.Header()["Date"] = nil
		return refuse(w, r, http.StatusForbidden, "RequestTimeTooSkewed")
	}}, check: "s3 bucket", level: checkup.Fail, found: "RequestTimeTooSkewed", advice: "NTP"},
	{name: "sent to others", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Location", "http://elsewhere.example"+r.URL.RequestURI())
		return refuse(w, r, http.StatusTemporaryRedirect, "TemporaryRedirect")
	}}, check: "s3 bucket", level: checkup.Fail, found: "TemporaryRedirect", advice: "set CHUNKGATE_S3_ENDPOINT"},
	{name: "token expired", store: refusing(http.StatusBadRequest, "ExpiredToken"), check: "s3 bucket", level: checkup.Fail, found: "ExpiredToken", advice: "give new credentials"},
	{name: "maintenance page", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return say(w, r, http.StatusOK, "<html>maintenance</html>")
	}}, check: "s3 bucket", level: checkup.Fail, found: "", advice: "see that CHUNKGATE_S3_ENDPOINT"},
	{name: "copy without a result", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		return call(r) == "UploadPartCopy" && say(w, r, http.StatusOK, "")
	}}, check: "s3 UploadPartCopy", level: checkup.Fail, found: "", advice: "e"},
	{name: "no bucket", config: func(c *s3backend.Config) { c.Bucket = "another" }, check: "s3 bucket", level: checkup.Fail, found: "NoSuchBucket", advice: "create the bucket", alone: true},
	{name: "nobody there", config: func(c *s3backend.Config) { c.Endpoint = "http://127.0.0.1:1" }, check: "s3 bucket", level: checkup.Fail, found: "refused", advice: "see that CHUNKGATE_S3_ENDPOINT"},
}

// ignoring answers success to a call with a condition, whatever is there.
func ignoring(name, header string) intercept {
	return intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		said := ""
		if name == "CompleteMultipartUpload" {
			said = `<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>`
		}
		return call(r) == name && r.Header.Get(header) != "" && say(w, r, http.StatusOK, "%s", said)
	}}
}

// seen are the paths that first was asked about.
var seen = map[string]bool{}

func first(r *http.Request) bool {
	again := seen[r.URL.Path]
	seen[r.URL.Path] = true
	return !again
}

// TestExamine has each check say what is wrong with a store, and leave nothing
// where it may delete.
func TestExamine(t *testing.T) {
	minio := testserver.MinIO(t)
	look := teststore.Open(t, minio)
	for _, c := range failing {
		t.Run(c.name, func(t *testing.T) {
			config := s3backend.Config{
				Endpoint: c.store.start(t, minio.Endpoint), Bucket: minio.Bucket, PathStyle: true,
				AccessKey: minio.AccessKey, SecretKey: minio.SecretKey,
			}
			if c.config != nil {
				c.config(&config)
			}
			f, all := examined(t, config, c.stale, c.check)
			if f.Level != c.level || !strings.Contains(f.Found, c.found) || !strings.Contains(f.Advice, c.advice) || (f.Advice == "") != (c.advice == "") {
				t.Errorf("got %+v\nwant %s: %s – %s\nall: %+v", f, c.level, c.found, c.advice, all)
			}
			if c.alone && len(all) > 1 {
				t.Errorf("more was tried though the bucket cannot be reached: %+v", all)
			}
			for _, f := range all {
				if strings.Contains(f.Found+f.Advice, minio.SecretKey) || strings.Contains(f.Found+f.Advice, "\n") {
					t.Errorf("a secret or a second line: %+v", f)
				}
			}
			left := teststore.Keys(t, look, "")
			if len(left) > 0 {
				if err := look.Delete(t.Context(), left...); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(all[len(all)-1].Found, "something may be left") {
					t.Errorf("left without a word: %q", left)
				}
			}
		})
	}
}

func examined(t *testing.T, config s3backend.Config, stale time.Duration, check string) (f checkup.Finding, all []checkup.Finding) {
	t.Helper()
	b, err := s3backend.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	e := s3backend.Examination{StagingPrefix: ".chunkgate/", TTL: 48 * time.Hour, StaleExpiry: stale, Now: time.Now}
	for found := range b.Examine(t.Context(), e) {
		if all = append(all, found); found.Check == check {
			f = found
		}
	}
	return f, all
}

// Whoever stops asking leaves nothing either.
func TestExamineStopped(t *testing.T) {
	minio := testserver.MinIO(t)
	open := map[string]bool{} // ids of multipart uploads
	counted := minio
	counted.Endpoint = intercept{change: func(r *http.Response) {
		switch name := call(r.Request); {
		case name == "CreateMultipartUpload":
			body, err := io.ReadAll(r.Body)
			id := uploadID.FindSubmatch(body)
			if err != nil || id == nil {
				t.Errorf("%s answers %q, %v", name, body, err)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			open[string(id[1])] = true
		case (name == "CompleteMultipartUpload" || name == "AbortMultipartUpload") && r.StatusCode < 300:
			delete(open, r.Request.URL.Query().Get("uploadId"))
		}
	}}.start(t, minio.Endpoint)
	b := mustOpen(t, counted, s3backend.Auto)
	for stop := 1; stop < 20; stop++ {
		n := 0
		for range b.Examine(t.Context(), s3backend.Examination{StagingPrefix: ".chunkgate/", TTL: time.Hour, Now: time.Now}) {
			if n++; n == stop {
				break
			}
		}
		if keys := teststore.Keys(t, b, ""); len(keys) > 0 {
			t.Errorf("stopped after %d: objects are left: %q", stop, keys)
		}
		if len(open) > 0 {
			t.Errorf("stopped after %d: multipart uploads are left: %v", stop, open)
		}
	}
}

var uploadID = regexp.MustCompile("<UploadId>(.*)</UploadId>")
