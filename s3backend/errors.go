package s3backend

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/chunkgate/chunkgate/upload"
)

// translate puts what the store, the SDK and the network say into upload's
// closed list. ctx is the caller's: only its end is reported as such, not that
// of a timeout of ours. The cause is kept as text, lest a context's or a
// reader's error in it be taken for the caller's own.
func translate(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if code := codeOf(err); code != "" {
		r := refused(code, err)
		if code == "InvalidRequest" && strings.Contains(r.message, "Object Lock") { // a setting's fault, not the request's
			return fmt.Errorf("%s: %w: %w: %w", what, upload.ErrUnavailable, errWantsChecksum, r)
		}
		return fmt.Errorf("%s: %w", what, translateCode(code, r))
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	return fmt.Errorf("%s: %w: %v", what, upload.ErrUnavailable, err)
}

var errWantsChecksum = errors.New("the bucket's Object Lock has a default retention, which wants a checksum with every body: " +
	"set CHUNKGATE_S3_CHECKSUM to trailer, or use a bucket without")

// translateCode knows the codes that mean something other than that the store
// did not do its part.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func translateCode(code string, err error) error {
	switch code {
	case "NoSuchUpload", "NoSuchKey", "NotFound": // NotFound: HEAD, which has no body
		return fmt.Errorf("%w: %w", upload.ErrNotExist, err)
	case "PreconditionFailed":
		return fmt.Errorf("%w: %w", upload.ErrConflict, err)
	case "KeyTooLongError", "InvalidURI", "InvalidObjectName", "XMinioInvalidObjectName", "XMinioInvalidResourceName":
		return fmt.Errorf("%w (%w)", &upload.InvalidError{Reason: "the store does not take this path"}, err)
	case "InvalidPart":
		return fmt.Errorf("%w: %w", upload.ErrNoPart, err)
	case "InvalidPartOrder", "EntityTooSmall", "EntityTooLarge",
		"InvalidArgument", "InvalidRange", "InvalidRequest", "MalformedXML":
		return err // a defect of ours: repeating it does not help
	}
	// Also 409 ConditionalRequestConflict: AWS could not decide a race, and a
	// repeat will.
	return fmt.Errorf("%w: %w", upload.ErrUnavailable, err)
}

// refusal is what the store said instead of doing it. The SDK's error stays as
// text only.
type refusal struct {
	code    string
	status  int    // of HTTP; 0 if unknown
	message string // the store's own, or ""
	text    string // the SDK's
}

func (r *refusal) Error() string { return r.text }

func refused(code string, err error) *refusal {
	r := &refusal{code: code, text: err.Error()}
	var said smithy.APIError
	if errors.As(err, &said) {
		r.message = said.ErrorMessage()
	}
	var head *smithyhttp.ResponseError
	if errors.As(err, &head) {
		r.status = head.HTTPStatusCode()
	}
	return r
}

// codeOf is what the store answered, in its own words but for a HEAD; "" if it
// did not.
func codeOf(err error) string {
	var said smithy.APIError
	if errors.As(err, &said) {
		return said.ErrorCode()
	}
	return ""
}
