package metrics

import (
	"context"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Names of upload.Sessions' methods as values of the label operation.
const (
	opOpen         = "open"
	opGet          = "get"
	opBegin        = "begin"
	opRenew        = "renew"
	opDraw         = "draw"
	opAttach       = "attach"
	opDetach       = "detach"
	opAdvance      = "advance"
	opParts        = "parts"
	opPutPieces    = "put_pieces"
	opGetPieces    = "get_pieces"
	opDropPieces   = "drop_pieces"
	opBeginCommit  = "begin_commit"
	opUpdateCommit = "update_commit"
	opEndCommit    = "end_commit"
	opReopen       = "reopen"
	opSuspect      = "suspect"
	opBury         = "bury"
	opDue          = "due"
	opAdopt        = "adopt"
	opForget       = "forget"
	opPing         = "ping"
)

var sessionsOps = []string{
	opOpen, opGet, opBegin, opRenew, opDraw, opAttach, opDetach, opAdvance, opParts,
	opPutPieces, opGetPieces, opDropPieces, opBeginCommit, opUpdateCommit,
	opEndCommit, opReopen, opSuspect, opBury, opDue, opAdopt, opForget, opPing,
}

// Sessions is next with its calls counted and timed.
func (m *Metrics) Sessions(next upload.Sessions) upload.Sessions { return sessions{next, m.redis} }

type sessions struct {
	next  upload.Sessions
	calls *calls
}

// Open implements upload.Sessions.
func (d sessions) Open(ctx context.Context, s upload.Session, ttl time.Duration, wanted int) (stored upload.Session, n upload.Numbers, err error) {
	defer d.calls.done(opOpen, time.Now(), &err)
	return d.next.Open(ctx, s, ttl, wanted)
}

// Get implements upload.Sessions.
func (d sessions) Get(ctx context.Context, id, owner string) (s upload.Session, err error) {
	defer d.calls.done(opGet, time.Now(), &err)
	return d.next.Get(ctx, id, owner)
}

// Begin implements upload.Sessions.
func (d sessions) Begin(ctx context.Context, b upload.Begin) (s upload.Session, n upload.Numbers, err error) {
	defer d.calls.done(opBegin, time.Now(), &err)
	return d.next.Begin(ctx, b)
}

// Renew implements upload.Sessions.
func (d sessions) Renew(ctx context.Context, id, epoch string, above, wanted int) (n upload.Numbers, err error) {
	defer d.calls.done(opRenew, time.Now(), &err)
	return d.next.Renew(ctx, id, epoch, above, wanted)
}

// Draw implements upload.Sessions.
func (d sessions) Draw(ctx context.Context, id string, wanted int) (n upload.Numbers, err error) {
	defer d.calls.done(opDraw, time.Now(), &err)
	return d.next.Draw(ctx, id, wanted)
}

// Attach implements upload.Sessions.
func (d sessions) Attach(ctx context.Context, id, uploadID string) (stored string, err error) {
	defer d.calls.done(opAttach, time.Now(), &err)
	return d.next.Attach(ctx, id, uploadID)
}

// Detach implements upload.Sessions.
func (d sessions) Detach(ctx context.Context, id, uploadID string) (err error) {
	defer d.calls.done(opDetach, time.Now(), &err)
	return d.next.Detach(ctx, id, uploadID)
}

// Advance implements upload.Sessions.
func (d sessions) Advance(ctx context.Context, a upload.Advance) (err error) {
	defer d.calls.done(opAdvance, time.Now(), &err)
	return d.next.Advance(ctx, a)
}

// Parts implements upload.Sessions.
func (d sessions) Parts(ctx context.Context, id string) (parts []upload.Part, err error) {
	defer d.calls.done(opParts, time.Now(), &err)
	return d.next.Parts(ctx, id)
}

// PutPieces implements upload.Sessions.
func (d sessions) PutPieces(ctx context.Context, id, name string, first int, pieces [][]byte, expires time.Time) (err error) {
	defer d.calls.done(opPutPieces, time.Now(), &err)
	return d.next.PutPieces(ctx, id, name, first, pieces, expires)
}

// GetPieces implements upload.Sessions.
func (d sessions) GetPieces(ctx context.Context, id string, pieces []upload.Piece) (err error) {
	defer d.calls.done(opGetPieces, time.Now(), &err)
	return d.next.GetPieces(ctx, id, pieces)
}

// DropPieces implements upload.Sessions.
func (d sessions) DropPieces(ctx context.Context, id string, fragments []upload.Fragment) (err error) {
	defer d.calls.done(opDropPieces, time.Now(), &err)
	return d.next.DropPieces(ctx, id, fragments)
}

// BeginCommit implements upload.Sessions.
func (d sessions) BeginCommit(ctx context.Context, id, owner string, c upload.Commit, lease time.Duration) (s upload.Session, previous *upload.Commit, err error) {
	defer d.calls.done(opBeginCommit, time.Now(), &err)
	return d.next.BeginCommit(ctx, id, owner, c, lease)
}

// UpdateCommit implements upload.Sessions.
func (d sessions) UpdateCommit(ctx context.Context, id string, c upload.Commit, lease time.Duration, sealed bool) (err error) {
	defer d.calls.done(opUpdateCommit, time.Now(), &err)
	return d.next.UpdateCommit(ctx, id, c, lease, sealed)
}

// EndCommit implements upload.Sessions.
func (d sessions) EndCommit(ctx context.Context, id string, c upload.Commit) (err error) {
	defer d.calls.done(opEndCommit, time.Now(), &err)
	return d.next.EndCommit(ctx, id, c)
}

// Reopen implements upload.Sessions.
func (d sessions) Reopen(ctx context.Context, id, runner string) (err error) {
	defer d.calls.done(opReopen, time.Now(), &err)
	return d.next.Reopen(ctx, id, runner)
}

// Suspect implements upload.Sessions.
func (d sessions) Suspect(ctx context.Context, id, why string, certain bool) (times int, err error) {
	defer d.calls.done(opSuspect, time.Now(), &err)
	return d.next.Suspect(ctx, id, why, certain)
}

// Bury implements upload.Sessions.
func (d sessions) Bury(ctx context.Context, id, owner string) (s upload.Session, err error) {
	defer d.calls.done(opBury, time.Now(), &err)
	return d.next.Bury(ctx, id, owner)
}

// Due implements upload.Sessions.
func (d sessions) Due(ctx context.Context, late, retry time.Duration, max int) (ids []string, err error) {
	defer d.calls.done(opDue, time.Now(), &err)
	return d.next.Due(ctx, late, retry, max)
}

// Adopt implements upload.Sessions.
func (d sessions) Adopt(ctx context.Context, ids []string, late time.Duration) (n int, err error) {
	defer d.calls.done(opAdopt, time.Now(), &err)
	return d.next.Adopt(ctx, ids, late)
}

// Forget implements upload.Sessions.
func (d sessions) Forget(ctx context.Context, id string) (err error) {
	defer d.calls.done(opForget, time.Now(), &err)
	return d.next.Forget(ctx, id)
}

// Ping implements upload.Sessions.
func (d sessions) Ping(ctx context.Context) (err error) {
	defer d.calls.done(opPing, time.Now(), &err)
	return d.next.Ping(ctx)
}
