package session

import (
	"fmt"
	"slices"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// The fields of a record. Times are Unix milliseconds by Redis's clock.
//
//	owner, created, expires, until   constant; until is when the keys vanish
//	state                            open, committing, committed, gone
//	offset                           bytes
//	next                             the next part number
//	tail                             fragments, see encodeTail
//	advanced                         when it took its latest chunk
//	moves, moved, moved_at, moving   how often its tail left for the object store; whose pieces are
//	                                 left of that, and since when; who moves it has claimed it then
//	key, promised, type, upload      the multipart upload; upload is S3's id or empty
//	sealed                           0 or 1
//	born, epoch                      the epoch of Redis (record.lua) that it was opened in, and the
//	                                 latest in which it was complete; empty: Redis never forgets
//	server                           the latter, and which process it was; seal: up to where that
//	                                 remembers by itself, and when; not replicated (record.lua)
//	listed                           parts there are in the list, at least
//	wins                             ids of the latest attempts that won, a space around each
//
//	terms, destination               the commit, from committing on
//	runner, lease                    who runs it, until when
//	copy_key, copy_id                the multipart upload of its copy, or empty
//	former_…                         what a dead runner left of these four, until its successor reports
//	doubt                            1: it may lack what was accepted last
//	result                           the object, see encodeObject
//	tidied                           1: nothing of it is left in the object store
//	reopened                         the latest runner that gave up
//	numbered, numbered_at            how many offsets commits were tried at, and the latest of them
//	sightings, sighted, suspicion    how often listed bytes were not found, when last, and what was seen
//	failure, failed                  what a store last did not do for it, and when
//
// A reader ignores fields that it does not know, so that versions can be mixed
// while replicas are replaced.

// fields is the record of a new session whose part numbers up to drawn are
// taken; owner and times are added by open.lua.
func fields(s upload.Session, drawn int) []any {
	return []any{
		"state", string(upload.Open), "offset", s.Offset, "next", drawn + 1, "tail", encodeTail(s.Tail),
		"key", s.Key, "promised", bit(s.Promised), "type", s.Type, "upload", s.UploadID, "sealed", bit(s.Sealed), "wins", " ",
	}
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// record is a session as Redis holds it. The first field that is missing or
// makes no sense is remembered.
type record struct {
	fields map[string]string
	err    error
}

// list makes a record of what a script answers: fields and values in turn.
func list(answer any) (*record, error) {
	flat, ok := answer.([]any)
	if !ok || len(flat)%2 != 0 {
		return nil, senseless("read session", answer)
	}
	r := &record{fields: make(map[string]string, len(flat)/2)}
	for pair := range slices.Chunk(flat, 2) {
		name, named := pair[0].(string)
		value, valued := pair[1].(string)
		if !named || !valued {
			return nil, senseless("read session", pair)
		}
		r.fields[name] = value
	}
	return r, nil
}

func (r *record) fail(name string, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("field %s: %w", name, err)
	}
}

func (r *record) text(name string) string {
	v, ok := r.fields[name]
	if !ok {
		r.fail(name, fmt.Errorf("missing"))
	}
	return v
}

// cell reads a field that is a single number.
func (r *record) cell(name string, read func(*entry)) {
	e := &entry{cells: []string{r.text(name)}}
	read(e)
	if err := e.end(); err != nil {
		r.fail(name, err)
	}
}

func (r *record) time(name string) (t time.Time) {
	r.cell(name, func(e *entry) { t = e.time() })
	return t
}

func (r *record) size(name string) (n int64) {
	r.cell(name, func(e *entry) { n = e.size() })
	return n
}

func (r *record) flag(name string) bool {
	v := r.text(name)
	if v != "0" && v != "1" {
		r.fail(name, fmt.Errorf("%q is neither 0 nor 1", v))
	}
	return v == "1"
}

// count reads a field that is missing as long as nothing was counted.
func (r *record) count(name string) int {
	if _, ok := r.fields[name]; !ok {
		return 0
	}
	return int(r.size(name))
}

func (r *record) suspicion() (s upload.Suspicion) {
	if s.Times = r.count("sightings"); s.Times > 0 {
		s.Last, s.Why = r.time("sighted"), r.text("suspicion")
	}
	return s
}

// session decodes the record; nothing half-read gets out.
func (r *record) session(id string) (upload.Session, error) {
	tail, err := decodeTail(r.text("tail"))
	if err != nil {
		r.fail("tail", err)
	}
	s := upload.Session{
		ID: id, Owner: r.text("owner"), State: upload.State(r.text("state")),
		Created: r.time("created"), Expires: r.time("expires"),
		Offset: r.size("offset"), Tail: tail, Moves: r.moves(),
		Key: r.text("key"), Promised: r.flag("promised"), Type: r.text("type"), UploadID: r.text("upload"),
		Commits: r.count("numbered"), Suspect: r.suspicion(),
		Sealed: r.flag("sealed"), Commit: r.commit(), Doubt: r.fields["doubt"] == "1",
	}
	r.check(s)
	if r.err != nil {
		return upload.Session{}, fmt.Errorf("read session: %w", r.err)
	}
	return s, nil
}

// moves is missing until the tail is moved for the first time.
func (r *record) moves() (n int) {
	if _, ok := r.fields["moves"]; ok {
		r.cell("moves", func(e *entry) { n = e.count() })
	}
	return n
}

// check compares what the fields say with each other.
func (r *record) check(s upload.Session) {
	rest := s.Offset
	for _, f := range s.Tail {
		if rest -= f.Size; rest < 0 {
			r.fail("tail", fmt.Errorf("more than %d bytes", s.Offset))
			break
		}
	}
	commits := s.Commit != nil
	finished := commits && s.Commit.Result != nil
	var ok bool
	switch s.State {
	case upload.Open:
		ok = !commits
	case upload.Committing:
		ok = commits && !finished
	case upload.Committed:
		ok = finished
	case upload.Gone:
		ok = true
	}
	if !ok {
		r.fail("state", fmt.Errorf("%q does not fit its commit", s.State))
	}
}

func (r *record) commit() *upload.Commit {
	c := r.claim("")
	text, ok := r.fields["result"]
	if c == nil || !ok {
		return c
	}
	object, err := decodeObject(text)
	if err != nil {
		r.fail("result", err)
	}
	c.Result, c.Tidied = &object, r.fields["tidied"] == "1"
	return c
}

// former is what a dead runner left to the present one; nil if there was none.
func (r *record) former() (*upload.Commit, error) {
	return r.claim("former_"), r.err
}

// claim reads a commit without its result. The copy's fields are not doubled:
// until a successor reports progress they are still its predecessor's.
func (r *record) claim(prefix string) *upload.Commit {
	if _, ok := r.fields[prefix+"runner"]; !ok {
		return nil
	}
	return &upload.Commit{
		Terms: r.text(prefix + "terms"), Key: r.text(prefix + "destination"),
		Runner: r.text(prefix + "runner"), Lease: r.time(prefix + "lease"),
		Copy: upload.Multipart{Key: r.text("copy_key"), ID: r.text("copy_id")},
	}
}
