package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// TestRecord reads one upload in each way that it can be there.
func TestRecord(t *testing.T) {
	ctx := t.Context()
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{Grace: time.Hour})
	u := mustFill(t, s)
	want := session.Record{Session: u, Parts: 1, Due: u.Expires, Until: u.Expires.Add(time.Hour)}
	wantRecord(t, s, u.ID, want)

	if err := s.NoteFailure(ctx, u.ID, "the store did nothing"); err != nil {
		t.Fatal(err)
	}
	want.Failure, want.Failed = "the store did nothing", u.Created
	wantRecord(t, s, u.ID, want)
	if _, err := s.Get(ctx, u.ID, u.Owner); err != nil {
		t.Errorf("with a failure noted the upload is unreadable: %v", err)
	}

	if err := client.HSet(ctx, "chunkgate:{"+u.ID+"}", "offset", "many").Err(); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Record(ctx, u.ID); err != nil || r.Err == nil || r.ID != u.ID {
		t.Errorf("a record that makes no sense: got %+v, %v", r, err)
	}
	if err := client.Del(ctx, "chunkgate:{"+u.ID+"}").Err(); err != nil {
		t.Fatal(err)
	}
	wantRecord(t, s, u.ID, session.Record{Session: upload.Session{ID: u.ID}, Parts: 1, Due: u.Expires, Lost: true})
	if err := s.Forget(ctx, u.ID); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{u.ID, "", "{x}"} {
		if _, err := s.Record(ctx, id); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("record of %q: got %v, want %v", id, err, upload.ErrNotFound)
		}
	}
}

func wantRecord(t *testing.T, s *session.Store, id string, want session.Record) {
	t.Helper()
	got, err := s.Record(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	near := cmpopts.EquateApproxTime(10 * time.Second) // the deadline was stored first, the failure later
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// A note must not make a record of an upload that is not there, which would
// stay for ever.
func TestNoteFailureOfNone(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{})
	if err := s.NoteFailure(t.Context(), "none", "x"); err != nil {
		t.Fatal(err)
	}
	if names := mustKeys(t, client); len(names) > 0 {
		t.Errorf("there are keys: %q", names)
	}
}

// TestRecords pages through more uploads than a page holds, most of them with
// the same deadline.
func TestRecords(t *testing.T) {
	ctx := t.Context()
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{})
	const all = 350
	for i := range all {
		u := upload.Session{ID: fmt.Sprintf("u%03d", i), Owner: "alice", Key: "k"}
		if _, _, err := s.Open(ctx, u, time.Hour, 0); err != nil {
			t.Fatal(err)
		}
		due := 1000 + float64(i)
		if i >= 20 && i < 330 {
			due = 1100
		}
		if err := client.ZAdd(ctx, "chunkgate:deadlines", redis.Z{Score: due, Member: u.ID}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for r, err := range s.Records(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.ID)
	}
	var want []string
	for i := range all {
		want = append(want, fmt.Sprintf("u%03d", i))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if n, err := s.Deadlines(ctx); err != nil || n != all {
		t.Errorf("%d deadlines, %v; want %d", n, err, all)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range s.Records(ended) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after its end: %v", err)
		}
	}
}

func TestTailSizes(t *testing.T) {
	ctx := t.Context()
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{})
	u := mustFill(t, s)
	tail := append(u.Tail,
		upload.Fragment{Place: upload.InObjects, Name: "o", Size: 5},
		upload.Fragment{Place: upload.InSessions, Name: "lost", Size: 6, Piece: 4})
	two := upload.Fragment{Place: upload.InSessions, Name: "two", Size: 7, Piece: 4}
	if err := s.PutPieces(ctx, u.ID, two.Name, 0, [][]byte{[]byte("tail"), []byte("end")}, u.Expires); err != nil {
		t.Fatal(err)
	}
	got, err := s.TailSizes(ctx, u.ID, append(tail, two))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{4, 0, 0, 7}, got); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}

	// What is here goes, also from behind what is elsewhere.
	if err := s.DropPieces(ctx, u.ID, append(tail, two)); err != nil {
		t.Fatal(err)
	}
	if left := client.HKeys(ctx, "chunkgate:{"+u.ID+"}:tail").Val(); len(left) > 0 {
		t.Errorf("pieces are left: %q", left)
	}
}
