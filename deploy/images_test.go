package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pinned is a tag with at least a minor version, or a digest.
var pinned = regexp.MustCompile(`:v?\d+\.\d+\S*$|@sha256:[0-9a-f]{64}$`)

func TestImagesPinned(t *testing.T) {
	for name, s := range everything(t) {
		if s.Build == nil && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q has no fixed version", name, s.Image)
		}
		if s.Build != nil && !strings.HasSuffix(s.Image, ":local") {
			t.Errorf("%s: image %q is built here and should be named so", name, s.Image)
		}
	}
}

func TestDockerfile(t *testing.T) {
	from := regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`)
	var stages []string
	for _, m := range from.FindAllStringSubmatch(read(t, "Dockerfile"), -1) {
		base, stage := m[1], m[2]
		if base != "scratch" && !slices.Contains(stages, base) && !pinned.MatchString(base) {
			t.Errorf("stage %s: base %q has no fixed version", stage, base)
		}
		stages = append(stages, stage)
	}
	if last := stages[len(stages)-1]; last != "chunkgate" {
		t.Errorf("the default target is %s", last)
	}
	for name, s := range everything(t) {
		if s.Build != nil && s.Build.Target != "" && !slices.Contains(stages, s.Build.Target) {
			t.Errorf("%s is built from stage %q, there are %v", name, s.Build.Target, stages)
		}
	}
}

// TestK6Version holds the image to the version that `make load` builds.
func TestK6Version(t *testing.T) {
	m := regexp.MustCompile(`go\.k6\.io/k6 v(\S+)`).FindStringSubmatch(read(t, "tools/k6/go.mod"))
	if want := "grafana/k6:" + m[1]; everything(t)["k6"].Image != want {
		t.Errorf("image %s, want %s", everything(t)["k6"].Image, want)
	}
}
