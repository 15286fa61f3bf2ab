package s3backend

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// mostAnswer is more than any store says about a part, in bytes.
const mostAnswer = 64 << 10

// accepted reads and closes an answer that has nothing to tell but its head,
// and makes an error of a refusal, in the SDK's types.
func accepted(r *http.Response) error {
	defer r.Body.Close()
	said, err := io.ReadAll(io.LimitReader(r.Body, mostAnswer))
	if r.StatusCode/100 == 2 {
		return err
	}
	if err == nil {
		err = refusalIn(said, r.StatusCode)
	}
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: r}, Err: err},
		RequestID:     r.Header.Get("X-Amz-Request-Id"),
	}
}

// refusalIn is what the body of a refusal says. Without a code, the status
// has to do.
func refusalIn(said []byte, status int) error {
	var refusal struct{ Code, Message string }
	if err := xml.Unmarshal(said, &refusal); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read refusal: %w", err)
	}
	if refusal.Code == "" && refusal.Message == "" {
		refusal.Message = http.StatusText(status)
		refusal.Code = strings.ReplaceAll(refusal.Message, " ", "")
	}
	if refusal.Code == "" {
		refusal.Code = "UnknownError"
	}
	return &smithy.GenericAPIError{Code: refusal.Code, Message: refusal.Message}
}
