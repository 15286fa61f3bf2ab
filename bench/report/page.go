package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The page's generated parts stand between comments that name them:
//
//	<!-- bench:NAME -->
//	…
//	<!-- /bench -->
const (
	opening = "<!-- bench:"
	closing = "<!-- /bench -->"
)

// picture is the file of the picture, beside the page.
const picture = "performance.svg"

// Page renews the generated parts of the page, and the picture beside it.
func (r *Result) Page(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	renewed, err := r.Renew(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	drawn, err := r.Picture()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), picture), drawn, 0o644); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(renewed), 0o644)
}

// Renew replaces the generated parts of a page's text. Each part must be there
// once, so that none is forgotten.
func (r *Result) Renew(page string) (string, error) {
	parts := r.parts()
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(page, opening)
		b.WriteString(before)
		if !found {
			break
		}
		name, rest, ok := strings.Cut(rest, " -->")
		if !ok {
			return "", fmt.Errorf("a marker has no end")
		}
		part, ok := parts[name]
		if !ok {
			return "", fmt.Errorf("%q names no part, or names it again", name)
		}
		delete(parts, name)
		if _, page, ok = strings.Cut(rest, closing); !ok {
			return "", fmt.Errorf("part %q has no end", name)
		}
		fmt.Fprintf(&b, "%s%s -->\n%s\n%s", opening, name, strings.TrimSpace(part), closing)
	}
	for name := range parts {
		return "", fmt.Errorf("part %q is missing", name)
	}
	return b.String(), nil
}

// parts are what is generated, by name.
func (r *Result) parts() map[string]string {
	return map[string]string{
		"run":       r.run(),
		"goals":     r.goals().markdown(),
		"ratios":    r.ratios().markdown(),
		"figures":   r.figures().markdown(),
		"counts":    r.counted().markdown(),
		"scale":     r.scale().markdown(),
		"chunk":     r.byChunk().markdown(),
		"clients":   r.byClients().markdown(),
		"variants":  r.variants().markdown(),
		"constants": r.measuredConstants().markdown(),
		"sizing":    r.sizing().markdown(),
	}
}

// run says what ran where.
func (r *Result) run() string {
	m := r.Machine
	reached, measured := 0, 0
	for _, g := range r.Goals() {
		if g.Known {
			measured++
			if g.Reached() {
				reached++
			}
		}
	}
	text := fmt.Sprintf("%d of %d goals reached. Mode %s, revision %s, %s, %.0f s. %d cores (%s), %s of memory, Linux %s, %s, MinIO %s, Redis %s, %s; load, proxies and stores share them.",
		reached, measured, r.Mode, r.Revision, r.Began.Format("2006-01-02 15:04 UTC"), r.Seconds,
		m.Cores, m.CPU, sayBytes(float64(m.Memory)), m.Kernel, m.Go, m.MinIO, m.Redis, m.Nginx)
	if m.Data != "" {
		text += fmt.Sprintf(" MinIO's data lay %s.", m.Data)
	}
	return text
}
