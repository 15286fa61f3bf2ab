package upload

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Copying inside the store is done by parts, in parallel: CopyObject stops at
// 5 GiB, ignores conditions on MinIO, and takes twice as long (docs/stores.md 6).
const (
	copyPart     = 64 << 20 // bytes; more for objects of over 10,000 such parts
	copyParallel = 4
)

// copyStaged copies the staged object to the first destination that is free.
func (r *run) copyStaged(ctx context.Context) (Object, error) {
	if _, mine, err := r.own(ctx, r.e.stagingKey(r.s.ID)); err != nil {
		return Object{}, fmt.Errorf("look at staged object: %w", err)
	} else if !mine {
		return Object{}, fmt.Errorf("staged object: %w", ErrNotExist)
	}
	return r.eachName(ctx, func(key string, c Condition) (Object, error) {
		if err := r.lookFirst(ctx, key, c); err != nil {
			return Object{}, err
		}
		return r.copyTo(ctx, key, c)
	})
}

// lookFirst says ErrConflict when copying would be in vain. It may be wrong a
// moment later; Complete's condition decides.
func (r *run) lookFirst(ctx context.Context, key string, c Condition) error {
	if !c.Absent {
		return nil
	}
	_, err := r.e.cfg.Objects.Head(ctx, key)
	switch {
	case errors.Is(err, ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return ErrConflict
}

// copyTo copies the staged object to key. The multipart upload there is
// recorded before the first byte, so that a successor or the sweeper ends it.
func (r *run) copyTo(ctx context.Context, key string, c Condition) (Object, error) {
	m, err := r.e.cfg.Objects.CreateMultipart(ctx, key, r.attributes())
	if err != nil {
		return Object{}, fmt.Errorf("open copy: %w", err)
	}
	object, err := r.copyInto(ctx, m, c)
	if err != nil {
		return Object{}, r.endCopy(ctx, m, err)
	}
	return object, nil
}

// endCopy gives up a copy because of cause. As long as the store does not say
// that it is gone, the commit stays where it is, and the copy in its record:
// the next runner or the sweeper ends it.
func (r *run) endCopy(ctx context.Context, m Multipart, cause error) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	err := r.e.retry(ctx, InObjects, always, func() error { return r.e.cfg.Objects.Abort(ctx, m) })
	switch {
	case err == nil:
		return cause
	case errors.Is(cause, ErrBusy): // the record is another runner's
		r.e.note("abort copy", m.Key, err)
		return cause
	}
	return fmt.Errorf("abort copy: %w: %w: after: %v", ErrUnavailable, err, cause)
}

func (r *run) copyInto(ctx context.Context, m Multipart, c Condition) (Object, error) {
	if err := r.update(ctx, func(c *Commit) { c.Copy = m }); err != nil {
		return Object{}, err
	}
	parts, err := r.copyParts(ctx, m)
	if err != nil {
		return Object{}, r.copyFailed(ctx, err)
	}
	object, err := r.e.cfg.Objects.Complete(ctx, m, parts, c)
	if errors.Is(err, ErrNotExist) || errors.Is(err, ErrNoPart) {
		// Completed by a call whose answer was lost, or aborted by a successor.
		own, mine, failed := r.own(ctx, m.Key)
		if mine || failed != nil {
			return own, failed
		}
		return Object{}, fmt.Errorf("complete copy: %w: %v", ErrUnavailable, err)
	}
	if errors.Is(err, ErrDamaged) { // the staged object is as it was: copy it again
		return Object{}, fmt.Errorf("complete copy: %w: %v", ErrUnavailable, errors.Join(err, r.remove(ctx, m.Key)))
	}
	return object, err
}

// copyFailed tells a copy that was ended by others, which may be repeated, from
// a staged object that is gone.
func (r *run) copyFailed(ctx context.Context, err error) error {
	if errors.Is(err, ErrNotExist) {
		_, mine, failed := r.own(ctx, r.e.stagingKey(r.s.ID))
		if mine || failed != nil {
			return fmt.Errorf("copy to destination: %w: %v", ErrUnavailable, err)
		}
	}
	return fmt.Errorf("copy to destination: %w", err)
}

// copyParts copies the staged object part by part, a few at a time.
func (r *run) copyParts(ctx context.Context, m Multipart) ([]Part, error) {
	size := copyPartSize(r.s.Offset, r.e.cfg.Limits)
	parts := make([]Part, (r.s.Offset+size-1)/size)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var work sync.WaitGroup
	for range min(copyParallel, len(parts)) {
		work.Go(func() {
			for i := range next {
				offset := int64(i) * size
				err := r.e.guard("copy part", r.s.ID, func() error {
					return r.e.retry(ctx, InObjects, always, func() (err error) {
						parts[i], err = r.e.cfg.Objects.CopyPart(
							ctx, m, i+1, r.e.stagingKey(r.s.ID), offset, min(size, r.s.Offset-offset))
						return err
					})
				})
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range parts {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	work.Wait()
	return parts, context.Cause(ctx)
}

// copyPartSize is the size, in bytes, of the parts to copy size bytes in.
func copyPartSize(size int64, l Limits) int64 {
	least := (size + int64(l.MaxParts) - 1) / int64(l.MaxParts)
	return min(max(copyPart, least), l.MaxPart)
}
