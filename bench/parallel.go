package main

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/chunkgate/chunkgate/bench/report"
)

// partsParallel is the setting for parts of one chunk side by side.
const partsParallel = "--parts-parallel"

// possible leaves out what this chunkgate cannot do, and starts the chunkgate
// that stores parts side by side when it is first needed.
func (s *stack) possible(systems []system) []system {
	if !slices.Contains(systems, parallelGate) || s.parallel.Process != nil {
		return systems
	}
	help, err := exec.Command(s.program, "serve", "--help").Output()
	if err != nil || !strings.Contains(string(help), partsParallel) {
		return slices.DeleteFunc(slices.Clone(systems), func(s system) bool { return s.parallel > 0 && s.name == report.Gate })
	}
	s.parallel = s.serve("CHUNKGATE_PARTS_PARALLEL=" + strconv.Itoa(report.Parallel))
	return systems
}
