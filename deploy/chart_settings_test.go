package deploy

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the list of settings into the chart's values.schema.json")

// derived are the settings that the chart makes from other values.
var derived = []string{
	"CHUNKGATE_ADMIN_LISTEN", "CHUNKGATE_LISTEN", "CHUNKGATE_REDIS_URL", "CHUNKGATE_SHUTDOWN_TIMEOUT",
	"CHUNKGATE_TLS_CERT", "CHUNKGATE_TLS_KEY", "CHUNKGATE_TOKENS_FILE",
}

// settingsList is the list in values.schema.json.
var settingsList = regexp.MustCompile(`(?:        "CHUNKGATE_[A-Z0-9_]+": \{"\$ref": "#/definitions/setting"\},?\n)+`)

// TestChartSettings: each setting of the README's table, which a test of the
// program compares with the code, can be set through the chart, and no other.
func TestChartSettings(t *testing.T) {
	var want []string
	for _, name := range readmeSettings(t) {
		if !slices.Contains(derived, name) {
			want = append(want, `        "`+name+`": {"$ref": "#/definitions/setting"}`)
		}
	}
	list := strings.Join(want, ",\n") + "\n"
	schema := read(t, chart+"/values.schema.json")
	if settingsList.FindString(schema) == list {
		return
	}
	if !*update {
		t.Fatalf("values.schema.json does not list the README's settings: run go test -C deploy -run TestChartSettings -update\nit has\n%s\nwant\n%s",
			settingsList.FindString(schema), list)
	}
	schema = settingsList.ReplaceAllLiteralString(schema, list)
	if err := os.WriteFile(filepath.Join(root, chart, "values.schema.json"), []byte(schema), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestChartDerives: those that cannot be set are made from other values.
func TestChartDerives(t *testing.T) {
	rendered := render(t, full)
	known := readmeSettings(t)
	for _, name := range derived {
		if !strings.Contains(rendered, "- name: "+name+"\n") {
			t.Errorf("%s is set by nothing", name)
		}
		if !slices.Contains(known, name) {
			t.Errorf("%s is no setting of the README's", name)
		}
	}
}
