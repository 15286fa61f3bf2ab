package upload

import "time"

// State is where an upload stands in its life.
type State string

// An upload goes open → committing → committed. A commit that fails returns it
// to open; removal and expiry take it to gone from any state but committing.
const (
	Open       State = "open"
	Committing State = "committing"
	Committed  State = "committed"
	Gone       State = "gone" // being cleaned away; to clients it does not exist
)

// Session is what is known about one upload. Sessions hands out copies.
type Session struct {
	ID      string
	Owner   string
	State   State
	Created time.Time // by the session store's clock, as Expires and Lease are
	Expires time.Time // absolute, constant over the upload's life

	Offset int64      // bytes accepted; always a chunk boundary
	Tail   []Fragment // accepted bytes not in a part yet, in order; they end at Offset

	Moves int // how often the tail's bytes were moved to other fragments

	Key      string // where the multipart upload is opened: the staging key, or the promised destination
	Promised bool   // Key is the destination, promised on the first chunk
	Type     string // content type of the promised destination
	UploadID string // S3's name for the multipart upload; empty until the first part is due

	Commits int       // offsets that commits were tried at: the latest one's tail has this number among the last
	Suspect Suspicion // of damage, since the last chunk or commit that succeeded

	Sealed bool    // the object is complete at the staging key: no more chunks
	Commit *Commit // set while State is Committing and after
	Doubt  bool    // set by BeginCommit: the session store may have forgotten what it accepted last
}

// Suspicion is how often bytes that a session lists were not found.
type Suspicion struct {
	Times int
	Last  time.Time
	Why   string
}

// DamagedAfter is how often damage has to be seen to be believed.
const DamagedAfter = 3

// tailSize is the number of bytes in a tail.
func tailSize(tail []Fragment) int64 {
	var n int64
	for _, f := range tail {
		n += f.Size
	}
	return n
}

// multipart names the session's multipart upload.
func (s *Session) multipart() Multipart { return Multipart{Key: s.Key, ID: s.UploadID} }

// Part is a part that S3 has stored and the session lists.
type Part struct {
	Number   int    // 1 to 10,000; never used twice in one upload
	Size     int64  // bytes
	ETag     string // as S3 said it, quotes included
	Checksum string // the adapter's own, opaque here; may be empty
}

// Place tells where a fragment's bytes are.
type Place string

// The two places of a fragment.
const (
	InSessions Place = "s" // in the session store, as pieces
	InObjects  Place = "o" // in the object store, as one object
)

// Fragment is a run of accepted bytes that belongs to the tail. Fragments are
// immutable, and their names are used by one attempt only.
type Fragment struct {
	Place Place
	Name  string // InSessions: the attempt's id; InObjects: the object's key
	Size  int64  // bytes
	Piece int64  // InSessions: bytes of each piece but the last; 0 InObjects
	First int    // InSessions: number of the first piece
}

// Pieces is the number of pieces of a fragment in the session store.
func (f Fragment) Pieces() int {
	if f.Piece <= 0 {
		return 0
	}
	return int((f.Size + f.Piece - 1) / f.Piece)
}

// Numbers is a run of part numbers that nobody else has or will get.
type Numbers struct {
	First int // 1-based
	Count int
	// Epoch names the session store's memory that they were drawn from, if
	// Open or Begin drew them. Opaque.
	Epoch string
	// Doubtful is said by Begin in place of numbers: the store may have forgotten
	// some from First on that are in use, and Renew draws others.
	Doubtful bool
}

// Commit is the stored state of a commit.
type Commit struct {
	// Terms identify the request: the same terms on a repeat mean the same
	// commit. They hold everything that decides the result.
	Terms  string
	Key    string    // the destination being tried, so that a successor can look there
	Runner string    // who runs it; a random name a run
	Lease  time.Time // the runner is taken for dead after this

	// Copy is the multipart upload at a destination that the staged object is
	// being copied into, so that a successor can abort it. Zero when there is none.
	Copy Multipart

	Result *Object // set when committed
	Tidied bool    // what the commit left in the object store, as far as it knew, is removed
}

// Object is an object in the store.
type Object struct {
	Key      string
	Size     int64     // bytes
	ETag     string    // as S3 said it, quotes included
	Type     string    // content type; only of an object looked up by Head
	Modified time.Time // of the commit, by the proxy's clock, or of the store when looked up
	Upload   string    // id of the upload that made it, from the object's metadata; "" if none
}

// Multipart names a multipart upload in the object store.
type Multipart struct {
	Key string
	ID  string
}
