package deploy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/http/header_formatters/preserve_case/v3"
	upstreams "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/protobuf/encoding/protojson"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// Limits of the proxies that those in front of them must fit (proxy/serve.go
// and the README's table).
const (
	bodyIdle = 60 * time.Second
	longWork = 10 * time.Minute // a commit that copies says nothing for so long
)

// keepAlive is how long a proxy keeps an idle connection. What is in front must
// be the first to close, or it sends a request into a closed one.
func keepAlive(t *testing.T) time.Duration {
	t.Helper()
	m := regexp.MustCompile(`keepAlive\s+= (\d+) \* time\.Minute`).FindStringSubmatch(read(t, "proxy/serve.go"))
	if m == nil {
		t.Fatal("no keepAlive in proxy/serve.go")
	}
	minutes, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(minutes) * time.Minute
}

// annotated is what the chart's Ingress says with a file of deploy/proxies.
func annotated(t *testing.T, file, prefix string) map[string]string {
	t.Helper()
	out, err := helm(t, "template", "gate", chart, "--kube-version", "1.37.2",
		"--values", minimal, "--values", "deploy/proxies/"+file)
	if err != nil {
		t.Fatal(err)
	}
	short := map[string]string{}
	for name, value := range decode[networking.Ingress](t, out, "Ingress", name).Annotations {
		cut, ok := strings.CutPrefix(name, prefix)
		if !ok {
			t.Errorf("%s: annotation %s is another controller's", file, name)
		}
		short[cut] = value
	}
	return short
}

func wantValues(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

// seconds is a number of them in a string.
func seconds(t *testing.T, s string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * time.Second
}

func TestIngressNginx(t *testing.T) {
	got := annotated(t, "ingress-nginx.yaml", "nginx.ingress.kubernetes.io/")
	wantValues(t, got, map[string]string{
		"proxy-request-buffering": "off", "proxy-buffering": "off", "proxy-body-size": "0",
		"proxy-http-version": "1.1", "ssl-redirect": "false",
	})
	if d := seconds(t, got["proxy-read-timeout"]); d < longWork {
		t.Errorf("commits are cut after %v", d)
	}
	if d := seconds(t, got["proxy-send-timeout"]); d <= bodyIdle {
		t.Errorf("slow bodies are cut after %v", d)
	}
	for _, rewriting := range []string{"rewrite-target", "use-regex", "app-root"} {
		if _, set := got[rewriting]; set {
			t.Errorf("%s changes the request line", rewriting)
		}
	}

	var values struct {
		Controller struct {
			Config map[string]string `json:"config"`
		} `json:"controller"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "deploy/proxies/ingress-nginx-controller.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	config := values.Controller.Config
	wantValues(t, config, map[string]string{"use-http2": "false"})
	if d := seconds(t, config["client-body-timeout"]); d <= bodyIdle {
		t.Errorf("slow clients are cut after %v", d)
	}
	if d := seconds(t, config["upstream-keepalive-timeout"]); d >= keepAlive(t) {
		t.Errorf("idle connections are kept for %v, the proxies close them after %v", d, keepAlive(t))
	}
}

func TestALB(t *testing.T) {
	got := annotated(t, "alb.yaml", "alb.ingress.kubernetes.io/")
	wantValues(t, got, map[string]string{
		"target-type": "ip", "backend-protocol-version": "HTTP1", "healthcheck-path": "/readyz",
		"listen-ports": `[{"HTTPS": 443}]`,
	})
	balancer := attributes(got["load-balancer-attributes"])
	wantValues(t, balancer, map[string]string{
		"routing.http2.enabled": "false", "routing.http.preserve_host_header.enabled": "true",
		"routing.http.drop_invalid_header_fields.enabled": "false",
	})
	if d := seconds(t, balancer["idle_timeout.timeout_seconds"]); d <= bodyIdle || d >= keepAlive(t) {
		t.Errorf("idle timeout %v, want more than %v and less than %v", d, bodyIdle, keepAlive(t))
	}
	pod := deployment(t, "deploy/proxies/alb.yaml", "image.repository=x", "redis.url=redis://x", "settings.CHUNKGATE_S3_BUCKET=x").Spec.Template.Spec
	grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
	if d := seconds(t, attributes(got["target-group-attributes"])["deregistration_delay.timeout_seconds"]); d < grace {
		t.Errorf("running requests are cut after %v, the pod takes up to %v", d, grace)
	}
	if drain := pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds; drain < 30 {
		t.Errorf("drains for %d s: new requests come until the target is deregistered", drain)
	}
}

// attributes reads a=b,c=d.
func attributes(s string) map[string]string {
	m := map[string]string{}
	for pair := range strings.SplitSeq(s, ",") {
		k, v, _ := strings.Cut(pair, "=")
		m[k] = v
	}
	return m
}

// TestEnvoy reads the settings into the types of Envoy's API, which refuses
// what these do not have, and checks them by the API's own rules.
func TestEnvoy(t *testing.T) {
	b, err := yaml.YAMLToJSONStrict([]byte(read(t, "deploy/proxies/envoy.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	var config bootstrap.Bootstrap
	if err := protojson.Unmarshal(b, &config); err != nil {
		t.Fatal(err)
	}
	if err := config.ValidateAll(); err != nil {
		t.Fatal(err)
	}
	var m hcm.HttpConnectionManager
	if err := config.StaticResources.Listeners[0].FilterChains[0].Filters[0].GetTypedConfig().UnmarshalTo(&m); err != nil {
		t.Fatal(err)
	}
	if err := m.ValidateAll(); err != nil {
		t.Error(err)
	}
	if m.GetNormalizePath().GetValue() || m.MergeSlashes || m.PathWithEscapedSlashesAction != hcm.HttpConnectionManager_KEEP_UNCHANGED {
		t.Error("the request line is changed")
	}
	if m.CodecType != hcm.HttpConnectionManager_HTTP1 {
		t.Errorf("codec %v", m.CodecType)
	}
	if m.GetHttpProtocolOptions().GetHeaderKeyFormat().GetStatefulFormatter() == nil {
		t.Error("the letters of header names are changed")
	}
	if m.RequestTimeout == nil || m.RequestTimeout.AsDuration() != 0 || m.StreamIdleTimeout.AsDuration() < longWork {
		t.Errorf("requests are cut after %v, or after %v of silence", m.RequestTimeout, m.StreamIdleTimeout)
	}
	var filters []string
	for _, f := range m.HttpFilters {
		filters = append(filters, f.Name)
	}
	if want := []string{"envoy.filters.http.router"}; !slices.Equal(filters, want) {
		t.Errorf("filters %v, want %v", filters, want)
	}
	route := m.GetRouteConfig().VirtualHosts[0].Routes[0]
	if route.GetMatch().GetPrefix() != "/" || route.GetRoute().Timeout == nil || route.GetRoute().Timeout.AsDuration() != 0 {
		t.Errorf("route %v", route)
	}
	if on := route.GetRoute().GetRetryPolicy().GetRetryOn(); on != "connect-failure" {
		t.Errorf("repeats on %q", on)
	}

	cluster := config.StaticResources.Clusters[0]
	if path := cluster.HealthChecks[0].GetHttpHealthCheck().GetPath(); path != "/readyz" {
		t.Errorf("asks %s", path)
	}
	var up upstreams.HttpProtocolOptions
	if err := cluster.TypedExtensionProtocolOptions["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"].UnmarshalTo(&up); err != nil {
		t.Fatal(err)
	}
	if d := up.GetCommonHttpProtocolOptions().GetIdleTimeout().AsDuration(); d == 0 || d >= keepAlive(t) {
		t.Errorf("idle connections are kept for %v, the proxies close them after %v", d, keepAlive(t))
	}
	if up.GetExplicitHttpConfig().GetHttpProtocolOptions() == nil {
		t.Error("the proxies are not spoken to by HTTP/1.1")
	}
}
