package uploadtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Names of the calls of upload.Tails, for hooks and counts.
const (
	OpIdleTails = "idle_tails"
	OpMoveTail  = "move_tail"
	OpMemory    = "memory"
)

// As in Redis: how long a claim on a tail lasts, and how long pieces outlive
// their move.
const (
	moveClaim  = 2 * time.Minute
	movedGrace = time.Minute
)

// moved is what a session knows of its tail's moves.
type moved struct {
	advanced time.Time         // when the latest chunk counted
	claimed  time.Time         // when somebody was told to move it; zero: nobody
	left     []upload.Fragment // whose pieces are not needed any more
	since    time.Time
}

var _ upload.Tails = (*Sessions)(nil)

// IdleTails implements upload.Tails.
func (f *Sessions) IdleTails(ctx context.Context, from int, idle time.Duration) ([]upload.Session, int, error) {
	var idled []upload.Session
	err := f.call(ctx, OpIdleTails, func() error {
		ids := slices.SortedFunc(maps.Keys(f.deadlines), func(a, b string) int {
			if d := f.deadlines[a].Compare(f.deadlines[b]); d != 0 {
				return d
			}
			return strings.Compare(a, b)
		})
		for _, id := range ids[min(from, len(ids)):] {
			if s := f.sessions[id]; s != nil && f.idle(s, idle) {
				s.moved.claimed = f.now()
				idled = append(idled, s.snapshot())
			}
		}
		return nil
	})
	return idled, 0, err
}

// idle drops what an earlier move left and says whether there is one to be made.
func (f *Sessions) idle(s *session, idle time.Duration) bool {
	now := f.now()
	if m := &s.moved; len(m.left) > 0 && now.Sub(m.since) >= movedGrace {
		f.drop(s.ID, slices.DeleteFunc(m.left, func(left upload.Fragment) bool { return slices.Contains(s.Tail, left) }))
		m.left = nil
	}
	last := s.moved.advanced
	if last.IsZero() {
		last = s.Created
	}
	here := func(f upload.Fragment) bool { return f.Place == upload.InSessions }
	return s.State == upload.Open && slices.ContainsFunc(s.Tail, here) && s.Expires.After(now) &&
		now.Sub(last) >= idle && now.Sub(s.moved.claimed) >= moveClaim
}

// MoveTail implements upload.Tails.
func (f *Sessions) MoveTail(ctx context.Context, u upload.Session, tail []upload.Fragment) (bool, error) {
	return answer(ctx, f, OpMoveTail, func() (bool, error) {
		s := f.sessions[u.ID]
		switch {
		case s == nil || s.State == upload.Gone || !s.Expires.After(f.now()):
			return false, nil
		case slices.ContainsFunc(tail, func(f upload.Fragment) bool { // newer ones may stand behind it by now
			return !slices.Contains(u.Tail, f) && slices.Contains(s.Tail, f)
		}):
			return true, nil
		case s.open() != nil || s.Offset != u.Offset || !slices.Equal(s.Tail, u.Tail):
			return false, nil
		}
		s.moved.left = append(s.moved.left, s.Tail...)
		s.moved.since, s.moved.claimed = f.now(), time.Time{}
		s.Tail = slices.Clone(tail)
		s.Moves++
		return true, nil
	})
}

// Memory implements upload.Tails.
func (f *Sessions) Memory(ctx context.Context) (used, limit int64, err error) {
	err = f.call(ctx, OpMemory, func() error {
		used, limit = f.Used, f.Limit
		return nil
	})
	return used, limit, err
}
