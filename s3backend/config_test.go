package s3backend

import (
	"context"
	"strings"
	"testing"
)

func TestConfigRefused(t *testing.T) {
	cases := []struct {
		config Config
		want   string
	}{
		{Config{}, "bucket"},
		{Config{Bucket: "b", Checksum: "md5"}, "checksum"},
		{Config{Bucket: "b", Endpoint: "localhost:9000"}, "endpoint"},
		{Config{Bucket: "b", Endpoint: "http://user:word@localhost"}, "credentials"},
		{Config{Bucket: "b"}, "region"},
	}
	isolate(t)
	for _, c := range cases {
		_, err := New(context.Background(), c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want something about the %s", c.config, err, c.want)
		}
	}
}

func TestAutoChecksum(t *testing.T) {
	isolate(t)
	const own = "http://127.0.0.1:9"
	cases := []struct {
		config Config
		env    string // AWS_ENDPOINT_URL
		want   Checksum
	}{
		{Config{Endpoint: own}, "", Trailer},
		{Config{Endpoint: own, Checksum: None}, "", None},
		{Config{Endpoint: own, Checksum: Off}, "", Off},
		{Config{Region: "eu-west-1"}, "", None},
		{Config{Region: "eu-west-1", Checksum: Trailer}, "", Trailer},
		{Config{}, own, Trailer},
	}
	for _, c := range cases {
		t.Setenv("AWS_ENDPOINT_URL", c.env)
		c.config.Bucket = "b"
		b, err := New(context.Background(), c.config)
		if err != nil {
			t.Errorf("%+v: %v", c.config, err)
			continue
		}
		if b.checksum != c.want {
			t.Errorf("%+v with AWS_ENDPOINT_URL=%q: got checksum %q, want %q", c.config, c.env, b.checksum, c.want)
		}
	}
}

// isolate keeps the machine's own AWS settings out.
func isolate(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
}
