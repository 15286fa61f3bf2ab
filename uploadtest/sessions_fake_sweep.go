package uploadtest

import (
	"context"
	"slices"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Suspect implements upload.Sessions.
func (f *Sessions) Suspect(ctx context.Context, id, why string, certain bool) (int, error) {
	return answer(ctx, f, OpSuspect, func() (int, error) {
		s, ok := f.sessions[id]
		now := f.now()
		switch {
		case !ok || s.State == upload.Gone || !s.Expires.After(now):
			return 0, upload.ErrNotFound
		case s.State == upload.Committed:
			return 0, nil
		case certain:
			s.Suspect = upload.Suspicion{Times: upload.DamagedAfter, Last: now, Why: why}
		case s.Suspect.Times < upload.DamagedAfter && (s.Suspect.Times == 0 || now.Sub(s.Suspect.Last) >= time.Minute):
			s.Suspect = upload.Suspicion{Times: s.Suspect.Times + 1, Last: now, Why: why}
		}
		return s.Suspect.Times, nil
	})
}

// Bury implements upload.Sessions.
func (f *Sessions) Bury(ctx context.Context, id, owner string) (upload.Session, error) {
	return answer(ctx, f, OpBury, func() (upload.Session, error) {
		s, ok := f.sessions[id]
		sweeper := owner == ""
		if !ok || !sweeper && s.Owner != owner {
			return upload.Session{}, upload.ErrNotFound
		}
		if s.State == upload.Gone {
			return s.snapshot(), nil
		}
		now := f.now()
		expired := !s.Expires.After(now)
		switch {
		case expired && !sweeper:
			return upload.Session{}, upload.ErrNotFound
		case sweeper && !expired:
			return upload.Session{}, upload.ErrBusy
		case s.State == upload.Committing && s.Commit.Lease.After(now):
			return upload.Session{}, upload.ErrBusy
		}
		if s.previous != nil { // the successor has made nothing
			s.Commit.Terms, s.Commit.Key, s.previous = s.previous.Terms, s.previous.Key, nil
		}
		was := s.snapshot()
		s.State = upload.Gone
		return was, nil
	})
}

// Due implements upload.Sessions.
func (f *Sessions) Due(ctx context.Context, late, retry time.Duration, max int) ([]string, error) {
	return answer(ctx, f, OpDue, func() ([]string, error) {
		var ids []string
		by := f.now().Add(-late)
		for id, deadline := range f.deadlines {
			if !deadline.After(by) {
				ids = append(ids, id)
			}
		}
		slices.SortFunc(ids, func(a, b string) int { return f.deadlines[a].Compare(f.deadlines[b]) })
		ids = ids[:min(max, len(ids))]
		for _, id := range ids {
			f.deadlines[id] = by.Add(retry)
		}
		return ids, nil
	})
}

// Adopt implements upload.Sessions.
func (f *Sessions) Adopt(ctx context.Context, ids []string, late time.Duration) (int, error) {
	return answer(ctx, f, OpAdopt, func() (int, error) {
		n := 0
		for _, id := range ids {
			if _, ok := f.deadlines[id]; !ok {
				f.deadlines[id] = f.now().Add(-late)
				n++
			}
		}
		return n, nil
	})
}

// Forget implements upload.Sessions.
func (f *Sessions) Forget(ctx context.Context, id string) error {
	return f.call(ctx, OpForget, func() error {
		delete(f.sessions, id)
		delete(f.deadlines, id)
		f.dropAll(id)
		return nil
	})
}
