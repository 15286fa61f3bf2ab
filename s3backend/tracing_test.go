package s3backend

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Each call is one span, which tells what the store answered and of which part it
// was, and nothing of whose object; the SDK's steps are none.
func TestSpans(t *testing.T) {
	isolate(t)
	copied := func(ctx context.Context, b *Backend) error {
		_, err := b.CopyPart(ctx, someUpload, 7, "source", 0, 5)
		return err
	}
	ping := func(ctx context.Context, b *Backend) error { return b.Ping(ctx) }
	const refused = "<Error><Code>AccessDenied</Code></Error>"
	for _, c := range []struct {
		name   string
		call   func(context.Context, *Backend) error
		status int
		said   string
		want   string
	}{
		{"part", part, 200, "", "S3.UploadPart Unset chunkgate.part=1 http.response.status_code=200"},
		{"part refused", part, 403, refused, "S3.UploadPart Error chunkgate.part=1 error.type=AccessDenied http.response.status_code=403"},
		{"part not answered", part, 0, "", "S3.UploadPart Error chunkgate.part=1"},
		{"copy", copied, 200, "<CopyPartResult><ETag>e</ETag></CopyPartResult>",
			"S3.UploadPartCopy Unset chunkgate.part=7 http.response.status_code=200"},
		{"list", ping, 200, "<ListBucketResult></ListBucketResult>", "S3.ListObjectsV2 Unset http.response.status_code=200"},
		{"list refused", ping, 403, refused, "S3.ListObjectsV2 Error error.type=AccessDenied http.response.status_code=403"},
	} {
		spans := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		for way, b := range mustBothWays(t, Config{Tracing: provider, Timeouts: Timeouts{Continue: 50 * time.Millisecond}}, func(w http.ResponseWriter, r *http.Request) {
			if c.status == 0 {
				panic(http.ErrAbortHandler)
			}
			say(c.status, c.said)(w, r)
		}) {
			spans.Reset()
			if err := c.call(t.Context(), b); (err == nil) != (c.status == 200) {
				t.Errorf("%s, %s: %v", way, c.name, err)
			}
			var got []string
			for _, s := range spans.Ended() {
				told := []string{s.Name(), s.Status().Code.String()}
				for _, name := range []string{"chunkgate.part", "error.type", "http.response.status_code"} {
					for _, a := range s.Attributes() {
						if string(a.Key) == name {
							told = append(told, fmt.Sprintf("%s=%s", name, a.Value.String()))
						}
					}
				}
				got = append(got, strings.Join(told, " "))
				for _, a := range s.Attributes() {
					if strings.Contains(a.Value.String(), "/b/") {
						t.Errorf("%s, %s: %s tells a key: %s", way, c.name, a.Key, a.Value.String())
					}
				}
			}
			if diff := cmp.Diff([]string{c.want}, got); diff != "" {
				t.Errorf("%s, %s: spans (-want +got):\n%s", way, c.name, diff)
			}
		}
	}
}
