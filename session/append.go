package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/chunkgate/chunkgate/upload"
)

// Begin implements upload.Sessions, in one round trip.
func (s *Store) Begin(ctx context.Context, b upload.Begin) (upload.Session, upload.Numbers, error) {
	answer, err := s.run(ctx, beginScript, "begin attempt", b.ID, s.offset(), b.Owner, b.Offset, b.Wanted)
	if err != nil {
		return upload.Session{}, upload.Numbers{}, got(err, b.Offset)
	}
	return s.drawn(answer, b.ID, b.Wanted)
}

// drawn reads what Open and Begin are answered: the first number, the epoch
// that it was drawn in, and the record.
func (s *Store) drawn(answer []any, id string, wanted int) (upload.Session, upload.Numbers, error) {
	if len(answer) < 3 {
		return upload.Session{}, upload.Numbers{}, senseless("read session", answer)
	}
	r, err := list(answer[2])
	if err != nil {
		return upload.Session{}, upload.Numbers{}, err
	}
	u, err := r.session(id)
	if err != nil {
		return upload.Session{}, upload.Numbers{}, err
	}
	n := upload.Numbers{Doubtful: true, First: int(r.size("next"))}
	if answer[0] != int64(0) {
		n, err = numbers(answer, wanted)
	}
	n.Epoch = fmt.Sprint(answer[1])
	return u, n, err
}

// Renew implements upload.Sessions.
func (s *Store) Renew(ctx context.Context, id, epoch string, above, wanted int) (upload.Numbers, error) {
	answer, err := s.run(ctx, renewScript, "renew part numbers", id, s.offset(), epoch, above+1, wanted)
	if err != nil {
		return upload.Numbers{}, err
	}
	n, err := numbers(answer, wanted)
	n.Epoch = epoch
	return n, err
}

// Draw implements upload.Sessions.
func (s *Store) Draw(ctx context.Context, id string, wanted int) (upload.Numbers, error) {
	answer, err := s.run(ctx, drawScript, "draw part numbers", id, s.offset(), wanted)
	if err != nil {
		return upload.Numbers{}, err
	}
	return numbers(answer, wanted)
}

// Attach implements upload.Sessions.
func (s *Store) Attach(ctx context.Context, id, uploadID string) (string, error) {
	answer, err := s.run(ctx, attachScript, "attach multipart upload", id, s.offset(), uploadID)
	if err != nil {
		return "", err
	}
	if len(answer) == 1 {
		if stored, ok := answer[0].(string); ok {
			return stored, nil
		}
	}
	return "", senseless("attach multipart upload", answer)
}

// Detach implements upload.Sessions.
func (s *Store) Detach(ctx context.Context, id, uploadID string) error {
	_, err := s.run(ctx, detachScript, "detach multipart upload", id, uploadID)
	return err
}

// Advance implements upload.Sessions, in one round trip whose cost does not
// depend on how many parts are listed already. A repeat is recognised while
// the attempt is among the last dozen or so that won, and beyond that for as
// long as any byte it added is in the tail.
func (s *Store) Advance(ctx context.Context, a upload.Advance) error {
	last := ""
	if a.To > a.From && len(a.Tail) > 0 {
		last = spelled(a.Tail[len(a.Tail)-1])
	}
	args := []any{
		s.offset(), a.Attempt, a.From, a.To, encodeTail(a.Tail), last,
		a.Unused.First, a.Unused.First + a.Unused.Count, a.UploadID, a.Epoch, a.Moves, len(a.Parts),
	}
	for _, p := range a.Parts {
		args = append(args, encodePart(p))
	}
	for _, name := range pieceFields(a.Drop) {
		args = append(args, name)
	}
	_, err := s.run(ctx, advanceScript, "advance", a.ID, args...)
	return got(err, a.From)
}

// Parts implements upload.Sessions.
func (s *Store) Parts(ctx context.Context, id string) ([]upload.Part, error) {
	answer, err := s.run(ctx, partsScript, "read parts", id)
	if err != nil || len(answer) == 0 {
		return nil, noSession(err)
	}
	u, err := sessionIn(answer, 0, id)
	if err != nil {
		return nil, err
	}
	parts, err := partsIn(answer)
	if err != nil {
		return nil, err
	}
	return parts, complete(u, parts)
}

// noSession leaves out that there is no session.
func noSession(err error) error {
	if errors.Is(err, upload.ErrNotFound) {
		return nil
	}
	return err
}

// partsIn reads the list that is the second value of a script's answer.
func partsIn(answer []any) ([]upload.Part, error) {
	if len(answer) < 2 {
		return nil, senseless("read parts", answer)
	}
	entries, ok := answer[1].([]any)
	if !ok {
		return nil, senseless("read parts", answer[1])
	}
	parts := make([]upload.Part, len(entries))
	for i, entry := range entries {
		text, ok := entry.(string)
		if !ok {
			return nil, senseless("read parts", entry)
		}
		var err error
		if parts[i], err = decodePart(text); err != nil {
			return nil, fmt.Errorf("read part %q: %w", text, err)
		}
		if i > 0 && parts[i].Number <= parts[i-1].Number {
			return nil, fmt.Errorf("read parts: %d after %d", parts[i].Number, parts[i-1].Number)
		}
	}
	return parts, nil
}

// complete compares the parts with what the record says they hold.
func complete(u upload.Session, parts []upload.Part) error {
	if u.State != upload.Open && u.State != upload.Committing {
		return nil
	}
	want, got := u.Offset, int64(0)
	for _, f := range u.Tail {
		want -= f.Size
	}
	for _, p := range parts {
		got += p.Size
	}
	if got != want {
		return fmt.Errorf("read parts: %d bytes are listed, %d were accepted: %w", got, want, upload.ErrDamaged)
	}
	return nil
}

// numbers reads the run that a script drew: the first value of its answer.
func numbers(answer []any, wanted int) (upload.Numbers, error) {
	if len(answer) > 0 {
		if first, ok := answer[0].(int64); ok && first > 0 {
			return upload.Numbers{First: int(first), Count: wanted}, nil
		}
	}
	return upload.Numbers{}, senseless("draw part numbers", answer)
}

// sessionIn reads the record that is value i of a script's answer.
func sessionIn(answer []any, i int, id string) (upload.Session, error) {
	if len(answer) <= i {
		return upload.Session{}, senseless("read session", answer)
	}
	r, err := list(answer[i])
	if err != nil {
		return upload.Session{}, err
	}
	return r.session(id)
}
