package s3backend

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/chunkgate/chunkgate/checkup"
)

// versions looks whether what is staged goes when it is deleted. In a bucket
// with versions a delete hides an object, and every upload leaves its bytes once
// more; under Object Lock nothing can remove them before their time.
func (x *examiner) versions(ctx context.Context) checkup.Finding {
	out, err := x.b.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &x.b.bucket})
	switch {
	case codeOf(err) == "NotImplemented":
		return checkup.Good("the store keeps none")
	case err != nil:
		return checkup.Doubt("allow s3:GetBucketVersioning to doctor, or see yourself that the bucket keeps no versions of what is under "+x.e.StagingPrefix,
			"whether the bucket keeps versions cannot be read: %s", codeOr(err))
	case out.Status == "":
		return checkup.Good("the bucket keeps none")
	}
	locked, err := x.retention(ctx)
	if err != nil {
		return checkup.Doubt("allow s3:GetBucketObjectLockConfiguration to doctor", "the bucket keeps versions; whether it locks them cannot be read: %s", codeOr(err))
	}
	rules, err := x.rules(ctx)
	if err != nil {
		return checkup.Doubt("allow s3:GetLifecycleConfiguration to doctor", "the bucket keeps versions; whether a rule removes them cannot be read: %s", codeOr(err))
	}
	noncurrent, markers := false, false
	for _, r := range rules {
		n, m := x.frees(r)
		noncurrent, markers = noncurrent || n, markers || m
	}
	const advice = "apply the rules for versions in deploy/iam/lifecycle-versions.json (docs/deployment.md)"
	switch {
	case !noncurrent:
		return checkup.Doubt(advice, "the bucket keeps versions%s, and no rule removes those under %s: each upload leaves its bytes a second time", locked, x.e.StagingPrefix)
	case !markers:
		return checkup.Doubt(advice, "the bucket keeps versions%s, and no rule removes the delete markers under %s, which slow listings", locked, x.e.StagingPrefix)
	case locked != "":
		return checkup.Doubt("use a bucket without a default retention, if that room matters", "the bucket keeps versions%s: what was staged goes after that only", locked)
	}
	return checkup.Good("the bucket keeps versions, and rules remove those under %s", x.e.StagingPrefix)
}

// retention is what Object Lock does by default to every object, as a clause; "" if nothing.
func (x *examiner) retention(ctx context.Context) (string, error) {
	out, err := x.b.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &x.b.bucket})
	switch code := codeOf(err); {
	case code == "ObjectLockConfigurationNotFoundError" || code == "NotImplemented":
		return "", nil
	case err != nil:
		return "", err
	}
	c := out.ObjectLockConfiguration
	if c == nil || c.Rule == nil || c.Rule.DefaultRetention == nil {
		return "", nil
	}
	if r := c.Rule.DefaultRetention; r.Years != nil {
		return fmt.Sprintf(" and locks each for %d years", *r.Years), nil
	}
	return fmt.Sprintf(" and locks each for %d days", aws.ToInt32(c.Rule.DefaultRetention.Days)), nil
}

// frees is whether a rule removes noncurrent versions, and delete markers with
// no version behind them, of all that is staged.
func (x *examiner) frees(r types.LifecycleRule) (noncurrent, markers bool) {
	prefix, tagged := filterOf(r)
	if r.Status != types.ExpirationStatusEnabled || tagged || !strings.HasPrefix(x.e.StagingPrefix, prefix) {
		return false, false
	}
	return r.NoncurrentVersionExpiration != nil, r.Expiration != nil && aws.ToBool(r.Expiration.ExpiredObjectDeleteMarker)
}
