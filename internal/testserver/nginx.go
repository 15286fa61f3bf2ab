package testserver

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// nginxMain is around a configuration that is meant for conf.d.
// It is one process, so that ending it leaves no worker behind.
const nginxMain = `daemon off;
master_process off;
%[2]s
pid %[1]s/pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    include %[1]s/site.conf;
}
`

// The parts of a configuration that are about another machine: where it
// listens, and its backends, which Debian's nginx cannot resolve at run time
// (that needs 1.27.3).
var (
	nginxListen  = regexp.MustCompile(`listen \d+;`)
	nginxBackend = regexp.MustCompile(`(\s+server \S+ resolve;)+`)
)

// Nginx runs nginx with a configuration file of this module's in front of
// proxies until the test ends, after `nginx -t` has accepted it.
func Nginx(tb testing.TB, config string, backends ...Proxy) Proxy {
	tb.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		tb.Fatal("this test needs nginx in PATH (package nginx-light)")
	}
	site, err := os.ReadFile(filepath.Join(Root(tb), config))
	if err != nil {
		tb.Fatal(err)
	}
	var servers strings.Builder
	for _, b := range backends {
		fmt.Fprintf(&servers, "\n    server %s;", strings.TrimPrefix(b.BaseURL, "http://"))
	}
	addr, dir := FreeAddr(tb), tb.TempDir()
	site = nginxListen.ReplaceAll(site, []byte("listen "+addr+";"))
	site = nginxBackend.ReplaceAll(site, []byte(servers.String()))
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // dir is ours alone
	}
	main := filepath.Join(dir, "nginx.conf")
	for name, text := range map[string][]byte{main: fmt.Appendf(nil, nginxMain, dir, user), filepath.Join(dir, "site.conf"): site} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	if out, err := exec.Command(program, "-t", "-c", main).CombinedOutput(); err != nil {
		tb.Fatalf("nginx -t: %v\n%s", err, out)
	}
	p := Proxy{BaseURL: "http://" + addr}
	p.Process = start(tb, answers(p.BaseURL+"/healthz", http.StatusOK), nil, program, "-c", main)
	return p
}
