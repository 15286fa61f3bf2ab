package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// TestHost: whatever ends the work, all that was started is ended, the last
// first.
func TestHost(t *testing.T) {
	for name, test := range map[string]struct {
		work func(h testserver.TB) error
		want string
	}{
		"well":  {func(testserver.TB) error { return nil }, ""},
		"error": {func(testserver.TB) error { return errors.New("no luck") }, "no luck"},
		"fatal": {func(h testserver.TB) error { h.Fatalf("no %s", "luck"); return nil }, "no luck"},
	} {
		var ended []string
		var dir string
		h := &host{}
		err := h.run(func() error {
			h.Cleanup(func() { ended = append(ended, "first") })
			h.Cleanup(func() { ended = append(ended, "second") })
			dir = h.TempDir()
			return test.work(h)
		})
		if got := errorText(err); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		if h.Failed() != (test.want != "") {
			t.Errorf("%s: failed is %t", name, h.Failed())
		}
		if diff := cmp.Diff([]string{"second", "first"}, ended); diff != "" {
			t.Errorf("%s: ended (-want +got):\n%s", name, diff)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the folder is still there: %v", name, err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestHostPanics: a bug is not told as a failure, but ends what was started too.
func TestHostPanics(t *testing.T) {
	h, ended := &host{}, false
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), "bug") || !ended {
			t.Errorf("recovered %v, ended is %t", r, ended)
		}
	}()
	_ = h.run(func() error {
		h.Cleanup(func() { ended = true })
		panic("bug")
	})
}
