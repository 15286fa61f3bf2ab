package deploy

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"
)

const chart = "deploy/helm/chunkgate"

// The two sets of values that come with the chart.
const (
	minimal = chart + "/ci/minimal-values.yaml"
	full    = chart + "/ci/full-values.yaml"
)

// tools are the executables of tools/ that were looked up, by name.
var tools sync.Map

// tool is the path of a tool of tools/<name>, built at its first use on a
// machine and then from Go's cache.
func tool(t *testing.T, name string) string {
	t.Helper()
	if path, ok := tools.Load(name); ok {
		return path.(string)
	}
	cmd := exec.Command("go", "tool", "-n", "-modfile=tools/"+name+"/go.mod", name)
	cmd.Dir = root
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, &problems)
	}
	path := strings.TrimSpace(out.String())
	tools.Store(name, path)
	return path
}

// helm runs Helm without a home of its own and without a cluster.
func helm(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	cmd := exec.Command(tool(t, "helm"), args...)
	cmd.Dir = root
	home := t.TempDir()
	cmd.Env = []string{
		"HOME=" + home, "HELM_CACHE_HOME=" + filepath.Join(home, "cache"), "HELM_CONFIG_HOME=" + filepath.Join(home, "config"),
		"HELM_DATA_HOME=" + filepath.Join(home, "data"), "KUBECONFIG=" + filepath.Join(home, "none"),
	}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err = cmd.Run(); err != nil {
		err = &toolError{err, problems.String() + out.String()}
	}
	return out.String(), err
}

// toolError is a tool's failure and what it said.
type toolError struct {
	err  error
	said string
}

func (e *toolError) Error() string { return e.err.Error() + ": " + e.said }

// render is what the chart makes of a file of values and of --set arguments.
func render(t *testing.T, values string, set ...string) string {
	t.Helper()
	out, err := template(t, values, set...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func template(t *testing.T, values string, set ...string) (string, error) {
	t.Helper()
	args := []string{"template", "gate", chart, "--namespace", "uploads", "--kube-version", "1.37.2", "--values", values}
	for _, s := range set {
		args = append(args, "--set", s)
	}
	return helm(t, args...)
}

func TestLint(t *testing.T) {
	for _, values := range []string{minimal, full} {
		if out, err := helm(t, "lint", "--strict", chart, "--values", values); err != nil {
			t.Errorf("%s: %v\n%s", values, err, out)
		}
	}
}

// Values that are wrong are refused, with the name of what is wrong.
func TestWrongValues(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"image.repository=", "repository"},
		{"settings.CHUNKGATE_S3_BUCKET=", "CHUNKGATE_S3_BUCKET must name the bucket"},
		{"settings.CHUNKGATE_BUCKET=x", "CHUNKGATE_BUCKET"},
		{"settings.CHUNKGATE_LISTEN=:80", "CHUNKGATE_LISTEN"},
		{"redis.url=", "redis.url or redis.urlSecret.name must be set"},
		{"redis.password=hunter2", "password"},
		{"replicas=3", "replicas"},
		{"ingress.enabled=true", "hosts"},
		{"image.digest=latest", "digest"},
		{"service.type=Loadbalancer", "type"},
	} {
		_, err := template(t, minimal, c.set)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.set, err, c.want)
		}
	}
}

// TestValuesAreListed: what the schema knows is in values.yaml, where it is
// described. Helm itself sees to the reverse.
func TestValuesAreListed(t *testing.T) {
	var values, schema map[string]any
	for file, v := range map[string]*map[string]any{"values.yaml": &values, "values.schema.json": &schema} {
		if err := yaml.Unmarshal([]byte(read(t, chart+"/"+file)), v); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	var compare func(path string, schema, values map[string]any)
	compare = func(path string, schema, values map[string]any) {
		known, _ := schema["properties"].(map[string]any)
		for name, s := range known {
			v, listed := values[name]
			switch {
			case name == "global", path == ".settings": // Helm's own; the README's
			case !listed:
				t.Errorf("%s.%s is not in values.yaml", path, name)
			default:
				sub, _ := v.(map[string]any)
				compare(path+"."+name, s.(map[string]any), sub)
			}
		}
	}
	compare("", schema, values)
}

// decode finds the one object of a kind and a name in what the chart made, and
// reads it into T: a field that T does not have is an error.
func decode[T any](t *testing.T, rendered, kind, name string) T {
	t.Helper()
	var found []string
	for _, doc := range documents(t, rendered) {
		if doc.Kind == kind && doc.Metadata.Name == name {
			found = append(found, doc.text)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects %s %s", len(found), kind, name)
	}
	var object T
	if err := yaml.UnmarshalStrict([]byte(found[0]), &object); err != nil {
		t.Fatalf("%s %s: %v", kind, name, err)
	}
	return object
}

// document is one object that the chart made.
type document struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	text string
}

func documents(t *testing.T, rendered string) []document {
	t.Helper()
	var docs []document
	for text := range strings.SplitSeq(rendered, "\n---\n") {
		doc := document{text: text}
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if doc.Kind != "" {
			docs = append(docs, doc)
		}
	}
	return docs
}
