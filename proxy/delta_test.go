package proxy

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/uploadtest"
)

// What rclone lists: a pair of path in lower case and metadata for every file
// and folder, however deep, and nothing above or beside.
func TestDelta(t *testing.T) {
	files := uploadtest.NewObjects()
	s := serveFiles(t, files, "A/b.txt", "A/C/d", "A/C/e/f", "beside")
	tests := map[string]struct {
		target string
		want   map[string]string
	}{
		"all": {"/1/delta", map[string]string{
			"/a": "/A", "/a/b.txt": "/A/b.txt", "/a/c": "/A/C", "/a/c/d": "/A/C/d", "/a/c/e": "/A/C/e", "/a/c/e/f": "/A/C/e/f", "/beside": "/beside",
		}},
		"below a folder": {"/1/delta?locale=en&path_prefix=%2FA%2FC", map[string]string{
			"/a/c": "/A/C", "/a/c/d": "/A/C/d", "/a/c/e": "/A/C/e", "/a/c/e/f": "/A/C/e/f",
		}},
		"nothing there": {"//1/delta?path_prefix=/none&cursor=x", map[string]string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := s.call(t, "POST", test.target, "", "")
			var got struct {
				Reset   bool
				HasMore *bool `json:"has_more"`
				Cursor  string
				Entries [][2]json.RawMessage
			}
			if err := json.Unmarshal([]byte(answer.body), &got); err != nil || answer.status != 200 {
				t.Fatalf("%d %s: %v", answer.status, answer.body, err)
			}
			if !got.Reset || got.HasMore == nil || *got.HasMore || got.Cursor == "" {
				t.Errorf("got %s", answer.body)
			}
			paths := map[string]string{}
			for _, pair := range got.Entries {
				var lower string
				var of struct{ Path string }
				if json.Unmarshal(pair[0], &lower) != nil || json.Unmarshal(pair[1], &of) != nil {
					t.Fatalf("entry %s", pair)
				}
				paths[lower] = of.Path
			}
			if diff := cmp.Diff(test.want, paths); diff != "" || len(paths) != len(got.Entries) {
				t.Errorf("%d entries (-want +got):\n%s", len(got.Entries), diff)
			}
		})
	}
}
