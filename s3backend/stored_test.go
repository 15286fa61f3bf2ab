package s3backend

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/chunkgate/chunkgate/upload"
)

// partPages is a store that answers a list of parts page by page, two a page.
type partPages struct {
	client
	parts int
	asked *int
}

func (p partPages) ListParts(_ context.Context, in *s3.ListPartsInput, _ ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	*p.asked++
	after := 0
	if in.PartNumberMarker != nil {
		_, _ = fmt.Sscan(*in.PartNumberMarker, &after)
	}
	out := &s3.ListPartsOutput{}
	for n := after + 1; n <= min(after+2, p.parts); n++ {
		out.Parts = append(out.Parts, types.Part{PartNumber: aws.Int32(int32(n)), Size: aws.Int64(int64(n)), ETag: aws.String("e")})
	}
	out.IsTruncated = aws.Bool(after+2 < p.parts)
	out.NextPartNumberMarker = aws.String(fmt.Sprint(after + 2))
	return out, nil
}

func TestStoredParts(t *testing.T) {
	for _, c := range []struct{ parts, want, asked int }{
		{0, 0, 1},
		{2, 2, 1},
		{5, 5, 3},
		{10_000, 2 * maxPartPages, maxPartPages}, // pages are never so small
	} {
		asked := 0
		b := &Backend{client: partPages{parts: c.parts, asked: &asked}, timeouts: Timeouts{}.withDefaults()}
		n := 0
		for p, err := range b.StoredParts(t.Context(), upload.Multipart{}) {
			if n++; err != nil || p != (upload.Part{Number: n, Size: int64(n), ETag: "e"}) {
				t.Fatalf("of %d: got %+v, %v as number %d", c.parts, p, err, n)
			}
		}
		if n != c.want || asked != c.asked {
			t.Errorf("of %d: got %d in %d pages, want %d in %d", c.parts, n, asked, c.want, c.asked)
		}
	}
	gone := &Backend{client: withoutUpload{}, timeouts: Timeouts{}.withDefaults()}
	for _, err := range gone.StoredParts(t.Context(), upload.Multipart{}) {
		if !errors.Is(err, upload.ErrNotExist) {
			t.Errorf("of none: got %v, want %v", err, upload.ErrNotExist)
		}
	}
}

// withoutUpload is a store without the multipart upload.
type withoutUpload struct{ client }

func (withoutUpload) ListParts(context.Context, *s3.ListPartsInput, ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	return nil, &types.NoSuchUpload{}
}
