package s3backend

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/chunkgate/chunkgate/checkup"
)

// settings is a store that tells how its bucket is set, with versions and Object
// Lock.
type settings struct {
	client
	rules []types.LifecycleRule
	lock  *types.ObjectLockConfiguration
}

func (s settings) GetBucketLifecycleConfiguration(context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options)) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: s.rules}, nil
}

func (settings) GetBucketVersioning(context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error) {
	return &s3.GetBucketVersioningOutput{Status: types.BucketVersioningStatusEnabled}, nil
}

func (s settings) GetObjectLockConfiguration(context.Context, *s3.GetObjectLockConfigurationInput, ...func(*s3.Options)) (*s3.GetObjectLockConfigurationOutput, error) {
	return &s3.GetObjectLockConfigurationOutput{ObjectLockConfiguration: s.lock}, nil
}

func (s settings) examiner() *examiner {
	return &examiner{
		b:      &Backend{client: s, timeouts: Timeouts{}.withDefaults()},
		e:      Examination{StagingPrefix: ".chunkgate/", TTL: 48 * time.Hour},
		header: http.Header{"Server": {"AmazonS3"}},
	}
}

func enabled(r types.LifecycleRule) types.LifecycleRule {
	r.ID, r.Status = aws.String("r"), types.ExpirationStatusEnabled
	return r
}

// Doctor finds what takes staged objects from uploads that live, and nothing
// else.
func TestLifecycleRules(t *testing.T) {
	ends := enabled(types.LifecycleRule{
		AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(2)},
	})
	moves := func(class types.TransitionStorageClass, days *int32, date *time.Time) types.LifecycleRule {
		return enabled(types.LifecycleRule{Transitions: []types.Transition{{StorageClass: class, Days: days, Date: date}}})
	}
	deletes := func(days int32, f *types.LifecycleRuleFilter) types.LifecycleRule {
		return enabled(types.LifecycleRule{Filter: f, Expiration: &types.LifecycleExpiration{Days: &days}})
	}
	someday := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		rules []types.LifecycleRule
		want  string // that it finds; "": nothing wrong
	}{
		{"to the day", []types.LifecycleRule{ends, deletes(2, nil)}, ""},
		{"behind one that is disabled", []types.LifecycleRule{{Status: types.ExpirationStatusDisabled}, deletes(1, nil)}, "deletes what is under"},
		{"frozen for cheap", []types.LifecycleRule{ends, moves("GLACIER", aws.Int32(1), nil)}, "freezes what is under"},
		{"frozen deep", []types.LifecycleRule{ends, moves("DEEP_ARCHIVE", aws.Int32(1), nil)}, "freezes what is under"},
		{"frozen later", []types.LifecycleRule{ends, moves("GLACIER", aws.Int32(2), nil)}, ""},
		{"frozen one day", []types.LifecycleRule{ends, moves("GLACIER", nil, &someday)}, ""},
		{"moved where it can be read", []types.LifecycleRule{ends, moves("STANDARD_IA", aws.Int32(0), nil)}, ""},
		{"all of a size", []types.LifecycleRule{ends, deletes(1, &types.LifecycleRuleFilter{
			And: &types.LifecycleRuleAndOperator{Prefix: aws.String(".chunk"), ObjectSizeGreaterThan: aws.Int64(1)},
		})}, "deletes what is under"},
		{"all of a tag", []types.LifecycleRule{ends, deletes(1, &types.LifecycleRuleFilter{Tag: &types.Tag{Key: aws.String("t")}})}, ""},
		{"below what is staged", []types.LifecycleRule{ends, deletes(1, &types.LifecycleRuleFilter{Prefix: aws.String(".chunkgate/a")})},
			"deletes what is under"},
	} {
		f := settings{rules: c.rules}.examiner().expiry(t.Context())
		if (f.Level == checkup.OK) != (c.want == "") || !strings.Contains(f.Found, c.want) {
			t.Errorf("%s: got %+v, want %q", c.name, f, c.want)
		}
	}
}

// Doctor says for how long a lock keeps what was staged, and is content where
// there is none.
func TestRetention(t *testing.T) {
	removes := enabled(types.LifecycleRule{
		NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1)},
	})
	markers := enabled(types.LifecycleRule{Expiration: &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)}})
	elsewhere := func(r types.LifecycleRule) types.LifecycleRule {
		r.Filter = &types.LifecycleRuleFilter{Prefix: aws.String("logs/")}
		return r
	}
	disabled := func(r types.LifecycleRule) types.LifecycleRule { r.Status = types.ExpirationStatusDisabled; return r }
	tagged := func(r types.LifecycleRule) types.LifecycleRule {
		r.Filter = &types.LifecycleRuleFilter{Tag: &types.Tag{Key: aws.String("t")}}
		return r
	}
	locks := func(r *types.DefaultRetention) *types.ObjectLockConfiguration {
		return &types.ObjectLockConfiguration{Rule: &types.ObjectLockRule{DefaultRetention: r}}
	}
	both := []types.LifecycleRule{removes, markers}
	for _, c := range []struct {
		name  string
		rules []types.LifecycleRule
		lock  *types.ObjectLockConfiguration
		want  string // that it warns of; "": of nothing
	}{
		{"no lock", both, nil, ""},
		{"a lock for what asks for it", both, &types.ObjectLockConfiguration{}, ""},
		{"a rule without a retention", both, locks(nil), ""},
		{"days", both, locks(&types.DefaultRetention{Days: aws.Int32(7)}), "locks each for 7 days"},
		{"years", both, locks(&types.DefaultRetention{Years: aws.Int32(2)}), "locks each for 2 years"},
		{"in either order", []types.LifecycleRule{markers, removes}, nil, ""},
		{"versions stay", []types.LifecycleRule{markers}, nil, "leaves its bytes a second time"},
		{"markers stay", []types.LifecycleRule{removes}, nil, "delete markers"},
		{"of others", []types.LifecycleRule{elsewhere(removes), markers}, nil, "leaves its bytes a second time"},
		{"disabled", []types.LifecycleRule{disabled(removes), markers}, nil, "leaves its bytes a second time"},
		{"of what is tagged", []types.LifecycleRule{tagged(removes), markers}, nil, "leaves its bytes a second time"},
	} {
		f := settings{rules: c.rules, lock: c.lock}.examiner().versions(t.Context())
		if (f.Level == checkup.OK) != (c.want == "") || !strings.Contains(f.Found, c.want) {
			t.Errorf("%s: got %+v, want %q", c.name, f, c.want)
		}
	}
}
