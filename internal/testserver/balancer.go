package testserver

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Balancer is an nginx in front of proxies, as deploy/nginx.conf sets it up.
type Balancer struct {
	*Process
	BaseURL string // http://host:port
}

// nginxMain is around deploy/nginx.conf. One process is enough, and can be
// killed as a whole.
const nginxMain = `
daemon off;
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

// What of deploy/nginx.conf is of the Compose network: names that Docker
// resolves, and the port.
var (
	dockerDNS    = regexp.MustCompile(`(?m)^resolver .*$`)
	composeProxy = regexp.MustCompile(`server \S+:8080 resolve`)
)

// StartBalancer balances over the proxies until the test ends.
func StartBalancer(tb testing.TB, proxies ...Proxy) Balancer {
	tb.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // not in everybody's PATH
	}
	if _, err := os.Stat(program); err != nil {
		tb.Fatal("this test needs nginx: install it (Debian: package nginx-light)")
	}
	conf, err := os.ReadFile(filepath.Join(Root(tb), "deploy", "nginx.conf"))
	if err != nil {
		tb.Fatal(err)
	}
	addr, dir := FreeAddr(tb), tb.TempDir()
	text := strings.Replace(dockerDNS.ReplaceAllString(string(conf), ""), "listen 8080", "listen "+addr, 1)
	for _, p := range proxies {
		found := composeProxy.FindStringIndex(text)
		if found == nil {
			tb.Fatalf("deploy/nginx.conf has fewer than %d proxies", len(proxies))
		}
		text = text[:found[0]] + "server " + strings.TrimPrefix(p.BaseURL, "http://") + text[found[1]:]
	}
	for name, content := range map[string]string{"nginx.conf": nginxMain, "balancer.conf": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	b := Balancer{BaseURL: "http://" + addr}
	b.Process = start(tb, answers(b.BaseURL+"/readyz", http.StatusOK), nil, program, "-p", dir, "-e", "stderr", "-c", "nginx.conf")
	return b
}
