package s3backend

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/chunkgate/chunkgate/upload"
)

// ifNoneMatch is the header for c. S3 takes no value but "*" on writes.
func ifNoneMatch(c upload.Condition) *string {
	if !c.Absent {
		return nil
	}
	return aws.String("*")
}

// ifMatch is the header for c.
func ifMatch(c upload.Condition) *string {
	if c.Match == "" {
		return nil
	}
	return aws.String(c.Match)
}

// translateConditional is translate for a write under c. A store says 404
// NoSuchKey when the object to match is absent: the condition does not hold.
// NoSuchUpload is the multipart upload's own absence.
func translateConditional(ctx context.Context, what string, c upload.Condition, err error) error {
	if c.Match != "" && codeOf(err) == "NoSuchKey" {
		return fmt.Errorf("%s: %w: nothing to match", what, upload.ErrConflict)
	}
	return translate(ctx, what, err)
}
