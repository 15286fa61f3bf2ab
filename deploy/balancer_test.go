package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestBalancer(t *testing.T) {
	config := read(t, "deploy/nginx.conf")
	for _, want := range []string{
		"proxy_request_buffering off;",
		"proxy_buffering off;",
		"proxy_http_version 1.1;",
		"client_max_body_size 0;",
	} {
		if !strings.Contains(config, want) {
			t.Errorf("nginx.conf lacks %q", want)
		}
	}

	var servers, proxies []string
	for _, m := range regexp.MustCompile(`(?m)^\s*server (\S+):8080`).FindAllStringSubmatch(config, -1) {
		servers = append(servers, m[1])
	}
	for name, s := range everything(t) {
		if s.Image == "chunkgate:local" {
			proxies = append(proxies, name)
		}
	}
	slices.Sort(servers)
	slices.Sort(proxies)
	if len(proxies) != 3 || !slices.Equal(servers, proxies) {
		t.Errorf("balanced over %v, the proxies are %v", servers, proxies)
	}
}
