// Package meter measures processes by /proc, and sums rounds up.
package meter

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tick is the unit of CPU times in /proc/PID/stat, in seconds: USER_HZ is 100 in
// the kernel's interface, whatever the kernel's own clock does.
const tick = 0.01

// stat is what one reads from /proc/PID/stat.
type stat struct {
	parent int
	cpu    float64 // seconds in user and kernel mode
}

// parseStat reads a line of /proc/PID/stat. The program's name stands in
// brackets and may hold spaces and brackets itself.
func parseStat(line string) (stat, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("no program name in %q", line)
	}
	fields := strings.Fields(line[end+1:]) // from field 3 of proc(5) on
	if len(fields) < 13 {
		return stat{}, fmt.Errorf("%d fields after the name in %q", len(fields), line)
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return stat{}, fmt.Errorf("parent: %w", err)
	}
	user, err := strconv.ParseUint(fields[11], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("utime: %w", err)
	}
	kernel, err := strconv.ParseUint(fields[12], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("stime: %w", err)
	}
	return stat{parent: parent, cpu: float64(user+kernel) * tick}, nil
}

// parseMemory reads a field of /proc/PID/status such as "VmHWM:  1234 kB", in
// bytes.
func parseMemory(status, field string) (int64, error) {
	for line := range strings.Lines(status) {
		value, ok := strings.CutPrefix(line, field+":")
		if !ok {
			continue
		}
		number, ok := strings.CutSuffix(strings.TrimSpace(value), " kB")
		if !ok {
			return 0, fmt.Errorf("%s is not in kB: %q", field, line)
		}
		kib, err := strconv.ParseInt(number, 10, 64)
		return kib << 10, err
	}
	return 0, fmt.Errorf("no %s", field)
}

func path(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(path(pid, "stat"))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

func memory(pid int, field string) (int64, error) {
	text, err := os.ReadFile(path(pid, "status"))
	if err != nil {
		return 0, err
	}
	return parseMemory(string(text), field)
}

// resetPeak makes VmHWM begin anew. Where that is not allowed, it stays the
// peak of the process's life.
func resetPeak(pid int) {
	_ = os.WriteFile(path(pid, "clear_refs"), []byte("5"), 0)
}

// Family is a process and its children: a server with workers is all of them.
func Family(pid int) ([]int, error) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	family := []int{pid}
	for _, dir := range all {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			return nil, err
		}
		if s, err := readStat(child); err == nil && s.parent == pid { // else it has ended
			family = append(family, child)
		}
	}
	return family, nil
}

// Files is how many files and connections a process has open.
func Files(pid int) (int, error) {
	open, err := os.ReadDir(path(pid, "fd"))
	return len(open), err
}

// Resident is a process's memory at the moment, in bytes.
func Resident(pid int) (int64, error) { return memory(pid, "VmRSS") }
