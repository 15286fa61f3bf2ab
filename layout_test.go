package chunkgate_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/chunkgate/chunkgate"

// Who may import what (docs/architecture.md). A package that is not named in a
// rule is free.
var (
	// mayImport lists, for a package, the packages of this module it may import.
	mayImport = map[string][]string{
		"upload":              {},
		"checkup":             {},
		"session":             {"upload", "checkup"},
		"s3backend":           {"upload", "checkup", "internal/splice"},
		"proxy":               {"upload", "internal/splice"},
		"inspect":             {"upload"},
		"uploadtest":          {"upload"},
		"internal/testserver": {},
		"internal/teststore":  {"internal/testserver", "s3backend", "upload"},
		"metrics":             {"upload", "proxy"},
		"tracing":             {},
		"cmd/chunkgate":       {"upload", "session", "s3backend", "proxy", "metrics", "tracing", "inspect", "checkup", "internal/garbage"},
	}
	// onlyIn names, for a third-party module, the one package that may import it.
	onlyIn = map[string]string{
		"github.com/redis/go-redis/": "session",
		"github.com/go-redis/":       "session",
		"github.com/golang-jwt/":     "proxy",
		"github.com/MicahParks/":     "proxy",
		"github.com/aws/":            "s3backend",
		"github.com/labstack/echo/":  "proxy",
		"github.com/alecthomas/":     "cmd/chunkgate",
		"github.com/prometheus/":     "metrics",
		// Its API is for whoever makes spans.
		"go.opentelemetry.io/otel/sdk/":       "tracing",
		"go.opentelemetry.io/otel/exporters/": "tracing",
		"github.com/versity/":                 "none",
		"github.com/alicebob/":                "none",
		"github.com/minio/minio-go/":          "none",
		"github.com/stretchr/testify":         "none",
	}
)

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(strings.TrimPrefix(fields[0], module), "/")
		seen++
		for _, imported := range fields[1:] {
			if why := forbidden(name, imported); why != "" {
				t.Errorf("%s imports %s: %s", fields[0], imported, why)
			}
		}
	}
	if seen < len(mayImport) {
		t.Errorf("saw %d packages, want at least %d", seen, len(mayImport))
	}
}

// forbidden says why a package must not import another, or "".
func forbidden(name, imported string) string {
	own, isOwn := strings.CutPrefix(imported, module+"/")
	if allowed, ruled := mayImport[name]; ruled && isOwn && !slices.Contains(allowed, own) {
		return "the star in docs/architecture.md has no such arrow"
	}
	if name == "upload" && strings.Contains(strings.Split(imported, "/")[0], ".") {
		return "the domain uses the standard library only"
	}
	for third, only := range onlyIn {
		if strings.HasPrefix(imported, third) && name != only {
			return third + " belongs to " + only
		}
	}
	return ""
}

func TestForbidden(t *testing.T) {
	for _, test := range []struct {
		name, imported string
		want           bool
	}{
		{"session", module + "/upload", false},
		{"session", module + "/s3backend", true},
		{"upload", "golang.org/x/sync/errgroup", true},
		{"upload", module + "/session", true},
		{"proxy", "github.com/redis/go-redis/v9", true},
		{"session", "github.com/redis/go-redis/v9", false},
	} {
		if got := forbidden(test.name, test.imported) != ""; got != test.want {
			t.Errorf("forbidden(%s, %s) is %v, want %v", test.name, test.imported, got, test.want)
		}
	}
}
