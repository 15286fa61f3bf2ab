package modeltest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// faultySessions is a session store behind a gate.
type faultySessions struct {
	*uploadtest.Sessions
	g    *gate
	full *atomic.Bool // what it says of its memory
}

func (f faultySessions) Open(ctx context.Context, s upload.Session, ttl time.Duration, wanted int) (upload.Session, upload.Numbers, error) {
	var n upload.Numbers
	stored, err := fetch(ctx, f.g, "open", func() (stored upload.Session, err error) {
		stored, n, err = f.Sessions.Open(ctx, s, ttl, wanted)
		return stored, err
	})
	return stored, n, err
}

func (f faultySessions) Get(ctx context.Context, id, owner string) (upload.Session, error) {
	return fetch(ctx, f.g, "get", func() (upload.Session, error) { return f.Sessions.Get(ctx, id, owner) })
}

func (f faultySessions) Begin(ctx context.Context, b upload.Begin) (upload.Session, upload.Numbers, error) {
	var n upload.Numbers
	s, err := fetch(ctx, f.g, "begin", func() (s upload.Session, err error) {
		s, n, err = f.Sessions.Begin(ctx, b)
		return s, err
	})
	return s, n, err
}

func (f faultySessions) Renew(ctx context.Context, id, epoch string, above, wanted int) (upload.Numbers, error) {
	return fetch(ctx, f.g, "renew", func() (upload.Numbers, error) { return f.Sessions.Renew(ctx, id, epoch, above, wanted) })
}

func (f faultySessions) Draw(ctx context.Context, id string, wanted int) (upload.Numbers, error) {
	return fetch(ctx, f.g, "draw", func() (upload.Numbers, error) { return f.Sessions.Draw(ctx, id, wanted) })
}

func (f faultySessions) Attach(ctx context.Context, id, uploadID string) (string, error) {
	return fetch(ctx, f.g, "attach", func() (string, error) { return f.Sessions.Attach(ctx, id, uploadID) })
}

func (f faultySessions) Detach(ctx context.Context, id, uploadID string) error {
	return f.g.pass(ctx, "detach", func() error { return f.Sessions.Detach(ctx, id, uploadID) })
}

func (f faultySessions) Advance(ctx context.Context, a upload.Advance) error {
	return f.g.pass(ctx, "advance", func() error { return f.Sessions.Advance(ctx, a) })
}

func (f faultySessions) Parts(ctx context.Context, id string) ([]upload.Part, error) {
	return fetch(ctx, f.g, "parts", func() ([]upload.Part, error) { return f.Sessions.Parts(ctx, id) })
}

func (f faultySessions) PutPieces(ctx context.Context, id, name string, first int, pieces [][]byte, expires time.Time) error {
	return f.g.pass(ctx, "put pieces", func() error { return f.Sessions.PutPieces(ctx, id, name, first, pieces, expires) })
}

func (f faultySessions) GetPieces(ctx context.Context, id string, pieces []upload.Piece) error {
	return f.g.pass(ctx, "get pieces", func() error { return f.Sessions.GetPieces(ctx, id, pieces) })
}

func (f faultySessions) DropPieces(ctx context.Context, id string, fragments []upload.Fragment) error {
	return f.g.pass(ctx, "drop pieces", func() error { return f.Sessions.DropPieces(ctx, id, fragments) })
}

func (f faultySessions) BeginCommit(ctx context.Context, id, owner string, c upload.Commit, lease time.Duration) (upload.Session, *upload.Commit, error) {
	var previous *upload.Commit
	s, err := fetch(ctx, f.g, "begin commit", func() (s upload.Session, err error) {
		s, previous, err = f.Sessions.BeginCommit(ctx, id, owner, c, lease)
		return s, err
	})
	return s, previous, err
}

func (f faultySessions) UpdateCommit(ctx context.Context, id string, c upload.Commit, lease time.Duration, sealed bool) error {
	return f.g.pass(ctx, "update commit", func() error { return f.Sessions.UpdateCommit(ctx, id, c, lease, sealed) })
}

func (f faultySessions) EndCommit(ctx context.Context, id string, c upload.Commit) error {
	return f.g.pass(ctx, "end commit", func() error { return f.Sessions.EndCommit(ctx, id, c) })
}

func (f faultySessions) Reopen(ctx context.Context, id, runner string) error {
	return f.g.pass(ctx, "reopen", func() error { return f.Sessions.Reopen(ctx, id, runner) })
}

func (f faultySessions) Suspect(ctx context.Context, id, why string, certain bool) (int, error) {
	return fetch(ctx, f.g, "suspect", func() (int, error) { return f.Sessions.Suspect(ctx, id, why, certain) })
}

func (f faultySessions) Bury(ctx context.Context, id, owner string) (upload.Session, error) {
	return fetch(ctx, f.g, "bury", func() (upload.Session, error) { return f.Sessions.Bury(ctx, id, owner) })
}

func (f faultySessions) Due(ctx context.Context, late, retry time.Duration, most int) ([]string, error) {
	return fetch(ctx, f.g, "due", func() ([]string, error) { return f.Sessions.Due(ctx, late, retry, most) })
}

func (f faultySessions) Adopt(ctx context.Context, ids []string, late time.Duration) (int, error) {
	return fetch(ctx, f.g, "adopt", func() (int, error) { return f.Sessions.Adopt(ctx, ids, late) })
}

func (f faultySessions) Forget(ctx context.Context, id string) error {
	return f.g.pass(ctx, "forget", func() error { return f.Sessions.Forget(ctx, id) })
}

func (f faultySessions) IdleTails(
	ctx context.Context, from int, idle time.Duration,
) (idled []upload.Session, next int, err error) {
	err = f.g.pass(ctx, "idle tails", func() (err error) {
		idled, next, err = f.Sessions.IdleTails(ctx, from, idle)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return idled, next, nil
}

func (f faultySessions) MoveTail(ctx context.Context, s upload.Session, tail []upload.Fragment) (bool, error) {
	return fetch(ctx, f.g, "move tail", func() (bool, error) { return f.Sessions.MoveTail(ctx, s, tail) })
}

func (f faultySessions) Memory(ctx context.Context) (used, limit int64, err error) {
	err = f.g.pass(ctx, "memory", func() error { return nil })
	if f.full.Load() {
		used = 100
	}
	return used, 100, err
}
