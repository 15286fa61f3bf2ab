package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

func TestEnvironment(t *testing.T) {
	parser, err := kong.New(new(commands))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		variables string // with blanks between
		unknown   strays
		wrong     string
	}{
		{variables: "CHUNKGATE_S3_BUCKET=b CHUNKGATE_KEY_PREFIX= HOME=/ S3_BUCKET=x"},
		{
			variables: "CHUNKGATE_TOKEN_FILE=f",
			wrong:     "CHUNKGATE_TOKEN_FILE is no setting; is CHUNKGATE_TOKENS_FILE meant?",
		},
		{
			variables: "CHUNKGATE_OWNER_MAX_OBJEKTS=1",
			wrong:     "CHUNKGATE_OWNER_MAX_OBJEKTS is no setting; is CHUNKGATE_OWNER_MAX_OBJECT meant?",
		},
		{variables: "CHUNKGATE_S3BUCKET=b", wrong: "CHUNKGATE_S3BUCKET is no setting; is CHUNKGATE_S3_BUCKET meant?"},
		{variables: "CHUNKGATE_COLOUR=red CHUNKGATE_BUCKET_NAME=b", unknown: strays{"CHUNKGATE_BUCKET_NAME", "CHUNKGATE_COLOUR"}},
		{variables: "CHUNKGATE_PORT=8080", unknown: strays{"CHUNKGATE_PORT"}},
		{variables: `CHUNKGATE_SERVICE_HOST=10.0.0.1 CHUNKGATE_SERVICE_PORT=8080 CHUNKGATE_SERVICE_PORT_HTTP=8080
			CHUNKGATE_PORT=tcp://10.0.0.1:8080 CHUNKGATE_PORT_8080_TCP=tcp://10.0.0.1:8080
			CHUNKGATE_PORT_8080_TCP_PROTO=tcp CHUNKGATE_PORT_8080_TCP_PORT=8080 CHUNKGATE_PORT_8080_TCP_ADDR=10.0.0.1
			CHUNKGATE_ADMIN_SERVICE_HOST=10.0.0.2 CHUNKGATE_ADMIN_PORT=tcp://10.0.0.2:9090
			CHUNKGATE_PORT_53_UDP=udp://10.0.0.1:53`},
	} {
		unknown, err := environment(parser.Model, strings.Fields(test.variables))
		if got := errorText(err); got != test.wrong {
			t.Errorf("%s: got %q, want %q", test.variables, got, test.wrong)
		}
		if diff := cmp.Diff(test.unknown, unknown); diff != "" {
			t.Errorf("%s: unknown (-want +got):\n%s", test.variables, diff)
		}
	}
	for _, space := range []string{" b", "b\n"} {
		if _, err := environment(parser.Model, []string{"CHUNKGATE_S3_BUCKET=" + space}); err == nil {
			t.Errorf("%q is taken", space)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A setting with a default that is set but empty never counts as something
// else, whichever it is.
func TestEmptySettings(t *testing.T) {
	t.Setenv("CHUNKGATE_S3_BUCKET", "uploads")
	t.Setenv("CHUNKGATE_S3_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("CHUNKGATE_JWT_JWKS_URL", "https://issuer/keys")
	t.Setenv("CHUNKGATE_JWT_ISSUER", "https://issuer")
	t.Setenv("CHUNKGATE_JWT_AUDIENCE", "chunkgate")
	for _, name := range withDefault(reflect.TypeFor[settings]()) {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "")
			wantUsage(t, name+" is set, but empty")
		})
	}
}

func withDefault(s reflect.Type) (names []string) {
	for f := range s.Fields() {
		if _, ok := f.Tag.Lookup("embed"); ok || f.Anonymous {
			names = append(names, withDefault(f.Type)...)
		} else if f.Tag.Get("default") != "" {
			names = append(names, f.Tag.Get("env"))
		}
	}
	return names
}

// Every command stops at a misspelt setting; help is there all the same.
func TestMisspelt(t *testing.T) {
	t.Setenv("CHUNKGATE_STAGING_PREFX", "mine/")
	for _, args := range []string{"serve", "doctor", "health", "uploads ls"} {
		var out bytes.Buffer
		code := run(t.Context(), strings.Fields(args), &out, &out)
		if code != exitUsage || out.String() != "chunkgate: CHUNKGATE_STAGING_PREFX is no setting; is CHUNKGATE_STAGING_PREFIX meant?\n" {
			t.Errorf("%s: exit %d: %s", args, code, &out)
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"serve", "--help"}, &out, &out); code != exitOK {
		t.Errorf("--help: exit %d: %s", code, &out)
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"prefix", "prefx", 1}, {"ab", "ba", 2},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q to %q: got %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
