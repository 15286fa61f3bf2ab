package deploy

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
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

// final is the image that is shipped, instruction by instruction.
func final(t *testing.T) (instructions []string) {
	t.Helper()
	for line := range strings.Lines(read(t, "Dockerfile")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "FROM ") {
			instructions = nil
		}
		if line != "" && !strings.HasPrefix(line, "#") {
			instructions = append(instructions, line)
		}
	}
	return instructions
}

// TestImage: the program alone, static, not as root, with a health check, and
// nothing that would want to be written.
func TestImage(t *testing.T) {
	image := final(t)
	if image[0] != "FROM scratch AS chunkgate" {
		t.Errorf("the image is %q: there is more in it than the program", image[0])
	}
	for _, want := range []string{
		"USER 65532:65532", // by number, so that Kubernetes can see that it is not root
		`ENTRYPOINT ["/chunkgate"]`,
		`CMD ["serve"]`,
		"COPY --from=go /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/",
	} {
		if !slices.Contains(image, want) {
			t.Errorf("the image lacks %q", want)
		}
	}
	// Without a shell: the exec form.
	if !slices.ContainsFunc(image, regexp.MustCompile(`^HEALTHCHECK .*CMD \["/chunkgate", "health"\]$`).MatchString) {
		t.Error("the image has no health check that works without a shell")
	}
	for _, line := range image {
		if strings.HasPrefix(line, "VOLUME") || strings.HasPrefix(line, "RUN") || strings.HasPrefix(line, "ADD") {
			t.Errorf("%q: the image is for a root file system that is read only", line)
		}
	}
	if !strings.Contains(read(t, "Dockerfile"), "ENV CGO_ENABLED=0 ") {
		t.Error("the program is linked with a C library that the image does not have")
	}
}

// TestStatic builds the program as the image does and looks for what would have
// to be loaded with it.
func TestStatic(t *testing.T) {
	program := filepath.Join(t.TempDir(), "chunkgate")
	build := regexp.MustCompile(`go build (-ldflags="[^"]*") -o /out/chunkgate \./cmd/chunkgate`).FindStringSubmatch(read(t, "Dockerfile"))
	if build == nil {
		t.Fatal("the Dockerfile does not build ./cmd/chunkgate")
	}
	cmd := exec.Command("go", "build", "-trimpath", strings.ReplaceAll(build[1], `"`, ""), "-o", program, "./cmd/chunkgate")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("needs %v, %v", libraries, err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("needs a dynamic linker")
		}
	}
}

// TestConfined: our services get by without privileges and without a root file
// system that can be written.
func TestConfined(t *testing.T) {
	confined := 0
	for name, s := range everything(t) {
		if s.Build == nil && name != "k6" {
			continue // Redis's and nginx's images start as root and step down
		}
		confined++
		if !s.ReadOnly {
			t.Errorf("%s may write its root file system", name)
		}
		if !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 || s.Privileged {
			t.Errorf("%s keeps capabilities: drops %v, adds %v", name, s.CapDrop, s.CapAdd)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may gain privileges: %v", name, s.SecurityOpt)
		}
		if s.User == "root" || s.User == "0" {
			t.Errorf("%s runs as %s", name, s.User)
		}
	}
	if confined < 6 {
		t.Errorf("%d services", confined)
	}
}

// TestGracePeriod: a stopped proxy has time to finish chunks, and then commits.
func TestGracePeriod(t *testing.T) {
	row := regexp.MustCompile("CHUNKGATE_SHUTDOWN_TIMEOUT` \\| `([^`]+)`").FindStringSubmatch(read(t, "README.md"))
	if row == nil {
		t.Fatal("no CHUNKGATE_SHUTDOWN_TIMEOUT in the README")
	}
	timeout, err := time.ParseDuration(row[1])
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range everything(t) {
		if s.Image != "chunkgate:local" {
			continue
		}
		if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) <= 2*timeout {
			t.Errorf("%s is killed after %v, but may take twice %v", name, s.StopGracePeriod, timeout)
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
