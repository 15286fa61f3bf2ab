package s3backend

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Storage is how the store keeps objects. Its settings go with the two calls
// that begin an object, PutObject and CreateMultipartUpload; parts, copied
// parts and Complete follow what CreateMultipartUpload said.
//
// Encryption is for everything. Storage class and tags are for objects that
// stay: what is staged lives for hours, while colder classes bill 30 days at
// least, and tags are what lifecycle rules and costs are reckoned by.
type Storage struct {
	SSE       Encryption        // "": the bucket's default
	KMSKey    string            // id, alias or ARN, with encryption by KMS; "": the account's aws/s3 key
	BucketKey bool              // fewer calls to KMS, with ByKMS only
	Class     string            // "": STANDARD, or what the bucket says
	Tags      map[string]string // at most 10
}

// Encryption chooses who encrypts objects at rest, as S3 names it.
type Encryption string

// The ways to encrypt. Customers' own keys (SSE-C) are none: whoever looks at
// the bucket past chunkgate would need them too.
const (
	ByS3       Encryption = "AES256"
	ByKMS      Encryption = "aws:kms"
	ByKMSTwice Encryption = "aws:kms:dsse"
)

// Validate says in a whole sentence what is wrong with s.
func (s Storage) Validate() error {
	byKMS := s.SSE == ByKMS || s.SSE == ByKMSTwice
	switch {
	case s.SSE != "" && s.SSE != ByS3 && !byKMS:
		return fmt.Errorf("the S3 encryption must be AES256, aws:kms or aws:kms:dsse, not %q", s.SSE)
	case s.KMSKey != "" && !byKMS:
		return fmt.Errorf("a KMS key needs S3 encryption by aws:kms or aws:kms:dsse")
	case strings.ContainsFunc(s.KMSKey, notGraphic):
		return fmt.Errorf("the KMS key must be an id, alias or ARN without spaces")
	case s.BucketKey && s.SSE != ByKMS:
		return fmt.Errorf("an S3 bucket key needs S3 encryption by aws:kms")
	case s.Class == "GLACIER" || s.Class == "DEEP_ARCHIVE":
		return fmt.Errorf("the S3 storage class %s cannot be read back without a restore, which clients cannot ask for: use a lifecycle rule that moves objects there later", s.Class)
	case s.Class != "" && !className.MatchString(s.Class):
		return fmt.Errorf("the S3 storage class must be a name like STANDARD_IA, not %q", s.Class)
	case len(s.Tags) > maxTags:
		return fmt.Errorf("an object can have %d tags at most, not %d", maxTags, len(s.Tags))
	}
	for key, value := range s.Tags {
		if err := checkTag(key, value); err != nil {
			return err
		}
	}
	return nil
}

// What a tag may be:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
const (
	maxTags     = 10
	maxTagKey   = 128 // characters
	maxTagValue = 256 // characters
)

var (
	className = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	tagText   = regexp.MustCompile(`^[\p{L}\p{N} +\-=._:/@]*$`)
)

func checkTag(key, value string) error {
	switch {
	case key == "" || utf8.RuneCountInString(key) > maxTagKey || !tagText.MatchString(key):
		return fmt.Errorf("the key of the S3 tag %q must be 1 to %d letters, digits, spaces or + - = . _ : / @", key, maxTagKey)
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return fmt.Errorf("the key of the S3 tag %q must not begin with aws:, which is AWS's own", key)
	case utf8.RuneCountInString(value) > maxTagValue || !tagText.MatchString(value):
		return fmt.Errorf("the value of the S3 tag %q must be at most %d letters, digits, spaces or + - = . _ : / @", key, maxTagValue)
	}
	return nil
}

func notGraphic(r rune) bool { return r <= ' ' || r > '~' }

func (s Storage) sse() types.ServerSideEncryption { return types.ServerSideEncryption(s.SSE) }

func (s Storage) kmsKey() *string { return unlessEmpty(s.KMSKey) }

func (s Storage) bucketKey() *bool {
	if !s.BucketKey {
		return nil
	}
	return aws.Bool(true)
}

// class is the storage class of a new object.
func (s Storage) class(staged bool) types.StorageClass {
	if staged {
		return ""
	}
	return types.StorageClass(s.Class)
}

// tagging is the header with a new object's tags, in order of keys.
func (s Storage) tagging(staged bool) *string {
	if staged {
		return nil
	}
	tags := url.Values{}
	for key, value := range s.Tags {
		tags.Set(key, value)
	}
	// Not every store reads a plus sign as a space here.
	return unlessEmpty(strings.ReplaceAll(tags.Encode(), "+", "%20"))
}

func unlessEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
