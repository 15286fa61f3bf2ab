package testserver

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// Proxy is a chunkgate process.
type Proxy struct {
	*Process
	BaseURL string // http://host:port, or https

	start func(TB) *Process
}

// Restart starts the program again at its address, with the same settings,
// after it has ended.
func (p *Proxy) Restart(tb TB) {
	tb.Helper()
	<-p.Exited()
	p.Process = p.start(tb)
}

// Token is the bearer token that Serve's proxies know, Owner whose it is, and
// KeyPrefix where that one's objects are.
const (
	Token     = "test-token"
	Owner     = "tester"
	KeyPrefix = "tests/"
)

// tokens is the tokens file for Token.
const tokens = "sha256:4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e  " + Owner + "  " + KeyPrefix + "\n"

// Build builds the program, with the race detector unless told otherwise by
// flags of go build.
func Build(tb TB, flags ...string) string {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "chunkgate")
	args := append([]string{"build", "-race", "-o", program}, flags...)
	cmd := exec.Command("go", append(args, "./cmd/chunkgate")...)
	cmd.Dir = Root(tb)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build chunkgate: %v\n%s", err, out)
	}
	return program
}

// Serve runs the program on a free port until the test ends, in front of s and
// r. env is added to its settings and wins.
func Serve(tb TB, program string, s Store, r Redis, env ...string) Proxy {
	tb.Helper()
	return serve(tb, program, s, r, "http://", http.DefaultClient, env)
}

// ServeTLS is Serve by https: env names a certificate that client trusts.
func ServeTLS(tb TB, program string, s Store, r Redis, client *http.Client, env ...string) Proxy {
	tb.Helper()
	return serve(tb, program, s, r, "https://", client, env)
}

func serve(tb TB, program string, s Store, r Redis, scheme string, client *http.Client, env []string) Proxy {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte(tokens), 0o600); err != nil {
		tb.Fatal(err)
	}
	addr := FreeAddr(tb)
	p := Proxy{BaseURL: scheme + addr}
	settings := append(Settings(s, r), "CHUNKGATE_LISTEN="+addr, "CHUNKGATE_TOKENS_FILE="+file, "GORACE=halt_on_error=1")
	settings = append(settings, env...)
	p.start = func(tb TB) *Process {
		return start(tb, answersTo(client, p.BaseURL+"/readyz", http.StatusOK), settings, program, "serve")
	}
	p.Process = p.start(tb)
	return p
}

// Settings tell the program where s and r are.
func Settings(s Store, r Redis) []string {
	return []string{
		"CHUNKGATE_REDIS_URL=" + r.URL,
		"CHUNKGATE_S3_ENDPOINT=" + s.Endpoint,
		"CHUNKGATE_S3_BUCKET=" + s.Bucket,
		"CHUNKGATE_S3_PATH_STYLE=true",
		"AWS_ACCESS_KEY_ID=" + s.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
		"AWS_REGION=" + s.Region,
	}
}
