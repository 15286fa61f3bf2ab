package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// publish makes the object appear, in the cheapest way there is:
//   - all of it is in the tail: one Put at the destination;
//   - the destination was promised: Complete, there;
//   - else: Complete at the staging key, then copy inside the store.
func (r *run) publish(ctx context.Context) (Object, error) {
	if err := r.keepPromise(); err != nil {
		return Object{}, err
	}
	r.way = Copied
	if r.s.Sealed {
		return r.copyStaged(ctx)
	}
	var parts []Part
	if r.s.UploadID != "" {
		var err error
		if parts, err = r.e.cfg.Sessions.Parts(ctx, r.s.ID); err != nil {
			return Object{}, fmt.Errorf("read parts: %w", err)
		}
	}
	if err := r.sum(parts); err != nil {
		return Object{}, err
	}
	switch {
	case len(parts) == 0:
		r.way = Single
		return r.putTail(ctx)
	case r.s.Promised:
		r.way = Promised
		return r.completePromised(ctx, parts)
	}
	if err := r.assemble(ctx, parts); err != nil {
		return Object{}, err
	}
	return r.copyStaged(ctx)
}

// keepPromise refuses a destination other than the promised one: the
// multipart upload cannot be moved.
func (r *run) keepPromise() error {
	if key, _ := r.r.Key(0); r.s.Promised && key != r.s.Key {
		return &InvalidError{Reason: "the path differs from the one promised with the first chunk"}
	}
	return nil
}

// attributes of the object to be.
func (r *run) attributes() Attributes {
	return Attributes{ContentType: r.r.ContentType, Upload: r.s.ID}
}

// eachName tries destinations until one does not conflict. The condition is
// for the first; further names must be free.
func (r *run) eachName(ctx context.Context, try func(key string, c Condition) (Object, error)) (Object, error) {
	for n := 0; ; n++ {
		key, ok := r.r.Key(n)
		if !ok {
			return Object{}, ErrConflict
		}
		condition := r.r.Condition
		if n > 0 {
			condition = Condition{Absent: true}
			if err := r.update(ctx, func(c *Commit) { c.Key = key }); err != nil {
				return Object{}, err
			}
		}
		object, err := r.tryName(ctx, key, condition, try)
		if !errors.Is(err, ErrConflict) {
			return object, err
		}
		r.e.cfg.Observer.Conflicted(OverDestination)
		if errors.Is(err, errAbove) || errors.Is(err, errFolder) && !condition.Absent {
			return Object{}, err
		}
	}
}

// tryName tries one destination.
func (r *run) tryName(ctx context.Context, key string, c Condition, try func(key string, c Condition) (Object, error)) (Object, error) {
	if err := r.e.checkPlace(ctx, r.r.Root, key); err != nil {
		return Object{}, err
	}
	object, err := try(key, c)
	if errors.Is(err, ErrConflict) {
		return r.conflict(ctx, key, c)
	}
	return object, err
}

// conflict looks at what is in the way. An object of this very upload is an
// earlier try whose answer was lost. That the version named is of no file at
// all is an error and not a conflict (PROTOCOL 3.13).
func (r *run) conflict(ctx context.Context, key string, c Condition) (Object, error) {
	switch found, failed := r.e.cfg.Objects.Find(ctx, key); {
	case errors.Is(failed, ErrNotExist) && c.Match != "":
		return Object{}, &InvalidError{Reason: "parent_rev names no version of a file at this path"}
	case failed != nil && !errors.Is(failed, ErrNotExist):
		return Object{}, failed
	case failed == nil && found.Upload == r.s.ID:
		return found, r.whole(found)
	}
	return Object{}, ErrConflict
}

// putTail stores an object that is all tail, with one call. A multipart upload
// opened for a part that never counted stays till the end: should this commit
// fail, a chunk that is still under way may count after all.
func (r *run) putTail(ctx context.Context) (Object, error) {
	r.unused = r.s.multipart()
	return r.eachName(ctx, func(key string, c Condition) (object Object, err error) {
		err = r.e.retry(ctx, InObjects, always, func() error {
			tail := r.e.readTail(ctx, r.s, r.s.Tail)
			defer tail.Close()
			object, err = r.e.cfg.Objects.Put(ctx, key, r.s.Offset, tail, r.attributes(), c)
			return err
		})
		return object, err
	})
}

// completePromised completes the multipart upload at its destination.
func (r *run) completePromised(ctx context.Context, parts []Part) (Object, error) {
	object, err := r.complete(ctx, parts, r.r.Condition)
	if errors.Is(err, ErrConflict) {
		if object, err = r.conflict(ctx, r.s.Key, r.r.Condition); errors.Is(err, ErrConflict) {
			r.e.cfg.Observer.Conflicted(OverDestination)
		}
	}
	return object, err
}

// assemble completes the multipart upload at the staging key. From then on the
// upload is sealed: a commit that fails later may be repeated, elsewhere too,
// but takes no more chunks.
func (r *run) assemble(ctx context.Context, parts []Part) error {
	if _, err := r.complete(ctx, parts, Condition{}); err != nil {
		return err
	}
	r.mu.Lock()
	r.s.Sealed = true
	r.mu.Unlock()
	return r.update(ctx, func(*Commit) {})
}

// A store that does not have a part as it is listed may be in the middle of
// another Complete of the same upload, whose caller was lost. So it is asked
// completeTries times, completeWait apart, which doubles.
const (
	completeTries = 4
	completeWait  = 500 * time.Millisecond
)

// complete completes the session's multipart upload where it was opened. When
// that is gone, or is being completed already, there may be its object, by a
// call whose answer was lost.
func (r *run) complete(ctx context.Context, parts []Part, c Condition) (Object, error) {
	for n := range completeTries {
		object, err := r.completeOnce(ctx, parts, c)
		if !errors.Is(err, ErrNotExist) && !errors.Is(err, ErrNoPart) {
			return object, err
		}
		own, mine, failed := r.own(ctx, r.s.Key)
		switch {
		case mine || failed != nil:
			return own, failed
		case errors.Is(err, ErrNotExist) || n == completeTries-1:
			return Object{}, err
		}
		if stopped := sleep(ctx, completeWait<<n); stopped != nil {
			return Object{}, fmt.Errorf("%w: %v", ErrUnavailable, err)
		}
	}
	panic("unreachable")
}

// completeOnce makes the tail the last part, and an object of all parts.
func (r *run) completeOnce(ctx context.Context, parts []Part, c Condition) (Object, error) {
	parts, err := r.lastPart(ctx, parts)
	if err != nil {
		return Object{}, err
	}
	object, err := r.e.cfg.Objects.Complete(ctx, r.s.multipart(), parts, c)
	if errors.Is(err, ErrDamaged) { // no object is better than a wrong one
		return Object{}, errors.Join(err, r.e.retry(ctx, InObjects, always, func() error { return r.remove(ctx, r.s.Key) }))
	}
	return object, err
}

// remove deletes the object at key, if this upload made it.
func (r *run) remove(ctx context.Context, key string) error {
	o, err := r.e.cfg.Objects.Find(ctx, key)
	switch {
	case errors.Is(err, ErrNotExist), err == nil && o.Upload != r.s.ID:
		return nil
	case err != nil:
		return err
	}
	return r.e.cfg.Objects.Delete(ctx, key)
}

// sum says ErrDamaged of a record that does not list all that was accepted.
func (r *run) sum(parts []Part) error {
	sum := tailSize(r.s.Tail)
	for _, p := range parts {
		sum += p.Size
	}
	if sum != r.s.Offset {
		return fmt.Errorf("%w: parts and tail hold %d bytes, %d were accepted", ErrDamaged, sum, r.s.Offset)
	}
	return nil
}

// lastPart stores the tail as the last part and checks the list before S3
// does: MinIO accepts lists that AWS refuses (docs/stores.md 4).
func (r *run) lastPart(ctx context.Context, parts []Part) ([]Part, error) {
	if size := tailSize(r.s.Tail); size > 0 {
		last, err := r.tailPart(ctx, size, parts)
		if err != nil {
			return nil, err
		}
		parts = append(slices.Clone(parts), last)
	}
	for i, p := range parts {
		if i > 0 && p.Number <= parts[i-1].Number {
			return nil, fmt.Errorf("part %d is listed after part %d", p.Number, parts[i-1].Number)
		}
	}
	return parts, nil
}

// tailPart stores the tail as a part. Its bytes follow from the offset, so every
// try at this offset, by whatever runner, may use one number: commits that fail
// do not use numbers up.
func (r *run) tailPart(ctx context.Context, size int64, listed []Part) (Part, error) {
	number := r.e.cfg.Limits.lastNumber()
	if len(listed) > 0 { // an older version may have gone beyond
		number = max(number, listed[len(listed)-1].Number)
	}
	if number += r.s.Commits; number > r.e.cfg.Limits.MaxParts {
		return Part{}, ErrTooLarge
	}
	same := func() (int, error) { return number, nil }
	return r.e.attempt(r.s, Numbers{}).upload(ctx, r.s.multipart(), size, r.s.Tail, &buffer{}, same, always)
}
