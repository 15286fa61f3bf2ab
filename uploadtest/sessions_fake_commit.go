package uploadtest

import (
	"context"
	"errors"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// BeginCommit implements upload.Sessions. As in Redis, a successor's Copy is
// its predecessor's until it reports its own.
func (f *Sessions) BeginCommit(ctx context.Context, id, owner string, c upload.Commit, lease time.Duration) (upload.Session, *upload.Commit, error) {
	var previous *upload.Commit
	u, err := answer(ctx, f, OpBeginCommit, func() (upload.Session, error) {
		s, err := f.owned(id, owner)
		if err != nil {
			return upload.Session{}, err
		}
		s.claim(c, f.now(), lease, f.epoch())
		if s.State == upload.Committing && s.Commit.Runner == c.Runner {
			previous = cloneCommit(s.previous)
		}
		return s.snapshot(), nil
	})
	if err != nil {
		return upload.Session{}, nil, err
	}
	return u, previous, nil
}

// claim gives the commit to c.Runner, unless it is done or a living runner's.
func (s *session) claim(c upload.Commit, now time.Time, lease time.Duration, epoch string) {
	var inherited upload.Multipart
	switch {
	case s.State == upload.Committed:
		return
	case s.State == upload.Committing && s.Commit.Runner == c.Runner:
		inherited = s.Commit.Copy
	case s.State == upload.Committing && s.Commit.Lease.After(now):
		return
	case s.State == upload.Committing:
		inherited = s.Commit.Copy
		if s.previous == nil { // else the dead one had not even begun
			s.previous = s.Commit
		}
		fallthrough
	default:
		s.Doubt = s.epoch != epoch && !s.Sealed
	}
	if s.Commits == 0 || s.numberedAt != s.Offset {
		s.Commits, s.numberedAt = s.Commits+1, s.Offset
	}
	s.State = upload.Committing
	s.Commit = &upload.Commit{Terms: c.Terms, Key: c.Key, Runner: c.Runner, Lease: now.Add(lease), Copy: inherited}
}

// runs finds the session whose commit the runner runs, or has ended.
func (f *Sessions) runs(id, runner string) (*session, error) {
	s, ok := f.sessions[id]
	if !ok || s.State == upload.Gone || s.Commit == nil || s.Commit.Runner != runner {
		return nil, upload.ErrNotFound
	}
	return s, nil
}

// UpdateCommit implements upload.Sessions.
func (f *Sessions) UpdateCommit(ctx context.Context, id string, c upload.Commit, lease time.Duration, sealed bool) error {
	return f.call(ctx, OpUpdateCommit, func() error {
		s, err := f.runs(id, c.Runner)
		if err != nil {
			return err
		}
		if s.State != upload.Committing {
			return upload.ErrNotFound
		}
		s.previous = nil
		s.Commit.Terms, s.Commit.Key, s.Commit.Lease, s.Commit.Copy = c.Terms, c.Key, f.now().Add(lease), c.Copy
		s.Sealed = s.Sealed || sealed
		return nil
	})
}

// EndCommit implements upload.Sessions.
func (f *Sessions) EndCommit(ctx context.Context, id string, c upload.Commit) error {
	return f.call(ctx, OpEndCommit, func() error {
		if c.Result == nil {
			return errors.New("end commit: no result")
		}
		s, err := f.runs(id, c.Runner)
		if err != nil {
			return err
		}
		s.Commit.Tidied = s.Commit.Tidied || c.Tidied
		if s.State == upload.Committed {
			return nil
		}
		s.State, s.previous = upload.Committed, nil
		s.Commit.Terms, s.Commit.Key, s.Commit.Result = c.Terms, c.Key, cloneCommit(&c).Result
		s.Tail, s.parts, s.Suspect = nil, nil, upload.Suspicion{}
		f.dropAll(id)
		return nil
	})
}

// Reopen implements upload.Sessions.
func (f *Sessions) Reopen(ctx context.Context, id, runner string) error {
	return f.call(ctx, OpReopen, func() error {
		if s, ok := f.sessions[id]; ok && s.reopened == runner {
			return nil
		}
		s, err := f.runs(id, runner)
		if err != nil {
			return err
		}
		if s.State != upload.Committing {
			return upload.ErrNotFound
		}
		s.State, s.Commit, s.Doubt, s.previous, s.reopened = upload.Open, nil, false, nil, runner
		return nil
	})
}

func (f *Sessions) dropAll(id string) {
	for name := range f.pieces {
		if name.id == id {
			delete(f.pieces, name)
		}
	}
}
