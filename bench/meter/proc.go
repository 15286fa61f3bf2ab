// Package meter measures processes by /proc and their clocks, and sums rounds up.
package meter

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// parseParent reads the parent's number from a line of /proc/PID/stat. The
// program's name stands in brackets and may hold spaces and brackets itself.
func parseParent(line string) (int, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return 0, fmt.Errorf("no program name in %q", line)
	}
	fields := strings.Fields(line[end+1:]) // from field 3 of proc(5) on
	if len(fields) < 2 {
		return 0, fmt.Errorf("%d fields after the name in %q", len(fields), line)
	}
	return strconv.Atoi(fields[1])
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

func parent(pid int) (int, error) {
	text, err := os.ReadFile(path(pid, "stat"))
	if err != nil {
		return 0, err
	}
	return parseParent(string(text))
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
		if of, err := parent(child); err == nil && of == pid { // else it has ended
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
