package modeltest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// rounds of each race, half of them with a head that is in the tail alone, half
// with one that is a part.
const rounds = 20

// TestRaces releases operations on one upload together, at two engines over
// real stores.
func TestRaces(t *testing.T) {
	s := newStack(t)
	races := []struct {
		name string
		run  func(t *testing.T, at upload.Status, head []byte)
	}{
		{"append, append", s.appendAppend},
		{"commit, append", s.commitAppend},
		{"commit, commit", s.commitCommit},
		{"discard, append", s.discardAppend},
		{"sweep, commit", s.sweepCommit},
	}
	for _, race := range races {
		t.Run(race.name, func(t *testing.T) {
			var ids []string
			for n := range rounds {
				head := content(n, 1000+n%2*6*mib)
				at := s.begin(t, head)
				ids = append(ids, at.ID)
				race.run(t, at, head)
			}
			s.wantNothing(t, ids)
		})
	}
}

// appendAppend: of many at one offset one wins, and the others are told so.
func (s *stack) appendAppend(t *testing.T, at upload.Status, head []byte) {
	const clients = 8
	var errs [clients]error
	var chunks [clients][]byte
	var all []func()
	for n := range clients {
		chunks[n] = content(100+n, mib+n*mib/2)
		all = append(all, func() { _, errs[n] = s.append(t, n%2, at, chunks[n]) })
	}
	together(all...)
	winner := slices.Index(errs[:], nil)
	if winner < 0 {
		t.Fatalf("nobody wins: %v", errs)
	}
	file := slices.Concat(head, chunks[winner])
	for n, err := range errs {
		var wrong *upload.OffsetError
		if n != winner && (!errors.As(err, &wrong) || wrong.Want != int64(len(file))) {
			t.Errorf("loser is told %v, the offset is %d", err, len(file))
		}
	}
	if _, err := s.commit(t, 0, at.ID, "file"); err != nil {
		t.Fatal(err)
	}
	s.wantObject(t, "file", file)
}

// commitAppend: a chunk is accepted before the commit, and then it is in the
// object, or it is not accepted.
func (s *stack) commitAppend(t *testing.T, at upload.Status, head []byte) {
	chunk := content(200, 1+rand.IntN(2)*6*mib)
	var appended, committed error
	together(
		func() { _, appended = s.append(t, 0, at, chunk) },
		func() {
			jitter(chunk)
			_, committed = s.commit(t, 1, at.ID, "file")
		},
	)
	if committed != nil {
		t.Fatalf("commit: %v", committed)
	}
	switch {
	case appended == nil:
		s.wantObject(t, "file", slices.Concat(head, chunk))
	case errors.Is(appended, upload.ErrBusy), errors.Is(appended, upload.ErrCompleted):
		s.wantObject(t, "file", head)
	default:
		t.Fatalf("append: %v", appended)
	}
}

// commitCommit: of two destinations one wins; a repeat gets the same answer.
func (s *stack) commitCommit(t *testing.T, at upload.Status, head []byte) {
	keys := []string{"a", "b", "a", "b"}
	var objects [4]upload.Object
	var errs [4]error
	var all []func()
	for n, key := range keys {
		all = append(all, func() { objects[n], errs[n] = s.commit(t, n/2, at.ID, key) })
	}
	together(all...)
	winner := slices.Index(errs[:], nil)
	if winner < 0 {
		t.Fatalf("nobody wins: %v", errs)
	}
	for n, key := range keys {
		switch {
		case key == keys[winner] && (errs[n] != nil || !same(objects[n], objects[winner])):
			t.Errorf("repeat answers %+v, %v, before %+v", objects[n], errs[n], objects[winner])
		case key != keys[winner] && !errors.Is(errs[n], upload.ErrCompleted):
			t.Errorf("loser is told %v", errs[n])
		}
	}
	s.wantObject(t, keys[winner], head)
}

// jitter gives a head start, at most about as long as storing chunk takes, so
// that either comes first at times.
func jitter(chunk []byte) {
	time.Sleep(time.Duration(rand.Int64N(int64(4*time.Millisecond) + int64(len(chunk))*10)))
}

// same says whether clients are told the same about two objects. The record
// keeps milliseconds, the wire tells seconds.
func same(a, b upload.Object) bool {
	return a.Key == b.Key && a.Size == b.Size && a.ETag == b.ETag && a.Modified.UnixMilli() == b.Modified.UnixMilli()
}

// discardAppend: the upload is gone for everybody, whatever came first.
func (s *stack) discardAppend(t *testing.T, at upload.Status, _ []byte) {
	chunk := content(300, 1+rand.IntN(2)*6*mib)
	var appended, discarded error
	together(
		func() { _, appended = s.append(t, 0, at, chunk) },
		func() {
			jitter(chunk)
			discarded = s.engines[1].Discard(t.Context(), owner, at.ID)
		},
	)
	if discarded != nil {
		t.Errorf("discard: %v", discarded)
	}
	if appended != nil && !errors.Is(appended, upload.ErrNotFound) {
		t.Errorf("append: %v", appended)
	}
	for _, e := range s.engines {
		if _, err := e.Status(t.Context(), owner, at.ID); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("status afterwards: %v", err)
		}
	}
	s.wantObject(t, "", nil)
}

// sweepCommit: a commit that began before the deadline succeeds, a later one
// finds nothing; the sweeper never takes its bytes away.
func (s *stack) sweepCommit(t *testing.T, at upload.Status, head []byte) {
	left := time.Duration(rand.Int64N(int64(4 * time.Millisecond)))
	s.ahead.Add(int64(at.Expires.Add(-left).Sub(s.now())))
	var committed error
	done := make(chan struct{})
	together(
		func() {
			defer close(done)
			time.Sleep(time.Duration(rand.Int64N(int64(4 * time.Millisecond))))
			_, committed = s.commit(t, 0, at.ID, "file")
		},
		func() {
			for swept := false; !swept; {
				select {
				case <-done:
					swept = true
				default:
				}
				if _, err := s.engines[1].Sweep(t.Context()); err != nil {
					t.Error(err)
				}
			}
		},
	)
	switch {
	case committed == nil:
		s.wantObject(t, "file", head)
	case errors.Is(committed, upload.ErrNotFound):
		s.ahead.Add(int64(time.Hour)) // it may have come too early to free it
		if _, err := s.engines[1].Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		s.wantObject(t, "", nil)
	default:
		t.Errorf("commit: %v", committed)
	}
}
