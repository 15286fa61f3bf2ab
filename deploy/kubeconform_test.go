package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kubernetes is the module whose zip has Kubernetes' API in OpenAPI, by which
// kubeconform's usual schemas are made, too. It is fetched and not imported: as
// a requirement it would bring Kubernetes' own along. The sum pins it.
const (
	kubernetes    = "k8s.io/kubernetes"
	kubernetesVer = "v1.37.2"
	kubernetesSum = "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="
)

// kubeconform checks rendered objects against Kubernetes' own schemas, with
// fields that these do not have refused. Prometheus Operator's kinds are not
// Kubernetes'; TestMonitoring reads them into that project's types.
func kubeconform(t *testing.T, schemas, rendered string) (string, error) {
	t.Helper()
	cmd := exec.Command(tool(t, "kubeconform"), "-strict", "-summary", "-verbose",
		"-schema-location", schemas+"/{{.ResourceKind}}{{.KindSuffix}}.json",
		"-skip", "ServiceMonitor,PrometheusRule", "-")
	cmd.Stdin = strings.NewReader(rendered)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestKubeconform(t *testing.T) {
	schemas := kubernetesSchemas(t)
	for _, values := range []string{minimal, full} {
		out, err := kubeconform(t, schemas, render(t, values))
		if err != nil {
			t.Errorf("%s: %v\n%s", values, err, out)
		}
		t.Logf("%s:\n%s", values, out)
	}
	// And it does see mistakes.
	good := render(t, full)
	for _, c := range []struct{ old, mistaken, want string }{
		{"minReadySeconds: 5", "minReadySecond: 5", "minReadySecond"},
		{"containerPort: 8080", `containerPort: "8080"`, "containerPort"},
		{"maxReplicas: 10", "", "maxReplicas"},
		{"kind: PodDisruptionBudget", "kind: PodDisruptionBudgets", "PodDisruptionBudgets"},
		{"pathType: Prefix", "", "pathType"},
		{"runAsNonRoot: true", "runAsNonRoot: yes please", "runAsNonRoot"},
	} {
		if !strings.Contains(good, c.old) {
			t.Errorf("nothing rendered has %q", c.old)
		}
		out, err := kubeconform(t, schemas, strings.ReplaceAll(good, c.old, c.mistaken))
		if err == nil || !strings.Contains(out, "failed validation") && !strings.Contains(out, "is invalid") || !strings.Contains(out, c.want) {
			t.Errorf("%q instead of %q passes: %v\n%s", c.mistaken, c.old, err, out)
		}
	}
}

// schema is a piece of OpenAPI 2 or JSON schema.
type schema = map[string]any

// kubernetesSchemas is a folder with a JSON schema a kind, as kubeconform names
// them.
func kubernetesSchemas(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(kubernetesDir(t), "api", "openapi-spec", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Definitions map[string]schema `json:"definitions"`
	}
	if err := json.Unmarshal(b, &api); err != nil {
		t.Fatal(err)
	}
	for name, d := range api.Definitions {
		api.Definitions[name] = strict(name, d)
	}
	dir := t.TempDir()
	for name, d := range api.Definitions {
		for _, file := range filesOf(d) {
			reached := map[string]schema{}
			reach(api.Definitions, name, reached)
			b, err := json.Marshal(schema{"$ref": "#/definitions/" + name, "definitions": reached})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// kubernetesDir is where Go keeps the module's files.
func kubernetesDir(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", kubernetes+"@"+kubernetesVer)
	cmd.Dir = t.TempDir() // outside of our modules
	out, err := cmd.Output()
	var got struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(out, &got); err != nil || jsonErr != nil {
		t.Fatalf("fetch Kubernetes' schemas (the first time needs the Go module proxy): %v %v %s", err, jsonErr, got.Error)
	}
	if got.Sum != kubernetesSum {
		t.Fatalf("%s %s has the sum %s, want %s", kubernetes, kubernetesVer, got.Sum, kubernetesSum)
	}
	return got.Dir
}

// strict makes a definition one of JSON schema that refuses what it does not
// name. OpenAPI 2 says "string" of two types that may be numbers as well.
func strict(name string, d schema) schema {
	switch {
	case d["format"] == "int-or-string", strings.HasSuffix(name, ".api.resource.Quantity"):
		return schema{"type": []string{"string", "number"}}
	case d["properties"] != nil && d["additionalProperties"] == nil:
		d["additionalProperties"] = false
	}
	return d
}

// filesOf are the names of a kind's schema; of what is no kind there are none.
func filesOf(d schema) []string {
	kinds, _ := d["x-kubernetes-group-version-kind"].([]any)
	var files []string
	for _, k := range kinds {
		gvk := k.(schema)
		parts := []string{gvk["kind"].(string)}
		if group := gvk["group"].(string); group != "" {
			parts = append(parts, strings.Split(group, ".")[0])
		}
		parts = append(parts, gvk["version"].(string))
		files = append(files, strings.ToLower(strings.Join(parts, "-"))+".json")
	}
	return files
}

// reach adds a definition and all that it refers to.
func reach(all map[string]schema, name string, reached map[string]schema) {
	if _, again := reached[name]; again {
		return
	}
	reached[name] = all[name]
	var look func(any)
	look = func(v any) {
		switch v := v.(type) {
		case schema:
			if ref, ok := v["$ref"].(string); ok {
				reach(all, strings.TrimPrefix(ref, "#/definitions/"), reached)
			}
			for _, child := range v {
				look(child)
			}
		case []any:
			for _, child := range v {
				look(child)
			}
		}
	}
	look(all[name])
}
