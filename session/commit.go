package session

import (
	"context"
	"fmt"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// BeginCommit implements upload.Sessions. After a takeover the session's
// Commit.Copy is still the dead runner's, until UpdateCommit stores another:
// so it is not forgotten when the successor dies too.
func (s *Store) BeginCommit(ctx context.Context, id, owner string, c upload.Commit, lease time.Duration) (upload.Session, *upload.Commit, error) {
	answer, err := s.run(ctx, beginCommitScript, "begin commit", id,
		s.offset(), owner, c.Terms, c.Key, c.Runner, span(lease))
	if err != nil {
		return upload.Session{}, nil, err
	}
	if len(answer) != 1 {
		return upload.Session{}, nil, senseless("begin commit", answer)
	}
	r, err := list(answer[0])
	if err != nil {
		return upload.Session{}, nil, err
	}
	u, err := r.session(id)
	if err != nil {
		return upload.Session{}, nil, err
	}
	if u.State != upload.Committing || u.Commit.Runner != c.Runner {
		return u, nil, nil
	}
	former, err := r.former()
	if err != nil {
		return upload.Session{}, nil, fmt.Errorf("read former commit: %w", err)
	}
	return u, former, nil
}

// UpdateCommit implements upload.Sessions. It stores c.Terms as well.
func (s *Store) UpdateCommit(ctx context.Context, id string, c upload.Commit, lease time.Duration, sealed bool) error {
	_, err := s.run(ctx, updateCommitScript, "update commit", id,
		s.offset(), c.Runner, span(lease), c.Terms, c.Key, c.Copy.Key, c.Copy.ID, bit(sealed))
	return err
}

// EndCommit implements upload.Sessions. It stores c.Terms and c.Key as well: who
// finds the object of a dead runner ends the commit under that one's terms. The
// result's time is kept to the millisecond.
func (s *Store) EndCommit(ctx context.Context, id string, c upload.Commit) error {
	if c.Result == nil {
		return fmt.Errorf("end commit: no result")
	}
	_, err := s.run(ctx, endCommitScript, "end commit", id, c.Runner, c.Terms, c.Key, encodeObject(*c.Result), bit(c.Tidied))
	return err
}

// Reopen implements upload.Sessions.
func (s *Store) Reopen(ctx context.Context, id, runner string) error {
	_, err := s.run(ctx, reopenScript, "reopen", id, runner)
	return err
}
