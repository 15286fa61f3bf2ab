package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/chunkgate/chunkgate/bench/report"
)

// machine says where this runs and on what. root is the main module's folder.
func (s *stack) machine(ctx context.Context, root string) (report.Machine, error) {
	m := report.Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Data: s.data}
	var err error
	if m.CPU, err = procField("cpuinfo", "model name"); err != nil {
		return m, err
	}
	memory, err := procField("meminfo", "MemTotal")
	if err != nil {
		return m, err
	}
	if m.Memory, err = parseKiB(memory); err != nil {
		return m, err
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return m, err
	}
	m.Kernel = strings.TrimSpace(string(kernel))
	if m.MinIO, err = say(ctx, root, "go", "list", "-m", "-modfile=tools/minio/go.mod", "-f", "{{.Version}}", "github.com/minio/minio"); err != nil {
		return m, err
	}
	info, err := s.look.Info(ctx, "server").Result()
	if err != nil {
		return m, err
	}
	m.Redis = field(info, "redis_version")
	answer, err := http.Get(s.nginx.Endpoint)
	if err != nil {
		return m, err
	}
	defer answer.Body.Close()
	m.Nginx = answer.Header.Get("Server")
	return m, nil
}

// revision is what is measured, as git says it.
func revision(ctx context.Context, root string) string {
	text, err := say(ctx, root, "git", "describe", "--always", "--dirty")
	if err != nil {
		return "unknown" // no git, or no repository
	}
	return text
}

func say(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", program, args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// procField reads a value from a file in /proc of lines like "name : value".
func procField(file, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join("/proc", file))
	if err != nil {
		return "", err
	}
	return field(string(text), name), nil
}

// field finds a value among lines like "name : value"; "" if it is not there.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// parseKiB reads "123 kB", in bytes.
func parseKiB(text string) (int64, error) {
	kib, err := strconv.ParseInt(strings.TrimSuffix(text, " kB"), 10, 64)
	return kib << 10, err
}
