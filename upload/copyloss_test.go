package upload_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// repeatCommit commits as a client does that repeats for as long as it is told
// to, and answers the last error.
func (l *lab) repeatCommit(id string, keys ...string) (err error) {
	for range 10 {
		if _, err = l.commit(id, keys...); err == nil || !errors.Is(err, upload.ErrUnavailable) {
			return err
		}
		time.Sleep(2 * time.Minute)
	}
	return err
}

// The staged object goes while it is copied, by a lifecycle rule, say. The
// client is told in the end that the upload is lost, and does not repeat its
// commit until the upload expires.
func TestStagedObjectGoneDuringCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.mustPut(t, "", 0, content(1, 100))
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpCopyPart {
				_ = l.objects.Delete(t.Context(), upload.StagingKey(staging, s.ID))
			}
			return nil
		}
		if err := l.repeatCommit(s.ID, "file"); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("got %v, want %v", err, upload.ErrNotFound)
		}
		l.wantOnly(t)
	})
}

// Somebody else ends the copy: a sweeper that took the runner for dead, or the
// bucket's own cleaning. The staged object is there, so nothing is lost, and
// the repeated commit copies it.
func TestCopyEndedByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, op := range []string{uploadtest.OpCopyPart, uploadtest.OpComplete} {
			l := newLab()
			s := l.mustPut(t, "", 0, content(1, 100))
			once := true
			l.objects.Fault = func(now, key string) error {
				if now == op && key == "file" && once {
					once = false
					for _, m := range l.objects.OpenMultiparts() {
						_ = l.objects.Abort(t.Context(), m)
					}
				}
				return nil
			}
			if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrUnavailable) {
				t.Errorf("%s: got %v, want %v", op, err, upload.ErrUnavailable)
			}
			l.mustCommit(t, s.ID, "file")
			l.wantObject(t, "file", content(1, 100))
			l.wantOnly(t, "file")
		}
	})
}

// The copy is ended by others, and the store fails when it is asked for the
// staged object. That says nothing of the bytes: the client is told to repeat.
func TestStagedObjectThatCannotBeLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.mustPut(t, "", 0, content(1, 100))
		copied := false
		l.objects.Fault = func(op, key string) error {
			switch {
			case op == uploadtest.OpCopyPart && !copied:
				copied = true
				for _, m := range l.objects.OpenMultiparts() {
					_ = l.objects.Abort(t.Context(), m)
				}
			case copied && (op == uploadtest.OpHead || op == uploadtest.OpFind) && key == upload.StagingKey(staging, s.ID):
				return upload.ErrUnavailable
			}
			return nil
		}
		for range 5 {
			copied = false
			if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrUnavailable) {
				t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
			}
			time.Sleep(2 * time.Minute)
		}
		l.objects.Fault = nil
		l.mustCommit(t, s.ID, "file")
		l.wantOnly(t, "file")
	})
}

// repeats is a store whose adapter repeats a Complete whose answer was lost, and
// hears that there is no such multipart upload any more.
type repeats struct{ upload.Objects }

func (r repeats) Complete(ctx context.Context, m upload.Multipart, parts []upload.Part, c upload.Condition) (upload.Object, error) {
	if _, err := r.Objects.Complete(ctx, m, parts, c); err != nil {
		return upload.Object{}, err
	}
	return r.Objects.Complete(ctx, m, parts, c)
}

// A repeated Complete finds nothing to complete, because the first one did it:
// the object is there, and the client is told so.
func TestCompletedByALostCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(func(c *upload.Config) { c.Objects = repeats{c.Objects} })
		o := l.mustCommit(t, l.mustPut(t, "", 0, content(1, 100)).ID, "file")
		if o.Key != "file" || o.Size != 100 || o.ETag == "" {
			t.Errorf("answered %+v", o)
		}
		l.wantObject(t, "file", content(1, 100))
		l.wantOnly(t, "file")
	})
}

// Something else is where the staged object was. It is not published in its
// place, whatever its size.
func TestStagedObjectReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.mustCommit(t, l.mustPut(t, "", 0, content(9, 5)).ID, "taken")
		s := l.mustPut(t, "", 0, content(1, 100))
		if _, err := l.commitIf(s.ID, absent, "taken"); !errors.Is(err, upload.ErrConflict) {
			t.Fatal(err)
		}
		_, err := l.objects.Put(t.Context(), upload.StagingKey(staging, s.ID), 100, bytes.NewReader(content(2, 100)),
			upload.Attributes{Upload: "another"}, upload.Condition{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.repeatCommit(s.ID, "file"); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("got %v, want %v", err, upload.ErrNotFound)
		}
		if _, there := l.objects.Object("file"); there {
			t.Error("another object was published")
		}
	})
}
