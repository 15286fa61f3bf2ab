package testserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// tools are the executables that were asked for in this process, by name.
var tools struct {
	sync.Mutex
	programs map[string]string
}

// Tool is the path of an executable in Go's build cache: name as tools/<folder>
// declares it. It is not run by `go tool` itself, which would stand between us
// and its process. The first call on a machine builds it, which takes minutes
// for MinIO and k6.
func Tool(tb TB, folder, name string) string {
	tb.Helper()
	tools.Lock()
	defer tools.Unlock()
	if program, ok := tools.programs[name]; ok {
		return program
	}
	program, err := findTool(Root(tb), folder, name)
	if err != nil {
		tb.Fatalf("build %s from tools/%s (the first time needs the Go module proxy): %v", name, folder, err)
	}
	if tools.programs == nil {
		tools.programs = make(map[string]string)
	}
	tools.programs[name] = program
	return program
}

func findTool(root, folder, name string) (string, error) {
	cmd := exec.Command("go", "tool", "-n", "-modfile=tools/"+folder+"/go.mod", name)
	cmd.Dir = root
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(problems.String()))
	}
	program := strings.TrimSpace(out.String())
	_, err := os.Stat(program)
	return program, err
}
