package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// alert is a rule of alerts.yml.
type alert struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

func alerts(t *testing.T) (list []alert) {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []alert }
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/prometheus/alerts.yml")), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				list = append(list, r)
			}
		}
	}
	return list
}

// TestRunbook: each alert has a section, in the same order, to which its link
// leads, with something to do in it; and no section is left over.
func TestRunbook(t *testing.T) {
	const page = "docs/operations.md"
	_, runbook, _ := strings.Cut(read(t, page), "\n## Runbook\n")
	var want, got []string
	for _, a := range alerts(t) {
		want = append(want, a.Alert)
		link := a.Annotations["runbook_url"]
		if !strings.HasSuffix(link, "/"+page+"#"+anchor(a.Alert)) {
			t.Errorf("%s links to %q", a.Alert, link)
		}
	}
	for section := range strings.SplitSeq(runbook, "\n### ") {
		title, text, _ := strings.Cut(section, "\n")
		if !strings.HasPrefix(title, "Chunkgate") {
			continue // what comes before the first
		}
		got = append(got, title)
		if len(strings.Fields(text)) < 20 {
			t.Errorf("%s: nobody can act on %q", title, text)
		}
	}
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("sections %v\nalerts   %v", got, want)
	}
}

// anchor is what a heading is linked by.
func anchor(heading string) string {
	return strings.ReplaceAll(strings.ToLower(regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(heading, "")), " ", "-")
}

// TestLinks: what the operator's pages link to is there.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	for _, page := range []string{"docs/deployment.md", "docs/operations.md", "deploy/proxies/cloudflare.md"} {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			file, section, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
				continue
			}
			if section == "" {
				continue
			}
			if !slices.ContainsFunc(heading.FindAllStringSubmatch(read(t, target), -1), func(h []string) bool { return anchor(h[1]) == section }) {
				t.Errorf("%s links to %s, which has no such section", page, m[1])
			}
		}
	}
}

// TestSettingsInDocs: the pages name no setting that is none, and no file of
// ours that is not there.
func TestSettingsInDocs(t *testing.T) {
	known := readmeSettings(t)
	for _, page := range []string{"docs/deployment.md", "docs/operations.md", "deploy/proxies/cloudflare.md"} {
		text := read(t, page)
		for _, name := range regexp.MustCompile(`\bCHUNKGATE_[A-Z0-9_]+`).FindAllString(text, -1) {
			if !slices.Contains(known, name) {
				t.Errorf("%s names %s, which the README does not know", page, name)
			}
		}
		for _, m := range regexp.MustCompile("`(deploy/[\\w./-]+)`").FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
}
