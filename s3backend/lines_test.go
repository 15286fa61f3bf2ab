package s3backend

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// Parts follow each other on one connection; one that the store has closed
// meanwhile is replaced, and nobody notices.
func TestLinesAreKept(t *testing.T) {
	var from []string
	b := mustBothWays(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		from = append(from, r.RemoteAddr)
	})["direct"]
	l := linesOf(t, b)
	part := func() {
		t.Helper()
		_, err := b.UploadPart(t.Context(), upload.Multipart{Key: "k", ID: "i"}, 1, 5, io.LimitReader(strings.NewReader("hello"), 5))
		if err != nil {
			t.Fatal(err)
		}
	}
	part()
	part()
	if from[0] != from[1] {
		t.Errorf("two parts came from %v, want one connection", from)
	}
	if l.kept != 1 {
		t.Errorf("%d connections are kept, want 1", l.kept)
	}
	for _, all := range l.idle {
		for _, line := range all {
			_ = line.conn.Close()
		}
	}
	part()
	if from[2] == from[1] || l.kept != 1 {
		t.Errorf("parts came from %v and %d connections are kept, want another", from, l.kept)
	}
}

func linesOf(t *testing.T, b *Backend) *lines {
	t.Helper()
	if believing, ok := b.courier.http.(believer); ok {
		if l, ok := believing.next.(*lines); ok {
			return l
		}
	}
	t.Fatalf("parts are sent by a %T", b.courier.http)
	return nil
}
