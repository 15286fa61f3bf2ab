package main

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/chunkgate/chunkgate/bench/report"
	"github.com/chunkgate/chunkgate/internal/testserver"
)

const (
	// partsParallel is the setting for parts of one chunk side by side.
	partsParallel = "--parts-parallel"
	// unsummed is the setting with which bodies are summed up for nobody.
	unsummed = "CHUNKGATE_S3_CHECKSUM=off"
)

// setting that the system's chunkgate has besides the usual ones; "" if it is
// the usual chunkgate, or none.
func (sys system) setting() string {
	switch {
	case sys.name != report.Gate:
		return ""
	case sys.parallel > 0:
		return "CHUNKGATE_PARTS_PARALLEL=" + strconv.Itoa(sys.parallel)
	case sys.unsummed:
		return unsummed
	}
	return ""
}

// possible leaves out what this chunkgate cannot do, and starts those with
// settings of their own when they are first needed.
func (s *stack) possible(systems []system) []system {
	if slices.Contains(systems, parallelGate) && !s.hasParallel() {
		systems = slices.DeleteFunc(slices.Clone(systems), func(sys system) bool { return sys == parallelGate })
	}
	for _, sys := range systems {
		setting := sys.setting()
		if _, started := s.variants[setting]; !started && setting != "" {
			s.variants[setting] = s.serve(setting)
		}
	}
	return systems
}

// hasParallel says whether the program knows the setting.
func (s *stack) hasParallel() bool {
	help, err := exec.Command(s.program, "serve", "--help").Output()
	return err == nil && strings.Contains(string(help), partsParallel)
}

// gateOf is the chunkgate that a system is.
func (s *stack) gateOf(sys system) testserver.Proxy {
	if p, ok := s.variants[sys.setting()]; ok {
		return p
	}
	return s.gate
}
