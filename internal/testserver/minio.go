package testserver

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// MinIO starts a MinIO with its data in a folder of the test's own. env is added to
// its settings and wins. The first call on a machine builds it, which takes
// minutes.
func MinIO(tb TB, env ...string) Store {
	tb.Helper()
	program := Tool(tb, "minio", "minio")
	addr := FreeAddr(tb)
	s := newStore(tb, addr)
	// On a single drive a bucket is a folder.
	if err := os.Mkdir(filepath.Join(s.Data, s.Bucket), 0o755); err != nil {
		tb.Fatal(err)
	}
	env = append([]string{
		"MINIO_ROOT_USER=" + s.AccessKey,
		"MINIO_ROOT_PASSWORD=" + s.SecretKey,
		// The default of 24 h is shorter than an upload's life.
		"MINIO_API_STALE_UPLOADS_EXPIRY=72h",
	}, env...)
	s.Process = start(tb, answers(s.Endpoint+"/"+s.Bucket, http.StatusForbidden), env, program,
		"server", s.Data, "--address", addr, "--console-address", "127.0.0.1:0", "--quiet")
	return s
}

// answers says whether a GET of url answers this status. MinIO says that it is
// ready before it is; a bucket that it refuses to strangers, it can serve.
func answers(url string, status int) func(context.Context) error {
	return answersTo(http.DefaultClient, url, status)
}

func answersTo(client *http.Client, url string, status int) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != status {
			return fmt.Errorf("GET %s: %s", url, resp.Status)
		}
		return nil
	}
}
