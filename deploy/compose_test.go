package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = ".."

// upload is an upload's life. S3 must not clean up before it is over.
const uploadTTL = 48 * time.Hour

// load reads the compose file as `docker compose --profile …` does.
func load(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions(
		[]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithProfiles(profiles),
	)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatalf("load with profiles %v: %v", profiles, err)
	}
	return project
}

func TestProfiles(t *testing.T) {
	base := []string{"bucket", "minio", "proxy", "redis"}
	for _, c := range []struct {
		profiles []string
		want     []string
	}{
		{nil, base},
		{[]string{"scale"}, append([]string{"balancer", "proxy-2", "proxy-3"}, base...)},
		{[]string{"load"}, append([]string{"grafana", "k6", "link", "prometheus"}, base...)},
		{[]string{"observe"}, append([]string{"grafana", "jaeger", "prometheus"}, base...)},
	} {
		t.Run(strings.Join(c.profiles, "+"), func(t *testing.T) {
			got := load(t, c.profiles...).ServiceNames()
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("services %v, want %v", got, c.want)
			}
		})
	}
}

// everything loads all services of all profiles.
func everything(t *testing.T) types.Services {
	t.Helper()
	return load(t, "*").Services
}

// oneShot services end by themselves.
var oneShot = []string{"bucket", "k6"}

func TestHealthchecks(t *testing.T) {
	for name, s := range everything(t) {
		if slices.Contains(oneShot, name) {
			if s.Restart != "" {
				t.Errorf("%s ends by itself but is restarted", name)
			}
			continue
		}
		if s.HealthCheck == nil || len(s.HealthCheck.Test) == 0 || s.HealthCheck.Disable {
			t.Errorf("%s has no health check", name)
		}
	}
}

func TestStartOrder(t *testing.T) {
	const healthy, completed = types.ServiceConditionHealthy, types.ServiceConditionCompletedSuccessfully
	proxy := map[string]string{"redis": healthy, "bucket": completed}
	want := map[string]map[string]string{
		"redis":    {},
		"minio":    {},
		"bucket":   {"minio": healthy},
		"proxy":    proxy,
		"proxy-2":  proxy,
		"proxy-3":  proxy,
		"balancer": {"proxy": healthy, "proxy-2": healthy, "proxy-3": healthy},
		"k6":       {"proxy": healthy, "link": healthy, "prometheus": healthy},
		"link":     {},
		"grafana":  {"prometheus": healthy},
	}
	for name, s := range everything(t) {
		for on, condition := range want[name] {
			if got := s.DependsOn[on].Condition; got != condition {
				t.Errorf("%s waits for %s until %q, want %q", name, on, got, condition)
			}
		}
		if len(s.DependsOn) != len(want[name]) {
			t.Errorf("%s waits for %v, want %v", name, s.DependsOn, want[name])
		}
	}
}

func TestPortsOnLoopbackOnly(t *testing.T) {
	for name, s := range everything(t) {
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes port %s on %q", name, p.Published, p.HostIP)
			}
		}
	}
}

// TestSettings compares the environment with the README's table.
func TestSettings(t *testing.T) {
	known := readmeSettings(t)
	for name, s := range everything(t) {
		for key := range s.Environment {
			if strings.HasPrefix(key, "CHUNKGATE_") && !slices.Contains(known, key) {
				t.Errorf("%s sets %s, which the README does not know", name, key)
			}
		}
	}
}

// readmeSettings are the names in the README's table of settings, which a test
// of the program compares with the code.
func readmeSettings(t *testing.T) []string {
	t.Helper()
	row := regexp.MustCompile("(?m)^\\| `(CHUNKGATE_[A-Z0-9_]+)`")
	var names []string
	for _, m := range row.FindAllStringSubmatch(read(t, "README.md"), -1) {
		names = append(names, m[1])
	}
	if len(names) == 0 {
		t.Fatal("no settings in the README's table")
	}
	return names
}

func TestStaleUploadsOutliveSessions(t *testing.T) {
	value := everything(t)["minio"].Environment["MINIO_API_STALE_UPLOADS_EXPIRY"]
	if value == nil {
		t.Fatal("MINIO_API_STALE_UPLOADS_EXPIRY is not set")
	}
	got, err := time.ParseDuration(*value)
	if err != nil {
		t.Fatalf("MinIO does not understand it either: %v", err)
	}
	if got <= uploadTTL {
		t.Errorf("MinIO destroys uploads after %v, which live for %v", got, uploadTTL)
	}
	told := everything(t)["proxy"].Environment["MINIO_API_STALE_UPLOADS_EXPIRY"]
	if told == nil || *told != *value {
		t.Errorf("doctor in the proxy's container is not told of MinIO's expiry, %s, and warns of it", *value)
	}
}

func TestRedisKeepsWhatItAcknowledges(t *testing.T) {
	command := strings.Join(everything(t)["redis"].Command, " ")
	for _, want := range []string{"--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"} {
		if !strings.Contains(command, want) {
			t.Errorf("command %q lacks %s", command, want)
		}
	}
}

func TestMountedFilesExist(t *testing.T) {
	for name, s := range everything(t) {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
