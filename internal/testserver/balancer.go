package testserver

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// nginxMain is around deploy/nginx.conf. One process is enough, and can be
// killed as a whole.
const nginxMain = `daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include balancer.conf;
}
`

// What of deploy/nginx.conf is of the Compose network: the port, and names that
// Docker resolves at run time, which Debian's nginx does not do (it needs 1.27.3).
var (
	nginxListen  = regexp.MustCompile(`listen \d+;`)
	nginxProxies = regexp.MustCompile(`(\s+server \S+ resolve([^;]*);)+`)
)

// Balancer is an nginx in front of proxies, as deploy/nginx.conf sets it up.
type Balancer struct {
	*Process
	BaseURL string // http://host:port
}

// StartBalancer balances over the proxies until the test ends. `nginx -t` has
// to accept the settings first.
func StartBalancer(tb TB, proxies ...Proxy) Balancer {
	tb.Helper()
	program := nginxProgram(tb)
	conf, err := os.ReadFile(filepath.Join(Root(tb), "deploy", "nginx.conf"))
	if err != nil {
		tb.Fatal(err)
	}
	var servers strings.Builder
	for _, p := range proxies {
		fmt.Fprintf(&servers, "\n    server %s$2;", strings.TrimPrefix(p.BaseURL, "http://"))
	}
	addr, dir := FreeAddr(tb), tb.TempDir()
	conf = nginxListen.ReplaceAll(conf, []byte("listen "+addr+";"))
	conf = nginxProxies.ReplaceAll(conf, []byte(servers.String()))
	for name, content := range map[string][]byte{"nginx.conf": []byte(nginxMain), "balancer.conf": conf} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	args := []string{"-p", dir, "-e", "stderr", "-c", "nginx.conf"}
	if out, err := exec.Command(program, append(args, "-t")...).CombinedOutput(); err != nil {
		tb.Fatalf("nginx -t: %v\n%s", err, out)
	}
	b := Balancer{BaseURL: "http://" + addr}
	b.Process = start(tb, answers(b.BaseURL+"/healthz", http.StatusOK), nil, program, args...)
	return b
}
