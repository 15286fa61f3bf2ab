package s3backend

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"regexp"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/upload"
)

// Examination is what a bucket is examined for.
type Examination struct {
	StagingPrefix string        // everything is tried under it
	TTL           time.Duration // an upload's life
	// StaleExpiry is after how long the store is said to give up unfinished
	// uploads, where it cannot be asked (MinIO); 0: not said.
	StaleExpiry time.Duration
	Now         func() time.Time
}

// Examine checks whether the bucket is fit to take uploads: it makes every call
// that uploads need, under the staging prefix, and sends some 5 MiB. It leaves
// nothing behind, and its last finding says so. It ends early when the bucket
// cannot be reached at all.
func (b *Backend) Examine(ctx context.Context, e Examination) iter.Seq[checkup.Finding] {
	return func(yield func(checkup.Finding) bool) {
		x := &examiner{b: b, e: e, failed: map[string]bool{}, folder: e.StagingPrefix + "doctor-" + rand.Text() + "/"}
		reached := checkup.Do(ctx, bucketCheck, x.reach)
		if !yield(reached) || x.header == nil {
			return
		}
		goOn := true
		for _, t := range x.trials() {
			f := x.try(ctx, t)
			if goOn = yield(f); !goOn {
				break
			}
		}
		// What was made is removed even if the one who asked has gone.
		left := checkup.Do(context.WithoutCancel(ctx), "s3 cleanup", x.cleanUp)
		if goOn {
			yield(left)
		}
	}
}

const bucketCheck = "s3 bucket"

// examiner is one examination under way.
type examiner struct {
	b      *Backend
	e      Examination
	folder string
	failed map[string]bool // checks whose outcome others need

	header   http.Header // of the bucket's answer; nil: there was none
	sent     time.Time   // when the bucket was asked
	answered time.Time

	taken    upload.Object // an object that is in the way of others
	m        upload.Multipart
	part     upload.Part // uploaded, with a number that leaves a gap
	copied   upload.Part
	complete error // of Complete with a condition that does not hold
}

// trial is one check, in an order in which each finds what those before made.
type trial struct {
	name  string
	needs string // the check without which this one cannot be made, or ""
	make  func(context.Context) checkup.Finding
}

func (x *examiner) trials() []trial {
	return []trial{
		{"s3 clock", "", x.clock},
		{"s3 expiry", "", x.expiry},
		{"s3 versions", "", x.versions},
		{"s3 PutObject", "", x.put},
		{"s3 HeadObject", "s3 PutObject", x.head},
		{"s3 GetObject", "s3 PutObject", x.get},
		{"s3 ListObjectsV2", "s3 PutObject", x.list},
		{"s3 names", "s3 ListObjectsV2", x.names},
		{"s3 conditions on PutObject", "s3 PutObject", x.putConditions},
		{"s3 CreateMultipartUpload", "", x.create},
		{"s3 UploadPart", "s3 CreateMultipartUpload", x.uploadPart},
		{"s3 checksum trailers", "s3 UploadPart", x.trailers},
		{"s3 UploadPartCopy", "s3 CreateMultipartUpload", x.copyPart},
		{"s3 ListParts", "s3 CreateMultipartUpload", x.listParts},
		{"s3 ListMultipartUploads", "s3 CreateMultipartUpload", x.listMultiparts},
		{"s3 AbortMultipartUpload", "s3 CreateMultipartUpload", x.abort},
		{"s3 CompleteMultipartUpload", "s3 UploadPart", x.completeRefused},
		{"s3 conditions on CompleteMultipartUpload", "s3 CompleteMultipartUpload", x.completeConditions},
		{"s3 part numbers", "s3 CompleteMultipartUpload", x.gaps},
		{"s3 DeleteObject", "s3 PutObject", x.delete},
	}
}

func (x *examiner) try(ctx context.Context, t trial) checkup.Finding {
	f := checkup.Finding{Check: t.name, Level: checkup.Warn, Found: "not tried: it needs " + t.needs, Advice: "repair that first"}
	if !x.failed[t.needs] {
		f = checkup.Do(ctx, t.name, t.make)
	}
	x.failed[t.name] = f.Level == checkup.Fail || x.failed[t.needs]
	return f
}

// key is one of our own.
func (x *examiner) key(name string) string { return x.folder + name }

// reach asks for the bucket and keeps what kind of store answers. HEAD would not
// do: its answer has no body that says what is wrong.
func (x *examiner) reach(ctx context.Context) checkup.Finding {
	x.sent = x.e.Now()
	out, err := x.b.ask(ctx, x.folder)
	x.answered = x.e.Now()
	if err != nil {
		var head *smithyhttp.ResponseError
		if errors.As(err, &head) && head.HTTPStatusCode() == http.StatusForbidden {
			x.header = head.Response.Header
		}
		return denied(translate(ctx, "list objects", err), "s3:ListBucket")
	}
	x.header = http.Header{}
	if raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok {
		x.header = raw.Header
	}
	return checkup.Good("%s answers, in %s", x.store(), x.answered.Sub(x.sent).Round(100*time.Microsecond))
}

// store is what the store calls itself.
func (x *examiner) store() string {
	if name := x.header.Get("Server"); name != "" {
		return name
	}
	return "the store"
}

func (x *examiner) clock(context.Context) checkup.Finding {
	theirs, err := http.ParseTime(x.header.Get("Date"))
	if err != nil {
		return checkup.Doubt("see yourself that its clock is right", "it does not tell the time")
	}
	return checkup.Skew(theirs, time.Second, x.sent, x.answered)
}

// expecting is how stores name the region that is right.
var expecting = regexp.MustCompile(`expecting '([^']+)'`)

// denied judges a call that did not do what it should.
func denied(err error, action string) checkup.Finding {
	var r *refusal
	if !errors.As(err, &r) {
		return checkup.Bad("see that CHUNKGATE_S3_ENDPOINT is right and that the network lets us through", "%v", err)
	}
	said := r.code
	if r.message != "" {
		said += ": " + r.message
	}
	switch r.code {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return checkup.Bad("give new credentials: a session token has an end, those of a role come anew by themselves", "%s", said)
	case "AuthorizationHeaderMalformed":
		region := "the bucket's region"
		if m := expecting.FindStringSubmatch(r.message); m != nil {
			region = m[1]
		}
		return checkup.Bad("set AWS_REGION to "+region, "%s", said)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId":
		return checkup.Bad("set the right credentials, as the AWS SDK looks for them (AWS_ACCESS_KEY_ID and kin)", "%s", said)
	case "RequestTimeTooSkewed":
		return checkup.Bad("let all machines follow NTP", "%s", said)
	case "TemporaryRedirect":
		return checkup.Bad("set CHUNKGATE_S3_ENDPOINT and AWS_REGION to where the bucket is", "%s", said)
	case "NoSuchBucket":
		return checkup.Bad("create the bucket, or name the right one in CHUNKGATE_S3_BUCKET", "%s", said)
	}
	switch {
	case r.status == http.StatusForbidden:
		return checkup.Bad("allow "+action+"; on AWS in the policy of the role that chunkgate runs as", "refused with 403 %s", said)
	case r.status == http.StatusMovedPermanently:
		return checkup.Bad("set AWS_REGION to the bucket's region", "%s", said)
	case r.status == http.StatusNotImplemented:
		return checkup.Bad("use a store that has this call", "%s", said)
	}
	return checkup.Bad("see what the store's own log says of it", "%d %s", r.status, said)
}

// allowed judges a call by its error.
func allowed(err error, action, done string, args ...any) checkup.Finding {
	if err != nil {
		return denied(err, action)
	}
	return checkup.Good("%s", fmt.Sprintf(done, args...))
}
