package s3backend

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/chunkgate/chunkgate/checkup"
)

// day is what lifecycle rules count in. S3 rounds up to the next midnight UTC,
// so a rule of two days acts after 48 hours at the earliest.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
const day = 24 * time.Hour

// expiry looks for whatever would end an upload before its time.
func (x *examiner) expiry(ctx context.Context) checkup.Finding {
	rules, err := x.rules(ctx)
	net := false // a rule ends what nobody else does
	for _, r := range rules {
		if r.Status != types.ExpirationStatusEnabled {
			continue
		}
		if f := x.harm(r); f.Level != "" {
			return f
		}
		net = net || r.AbortIncompleteMultipartUpload != nil
	}
	server := strings.ToLower(x.header.Get("Server"))
	switch {
	case strings.Contains(server, "minio"):
		return x.minioExpiry()
	case strings.Contains(server, "versitygw"):
		return checkup.Good("versitygw ends no upload by itself")
	case err != nil:
		return checkup.Doubt(fmt.Sprintf("allow s3:GetLifecycleConfiguration to doctor, or see yourself that nothing ends unfinished uploads within %s", x.e.TTL),
			"the bucket's lifecycle cannot be read: %s", codeOr(err))
	case !net:
		days := x.safeDays()
		return checkup.Doubt(fmt.Sprintf("add a lifecycle rule with AbortIncompleteMultipartUpload after %d days, and one that expires %s after %d: a second net under the sweeper", days, x.e.StagingPrefix, days),
			"no rule ends unfinished uploads that the sweeper might miss")
	}
	return checkup.Good("lifecycle rules leave uploads the %s that they live", x.e.TTL)
}

// safeDays is how many days a rule has to wait at least.
func (x *examiner) safeDays() int { return int((x.e.TTL+day-1)/day) + 1 }

// rules are the bucket's; none is no error.
func (x *examiner) rules(ctx context.Context) ([]types.LifecycleRule, error) {
	out, err := x.b.client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &x.b.bucket})
	switch {
	case codeOf(err) == "NoSuchLifecycleConfiguration":
		return nil, nil
	case err != nil:
		return nil, err
	}
	return out.Rules, nil
}

// harm is what a rule does to uploads that live; the zero Finding if nothing.
// Multipart uploads are opened at destinations too, so every rule that aborts
// them counts, whatever its prefix. A rule for tagged objects does not concern
// what is staged, which has no tags.
func (x *examiner) harm(r types.LifecycleRule) checkup.Finding {
	bad := func(days int32, does string) checkup.Finding {
		return checkup.Bad(fmt.Sprintf("let it wait %d days", x.safeDays()), "lifecycle rule %q %s after %d days, but uploads live %s", aws.ToString(r.ID), does, days, x.e.TTL)
	}
	if a := r.AbortIncompleteMultipartUpload; a != nil && x.short(a.DaysAfterInitiation) {
		return bad(aws.ToInt32(a.DaysAfterInitiation), "ends multipart uploads")
	}
	prefix, tagged := filterOf(r)
	staging := x.e.StagingPrefix
	if tagged || !strings.HasPrefix(staging, prefix) && !strings.HasPrefix(prefix, staging) {
		return checkup.Finding{}
	}
	if e := r.Expiration; e != nil && e.Days != nil && x.short(e.Days) {
		return bad(*e.Days, "deletes what is under "+staging)
	}
	for _, t := range r.Transitions {
		frozen := t.StorageClass == types.TransitionStorageClassGlacier || t.StorageClass == types.TransitionStorageClassDeepArchive
		if frozen && t.Days != nil && x.short(t.Days) {
			return bad(*t.Days, "freezes what is under "+staging)
		}
	}
	return checkup.Finding{}
}

func (x *examiner) short(days *int32) bool {
	return time.Duration(aws.ToInt32(days))*day < x.e.TTL
}

// filterOf is which objects a rule is for: those under a prefix, and whether
// only tagged ones.
func filterOf(r types.LifecycleRule) (prefix string, tagged bool) {
	f := r.Filter
	switch {
	case f == nil:
		return aws.ToString(r.Prefix), false //nolint:staticcheck // rules from before filters have it still
	case f.And != nil:
		return aws.ToString(f.And.Prefix), len(f.And.Tags) > 0
	}
	return aws.ToString(f.Prefix), f.Tag != nil
}

// minioExpiry judges MinIO's own expiry, which is not in the bucket's lifecycle
// and which its API does not tell.
func (x *examiner) minioExpiry() checkup.Finding {
	advice := fmt.Sprintf("run MinIO with MINIO_API_STALE_UPLOADS_EXPIRY=%dh", x.safeDays()*24)
	switch said := x.e.StaleExpiry; {
	case said == 0:
		return checkup.Doubt(advice+", and tell doctor by --minio-stale-uploads-expiry",
			"MinIO ends unfinished uploads after MINIO_API_STALE_UPLOADS_EXPIRY, 24h by default, and cannot be asked; uploads live %s", x.e.TTL)
	case said <= x.e.TTL:
		return checkup.Bad(advice, "MinIO ends unfinished uploads after %s, but they live %s", said, x.e.TTL)
	default:
		return checkup.Good("MinIO is said to end unfinished uploads after %s; they live %s", said, x.e.TTL)
	}
}

// codeOr is what the store answered, or else the error.
func codeOr(err error) string {
	if code := codeOf(err); code != "" {
		return code
	}
	return err.Error()
}
