package s3backend

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// pages is a store that answers a list of multipart uploads page by page.
type pages struct {
	client
	keys  [][]string // of each page
	asked *int
}

func (p pages) ListMultipartUploads(context.Context, *s3.ListMultipartUploadsInput, ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error) {
	n := *p.asked
	*p.asked++
	out := &s3.ListMultipartUploadsOutput{
		IsTruncated:        aws.Bool(n+1 < len(p.keys)),
		NextKeyMarker:      aws.String("key"),
		NextUploadIdMarker: aws.String(fmt.Sprint(n)),
	}
	for _, key := range p.keys[n] {
		out.Uploads = append(out.Uploads, types.MultipartUpload{Key: aws.String(key), UploadId: aws.String("of " + key)})
	}
	return out, nil
}

// MinIO answers for the exact key only, others for the prefix, in order.
func TestMultipartsOfPrefix(t *testing.T) {
	cases := []struct {
		name  string
		keys  [][]string
		want  int
		asked int
	}{
		{"none", [][]string{{}}, 0, 1},
		{"two pages", [][]string{{"k", "k"}, {"k"}}, 3, 2},
		{"longer keys behind", [][]string{{"k", "k/below"}, {"kk"}}, 1, 1},
		{"only longer keys", [][]string{{"k1"}, {"k2"}}, 0, 1},
		{"without end", slices.Repeat([][]string{{"k"}}, 100), maxUploadPages, maxUploadPages},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var asked int
			b := &Backend{client: pages{keys: c.keys, asked: &asked}, timeouts: Timeouts{}.withDefaults()}
			got, err := b.Multiparts(context.Background(), "k")
			if err != nil || len(got) != c.want || asked != c.asked {
				t.Errorf("got %v, %v after %d pages, want %d after %d", got, err, asked, c.want, c.asked)
			}
		})
	}
}
