package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// loadSettings are k6/settings.json, and their names in its order.
func loadSettings(t *testing.T) (names []string, rows map[string]loadSetting) {
	t.Helper()
	text := read(t, "k6/settings.json")
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^  "(\w+)":`).FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	if len(names) == 0 || len(names) != len(rows) {
		t.Fatalf("%d names for %d settings", len(names), len(rows))
	}
	return names, rows
}

type loadSetting struct {
	Default any
	For     json.RawMessage // in the order of the file
	Meaning string
}

// row is a setting's row in k6/README.md.
func (s loadSetting) row(name string) string {
	cell := inCell(s.Default)
	for _, m := range regexp.MustCompile(`"(\w+)": ([^,}]+)`).FindAllStringSubmatch(string(s.For), -1) {
		cell += fmt.Sprintf("; %s %s", m[1], m[2])
	}
	return fmt.Sprintf("| `%s` | %s | %s |", name, cell, s.Meaning)
}

func inCell(v any) string {
	text, ok := v.(string)
	switch {
	case !ok:
		return fmt.Sprint(v)
	case text == "":
		return "none"
	}
	return "`" + text + "`"
}

func TestLoadSettingsTable(t *testing.T) {
	names, rows := loadSettings(t)
	var want, got []string
	for _, name := range names {
		want = append(want, rows[name].row(name))
	}
	for line := range strings.Lines(read(t, "k6/README.md")) {
		if regexp.MustCompile("^\\| `[A-Z_]+`").MatchString(line) {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("k6/README.md should have:\n%s", strings.Join(want, "\n"))
	}
}

// TestLoadSettingsUsed: the scripts use the settings there are, all of them,
// and nothing else of the environment.
func TestLoadSettingsUsed(t *testing.T) {
	names, _ := loadSettings(t)
	used := make(map[string]bool)
	for path, text := range scripts(t) {
		if strings.Contains(text, "__ENV") != (path == "lib/settings.js") {
			t.Errorf("%s: the environment is read in lib/settings.js only", path)
		}
		for _, m := range regexp.MustCompile(`\bs\.([A-Z_]+)`).FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
	}
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(used)); !slices.Equal(got, names) {
		t.Errorf("the scripts use %q, there are %q", got, names)
	}
	k6 := everything(t)["k6"].Environment
	for _, name := range names {
		if _, ok := k6[name]; !ok {
			t.Errorf("docker-compose.yml does not pass %s on", name)
		}
	}
	for name := range k6 {
		if strings.HasPrefix(name, "LOAD_") && !slices.Contains(names, name) {
			t.Errorf("docker-compose.yml sets %s, which there is not", name)
		}
	}
}

// scripts are the texts of k6/, by path.
func scripts(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, pattern := range []string{"*.js", "lib/*.js"} {
		paths, err := filepath.Glob(filepath.Join(root, "k6", pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no k6/%s: %v", pattern, err)
		}
		for _, path := range paths {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(filepath.Join(root, "k6"), path)
			if err != nil {
				t.Fatal(err)
			}
			texts[filepath.ToSlash(name)] = string(b)
		}
	}
	return texts
}

func TestLoadScenarios(t *testing.T) {
	var have, told []string
	for path := range scripts(t) {
		if name, ok := strings.CutSuffix(path, ".js"); ok && !strings.Contains(name, "/") {
			have = append(have, name)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|").FindAllStringSubmatch(read(t, "k6/README.md"), -1) {
		told = append(told, m[1])
	}
	slices.Sort(have)
	slices.Sort(told)
	if !slices.Equal(have, told) {
		t.Errorf("k6/README.md tells of %q, there are %q", told, have)
	}
}

// TestLoadImages: the images are the versions that `make load` builds.
func TestLoadImages(t *testing.T) {
	for service, module := range map[string]string{"k6": "go.k6.io/k6", "link": "github.com/Shopify/toxiproxy/v2"} {
		tool := map[string]string{"k6": "k6", "link": "toxiproxy"}[service]
		m := regexp.MustCompile(regexp.QuoteMeta(module) + ` v(\S+)`).FindStringSubmatch(read(t, "tools/"+tool+"/go.mod"))
		if m == nil {
			t.Fatalf("tools/%s/go.mod has no %s", tool, module)
		}
		if image := everything(t)[service].Image; !strings.HasSuffix(image, ":"+m[1]) {
			t.Errorf("%s: image %s, but tools/%s has %s", service, image, tool, m[1])
		}
	}
}

// ofK6 are k6's own metrics that the dashboard may show.
var ofK6 = []string{"k6_vus", "k6_checks_rate", "k6_http_reqs_total"}

// TestLoadDashboard: the dashboard asks for what k6 writes, under the names
// that its Prometheus output makes, and shows every metric of ours.
func TestLoadDashboard(t *testing.T) {
	stats := everything(t)["k6"].Environment["K6_PROMETHEUS_RW_TREND_STATS"]
	if stats == nil {
		t.Fatal("K6_PROMETHEUS_RW_TREND_STATS is not set")
	}
	ours := make(map[string][]string) // series by metric
	var known []string
	for _, m := range regexp.MustCompile(`new (Counter|Trend)\('(\w+)'`).FindAllStringSubmatch(scripts(t)["lib/metrics.js"], -1) {
		if m[1] == "Counter" {
			ours[m[2]] = []string{"k6_" + m[2] + "_total"}
		} else {
			for _, stat := range strings.Split(*stats, ",") {
				ours[m[2]] = append(ours[m[2]], "k6_"+m[2]+"_"+strings.NewReplacer("(", "", ")", "").Replace(stat))
			}
		}
		known = append(known, ours[m[2]]...)
	}
	if len(ours) == 0 {
		t.Fatal("no metrics in k6/lib/metrics.js")
	}
	dashboard := read(t, "deploy/grafana/dashboards/load.json")
	if !json.Valid([]byte(dashboard)) {
		t.Error("the dashboard is no JSON")
	}
	shown := regexp.MustCompile(`\bk6_\w+`).FindAllString(dashboard, -1)
	for _, series := range shown {
		if !slices.Contains(known, series) && !slices.Contains(ofK6, series) {
			t.Errorf("the dashboard shows %s, which k6 does not write", series)
		}
	}
	for metric, series := range ours {
		if !slices.ContainsFunc(series, func(s string) bool { return slices.Contains(shown, s) }) {
			t.Errorf("the dashboard does not show %s", metric)
		}
	}
}
