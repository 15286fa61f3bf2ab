package wiretest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

var update = flag.Bool("update", false, "write the answers into the golden files; compare them with PROTOCOL.md by hand")

// accounts are those of the captures: all of one owner.
func accounts() []string {
	var lines []string
	for _, token := range []string{"tok", "tok123"} {
		lines = append(lines, fmt.Sprintf("sha256:%x  tester  %s", sha256.Sum256([]byte(token)), testserver.KeyPrefix))
	}
	return append(lines,
		"oauth1:key:sec:tok:toksec  tester  "+testserver.KeyPrefix,
		"oauth1:ck:cs:at:as  tester  "+testserver.KeyPrefix)
}

// TestFixtures replays what clients were captured to send (PROTOCOL, Appendix
// A). A file in testdata is what one of them sent in a row:
//
//	=== title
//	the request's head, as it is but for the line ends
//	(an empty line)
//	the body
//
// A body is a form as it is, or BYTES n, the next n bytes of the file that is
// uploaded, or CHUNKED n, the same in chunked transfer coding. ID stands for
// the upload_id that was answered first.
func TestFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no fixtures: %v", err)
	}
	s := start(t, accounts()...)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			replay(t, s, file)
		})
	}
}

// replay sends a file of requests. A golden file that does not answer these
// very requests is no answer to any.
func replay(t *testing.T, s stack, file string) {
	golden := strings.TrimSuffix(file, ".http") + ".golden"
	requests := sections(t, file)
	want := requests
	if !*update {
		want = sections(t, golden)
	}
	if len(want) != len(requests) {
		t.Fatalf("%s has %d answers to %d requests", golden, len(want), len(requests))
	}
	c := &client{stack: s, file: content(file, 4*mib)}
	var answers strings.Builder
	for n, r := range requests {
		t.Run(r.title, func(t *testing.T) {
			got := c.send(t, r.text)
			fmt.Fprintf(&answers, "=== %s\n%s\n\n", r.title, got)
			if *update {
				return
			}
			if diff := cmp.Diff(want[n].title+"\n"+want[n].text, r.title+"\n"+got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	if !*update {
		return
	}
	if err := os.WriteFile(golden, []byte(answers.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

type section struct{ title, text string }

// sections reads a file of testdata; what is before the first title is a comment.
func sections(t *testing.T, name string) []section {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var found []section
	for _, part := range strings.Split("\n"+string(b), "\n=== ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		found = append(found, section{title, strings.TrimRight(text, "\n")})
	}
	return found
}

// client replays what one client sent.
type client struct {
	stack
	file  []byte // to upload
	taken int    // bytes of the current request's body, of file
	sent  []byte // what was accepted
	mask  mask
}

// placeholder finds ID, in a query, a form or a multipart form.
var placeholder = regexp.MustCompile(`(upload_id=|name="upload_id"\n\n)ID\b`)

// send sends a request and answers the answer, without what changes.
func (c *client) send(t *testing.T, request string) string {
	t.Helper()
	raw := placeholder.ReplaceAllString(request, "${1}"+c.mask.id)
	raw = strings.ReplaceAll(strings.TrimSuffix(raw, "\n"), "\n", "\r\n")
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	data := c.body(t, body)
	answer := exchange(t, c.proxies[0], []byte(strings.TrimSuffix(head, "\r\n")+"\r\n\r\n"), data)
	if strings.HasPrefix(answer.status, "HTTP/1.1 200 ") {
		c.accepted(t, answer.body)
	}
	text, err := c.mask.replace(answer.String())
	if err != nil {
		t.Error(err)
	}
	return text
}

// body makes a request's body of what a fixture says about it.
func (c *client) body(t *testing.T, text string) []byte {
	t.Helper()
	c.taken = 0
	kind, number, _ := strings.Cut(text, " ")
	if kind != "BYTES" && kind != "CHUNKED" {
		return []byte(text)
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	c.taken = n
	data := c.file[len(c.sent):][:n]
	if kind == "BYTES" {
		return data
	}
	var coded bytes.Buffer
	if n > 0 {
		fmt.Fprintf(&coded, "%x\r\n%s\r\n", n, data)
	}
	coded.WriteString("0\r\n\r\n")
	return coded.Bytes()
}

// accepted counts a chunk, and compares a file that was made with the chunks.
func (c *client) accepted(t *testing.T, body []byte) {
	t.Helper()
	c.sent = append(c.sent, c.file[len(c.sent):][:c.taken]...)
	var made struct {
		Path  string `json:"path"`
		IsDir bool   `json:"is_dir"`
	}
	if json.Unmarshal(body, &made) != nil || made.Path == "" || made.IsDir {
		return
	}
	if c.read(t, made.Path[1:]) != sha256.Sum256(c.sent) {
		t.Errorf("%q is not what was sent", made.Path)
	}
}
