package upload

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what an Engine is made of.
type Config struct {
	Sessions Sessions
	Objects  Objects
	Failures Failures // nil: failures are only logged
	Quotas   Quotas   // counts open uploads; nil: nobody does
	Tails    Tails    // of Sessions, for MoveTails; nil: tails stay where they are

	Limits Limits

	TTL           time.Duration // an upload's life from its creation; 48 h
	Lease         time.Duration // a commit's runner is taken for dead after it; 0: 30 s
	StagingPrefix string        // keys under it are the engine's own; ends in "/"

	TailInSessions int64         // bytes; a tail up to this is kept in the session store, 0: never
	TailShare      int           // percent of its memory; above it the session store gets no more of any tail; 0: never
	TailIdle       time.Duration // a tail leaves the session store when its upload was left alone for so long; 0: never
	BufferMemory   int64         // bytes; hard budget for all buffers of all requests together
	OwnerShare     int           // percent of it that one owner may hold when no other wants any, up to 100; 0: 75
	PartsParallel  int           // parts of one chunk in flight at once, if it is large enough; 0: 1

	Now   func() time.Time // nil: time.Now; dates objects and decides nothing
	NewID func() string    // nil: 128 random bits; URL-safe, never twice the same
	Log   *slog.Logger     // nil: silent

	Observer Observer // nil: nobody
}

// Chunk is what a client sends in one request.
type Chunk struct {
	Owner  string
	ID     string // "" opens an upload
	Offset int64  // bytes, or AnyOffset
	Length int64  // bytes, or UnknownLength
	// Destination, with ID == "", promises the key that the commit will name:
	// the multipart upload is opened there and nothing has to be copied.
	Destination string
	Root        string // as in CommitRequest, for Destination
	ContentType string // of the promised destination

	MaxObject  int64 // bytes; the owner's own limit of the object, beside Limits.MaxObject; 0: none
	MaxUploads int   // that the owner may have open, this one included, with ID == ""; 0: no limit

	// Body yields ErrShortBody, ErrIdle, … when the client fails, and
	// ErrUnavailable when it was interrupted.
	Body io.Reader
	// Interrupt makes a blocked Read of Body return; nil if it never blocks.
	Interrupt func()
}

// UnknownLength as Chunk.Length: the body's end tells.
const UnknownLength int64 = -1

// Status is what a client is told about its upload.
type Status struct {
	ID      string
	Expires time.Time
	Offset  int64 // bytes
}

// CommitRequest names an upload's destination.
type CommitRequest struct {
	Owner string
	ID    string
	// Key is the destination of the n-th try, n = 0, 1, …: further names are
	// tried as long as the one before conflicts and another is offered.
	Key func(n int) (key string, ok bool)
	// Root is the prefix of the keys that the owner can see: what lies above
	// it is no parent folder. Empty or ending in "/".
	Root string
	// Condition must hold at the first name. Further names must be free.
	Condition   Condition
	ContentType string
	// Terms identify the request among repeats: everything that decides its result.
	Terms string
}

// Engine appends, commits and sweeps. It is safe for concurrent use, and any
// number of engines may share the same stores.
type Engine struct {
	cfg    Config
	slabs  *slabs
	runs   sync.WaitGroup // commits at work
	mover  mover
	noting chan struct{} // one entry a failure that is being noted

	fullness atomic.Int64 // percent of the session store's memory in use, as last seen
	spilling atomic.Bool  // tails go to the object store: the session store is filling up
}

// New makes an engine.
func New(cfg Config) *Engine {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Lease == 0 {
		cfg.Lease = 30 * time.Second
	}
	if cfg.NewID == nil {
		cfg.NewID = newID
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Observer == nil {
		cfg.Observer = silent{}
	}
	return &Engine{cfg: cfg, slabs: newSlabs(cfg.BufferMemory, cfg.OwnerShare), noting: make(chan struct{}, failureNoters)}
}

// newID is 128 random bits as 22 characters that need no escaping in a URL, as
// Dropbox's ids (PROTOCOL 1.1). None begins with a hyphen, or an operator could
// not name it on a command line.
func newID() string {
	for {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails, says crypto/rand
		if id := base64.RawURLEncoding.EncodeToString(b[:]); id[0] != '-' {
			return id
		}
	}
}

// stagingFolder is where everything of a session is that is not its destination.
func (e *Engine) stagingFolder(id string) string { return e.cfg.StagingPrefix + id + "/" }

func (e *Engine) stagingKey(id string) string { return StagingKey(e.cfg.StagingPrefix, id) }

// StagingKey is where an upload's object is assembled while its destination is
// unknown.
func StagingKey(prefix, id string) string { return prefix + id + "/object" }

// Status answers where to resume. Errors: ErrNotFound, ErrCompleted, ErrUnavailable.
func (e *Engine) Status(ctx context.Context, owner, id string) (Status, error) {
	s, err := e.cfg.Sessions.Get(ctx, id, owner)
	if err != nil {
		return Status{}, err
	}
	if s.State == Committed {
		return Status{}, ErrCompleted
	}
	return Status{ID: s.ID, Expires: s.Expires, Offset: s.Offset}, nil
}

// Ready says whether both stores answer.
func (e *Engine) Ready(ctx context.Context) error {
	if err := e.cfg.Sessions.Ping(ctx); err != nil {
		return fmt.Errorf("session store: %w", err)
	}
	if err := e.cfg.Objects.Ping(ctx); err != nil {
		return fmt.Errorf("object store: %w", err)
	}
	return nil
}

// Wait returns when no commit runs any more, or with ctx's error.
func (e *Engine) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		e.runs.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// note logs what could not be tidied up: the sweeper will.
func (e *Engine) note(op, id string, err error) {
	e.cfg.Log.Warn("left for the sweeper", "op", op, "upload", id, "err", err)
}
