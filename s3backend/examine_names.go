package s3backend

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/upload"
)

// Names that stores over a file system take for others (docs/stores.md, section 9).
const (
	backslashed = `taken-too\below`
	slashed     = "taken-too/below"
)

// names looks whether two names can mean one file.
func (x *examiner) names(ctx context.Context) checkup.Finding {
	_, err := x.b.Put(ctx, x.key(backslashed), int64(len(fewBytes)), strings.NewReader(fewBytes), upload.Attributes{}, upload.Condition{})
	if err != nil {
		return denied(err, x.writing())
	}
	keys, err := x.keys(ctx)
	err = errors.Join(err, x.b.Delete(ctx, x.triedNames()...))
	switch {
	case err != nil:
		return denied(err, "s3:ListBucket, s3:DeleteObject")
	case slices.Contains(keys, x.key(slashed)):
		return checkup.Doubt(`have the store keep backslashes (SeaweedFS: -s3.allowBackslashInKey), or see that no client sends any`,
			`it takes a\b for a/b: what is stored under one replaces the other`)
	}
	return checkup.Good("names are kept")
}

// triedNames are the keys that names may have made.
func (x *examiner) triedNames() []string {
	return []string{x.key(backslashed), x.key(slashed)}
}
