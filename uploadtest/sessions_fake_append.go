package uploadtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Open implements upload.Sessions.
func (f *Sessions) Open(ctx context.Context, u upload.Session, ttl time.Duration, wanted int) (upload.Session, upload.Numbers, error) {
	var n upload.Numbers
	stored, err := answer(ctx, f, OpOpen, func() (upload.Session, error) {
		if _, ok := f.sessions[u.ID]; !ok {
			f.store(u, ttl)
		}
		s, err := f.owned(u.ID, u.Owner)
		if err != nil {
			return upload.Session{}, err
		}
		n = s.draw(wanted)
		n.Epoch = s.epoch
		return s.snapshot(), nil
	})
	if err != nil {
		return upload.Session{}, upload.Numbers{}, err
	}
	return stored, n, nil
}

// store makes the record of a new session.
func (f *Sessions) store(u upload.Session, ttl time.Duration) {
	s := &session{Session: u, next: 1, won: make(map[string]bool), born: f.epoch(), epoch: f.epoch()}
	s.Session = s.snapshot()
	s.State, s.Commit = upload.Open, nil
	s.Created = f.now()
	s.Expires = s.Created.Add(ttl)
	f.sessions[u.ID], f.deadlines[u.ID] = s, s.Expires
}

func (s *session) draw(wanted int) upload.Numbers {
	n := upload.Numbers{First: s.next, Count: wanted}
	s.next += wanted
	return n
}

// Get implements upload.Sessions.
func (f *Sessions) Get(ctx context.Context, id, owner string) (upload.Session, error) {
	return answer(ctx, f, OpGetSession, func() (upload.Session, error) {
		s, err := f.owned(id, owner)
		if err != nil {
			return upload.Session{}, err
		}
		return s.snapshot(), nil
	})
}

// Begin implements upload.Sessions.
func (f *Sessions) Begin(ctx context.Context, b upload.Begin) (upload.Session, upload.Numbers, error) {
	var n upload.Numbers
	u, err := answer(ctx, f, OpBegin, func() (upload.Session, error) {
		s, err := f.owned(b.ID, b.Owner)
		if err != nil {
			return upload.Session{}, err
		}
		if err := s.open(); err != nil {
			return upload.Session{}, err
		}
		if s.lost {
			return upload.Session{}, upload.ErrDamaged
		}
		if err := f.remembers(s, b.Offset); err != nil {
			return upload.Session{}, err
		}
		if b.Offset != upload.AnyOffset && b.Offset != s.Offset {
			return upload.Session{}, s.misplaced(b.Offset)
		}
		if s.epoch != f.epoch() {
			n = upload.Numbers{First: s.next, Epoch: f.epoch(), Doubtful: true}
			return s.snapshot(), nil
		}
		n = s.draw(b.Wanted)
		n.Epoch = s.epoch
		return s.snapshot(), nil
	})
	if err != nil {
		return upload.Session{}, upload.Numbers{}, err
	}
	return u, n, nil
}

// Renew implements upload.Sessions.
func (f *Sessions) Renew(ctx context.Context, id, epoch string, above, wanted int) (upload.Numbers, error) {
	return answer(ctx, f, OpRenew, func() (upload.Numbers, error) {
		s, err := f.living(id)
		if err == nil {
			err = s.open()
		}
		if err == nil && epoch != f.epoch() {
			err = upload.ErrUnavailable
		}
		if err != nil {
			return upload.Numbers{}, err
		}
		s.epoch, s.next = epoch, max(s.next, above+1)
		n := s.draw(wanted)
		n.Epoch = epoch
		return n, nil
	})
}

// LoseParts loses a session's list of parts, as by eviction.
func (f *Sessions) LoseParts(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[id]
	s.lost, s.parts = len(s.parts) > 0, nil
}

// whole says whether the listed parts hold what the record says.
func (s *session) whole() bool {
	want := s.Offset
	for _, f := range s.Tail {
		want -= f.Size
	}
	for _, p := range s.parts {
		want -= p.Size
	}
	return want == 0
}

// open says why no more bytes are taken.
func (s *session) open() error {
	switch {
	case s.State == upload.Committed || s.Sealed:
		return upload.ErrCompleted
	case s.State == upload.Committing:
		return upload.ErrBusy
	}
	return nil
}

func (s *session) misplaced(offset int64) error {
	return &upload.OffsetError{ID: s.ID, Expires: s.Expires, Got: offset, Want: s.Offset}
}

// Draw implements upload.Sessions.
func (f *Sessions) Draw(ctx context.Context, id string, wanted int) (upload.Numbers, error) {
	return answer(ctx, f, OpDraw, func() (upload.Numbers, error) {
		s, err := f.living(id)
		if err != nil {
			return upload.Numbers{}, err
		}
		return s.draw(wanted), nil
	})
}

// Attach implements upload.Sessions.
func (f *Sessions) Attach(ctx context.Context, id, uploadID string) (string, error) {
	return answer(ctx, f, OpAttach, func() (string, error) {
		s, err := f.living(id)
		if err != nil {
			return "", err
		}
		if s.UploadID != "" {
			return s.UploadID, nil
		}
		if err := s.open(); err != nil {
			return "", err
		}
		s.UploadID = uploadID
		return s.UploadID, nil
	})
}

// Detach implements upload.Sessions.
func (f *Sessions) Detach(ctx context.Context, id, uploadID string) error {
	return f.call(ctx, OpDetach, func() error {
		s := f.sessions[id]
		switch {
		case s == nil || s.UploadID != uploadID:
			return nil
		case len(s.parts) > 0:
			return upload.ErrNotExist
		}
		s.UploadID = ""
		return nil
	})
}

// Advance implements upload.Sessions.
func (f *Sessions) Advance(ctx context.Context, a upload.Advance) error {
	return f.call(ctx, OpAdvance, func() error {
		s, err := f.living(a.ID)
		if err != nil {
			return err
		}
		if s.won[a.Attempt] {
			return nil
		}
		if err := s.open(); err != nil {
			return err
		}
		if a.Epoch != f.epoch() {
			return fmt.Errorf("epoch is %s, not %s: %w", f.epoch(), a.Epoch, upload.ErrUnavailable)
		}
		if s.Offset != a.From {
			return s.misplaced(a.From)
		}
		if s.lost {
			return upload.ErrDamaged
		}
		if a.Moves != s.Moves {
			return upload.ErrMoved
		}
		if len(a.Parts) > 0 && s.UploadID != a.UploadID {
			return upload.ErrNotExist
		}
		s.won[a.Attempt], s.moved.advanced, s.Suspect = true, f.now(), upload.Suspicion{}
		s.Offset, s.Tail = a.To, slices.Clone(a.Tail)
		s.parts = append(s.parts, a.Parts...)
		if s.next == a.Unused.First+a.Unused.Count {
			s.next = a.Unused.First
		}
		f.drop(a.ID, a.Drop)
		return nil
	})
}

// Parts implements upload.Sessions.
func (f *Sessions) Parts(ctx context.Context, id string) ([]upload.Part, error) {
	return answer(ctx, f, OpParts, func() ([]upload.Part, error) {
		s, ok := f.sessions[id]
		if !ok {
			return nil, nil
		}
		if (s.State == upload.Open || s.State == upload.Committing) && !s.whole() {
			return nil, upload.ErrDamaged
		}
		return slices.Clone(s.parts), nil
	})
}

// PutPieces implements upload.Sessions.
func (f *Sessions) PutPieces(ctx context.Context, id, name string, first int, pieces [][]byte, _ time.Time) error {
	return f.call(ctx, OpPutPieces, func() error {
		for i, piece := range pieces {
			f.pieces[pieceName{id, name, first + i}] = bytes.Clone(piece)
		}
		return nil
	})
}

// GetPieces implements upload.Sessions.
func (f *Sessions) GetPieces(ctx context.Context, id string, pieces []upload.Piece) error {
	return f.call(ctx, OpGetPieces, func() error {
		for _, p := range pieces {
			stored, ok := f.pieces[pieceName{id, p.Name, p.Number}]
			if !ok || len(stored) != len(p.Into) {
				return fmt.Errorf("piece %d of %q: %w", p.Number, p.Name, upload.ErrNotExist)
			}
			copy(p.Into, stored)
		}
		return nil
	})
}

// DropPieces implements upload.Sessions.
func (f *Sessions) DropPieces(ctx context.Context, id string, fragments []upload.Fragment) error {
	return f.call(ctx, OpDropPieces, func() error {
		f.drop(id, fragments)
		return nil
	})
}

func (f *Sessions) drop(id string, fragments []upload.Fragment) {
	for _, fragment := range fragments {
		if fragment.Place != upload.InSessions {
			continue
		}
		for i := range fragment.Pieces() {
			delete(f.pieces, pieceName{id, fragment.Name, fragment.First + i})
		}
	}
}
