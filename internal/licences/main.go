// Command licences lists under which licences the modules in a bill of
// materials (make sbom) are, and fails when one of them may not be linked into
// a program under the Apache License.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// allowed are licences that ask for no more than to be named. Those of the GPL
// family, AGPL above all, ask for more: MinIO and k6 are under that one, and only
// run beside chunkgate. BSD-Source-Code is what the finder takes Go's own for.
var allowed = []string{
	"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-Source-Code", "ISC", "MIT", "MIT-0", "Unlicense", "Zlib",
}

// known are those that the bill does not tell: nobody looks for the standard
// library's.
var known = map[string]string{"std": "BSD-3-Clause"}

type bill struct {
	Components []component `json:"components"`
}

type component struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Licences []licence `json:"licenses"`
	Evidence struct {
		Licences []licence `json:"licenses"` // as found in the module's files
	} `json:"evidence"`
}

type licence struct {
	Expression string `json:"expression"`
	Licence    struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"license"`
}

func main() {
	if err := list(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// list writes a line a module, in order, and answers what is forbidden.
func list(sbom io.Reader, out io.Writer) error {
	var b bill
	if err := json.NewDecoder(sbom).Decode(&b); err != nil {
		return fmt.Errorf("read the bill of materials: %w", err)
	}
	if len(b.Components) == 0 {
		return errors.New("the bill of materials is empty")
	}
	slices.SortFunc(b.Components, func(a, b component) int { return strings.Compare(a.Name, b.Name) })
	var wrong error
	for _, c := range b.Components {
		found := c.found()
		if _, err := fmt.Fprintf(out, "%s %s %s\n", c.Name, c.Version, strings.Join(found, " AND ")); err != nil {
			return err
		}
		for _, l := range found {
			if !slices.Contains(allowed, l) {
				wrong = errors.Join(wrong, fmt.Errorf("%s is under %s", c.Name, l))
			}
		}
	}
	return wrong
}

// found are the licences of a module; one without any is under "no licence".
func (c component) found() []string {
	if l, ok := known[c.Name]; ok {
		return []string{l}
	}
	var found []string
	for _, l := range slices.Concat(c.Licences, c.Evidence.Licences) {
		name := l.Licence.ID + l.Licence.Name + l.Expression
		if !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return []string{"no licence"}
	}
	return found
}
