package s3backend

import (
	"context"
	"errors"
	"strings"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/upload"
)

// Conditions that do not hold at an object that is there.
var (
	whenAbsent  = upload.Condition{Absent: true}
	whenAnother = upload.Condition{Match: `"00000000000000000000000000000000"`}
)

const otherStore = "use a store that keeps conditions: here overwrite=false and parent_rev would lose files"

// putConditions stores over an object under conditions that do not hold, and
// under one that does.
func (x *examiner) putConditions(ctx context.Context) checkup.Finding {
	put := func(c upload.Condition) error {
		o, err := x.b.Put(ctx, x.key("taken"), int64(len(fewBytes)), strings.NewReader(fewBytes), upload.Attributes{}, c)
		if err == nil {
			x.taken = o
		}
		return err
	}
	return holds(put, upload.Condition{Match: x.taken.ETag})
}

// holds judges a conditional call: it must be refused with 412 when the
// condition does not hold, and done when it does.
func holds(do func(upload.Condition) error, right upload.Condition) checkup.Finding {
	for _, c := range []struct {
		name      string
		condition upload.Condition
	}{
		{"If-None-Match: *", whenAbsent},
		{"If-Match with another ETag", whenAnother},
	} {
		switch err := do(c.condition); {
		case err == nil:
			return checkup.Bad(otherStore, "%s over an object that is there was ignored", c.name)
		case !errors.Is(err, upload.ErrConflict):
			f := denied(err, "s3:PutObject")
			f.Found = c.name + ", which does not hold, was not answered with 412 but: " + f.Found
			return f
		}
	}
	if err := do(right); err != nil {
		f := denied(err, "s3:PutObject, s3:GetObject")
		f.Found = "If-Match with the right ETag: " + f.Found
		return f
	}
	return checkup.Good("If-None-Match and If-Match are kept")
}

// parts are those that were stored. Without the copied one there is no gap.
func (x *examiner) parts() []upload.Part {
	if x.copied.ETag == "" {
		return []upload.Part{x.part}
	}
	return []upload.Part{x.copied, x.part}
}

// completeRefused completes under a condition that does not hold: the first of
// three Completes, whose outcomes the next two checks judge.
func (x *examiner) completeRefused(ctx context.Context) checkup.Finding {
	if x.failed["s3 PutObject"] { // nothing is in the way, so nothing is to be refused
		_, err := x.b.Complete(ctx, x.m, x.parts(), upload.Condition{})
		return allowed(err, "s3:PutObject", "allowed")
	}
	_, x.complete = x.b.Complete(ctx, x.m, x.parts(), whenAbsent)
	if x.complete == nil || errors.Is(x.complete, upload.ErrConflict) {
		return checkup.Good("allowed")
	}
	return denied(x.complete, "s3:PutObject")
}

func (x *examiner) completeConditions(ctx context.Context) checkup.Finding {
	if x.failed["s3 PutObject"] {
		return checkup.Doubt("repair that first", "not tried: it needs s3 PutObject")
	}
	return holds(func(c upload.Condition) error {
		if c == whenAbsent {
			return x.complete
		}
		_, err := x.b.Complete(ctx, x.m, x.parts(), c)
		return err
	}, upload.Condition{Match: x.taken.ETag})
}

// gaps looks at what Complete made of parts 1 and 5.
func (x *examiner) gaps(ctx context.Context) checkup.Finding {
	const advice = "use a store that takes part numbers with gaps: retries leave some"
	switch {
	case x.failed["s3 conditions on CompleteMultipartUpload"]:
		return checkup.Doubt("repair that first", "not tried: it needs s3 conditions on CompleteMultipartUpload")
	case x.copied.ETag == "":
		return checkup.Doubt("repair that first", "not tried: it needs s3 UploadPartCopy")
	}
	o, err := x.b.Head(ctx, x.key("taken"))
	if err != nil {
		return denied(err, "s3:GetObject")
	}
	if want := int64(sourceSize + len(fewBytes)); o.Size != want {
		return checkup.Bad(advice, "parts 1 and %d became %d bytes instead of %d", gapNumber, o.Size, want)
	}
	return checkup.Good("gaps are accepted")
}
