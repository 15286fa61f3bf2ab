package s3backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/chunkgate/chunkgate/upload"
)

var closedList = []error{
	upload.ErrUnavailable, upload.ErrNotExist, upload.ErrConflict,
	context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF,
}

func TestTranslate(t *testing.T) {
	code := func(s string) error {
		return fmt.Errorf("operation error: %w", &smithy.GenericAPIError{Code: s, Message: "no reason"})
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	live := context.Background()
	cases := []struct {
		name string
		ctx  context.Context
		err  error
		want error // the only one of the closed list; nil: none of them
	}{
		{"gone upload", live, code("NoSuchUpload"), upload.ErrNotExist},
		{"gone object", live, code("NoSuchKey"), upload.ErrNotExist},
		{"HEAD", live, code("NotFound"), upload.ErrNotExist},
		{"no bucket", live, code("NoSuchBucket"), upload.ErrUnavailable},
		{"condition", live, code("PreconditionFailed"), upload.ErrConflict},
		{"undecided race", live, code("ConditionalRequestConflict"), upload.ErrUnavailable},
		{"overload", live, code("SlowDown"), upload.ErrUnavailable},
		{"no permission", live, code("AccessDenied"), upload.ErrUnavailable},
		{"unheard of", live, code("Whatever"), upload.ErrUnavailable},
		{"our defect", live, code("EntityTooSmall"), nil},
		{"answer at the caller's end", canceled, code("NoSuchUpload"), upload.ErrNotExist},
		{"caller's end", canceled, &smithy.CanceledError{Err: context.Canceled}, context.Canceled},
		{"our timeout", live, &smithy.CanceledError{Err: context.DeadlineExceeded}, upload.ErrUnavailable},
		{"refused", live, &net.OpError{Op: "dial", Err: errors.New("connection refused")}, upload.ErrUnavailable},
		{"cut", live, io.ErrUnexpectedEOF, upload.ErrUnavailable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := translate(c.ctx, "do it", c.err)
			if got == nil {
				t.Fatal("got no error")
			}
			for _, sentinel := range closedList {
				if is, want := errors.Is(got, sentinel), sentinel == c.want; is != want {
					t.Errorf("%v is %v: got %v, want %v", got, sentinel, is, want)
				}
			}
		})
	}
	if err := translate(canceled, "do it", nil); err != nil {
		t.Errorf("got %v of no error", err)
	}
}

func TestCompleteTellsAbsencesApart(t *testing.T) {
	match := upload.Condition{Match: `"etag"`}
	cases := []struct {
		code      string
		condition upload.Condition
		want      error
	}{
		{"NoSuchUpload", match, upload.ErrNotExist},
		{"NoSuchKey", match, upload.ErrConflict},
		{"PreconditionFailed", match, upload.ErrConflict},
		{"NoSuchUpload", upload.Condition{}, upload.ErrNotExist},
	}
	for _, c := range cases {
		b := &Backend{client: answer{err: &smithy.GenericAPIError{Code: c.code}}}
		_, err := b.Complete(context.Background(), upload.Multipart{}, []upload.Part{{Number: 1}}, c.condition)
		if !errors.Is(err, c.want) {
			t.Errorf("%s under %+v: got %v, want %v", c.code, c.condition, err, c.want)
		}
	}
}
