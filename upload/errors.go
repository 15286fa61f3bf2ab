package upload

import (
	"errors"
	"fmt"
	"time"
)

// The closed list of errors. Adapters translate whatever their libraries say
// into one of these at their border; the protocol adapter maps them to answers
// in one table. An error that is none of them is a defect and answers 500.
var (
	// ErrNotFound: no such upload, or it expired, or it belongs to another
	// owner. The three are indistinguishable on purpose.
	ErrNotFound = errors.New("no such upload")

	// ErrCompleted: the upload was committed, under other parameters than
	// those asked for now; or bytes were sent to it after its commit.
	ErrCompleted = errors.New("upload already completed")

	// ErrBusy: the upload's commit is running. Repeat later.
	ErrBusy = errors.New("upload is being committed")

	// ErrConflict: the destination's condition does not hold.
	ErrConflict = errors.New("destination conflict")

	// ErrTooLarge: the chunk is over the chunk limit, or the object would be
	// over the object limit or out of part numbers. Nothing changed.
	ErrTooLarge = errors.New("too large")

	// ErrQuota: the owner has as many uploads open as it may. Nothing changed.
	ErrQuota = errors.New("too many open uploads")

	// ErrShortBody: the client broke off, sent a malformed body, or less than
	// it announced. Nothing of the chunk counts.
	ErrShortBody = errors.New("body ended early")

	// ErrIdle: the client sent nothing for too long. Nothing of the chunk counts.
	ErrIdle = errors.New("body stalled")

	// ErrUnavailable: the object store or the session store did not do its
	// part. The request may be repeated as it is.
	ErrUnavailable = errors.New("storage unavailable")

	// ErrDamaged is said by Objects of an object whose content is not what was
	// sent, and by Sessions of an upload whose own record proves that accepted
	// bytes are gone. It never leaves the engine.
	ErrDamaged = errors.New("object is damaged")

	// ErrNoPart is said by Complete when the store does not have a part as it is
	// listed: it has none of that number, or another one. It never leaves the
	// engine.
	ErrNoPart = errors.New("no such part")

	// ErrMoved is said by Sessions of an attempt that began before the tail was
	// moved (Tails). It never leaves the engine.
	ErrMoved = errors.New("tail was moved")

	// ErrNotExist is said by Objects and Files of an object or a multipart
	// upload that is not there. It never leaves the engine.
	ErrNotExist = errors.New("no such object or multipart upload")
)

// OffsetError says that a chunk did not begin where the upload ends. The chunk
// was ignored. Nothing else carries an offset: clients act on it.
type OffsetError struct {
	ID      string
	Expires time.Time
	Got     int64 // bytes; what the client sent
	Want    int64 // bytes; the upload's offset, always a chunk boundary
}

func (e *OffsetError) Error() string {
	return fmt.Sprintf("offset is %d, not %d", e.Want, e.Got)
}

// InvalidError says that a request makes no sense, with a reason fit for the
// client. Nothing was changed.
type InvalidError struct{ Reason string }

func (e *InvalidError) Error() string { return e.Reason }
