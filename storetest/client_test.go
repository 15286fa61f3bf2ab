package storetest

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/upload"
)

// reply is what the program answers.
type reply struct {
	Status   int    `json:"-"`
	UploadID string `json:"upload_id"`
	Offset   int64  `json:"offset"`
	Path     string `json:"path"`
	Rev      string `json:"rev"`
	Error    string `json:"error"`

	Contents []reply `json:"contents"`
	Entries  []any   `json:"entries"`
	Reset    bool    `json:"reset"`
}

// ask sends a request; target is what follows "/1/", header alternates names
// and values.
func (r *run) ask(method, target string, body []byte, header ...string) (int, []byte) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.BaseURL+"/1/"+target, bytes.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testserver.Token)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatalf("%s %s: %v", method, target, err)
	}
	return resp.StatusCode, got
}

func (r *run) reply(method, target string, body []byte) (got reply) {
	r.Helper()
	status, answer := r.ask(method, target, body)
	if err := json.Unmarshal(answer, &got); err != nil {
		r.Fatalf("%s %s: %d %.300s: %v", method, target, status, answer, err)
	}
	got.Status = status
	return got
}

func (r *run) describe(method, target string) reply {
	r.Helper()
	got := r.reply(method, target, nil)
	if got.Status != http.StatusOK {
		r.Fatalf("%s %s: %+v", method, target, got)
	}
	return got
}

// storePast stores an object past the program.
func (r *run) storePast(name, content string) error {
	_, err := r.objects.Put(r.Context(), testserver.KeyPrefix+r.dir+name, int64(len(content)), strings.NewReader(content), upload.Attributes{}, upload.Condition{})
	return err
}

// escaped writes a path into a URL, slashes as they are.
func escaped(path string) string { return strings.ReplaceAll(url.PathEscape(path), "%2F", "/") }

// random is content that is the same in every run.
func random(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// examined runs doctor, which has to find what is known of the store and
// nothing else.
func (h habits) examined(t *testing.T, program string, g *ground) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "doctor", "--json")
	cmd.Env = append(os.Environ(), testserver.Settings(g.seen, testserver.StartRedis(t))...)
	cmd.Env = append(append(cmd.Env, g.env...), "CHUNKGATE_INSECURE_NO_AUTH=true")
	out, err := cmd.Output()
	var said struct {
		Checks []struct{ Check, Level, Found, Advice string }
	}
	if json.Unmarshal(out, &said) != nil || len(said.Checks) < 10 {
		t.Fatalf("doctor: %v: %s", err, out)
	}
	left := map[string]bool{}
	for check := range h.doctor {
		left[check] = true
	}
	for _, c := range said.Checks {
		if c.Level == "ok" || !strings.HasPrefix(c.Check, "s3") {
			continue
		}
		want, known := h.doctor[c.Check]
		if !known || !strings.Contains(c.Found, want) {
			t.Errorf("%s: %s: %s – %s", c.Level, c.Check, c.Found, c.Advice)
		}
		delete(left, c.Check)
	}
	for check := range left {
		t.Errorf("doctor no longer says anything of %s", check)
	}
}
