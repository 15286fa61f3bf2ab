package proxy

import (
	"errors"
	"fmt"
	"strings"
)

// template makes text of a JWT's claims, in the style of RFC 6570: {claim} is a
// claim that is one segment of a path, {+claim} one that may have slashes.
type template struct {
	text  []string // before, between and behind the claims
	names []string
	paths []bool // of {+claim}
}

// parseTemplate reads a template. The error is for whoever wrote it.
func parseTemplate(s string) (template, error) {
	var t template
	for {
		before, rest, found := strings.Cut(s, "{")
		t.text = append(t.text, before)
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		name, path := strings.CutPrefix(name, "+")
		if !closed || name == "" || strings.Contains(name, "{") {
			return template{}, errors.New("has a brace that is not of a {claim}")
		}
		t.names, t.paths, s = append(t.names, name), append(t.paths, path), after
	}
	for _, text := range t.text {
		if strings.Contains(text, "}") {
			return template{}, errors.New("has a brace that is not of a {claim}")
		}
	}
	return t, nil
}

// stays says whether its text alone, whatever the claims are, can be a key prefix.
func (t template) stays() bool {
	text := strings.Join(t.text, "x")
	if text == "" || text == "/" {
		return true
	}
	_, err := cleanPath(text)
	return err == nil
}

// expand fills the claims in. Each has to be a text, and not empty.
func (t template) expand(claims map[string]any) (string, error) {
	var b strings.Builder
	for i, text := range t.text {
		b.WriteString(text)
		if i == len(t.names) {
			break
		}
		value, _ := claims[t.names[i]].(string)
		if value == "" {
			return "", fmt.Errorf("claim %s is missing, or no text", t.names[i])
		}
		if !t.paths[i] && strings.Contains(value, "/") {
			return "", fmt.Errorf("claim %s has a slash, which {+%s} would allow", t.names[i], t.names[i])
		}
		b.WriteString(value)
	}
	return b.String(), nil
}
