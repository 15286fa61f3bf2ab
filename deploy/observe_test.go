package deploy

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

func parse(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// dashboard is as much of the dashboard as is looked at here.
type dashboard struct {
	Panels []struct {
		Title      string
		Type       string
		Datasource struct{ UID string }
		Targets    []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Query string }
	}
}

func grafana(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/dashboards/chunkgate.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestMetricsExist compares the names in alerts and dashboard with what the
// program shows, in both directions: nothing is asked for that is not there,
// and nothing is there that nobody looks at.
func TestMetricsExist(t *testing.T) {
	shown := metricsOfProgram(t)
	asked := map[string][]string{} // by name, where
	ask := func(where, expr string) {
		for _, name := range metricName.FindAllString(expr, -1) {
			asked[name] = append(asked[name], where)
			if !slices.Contains(shown, name) {
				t.Errorf("%s asks for %s, which the program does not have", where, name)
			}
		}
	}
	for _, r := range alerts(t) {
		ask("alert "+r.Alert, r.Expr)
	}
	d := grafana(t)
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			ask("panel "+p.Title, q.Expr)
		}
	}
	for _, v := range d.Templating.List {
		ask("variable", v.Query)
	}
	for _, name := range shown {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(name, "chunkgate_") && asked[name] == nil && asked[base+"_bucket"] == nil && asked[base+"_count"] == nil {
			t.Errorf("nobody looks at %s", name)
		}
	}
}

var metricName = regexp.MustCompile(`\b(?:chunkgate|process|go)_[a-z0-9_]+`)

// metricsOfProgram starts the program, whose stores need not answer, and reads
// what it shows from the start: all but the numbers of uploads, which it has
// from Redis.
func metricsOfProgram(t *testing.T) []string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "chunkgate")
	build := exec.Command("go", "build", "-o", program, "./cmd/chunkgate")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	admin := freeAddr(t)
	run := exec.CommandContext(t.Context(), program, "serve")
	run.Env = append(os.Environ(), "CHUNKGATE_LISTEN=127.0.0.1:0", "CHUNKGATE_ADMIN_LISTEN="+admin,
		"CHUNKGATE_S3_ENDPOINT=http://127.0.0.1:1", "CHUNKGATE_S3_BUCKET=none", "CHUNKGATE_REDIS_URL=redis://127.0.0.1:1",
		"CHUNKGATE_INSECURE_NO_AUTH=true")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
	})
	text := scrape(t, "http://"+admin+"/metrics")
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9_]+)[{ ]`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return append(names, "chunkgate_uploads_open", "chunkgate_sweep_due_uploads")
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// scrape waits until the program answers.
func scrape(t *testing.T, url string) string {
	t.Helper()
	for late := time.Now().Add(time.Minute); ; {
		answer, err := http.Get(url)
		if err == nil {
			defer answer.Body.Close()
			b, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("scrape: %s, %v", answer.Status, err)
			}
			return string(b)
		}
		if time.Now().After(late) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestAlerts: each tells what it is about and where its runbook is, and has a
// case in which it fires and the case in which it does not.
func TestAlerts(t *testing.T) {
	cases := read(t, "deploy/prometheus/alerts_test.yml")
	for _, r := range alerts(t) {
		if r.Labels["severity"] != "critical" && r.Labels["severity"] != "warning" {
			t.Errorf("%s has severity %q", r.Alert, r.Labels["severity"])
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s does not say what it is about", r.Alert)
		}
		want := "https://github.com/chunkgate/chunkgate/blob/main/docs/operations.md#" + strings.ToLower(r.Alert)
		if got := r.Annotations["runbook_url"]; got != want {
			t.Errorf("%s: runbook is %q, want %q", r.Alert, got, want)
		}
		fires := regexp.MustCompile(`alertname: ` + r.Alert + `\n\s+exp_alerts:\n\s+- exp_labels`)
		quiet := "{eval_time: 110m, alertname: " + r.Alert + ", exp_alerts: []}"
		if !fires.MatchString(cases) || !strings.Contains(cases, quiet) {
			t.Errorf("%s is not tested both ways in alerts_test.yml", r.Alert)
		}
	}
}

// TestProvisioning: what Grafana is given fits together.
func TestProvisioning(t *testing.T) {
	var sources struct {
		Datasources []struct{ UID, URL string }
	}
	parse(t, "deploy/grafana/provisioning/datasources/datasources.yml", &sources)
	var known []string
	services := everything(t)
	for _, s := range sources.Datasources {
		known = append(known, s.UID)
		host, _, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
		if _, ok := services[host]; !ok {
			t.Errorf("data source %s is at %s, which is no service", s.UID, s.URL)
		}
	}
	for _, p := range grafana(t).Panels {
		if p.Type != "row" && !slices.Contains(known, p.Datasource.UID) {
			t.Errorf("panel %q reads from %q, there are %v", p.Title, p.Datasource.UID, known)
		}
	}
	var providers struct {
		Providers []struct {
			Options struct{ Path string }
		}
	}
	parse(t, "deploy/grafana/provisioning/dashboards/dashboards.yml", &providers)
	mounted := false
	for _, v := range services["grafana"].Volumes {
		mounted = mounted || v.Target == providers.Providers[0].Options.Path
	}
	if !mounted {
		t.Errorf("dashboards are looked for at %s, where nothing is mounted", providers.Providers[0].Options.Path)
	}
}

// TestScrapedProxies: Prometheus reads every proxy, where its admin listener is.
func TestScrapedProxies(t *testing.T) {
	var config struct {
		RuleFiles     []string `json:"rule_files"`
		ScrapeConfigs []struct {
			JobName string `json:"job_name"`
			DNS     []struct {
				Names []string
				Port  int
			} `json:"dns_sd_configs"`
		} `json:"scrape_configs"`
	}
	parse(t, "deploy/prometheus/prometheus.yml", &config)
	if !slices.Equal(config.RuleFiles, []string{"alerts.yml"}) || config.ScrapeConfigs[0].JobName != "chunkgate" {
		t.Errorf("rules %v for job %q", config.RuleFiles, config.ScrapeConfigs[0].JobName)
	}
	found := config.ScrapeConfigs[0].DNS[0]
	var proxies []string
	for name, s := range everything(t) {
		if s.Image != "chunkgate:local" {
			continue
		}
		proxies = append(proxies, name)
		if listen := s.Environment["CHUNKGATE_ADMIN_LISTEN"]; listen == nil || *listen != ":9090" || found.Port != 9090 {
			t.Errorf("%s has no admin listener at port %d", name, found.Port)
		}
		for _, p := range s.Ports {
			if p.Target == 9090 {
				t.Errorf("%s publishes its admin listener", name)
			}
		}
	}
	slices.Sort(proxies)
	if !slices.Equal(found.Names, proxies) {
		t.Errorf("scraped are %v, the proxies are %v", found.Names, proxies)
	}
}

// TestPrometheusVersion holds the image to the version that the rules are
// checked with: v0.316.0 of the module is v3.16.0 of the program.
func TestPrometheusVersion(t *testing.T) {
	m := regexp.MustCompile(`github\.com/prometheus/prometheus v0\.3(\d\d)\.(\d+)`).FindStringSubmatch(read(t, "tools/promtool/go.mod"))
	if m == nil {
		t.Fatal("no version in tools/promtool/go.mod")
	}
	want := "prom/prometheus:v3." + strings.TrimPrefix(m[1], "0") + "." + m[2]
	if got := everything(t)["prometheus"].Image; got != want {
		t.Errorf("image %s, want %s", got, want)
	}
}
