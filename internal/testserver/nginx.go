package testserver

import (
	_ "embed"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Nginx is a plain reverse proxy in front of a store, its workers children of
// the process.
type Nginx struct {
	*Process
	Endpoint string // http://host:port
}

//go:embed nginx.conf
var nginxConf string

// StartNginx starts one that streams requests to s, until the test ends.
func StartNginx(tb TB, s Store) Nginx {
	tb.Helper()
	program := nginxProgram(tb)
	addr, dir := FreeAddr(tb), tb.TempDir()
	conf := strings.NewReplacer("LISTEN", addr, "UPSTREAM", strings.TrimPrefix(s.Endpoint, "http://")).Replace(nginxConf)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		tb.Fatal(err)
	}
	n := Nginx{Endpoint: "http://" + addr}
	// By SIGKILL the master would leave its workers behind.
	n.Process = startEnding(tb, syscall.SIGTERM, answers(n.Endpoint+"/"+s.Bucket, http.StatusForbidden), nil, program,
		"-p", dir, "-e", "stderr", "-c", file)
	tb.Cleanup(func() {
		_ = n.Signal(syscall.SIGTERM)
		<-n.Exited()
	})
	return n
}

func nginxProgram(tb TB) string {
	tb.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // not in everybody's PATH
	}
	if _, err := os.Stat(program); err != nil {
		tb.Fatal("this needs nginx: install it (Debian: package nginx-light)")
	}
	return program
}
