package upload

import (
	"context"
	"time"
)

// Sessions is the session store: the authority on every upload. Every method
// is atomic, safe for concurrent use from any number of processes, and may be
// repeated after an error without harm. Errors are ErrUnavailable (wrapped,
// with the cause) when the store did not answer, and those a method names.
//
// A session store may forget what it answered last, as a Redis that fails over
// does. It says so by another epoch. What was drawn in one epoch does not count
// in another, and whoever was told more than the store remembers is told
// ErrNotFound, never a lower offset.
//
// The store's own clock decides what has expired, which runner is dead and what
// is due. Callers say durations and are answered times by that clock: however
// wrong a proxy's clock is, it destroys nothing and takes nothing over.
//
// A session whose State is Gone, or that has expired, is ErrNotFound to every
// method that takes an owner or advances the upload, except that Bury answers a
// Gone one again.
type Sessions interface {
	// Open stores a new session in State Open that expires ttl from now, and
	// before that its deadline for the sweeper. It draws as many part numbers as
	// wanted, from 1, and answers the session as it is stored: Created and
	// Expires are the store's. A repeat by the same owner answers the one that is
	// there. Errors: ErrNotFound when another owner has this id.
	Open(ctx context.Context, s Session, ttl time.Duration, wanted int) (Session, Numbers, error)

	// Get reads a session. Errors: ErrNotFound, also for another owner's.
	Get(ctx context.Context, id, owner string) (Session, error)

	// Begin opens an attempt to append at offset (bytes; AnyOffset for wherever
	// the upload ends) and draws part numbers for it. It changes nothing else:
	// any number of attempts may run at once, and Advance lets one win.
	// In the first attempt of an epoch none may be drawn (Numbers.Doubtful).
	// Errors: ErrNotFound, also when Offset is ahead of what the store may have
	// forgotten; ErrCompleted when committed or sealed; ErrBusy when
	// committing; ErrDamaged when the list of parts is gone; *OffsetError.
	Begin(ctx context.Context, b Begin) (Session, Numbers, error)

	// Renew draws part numbers above a number and above all that were drawn as far
	// as is known, after Begin said Doubtful, in the epoch that Begin said.
	// Errors: ErrNotFound, ErrCompleted, ErrBusy; ErrUnavailable when the epoch is
	// another by now.
	Renew(ctx context.Context, id, epoch string, above, wanted int) (Numbers, error)

	// Draw takes further part numbers. They count as used from then on, unless
	// an Advance gives them back. Errors: ErrNotFound.
	Draw(ctx context.Context, id string, wanted int) (Numbers, error)

	// Attach stores S3's id of the session's multipart upload, once: it answers
	// the id that is stored afterwards, which is another's when that was first.
	// Errors: ErrNotFound; ErrCompleted and ErrBusy as for Begin, when there is
	// none: what a commit does not know of, it cannot end.
	Attach(ctx context.Context, id, uploadID string) (string, error)

	// Detach forgets the multipart upload if it is uploadID and no part of it is
	// listed: it is gone, and nothing was lost with it. Errors: ErrNotExist when
	// parts are listed.
	Detach(ctx context.Context, id, uploadID string) error

	// Advance makes an attempt's work count: if the offset is still From, it
	// becomes To, Parts are listed, Tail replaces the tail, the pieces of the
	// fragments in Drop are deleted, and the numbers in Unused are given back
	// if no later one was drawn. Repeating a won Advance wins again.
	// Errors: ErrNotFound, ErrCompleted, ErrBusy; *OffsetError when the race
	// was lost; ErrNotExist when there are Parts and UploadID was detached;
	// ErrDamaged when the list of parts is gone; ErrUnavailable when the epoch is
	// another than Epoch; ErrMoved when the tail was moved to other fragments
	// since (Tails).
	Advance(ctx context.Context, a Advance) error

	// Parts reads the listed parts in ascending order of number. Errors:
	// ErrDamaged when they do not hold what was accepted and is not in the tail.
	Parts(ctx context.Context, id string) ([]Part, error)

	// PutPieces stores pieces of a fragment under names no other attempt uses:
	// pieces first, first+1, …. They vanish by themselves some time after
	// expires. One round trip.
	PutPieces(ctx context.Context, id, name string, first int, pieces [][]byte, expires time.Time) error

	// GetPieces reads pieces into their Into. One that is not there, or is not
	// exactly as long, is ErrNotExist; what Into holds after an error is undefined.
	// One round trip.
	GetPieces(ctx context.Context, id string, pieces []Piece) error

	// DropPieces deletes pieces; that there are none is no error.
	DropPieces(ctx context.Context, id string, fragments []Fragment) error

	// BeginCommit claims the commit for c.Runner, for as long as lease says;
	// c.Lease is ignored. It answers the session as it stands afterwards:
	//   - State Committing and Commit.Runner == c.Runner: the caller runs it. If
	//     an earlier runner died, previous is what it left, until the caller's
	//     first UpdateCommit; Commit.Copy is still the dead runner's.
	//   - State Committing and another Runner: that one is at work; wait.
	//   - State Committed: look at Commit.Terms and Commit.Result.
	// A stored commit whose runner is dead is always taken over, also by a
	// request with other terms. Doubt is set when the store may have forgotten
	// bytes: then nothing may be published. Errors: ErrNotFound.
	BeginCommit(ctx context.Context, id, owner string, c Commit, lease time.Duration) (s Session, previous *Commit, err error)

	// UpdateCommit stores the runner's progress: c.Terms, c.Key, c.Copy, that the
	// lease lasts that long from now (0: it has ended), and whether the staging
	// object is sealed (once sealed, always sealed).
	// Errors: ErrNotFound when c.Runner is not the runner any more.
	UpdateCommit(ctx context.Context, id string, c Commit, lease time.Duration, sealed bool) error

	// EndCommit stores c.Result, c.Terms, c.Key and State Committed, and frees parts and tail.
	// Repeating it is harmless; c.Tidied is stored by any of them, if it is set.
	// Errors: ErrNotFound as for UpdateCommit.
	EndCommit(ctx context.Context, id string, c Commit) error

	// Reopen gives up the commit: State Open again.
	// Errors: ErrNotFound as for UpdateCommit.
	Reopen(ctx context.Context, id, runner string) error

	// Suspect notes that bytes which the session lists do not seem to be there,
	// and answers how often that was seen. What is seen less than a minute after
	// the time before does not count; what is certain counts for all. From
	// DamagedAfter times on the session is ErrNotFound to its clients, but keeps
	// what it holds until it expires. An Advance that wins and EndCommit forget
	// what was seen. Of a session that is committed, 0: nothing is missing then.
	// Errors: ErrNotFound.
	Suspect(ctx context.Context, id, why string, certain bool) (times int, err error)

	// Bury takes a session to State Gone and answers it as it was: what is to be
	// cleaned up, and by its State whether it was Gone before.
	// An owner of "" is the sweeper, which may bury only what has expired. A
	// session that is Gone already is answered again, also to its owner.
	// Of a commit taken over by a runner that never reported, Terms and Key are
	// its predecessor's: only that one can have left anything.
	// Errors: ErrNotFound; ErrBusy when a commit is running, that is, its lease
	// has not ended, and when the sweeper came too early: its ErrNotFound means
	// that there is no record at all.
	Bury(ctx context.Context, id, owner string) (Session, error)

	// Due claims up to max ids whose deadline passed at least late ago: nobody
	// else is given them for as long as retry says, when they are due again
	// unless forgotten by then.
	Due(ctx context.Context, late, retry time.Duration, max int) ([]string, error)

	// Adopt stores a deadline, one that passed late ago, for those of ids that
	// have none, and answers how many these are: uploads that the store has
	// forgotten.
	Adopt(ctx context.Context, ids []string, late time.Duration) (int, error)

	// Forget deletes whatever is left of a session, its deadline last.
	Forget(ctx context.Context, id string) error

	// Ping says whether the store answers and accepts writes.
	Ping(ctx context.Context) error
}

// AnyOffset as Begin.Offset stands for the offset as it is.
const AnyOffset int64 = -1

// Piece names a piece of a fragment, and where its bytes are to go.
type Piece struct {
	Name   string // of the fragment
	Number int
	Into   []byte // as long as the piece
}

// Begin is the request for an attempt.
type Begin struct {
	ID     string
	Owner  string
	Offset int64 // bytes, or AnyOffset
	Wanted int   // part numbers
}

// Advance is the outcome of an attempt.
type Advance struct {
	ID      string
	Attempt string // the attempt's id, to recognise a repeat
	Epoch   string // that the attempt began in
	From    int64  // bytes
	To      int64  // bytes
	Moves   int    // Session.Moves that the attempt began with
	// UploadID is the multipart upload that holds Parts.
	UploadID string
	Parts    []Part
	Tail     []Fragment
	Drop     []Fragment // those in the session store are deleted; others are ignored
	Unused   Numbers
}
