package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadmeTable compares the README's table of settings with the code.
func TestReadmeTable(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(readme)) {
		if strings.HasPrefix(line, "| `CHUNKGATE_") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if diff := cmp.Diff(tableOf(reflect.TypeFor[settings]()), got); diff != "" {
		t.Errorf("README's table of settings (-code +README):\n%s", diff)
	}
}

func tableOf(s reflect.Type) []string {
	var rows []string
	for f := range s.Fields() {
		if _, ok := f.Tag.Lookup("embed"); ok || f.Anonymous {
			rows = append(rows, tableOf(f.Type)...)
			continue
		}
		value := "–"
		if d := f.Tag.Get("default"); d != "" {
			value = "`" + d + "`"
		}
		help := strings.ReplaceAll(f.Tag.Get("help"), "|", `\|`)
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", f.Tag.Get("env"), value, help))
	}
	return rows
}

// TestWrongSettings: each stops the start with one sentence that names the
// setting and says why.
func TestWrongSettings(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("secret alice alice/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ env, value, want string }{
		{"CHUNKGATE_S3_BUCKET", "", "must name the bucket"},
		{"CHUNKGATE_INSECURE_NO_AUTH", "false", "CHUNKGATE_TOKENS_FILE must name the file of tokens"},
		{"CHUNKGATE_TOKENS_FILE", tokens, "--insecure-no-auth"},
		{"CHUNKGATE_JWT_JWKS_URL", "https://issuer/keys", "--insecure-no-auth"},
		{"CHUNKGATE_JWT_ISSUER", "https://issuer", "CHUNKGATE_JWT_JWKS_URL must name"},
		{"CHUNKGATE_JWT_LEEWAY", "1h", "CHUNKGATE_JWT_LEEWAY must be"},
		{"CHUNKGATE_JWT_REFRESH", "1s", "CHUNKGATE_JWT_REFRESH must be"},
		{"CHUNKGATE_TOKENS_RELOAD", "1ms", "CHUNKGATE_TOKENS_RELOAD must be"},
		{"CHUNKGATE_MAX_IN_FLIGHT", "-1", "CHUNKGATE_MAX_IN_FLIGHT must be"},
		{"CHUNKGATE_OWNER_SHARE", "0", "CHUNKGATE_OWNER_SHARE must be"},
		{"CHUNKGATE_OWNER_SHARE", "101", "CHUNKGATE_OWNER_SHARE must be"},
		{"CHUNKGATE_OWNER_MAX_OBJECT", "-1MiB", "CHUNKGATE_OWNER_MAX_OBJECT must not"},
		{"CHUNKGATE_OWNER_MAX_UPLOADS", "-1", "CHUNKGATE_OWNER_MAX_UPLOADS must be"},
		{"CHUNKGATE_OWNER_MAX_IN_FLIGHT", "-1MiB", "CHUNKGATE_OWNER_MAX_IN_FLIGHT must not"},
		{"CHUNKGATE_OWNER_MAX_RATE", "2000000000", "CHUNKGATE_OWNER_MAX_RATE must be"},
		{"CHUNKGATE_MAX_CHUNK", "many", "CHUNKGATE_MAX_CHUNK"},
		{"CHUNKGATE_MAX_CHUNK", "6GiB", "CHUNKGATE_MAX_CHUNK must be"},
		{"CHUNKGATE_PARTS_PARALLEL", "0", "CHUNKGATE_PARTS_PARALLEL must be from 1 to 16"},
		{"CHUNKGATE_MAX_OBJECT", "1MiB", "CHUNKGATE_MAX_OBJECT must be at least"},
		{"CHUNKGATE_UPLOAD_TTL", "10s", "CHUNKGATE_UPLOAD_TTL must be"},
		{"CHUNKGATE_TAIL_REDIS_MAX", "1GiB", "CHUNKGATE_TAIL_REDIS_MAX must be"},
		{"CHUNKGATE_TAIL_REDIS_SHARE", "101", "CHUNKGATE_TAIL_REDIS_SHARE must be"},
		{"CHUNKGATE_TAIL_IDLE", "10s", "CHUNKGATE_TAIL_IDLE must be"},
		{"CHUNKGATE_EQUAL_PARTS", "1MiB", "CHUNKGATE_EQUAL_PARTS must be"},
		{"CHUNKGATE_BUFFER_MEMORY", "1KiB", "CHUNKGATE_BUFFER_MEMORY must be"},
		{"CHUNKGATE_KEY_PREFIX", "/x/", "CHUNKGATE_KEY_PREFIX must be"},
		{"CHUNKGATE_KEY_PREFIX", ".chunkgate/x/", "CHUNKGATE_KEY_PREFIX must not lie under"},
		{"CHUNKGATE_KEY_PREFIX", "a/../../b/", "CHUNKGATE_KEY_PREFIX must be"},
		{"CHUNKGATE_KEY_PREFIX", "a//b/", "CHUNKGATE_KEY_PREFIX must be"},
		{"CHUNKGATE_STAGING_PREFIX", "staging", "CHUNKGATE_STAGING_PREFIX must be"},
		{"CHUNKGATE_STAGING_PREFIX", "../staging/", "CHUNKGATE_STAGING_PREFIX must be"},
		{"CHUNKGATE_STAGING_PREFIX", "/", "CHUNKGATE_STAGING_PREFIX must be"},
		{"CHUNKGATE_S3_WORK_TIMEOUT", "1ms", "CHUNKGATE_S3_WORK_TIMEOUT must be"},
		{"CHUNKGATE_REDIS_REPLICAS", "-1", "CHUNKGATE_REDIS_REPLICAS must be"},
		{"CHUNKGATE_ORPHAN_INTERVAL", "1ms", "CHUNKGATE_ORPHAN_INTERVAL must be"},
		{"CHUNKGATE_COMMIT_LEASE", "1ms", "CHUNKGATE_COMMIT_LEASE must be"},
		{"CHUNKGATE_S3_TIMEOUT", "1ms", "CHUNKGATE_S3_TIMEOUT must be"},
		{"CHUNKGATE_BODY_IDLE_TIMEOUT", "0s", "CHUNKGATE_BODY_IDLE_TIMEOUT must be"},
		{"CHUNKGATE_SWEEP_INTERVAL", "1ms", "CHUNKGATE_SWEEP_INTERVAL must be"},
		{"CHUNKGATE_SHUTDOWN_TIMEOUT", "-1s", "CHUNKGATE_SHUTDOWN_TIMEOUT must not"},
		{"CHUNKGATE_S3_ENDPOINT", "minio:9000", "CHUNKGATE_S3_ENDPOINT"},
		{"CHUNKGATE_S3_CHECKSUM", "md5", "s3-checksum must be one of"},
		{"CHUNKGATE_S3_SSE", "aes", "s3-sse must be one of"},
		{"CHUNKGATE_S3_SSE_KMS_KEY_ID", "alias/x", "CHUNKGATE_S3_SSE is wrong: a KMS key needs"},
		{"CHUNKGATE_S3_SSE_BUCKET_KEY", "true", "CHUNKGATE_S3_SSE is wrong: an S3 bucket key needs"},
		{"CHUNKGATE_S3_STORAGE_CLASS", "GLACIER", "CHUNKGATE_S3_STORAGE_CLASS is wrong: the S3 storage class GLACIER cannot"},
		{"CHUNKGATE_S3_TAGS", "a=b,c=d;e", "CHUNKGATE_S3_TAGS is wrong: the value of the S3 tag \"c\" must"},
		{"CHUNKGATE_S3_TAGS", "a", "s3-tags"},
		{"CHUNKGATE_REDIS_URL", "http://user:hunter2@x", "CHUNKGATE_REDIS_URL is wrong"},
		{"CHUNKGATE_LISTEN", "nowhere", "CHUNKGATE_LISTEN cannot be listened on"},
		{"CHUNKGATE_ADMIN_LISTEN", "nowhere", "CHUNKGATE_ADMIN_LISTEN cannot be listened on"},
		{"CHUNKGATE_TLS_CERT", tokens, "CHUNKGATE_TLS_KEY must name the key"},
		{"CHUNKGATE_TLS_KEY", tokens, "CHUNKGATE_TLS_CERT must name the certificate"},
		{"CHUNKGATE_TLS_MIN_VERSION", "1.4", "tls-min-version must be one of"},
		{"CHUNKGATE_HTTP2", "true", "CHUNKGATE_HTTP2 needs TLS"},
		{"CHUNKGATE_CORS_ORIGINS", "https://a,https://b/", "CHUNKGATE_CORS_ORIGINS must be"},
		{"CHUNKGATE_LOG_LEVEL", "LOUD", "log-level"},
	}
	for _, test := range tests {
		t.Run(test.env+"="+test.value, func(t *testing.T) {
			t.Setenv("CHUNKGATE_S3_BUCKET", "uploads")
			t.Setenv("CHUNKGATE_S3_ENDPOINT", "http://127.0.0.1:1")
			t.Setenv("CHUNKGATE_LISTEN", "127.0.0.1:0")
			t.Setenv("CHUNKGATE_INSECURE_NO_AUTH", "true")
			t.Setenv("CHUNKGATE_LOG_LEVEL", "ERROR") // not the warning about it
			t.Setenv(test.env, test.value)
			wantUsage(t, test.want)
		})
	}
}

func TestWrongTokensFile(t *testing.T) {
	t.Setenv("CHUNKGATE_S3_BUCKET", "uploads")
	file := filepath.Join(t.TempDir(), "tokens")
	t.Setenv("CHUNKGATE_TOKENS_FILE", file)
	wantUsage(t, "CHUNKGATE_TOKENS_FILE cannot be read")
	if err := os.WriteFile(file, []byte("hunter2 alice alice/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, "CHUNKGATE_TOKENS_FILE is wrong: line 1")
}

func TestWrongJWT(t *testing.T) {
	for _, test := range []struct{ env, value, want string }{
		{"CHUNKGATE_JWT_JWKS_URL", "http://user:hunter2@issuer/keys", "must be a URL with https"},
		{"CHUNKGATE_JWT_ISSUER", "", "must name"},
		{"CHUNKGATE_JWT_AUDIENCE", "", "must name"},
		{"CHUNKGATE_JWT_ALGORITHMS", "HS256", "must be of RS256"},
		{"CHUNKGATE_JWT_OWNER", "{", "has a brace"},
		{"CHUNKGATE_JWT_KEY_PREFIX", "{sub", "has a brace"},
		{"CHUNKGATE_JWT_KEY_PREFIX", "", "is set, but empty"},
		{"CHUNKGATE_JWT_KEY_PREFIX", "/", "must have a {claim}"},
		{"CHUNKGATE_JWT_KEY_PREFIX", "team/", "must have a {claim}"},
		{"CHUNKGATE_JWT_KEY_PREFIX", "../{sub}/", "must have no segment that is"},
		{"CHUNKGATE_JWT_KEY_PREFIX", ".chunkgate/{sub}/", "must not lie under CHUNKGATE_STAGING_PREFIX"},
		{"CHUNKGATE_JWT_KEY_PREFIX", "/.chunkgate/{sub}/", "must not lie under CHUNKGATE_STAGING_PREFIX"},
	} {
		t.Run(test.env+"="+test.value, func(t *testing.T) {
			t.Setenv("CHUNKGATE_S3_BUCKET", "uploads")
			t.Setenv("CHUNKGATE_JWT_JWKS_URL", "https://issuer/keys")
			t.Setenv("CHUNKGATE_JWT_ISSUER", "https://issuer")
			t.Setenv("CHUNKGATE_JWT_AUDIENCE", "chunkgate")
			t.Setenv(test.env, test.value)
			wantUsage(t, test.env+" "+test.want)
		})
	}
}

func TestWrongCertificate(t *testing.T) {
	cert, key := newCertificate(t)
	_, other := newCertificate(t)
	t.Setenv("CHUNKGATE_S3_BUCKET", "uploads")
	t.Setenv("CHUNKGATE_INSECURE_NO_AUTH", "true")
	t.Setenv("CHUNKGATE_LOG_LEVEL", "ERROR")
	for _, files := range [][2]string{{"missing", key}, {cert, "missing"}, {cert, other}, {key, cert}} {
		t.Setenv("CHUNKGATE_TLS_CERT", files[0])
		t.Setenv("CHUNKGATE_TLS_KEY", files[1])
		wantUsage(t, "CHUNKGATE_TLS_CERT and CHUNKGATE_TLS_KEY cannot be used: ")
	}
}

// wantUsage runs serve and wants it to refuse, in one line without a secret.
func wantUsage(t *testing.T, want string) {
	t.Helper()
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"serve"}, &stderr, &stderr)
	got := stderr.String()
	if code != exitUsage || !strings.Contains(got, want) {
		t.Errorf("exit %d: %s\nwant exit %d and %q", code, got, exitUsage, want)
	}
	if strings.Count(got, "\n") != 1 {
		t.Errorf("want one line, got %q", got)
	}
	if strings.Contains(got, "hunter2") {
		t.Errorf("a secret is printed: %s", got)
	}
}
