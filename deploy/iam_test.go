package deploy

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// permissions are the actions that S3 wants for each operation:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
// A condition If-Match on a write wants GetObject too; UploadPartCopy wants it
// of its source.
var permissions = map[string][]string{
	"AbortMultipartUpload":            {"s3:AbortMultipartUpload"},
	"CompleteMultipartUpload":         {"s3:PutObject", "s3:GetObject"},
	"CreateMultipartUpload":           {"s3:PutObject"},
	"DeleteObject":                    {"s3:DeleteObject"},
	"DeleteObjects":                   {"s3:DeleteObject"},
	"GetBucketLifecycleConfiguration": {"s3:GetLifecycleConfiguration"},
	"GetBucketVersioning":             {"s3:GetBucketVersioning"},
	"GetObject":                       {"s3:GetObject"},
	"GetObjectLockConfiguration":      {"s3:GetBucketObjectLockConfiguration"},
	"HeadObject":                      {"s3:GetObject", "s3:ListBucket"}, // without the latter, 403 for what is not there
	"ListMultipartUploads":            {"s3:ListBucketMultipartUploads"},
	"ListObjectsV2":                   {"s3:ListBucket"},
	"ListParts":                       {"s3:ListMultipartUploadParts"},
	"PutObject":                       {"s3:PutObject", "s3:GetObject"},
	"UploadPart":                      {"s3:PutObject"},
	"UploadPartCopy":                  {"s3:PutObject", "s3:GetObject"},
}

// operations are those of S3 that s3backend uses: the methods of its slice of
// the SDK's client, each of which is called somewhere.
func operations(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "s3backend", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no s3backend: %v", err)
	}
	var code strings.Builder
	var methods []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(b)
		parsed, err := parser.ParseFile(token.NewFileSet(), file, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != "client" {
				return true
			}
			for _, m := range spec.Type.(*ast.InterfaceType).Methods.List {
				methods = append(methods, m.Names[0].Name)
			}
			return false
		})
	}
	for _, m := range methods {
		called := regexp.MustCompile(`client\.` + m + `\(|s3\.New` + m + `Paginator\(`)
		if !called.MatchString(code.String()) {
			t.Errorf("s3backend never calls %s", m)
		}
	}
	return methods
}

// statement is one of an IAM policy.
type statement struct {
	Sid, Effect string
	Action      []string
	Resource    any
	Condition   map[string]map[string]string
}

// policyFile reads a policy, and refuses what IAM does not know.
func policyFile(t *testing.T, file string) (list []statement) {
	t.Helper()
	var p struct {
		Version   string
		Statement []statement
	}
	strictJSON(t, file, &p)
	if p.Version != "2012-10-17" {
		t.Errorf("%s: version %q", file, p.Version)
	}
	for _, s := range p.Statement {
		if s.Effect != "Allow" || s.Resource == nil {
			t.Errorf("%s: %+v", file, s)
		}
		for _, a := range s.Action {
			if strings.Contains(a, "*") {
				t.Errorf("%s allows %s", file, a)
			}
		}
	}
	return p.Statement
}

func strictJSON(t *testing.T, file string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(read(t, "deploy/iam/"+file)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestPolicy: the policy has what the program's calls need, and nothing else.
func TestPolicy(t *testing.T) {
	var want []string
	for _, op := range operations(t) {
		actions, known := permissions[op]
		if !known {
			t.Errorf("which permissions does %s need?", op)
		}
		want = append(want, actions...)
	}
	slices.Sort(want)
	want = slices.Compact(want)
	var got []string
	for _, s := range policyFile(t, "policy.json") {
		got = append(got, s.Action...)
		// Bucket-wide actions are of the bucket, the others of keys: IAM ignores
		// an action whose resource is of the other kind.
		for _, r := range resources(s) {
			ofBucket := !strings.Contains(strings.TrimPrefix(r, "arn:aws:s3:::"), "/")
			if !strings.HasPrefix(r, "arn:aws:s3:::BUCKET") || ofBucket != (s.Sid == "Bucket" || s.Sid == "Doctor") {
				t.Errorf("%s is of %s", s.Sid, r)
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("allows %v\nwant   %v", got, want)
	}
}

func resources(s statement) []string {
	if one, ok := s.Resource.(string); ok {
		return []string{one}
	}
	var all []string
	for _, r := range s.Resource.([]any) {
		all = append(all, r.(string))
	}
	return all
}

// TestPolicyVariants: SSE-KMS encrypts what is put and decrypts what is copied
// and read, by way of S3 alone:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
func TestPolicyVariants(t *testing.T) {
	kms := policyFile(t, "policy-kms.json")
	if len(kms) != 1 || !slices.Equal(kms[0].Action, []string{"kms:Decrypt", "kms:GenerateDataKey"}) ||
		kms[0].Condition["StringEquals"]["kms:ViaService"] == "" {
		t.Errorf("KMS: %+v", kms)
	}
	tags := policyFile(t, "policy-tags.json")
	if len(tags) != 1 || !slices.Equal(tags[0].Action, []string{"s3:PutObjectTagging"}) {
		t.Errorf("tags: %+v", tags)
	}
}

// sweepGrace is how long after an upload's end the program still wants to clean
// up by itself: an hour, and sweepers' retries.
const sweepGrace = 2 * time.Hour

// TestLifecycle: S3 does not clean up before the program has had its turn.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
func TestLifecycle(t *testing.T) {
	for file, noncurrent := range map[string]int{"lifecycle.json": 0, "lifecycle-versions.json": 1} {
		t.Run(file, func(t *testing.T) { lifecycle(t, file, noncurrent) })
	}
}

// lifecycle wants so many rules for noncurrent versions and for their markers.
func lifecycle(t *testing.T, file string, noncurrent int) {
	var config struct {
		Rules []struct {
			ID, Status                     string
			Filter                         struct{ Prefix *string }
			AbortIncompleteMultipartUpload *struct{ DaysAfterInitiation int }
			NoncurrentVersionExpiration    *struct{ NoncurrentDays int }
			Expiration                     *struct {
				Days                      int
				ExpiredObjectDeleteMarker bool
			}
		}
	}
	strictJSON(t, file, &config)
	late := func(id string, days int) {
		if after := time.Duration(days) * 24 * time.Hour; after <= uploadTTL+sweepGrace {
			t.Errorf("%s: after %v, an upload lives for %v", id, after, uploadTTL)
		}
	}
	var aborts, expires, versions, markers int
	for _, r := range config.Rules {
		if r.Status != "Enabled" || r.Filter.Prefix == nil {
			t.Errorf("%s: %+v", r.ID, r)
			continue
		}
		if a := r.AbortIncompleteMultipartUpload; a != nil {
			aborts++
			late(r.ID, a.DaysAfterInitiation)
			// Uploads whose path was promised are opened outside the staging prefix.
			if *r.Filter.Prefix != "" {
				t.Errorf("%s is for %q alone", r.ID, *r.Filter.Prefix)
			}
		}
		if r.NoncurrentVersionExpiration != nil {
			versions++
		}
		if e := r.Expiration; e != nil {
			if e.ExpiredObjectDeleteMarker { // AWS wants it in a rule without days
				markers++
			} else {
				expires++
				late(r.ID, e.Days)
			}
			if *r.Filter.Prefix != "STAGING_PREFIX" {
				t.Errorf("%s deletes under %q", r.ID, *r.Filter.Prefix)
			}
		}
	}
	if aborts != 1 || expires != 1 || versions != noncurrent || markers != noncurrent {
		t.Errorf("%d rules abort uploads, %d expire objects, %d versions, %d markers", aborts, expires, versions, markers)
	}
}
