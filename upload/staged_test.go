package upload_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// attributed notes the calls that begin an object, and whether it is staged.
type attributed struct {
	upload.Objects
	seen []string
}

func (a *attributed) note(op, key string, staged bool) {
	if strings.Contains(key, "/tail/") {
		key = "a tail"
	} else if strings.HasPrefix(key, staging) {
		key = "the staging key"
	}
	if s := fmt.Sprintf("%s at %s, staged: %t", op, key, staged); !slices.Contains(a.seen, s) {
		a.seen = append(a.seen, s)
	}
}

func (a *attributed) CreateMultipart(ctx context.Context, key string, at upload.Attributes) (upload.Multipart, error) {
	a.note("create", key, at.Staged)
	return a.Objects.CreateMultipart(ctx, key, at)
}

func (a *attributed) Put(ctx context.Context, key string, size int64, body io.Reader, at upload.Attributes, c upload.Condition) (upload.Object, error) {
	a.note("put", key, at.Staged)
	return a.Objects.Put(ctx, key, size, body, at, c)
}

// Only what is gone after the commit is staged: stores keep it more cheaply.
func TestStaged(t *testing.T) {
	objects := &attributed{}
	l := newLab(func(c *upload.Config) {
		objects.Objects, c.Objects, c.TailInSessions = c.Objects, objects, 0
	})
	s := l.mustPut(t, "", 0, content(1, 60))
	s = l.mustPut(t, s.ID, s.Offset, content(2, 10))
	l.mustCommit(t, s.ID, "copied")
	s = l.mustPut(t, "", 0, content(1, 10))
	l.mustCommit(t, s.ID, "whole")
	promised, err := l.Append(t.Context(), upload.Chunk{
		Owner: owner, Destination: "promised", Length: 60, Body: strings.NewReader(strings.Repeat("x", 60)),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.mustCommit(t, promised.ID, "promised")

	want := []string{
		"create at the staging key, staged: true",
		"put at a tail, staged: true",
		"create at copied, staged: false",
		"put at whole, staged: false",
		"create at promised, staged: false",
	}
	if !slices.Equal(objects.seen, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(objects.seen, "\n"), strings.Join(want, "\n"))
	}
}
