package meter

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestParseParent(t *testing.T) {
	for _, name := range []string{"(minio)", "(a b)", "(x) y (z)", "()"} {
		if got, err := parseParent("17 " + name + " S 42 100 100 0 -1"); err != nil || got != 42 {
			t.Errorf("%s: got %d, %v, want 42", name, got, err)
		}
	}
	for _, line := range []string{"", "17 minio S 42", "17 (minio) S", "17 (m) S x 1"} {
		if got, err := parseParent(line); err == nil {
			t.Errorf("%q: got %d, want an error", line, got)
		}
	}
}

func TestParseMemory(t *testing.T) {
	const status = "Name:\tminio\nVmPeak:\t  900 kB\nVmHWM:\t  128000 kB\nVmRSS:\t    64 kB\n"
	for field, want := range map[string]int64{"VmHWM": 128000 << 10, "VmRSS": 64 << 10} {
		if got, err := parseMemory(status, field); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", field, got, err, want)
		}
	}
	for _, field := range []string{"VmSwap", "Name"} {
		if got, err := parseMemory(status, field); err == nil {
			t.Errorf("%s: got %d, want an error", field, got)
		}
	}
}

// TestMeter measures this process while it works, and a child that does not.
func TestMeter(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	family, err := Family(os.Getpid())
	if err != nil || !slices.Contains(family, child.Process.Pid) || family[0] != os.Getpid() {
		t.Errorf("the family is %v, %v, want %d and %d", family, err, os.Getpid(), child.Process.Pid)
	}

	m, err := Start(Process{"self", []int{os.Getpid()}}, Process{"child", []int{child.Process.Pid}})
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<20)
	for deadline := time.Now().Add(10 * time.Second); ; {
		for i := range block {
			block[i]++
		}
		used, err := m.Stop()
		if err != nil {
			t.Fatal(err)
		}
		if self := used["self"]; self.CPU >= 0.05 && self.Peak >= int64(len(block)) {
			if idle := used["child"]; idle.CPU > 0.02 || idle.Peak == 0 || idle.Peak >= self.Peak {
				t.Errorf("the sleeping child used %+v", idle)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("this process used %+v", used["self"])
		}
	}
}

// TestMeterOfTheDead: a server that crashed must not look cheap.
func TestMeterOfTheDead(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	m, err := Start(Process{"child", []int{child.Process.Pid}})
	if err != nil {
		t.Fatal(err)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	if used, err := m.Stop(); err == nil {
		t.Errorf("got %v, want an error", used)
	}
}
