package meter

import (
	"fmt"
	"time"
)

// Process is a server, with its workers, under a name to report it by.
type Process struct {
	Name string
	PIDs []int
}

// Use is what a process used between Start and Stop.
type Use struct {
	CPU  float64 `json:"cpu_s"`      // seconds, user and kernel
	Peak int64   `json:"peak_bytes"` // of resident memory, workers added up
}

// Meter measures some processes at once.
type Meter struct {
	processes []Process
	began     map[string]time.Duration
}

// Start begins to measure.
func Start(processes ...Process) (*Meter, error) {
	m := &Meter{processes: processes, began: map[string]time.Duration{}}
	for _, p := range processes {
		for _, pid := range p.PIDs {
			resetPeak(pid)
		}
		cpu, err := p.cpu()
		if err != nil {
			return nil, err
		}
		m.began[p.Name] = cpu
	}
	return m, nil
}

// Stop answers what each process used since Start. A process that has ended is
// an error: its figures would be lost.
func (m *Meter) Stop() (map[string]Use, error) {
	used := map[string]Use{}
	for _, p := range m.processes {
		cpu, err := p.cpu()
		if err != nil {
			return nil, err
		}
		u := Use{CPU: (cpu - m.began[p.Name]).Seconds()}
		for _, pid := range p.PIDs {
			peak, err := memory(pid, "VmHWM")
			if err != nil {
				return nil, fmt.Errorf("memory of %s: %w", p.Name, err)
			}
			u.Peak += peak
		}
		used[p.Name] = u
	}
	return used, nil
}

func (p Process) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range p.PIDs {
		used, err := clock(pid)
		if err != nil {
			return 0, fmt.Errorf("CPU time of %s: %w", p.Name, err)
		}
		sum += used
	}
	return sum, nil
}
