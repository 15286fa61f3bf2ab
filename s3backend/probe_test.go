package s3backend_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
)

// memory is a store in memory that keeps bodies as they come: it does not know
// that aws-chunked is a framing. It ignores conditions on the calls named, or one
// of them on a call.
func memory(ignores ...string) intercept {
	var mu sync.Mutex
	objects, parts := map[string]string{}, map[string]string{}
	return intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		key, name := r.URL.Path, call(r)
		conditional := slices.ContainsFunc([]string{"If-None-Match", "If-Match"}, func(header string) bool {
			return r.Header.Get(header) != "" && !slices.Contains(ignores, name) && !slices.Contains(ignores, name+" "+header)
		})
		if _, taken := objects[key]; taken && conditional {
			return refuse(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
		}
		body, _ := io.ReadAll(r.Body)
		switch name {
		case "ListObjectsV2":
			return say(w, r, http.StatusOK, "<ListBucketResult><Name>uploads</Name></ListBucketResult>")
		case "PutObject":
			objects[key] = string(body)
		case "GetObject":
			return say(w, r, http.StatusOK, "%s", objects[key])
		case "CreateMultipartUpload":
			return say(w, r, http.StatusOK, "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
		case "UploadPart":
			parts[key] = string(body)
		case "CompleteMultipartUpload":
			objects[key] = parts[key]
			if slices.Contains(ignores, "framing") {
				objects[key] = "2a\r\n" + parts[key] + "\r\n0\r\n"
			}
			return say(w, r, http.StatusOK, `<CompleteMultipartUploadResult><Bucket>uploads</Bucket><Key>k</Key><ETag>"x"</ETag></CompleteMultipartUploadResult>`)
		default:
			w.WriteHeader(http.StatusNoContent)
			return true
		}
		return say(w, r, http.StatusOK, "")
	}}
}

// plain sends bodies without framing.
func plain(c *s3backend.Config) { c.Checksum = s3backend.Off }

// TestProbe: what is proven to be wrong is told apart from what only cannot be
// tried now, and from nothing being wrong.
func TestProbe(t *testing.T) {
	minio := testserver.MinIO(t)
	look := teststore.Open(t, minio)
	page := func(w http.ResponseWriter, r *http.Request) bool {
		return say(w, r, http.StatusOK, "<html>maintenance</html>")
	}
	for _, c := range []struct {
		name   string
		store  intercept
		config func(*s3backend.Config)
		unfit  bool
		want   string // in the error; "": none
	}{
		{name: "fit"},
		{name: "fit without trailers", config: func(c *s3backend.Config) { c.Checksum = s3backend.None }},
		{name: "region", store: malformed, unfit: true, want: "set AWS_REGION to eu-north-1"},
		{name: "key", config: func(c *s3backend.Config) { c.AccessKey = "another" }, unfit: true, want: "set the right credentials"},
		{name: "secret", config: func(c *s3backend.Config) { c.SecretKey = "another-secret" }, unfit: true, want: "set the right credentials"},
		{name: "bucket", config: func(c *s3backend.Config) { c.Bucket = "another" }, unfit: true, want: "create the bucket"},
		{name: "denied", store: denying("PutObject"), unfit: true, want: "allow s3:PutObject"},
		{name: "framing stored", store: memory(), unfit: true, want: "with the framing of the transfer among them"},
		{name: "conditions on Put", store: memory("PutObject"), config: plain, unfit: true, want: "s3 conditions on PutObject: a condition that does not hold was ignored"},
		{name: "conditions on Complete", store: memory("CompleteMultipartUpload"), config: plain, unfit: true, want: "s3 conditions on CompleteMultipartUpload: a condition"},
		{name: "one condition on Put", store: memory("PutObject If-Match"), config: plain, unfit: true, want: "s3 conditions on PutObject: a condition"},
		{name: "framing in parts", store: memory("framing"), config: plain, unfit: true, want: "s3 CompleteMultipartUpload: it stored"},
		{name: "page with 200", store: intercept{answer: page}, want: "s3 ListObjectsV2"},
		{name: "page for parts", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
			return call(r) == "UploadPart" && page(w, r)
		}}, want: "s3 "},
		{name: "page for reads", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
			return call(r) == "GetObject" && page(w, r)
		}}, want: "s3 GetObject"},
		{name: "page with 403", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
			return say(w, r, http.StatusForbidden, "<html>no</html>")
		}}, want: "s3 ListObjectsV2"},
		{name: "bare 404", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
			return say(w, r, http.StatusNotFound, "")
		}}, want: "s3 ListObjectsV2"},
		{name: "bare 400", store: intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
			return say(w, r, http.StatusBadRequest, "")
		}}, want: "s3 ListObjectsV2"},
		{name: "away", config: func(c *s3backend.Config) { c.Endpoint = "http://127.0.0.1:1" }, want: "refused"},
		{name: "busy", store: refusing(http.StatusServiceUnavailable, "SlowDown"), want: "SlowDown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := s3backend.Config{
				Endpoint: c.store.start(t, minio.Endpoint), Bucket: minio.Bucket, PathStyle: true,
				AccessKey: minio.AccessKey, SecretKey: minio.SecretKey,
			}
			if c.config != nil {
				c.config(&config)
			}
			b, err := s3backend.New(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			err = b.Probe(t.Context(), ".chunkgate/", false)
			var unfit *s3backend.Unfit
			if errors.As(err, &unfit) != c.unfit || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant unfit %t: %s", err, c.unfit, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "\n") && c.unfit || strings.Contains(err.Error(), minio.SecretKey)) {
				t.Errorf("a second line, or a secret: %q", err)
			}
			if left := teststore.Keys(t, look, ""); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

// A probe that ends early leaves no multipart upload, and aborts none that it
// has not made.
func TestProbeEndsEarly(t *testing.T) {
	for refused, want := range map[string]int{"CompleteMultipartUpload": 1, "CreateMultipartUpload": 0} {
		aborted := 0
		kept, refuses := memory(), denying(refused)
		store := intercept{answer: func(w http.ResponseWriter, r *http.Request) bool {
			if call(r) == "AbortMultipartUpload" {
				aborted++
			}
			return refuses.answer(w, r) || kept.answer(w, r)
		}}
		b, err := s3backend.New(t.Context(), s3backend.Config{
			Endpoint: store.start(t, "http://127.0.0.1:1"), Bucket: "uploads",
			PathStyle: true, AccessKey: "a", SecretKey: "s", Checksum: s3backend.Off,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Probe(t.Context(), ".chunkgate/", false); err == nil || aborted != want {
			t.Errorf("%s: got %v and %d aborted, want an error and %d", refused, err, aborted, want)
		}
	}
}

// Conditions need not be kept where the operator says so.
func TestProbeAnyConditions(t *testing.T) {
	b, err := s3backend.New(t.Context(), s3backend.Config{
		Endpoint: memory("PutObject", "CompleteMultipartUpload").start(t, "http://127.0.0.1:1"), Bucket: "uploads",
		PathStyle: true, AccessKey: "a", SecretKey: "s", Checksum: s3backend.Off,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Probe(t.Context(), ".chunkgate/", true); err != nil {
		t.Error(err)
	}
}

// Replicas that start at once do not see each other's probes.
func TestProbesAtOnce(t *testing.T) {
	minio := testserver.MinIO(t)
	b := teststore.Open(t, minio)
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			if err := b.Probe(t.Context(), ".chunkgate/", false); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if left := teststore.Keys(t, b, ""); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
