package upload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// attempt is one try at storing one chunk. It stores under names and numbers
// of its own, so attempts at the same offset do not hurt each other; Advance
// makes one of them count.
type attempt struct {
	e  *Engine
	s  Session // as it was at the beginning; UploadID is filled in when drawn up
	id string  // names the attempt's fragments

	epoch string // that it began in

	most    int64      // bytes that the object may have
	numbers Numbers    // drawn, not used
	parts   []Part     // stored by this attempt
	tail    []Fragment // the tail as it will be if the attempt wins
	shed    []Fragment // fragments that left the tail on the way there
	pieces  int        // pieces that this attempt stored in the session store
	objects int        // fragments that this attempt stored as objects
	taken   int64      // bytes of the chunk stored
}

func (e *Engine) attempt(s Session, n Numbers) *attempt {
	return &attempt{
		e: e, s: s, id: e.cfg.NewID(), epoch: n.Epoch,
		most: e.cfg.Limits.MaxObject, numbers: n, tail: slices.Clone(s.Tail),
	}
}

// pieceOfUnknown is how much of a body of unknown length is buffered at a
// time, in bytes: S3 wants a part's length before its bytes.
const pieceOfUnknown = 8 << 20

// take stores the whole chunk.
func (a *attempt) take(ctx context.Context, src *source) error {
	if src.length != UnknownLength {
		if err := a.store(ctx, src, src.length); err != nil {
			return err
		}
		return a.compact(ctx)
	}
	for ended := false; !ended; {
		var err error
		if ended, err = a.takePiece(ctx, src); err != nil {
			return err
		}
	}
	return a.compact(ctx)
}

// takePiece buffers and stores the next bytes of a body of unknown length.
func (a *attempt) takePiece(ctx context.Context, src *source) (ended bool, err error) {
	b := &buffer{slabs: a.e.slabs.of(a.s.Owner)}
	defer b.free()
	if ended, err = b.fill(ctx, src, pieceOfUnknown); err != nil {
		return false, err
	}
	return ended, a.store(ctx, b, b.size)
}

// store puts length bytes of f behind the tail: into parts as far as they
// suffice for parts, the rest into the new tail.
func (a *attempt) store(ctx context.Context, f feed, length int64) error {
	if length == 0 {
		return nil
	}
	if a.s.Offset+a.taken+length > a.most {
		return ErrTooLarge
	}
	number, err := a.peek(ctx)
	if err != nil {
		return err
	}
	plan, err := a.e.cfg.Limits.Plan(number, tailSize(a.tail), length)
	if err != nil {
		return err
	}
	rest := length
	if len(plan.Parts) > 0 {
		if err := a.storeParts(ctx, f, number, plan.Parts); err != nil {
			return err
		}
		rest = plan.Tail - tailSize(a.tail)
	}
	a.taken += length
	return a.keep(ctx, f, rest)
}

// storeParts stores the tail and bytes of f as parts of these sizes, or finer if
// several may be in flight. The first would get the number next.
func (a *attempt) storeParts(ctx context.Context, f feed, next int, sizes []int64) error {
	if tailSize(a.tail) > sizes[0] {
		return a.partsOfLongTail(ctx, f, sizes)
	}
	if len(sizes) == 1 {
		finer := a.e.cfg.Limits.spread(next, sizes[0], tailSize(a.tail), a.e.cfg.PartsParallel, a.e.share())
		if len(finer) > 1 {
			return a.partsAtOnce(ctx, f, finer)
		}
	}
	for _, size := range sizes {
		if err := a.part(ctx, f, size); err != nil {
			return err
		}
	}
	return nil
}

// part stores one part of size bytes: the tail, then bytes of f. A try is
// repeated while no byte of f was lost to the one before, under a number of
// its own: S3 may yet store the earlier one.
func (a *attempt) part(ctx context.Context, f feed, size int64) error {
	m, err := a.multipart(ctx)
	if err != nil {
		return err
	}
	part, err := a.upload(ctx, m, size, a.tail, f, func() (int, error) { return a.number(ctx) }, always)
	if err != nil {
		return err
	}
	a.parts = append(a.parts, part)
	a.shed, a.tail = append(a.shed, a.tail...), nil
	return nil
}

// upload uploads a part under the numbers that number yields, as long as more
// says that there are any.
func (a *attempt) upload(ctx context.Context, m Multipart, size int64, tail []Fragment, f feed,
	number func() (int, error), more func() bool,
) (part Part, err error) {
	mark := f.mark()
	err = a.e.retry(ctx, InObjects, func() bool { return more() && f.rewind(mark) }, func() error {
		n, err := number()
		if err != nil {
			return err
		}
		r := a.e.readTail(ctx, a.s, tail).prefetch()
		defer r.Close()
		part, err = a.e.cfg.Objects.UploadPart(ctx, m, n, size, &sequel{first: r, ended: len(tail) == 0, then: f})
		return err
	})
	if err != nil {
		return Part{}, fmt.Errorf("store part of %d bytes: %w", size, err)
	}
	a.e.cfg.Log.LogAttrs(ctx, slog.LevelDebug, "part", slog.String("upload", a.s.ID),
		slog.Int("part", part.Number), slog.Int64("bytes", size))
	return part, nil
}

// multipart is the session's multipart upload, opened when first needed. When
// the answer of Attach is lost, it may be stored: only the sweeper, who lists
// what is open at the staging key, can tell then, and nothing is aborted here.
func (a *attempt) multipart(ctx context.Context) (Multipart, error) {
	if a.s.UploadID != "" {
		return a.s.multipart(), nil
	}
	m, err := a.e.cfg.Objects.CreateMultipart(ctx, a.s.Key, Attributes{ContentType: a.s.Type, Upload: a.s.ID, Staged: !a.s.Promised})
	if err != nil {
		return Multipart{}, fmt.Errorf("open multipart upload: %w", err)
	}
	var stored string
	err = a.e.retry(ctx, InSessions, always, func() error {
		stored, err = a.e.cfg.Sessions.Attach(ctx, a.s.ID, m.ID)
		return err
	})
	if errors.Is(err, ErrUnavailable) {
		return Multipart{}, fmt.Errorf("attach multipart upload: %w", err)
	}
	if stored != m.ID { // also when the upload has ended meanwhile
		a.e.abort(ctx, m)
	}
	a.s.UploadID = stored
	return a.s.multipart(), err
}

// peek is the number that the next part will get.
func (a *attempt) peek(ctx context.Context) (int, error) {
	if a.numbers.Count == 0 {
		n, err := a.e.cfg.Sessions.Draw(ctx, a.s.ID, 1)
		if err != nil {
			return 0, fmt.Errorf("draw part number: %w", err)
		}
		a.numbers = n
	}
	return a.numbers.First, nil
}

// number takes a number for good. The last ones are for commits.
func (a *attempt) number(ctx context.Context) (int, error) {
	n, err := a.peek(ctx)
	if err != nil {
		return 0, err
	}
	if n > a.e.cfg.Limits.lastNumber() {
		return 0, ErrTooLarge
	}
	a.numbers = Numbers{First: n + 1, Count: a.numbers.Count - 1}
	return n, nil
}
