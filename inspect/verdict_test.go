package inspect

import (
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// report is of a whole open upload of 100 bytes, 60 of them in parts.
func report(change func(*Report)) Report {
	r := Report{
		Now: now,
		Session: upload.Session{
			ID: "u", State: upload.Open, Expires: now.Add(time.Hour), Offset: 100, UploadID: "m",
		},
		Parts:     &Parts{Listed: Sum{1, 60}},
		Fragments: []Fragment{{Fragment: upload.Fragment{Place: upload.InSessions, Size: 40}, Stored: 40}},
		Staged:    &Place{Key: "staged"},
	}
	change(&r)
	return r
}

func TestVerdict(t *testing.T) {
	committing := func(lease time.Duration) func(*Report) {
		return func(r *Report) {
			r.Session.State = upload.Committing
			r.Session.Commit = &upload.Commit{Key: "final", Lease: now.Add(lease)}
			r.Final = &Place{Key: "final"}
		}
	}
	own := &upload.Object{Upload: "u", Size: 100}
	committed := func(o *upload.Object) func(*Report) {
		return func(r *Report) {
			r.Session.State, r.Parts, r.Fragments = upload.Committed, nil, nil
			r.Final = &Place{Key: "final", Object: o}
		}
	}
	for _, c := range []struct {
		name    string
		change  func(*Report)
		damaged bool
		want    string
	}{
		{"whole", func(*Report) {}, false, "whole: every accepted byte"},
		{"lost", func(r *Report) { r.Lost = true }, true, "Redis has forgotten it"},
		{"gone", func(r *Report) { r.Session.State = upload.Gone }, false, "discarded or has expired"},
		{"expired", func(r *Report) { r.Session.Expires = now }, false, "it has expired"},
		{"parts missing", func(r *Report) { r.Parts.Missing = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12} }, true,
			"damaged: the store lacks parts 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more"},
		{"parts wrong", func(r *Report) { r.Parts.Wrong = []int{1} }, true, "damaged: the store has others as parts 1"},
		{"multipart gone", func(r *Report) { r.Parts.Gone, r.Parts.Missing = true, []int{1} }, true,
			"damaged: the multipart upload with its 1 listed parts is gone"},
		{"empty multipart gone", func(r *Report) { r.Parts, r.Fragments[0].Size, r.Fragments[0].Stored = &Parts{Gone: true}, 100, 100 }, false,
			"whole: its multipart upload is gone"},
		{"believed to be damaged", func(r *Report) { r.Session.Suspect = upload.Suspicion{Times: 3, Why: "no such part"} }, true,
			"damaged: its clients are told that it does not exist, after: no such part"},
		{"seen once", func(r *Report) { r.Session.Suspect = upload.Suspicion{Times: 1, Why: "no such part"} }, false, "whole"},
		{"tail gone", func(r *Report) { r.Fragments[0].Stored = 0 }, true, "damaged: 40 bytes of the tail are gone"},
		{"list too short", func(r *Report) { r.Parts.Listed.Bytes = 50 }, true, "damaged: parts and tail list 90 bytes, but 100"},
		{"two at once", func(r *Report) { r.Parts.Wrong, r.Fragments[0].Stored = []int{1}, 39 }, true, "parts 1, and 1 bytes of the tail"},
		{"assembled", func(r *Report) { r.Session.Sealed, r.Parts, r.Staged.Object = true, nil, own }, false, "whole and assembled"},
		{"assembled and gone", func(r *Report) { r.Session.Sealed, r.Parts = true, nil }, true, "damaged: the assembled object is gone"},
		{"assembled by another", func(r *Report) { r.Session.Sealed, r.Staged.Object = true, &upload.Object{Upload: "v", Size: 100} }, true,
			"damaged: the assembled object is gone"},
		{"running", committing(time.Second), false, "its commit is running"},
		{"runner dead", committing(-time.Second), false, "whole, but whoever ran its commit is gone"},
		{"runner dead, damaged", func(r *Report) { committing(-time.Second)(r); r.Parts.Missing = []int{1} }, true, "damaged: "},
		{"runner dead, object there", func(r *Report) { committing(-time.Second)(r); r.Final.Object = own }, false, "its object is at the destination"},
		{"runner dead after assembling", func(r *Report) {
			committing(-time.Second)(r)
			r.Parts, r.Staged.Object = &Parts{Gone: true, Listed: Sum{1, 60}, Missing: []int{1}}, own
		}, false, "whole, but whoever ran its commit is gone"},
		{"committed", committed(own), false, "committed, and its object is there"},
		{"committed, deleted", committed(nil), false, "deleted or moved since"},
		{"committed, overwritten", committed(&upload.Object{}), false, "another object is at its destination now"},
		{"committed, staged left", func(r *Report) { committed(own)(r); r.Staged.Object = own }, false, "what was staged is still there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := report(c.change).Verdict()
			if got.Damaged != c.damaged || !strings.Contains(got.Says, c.want) || got.Repair == "" {
				t.Errorf("got %+v, want damaged %t and %q", got, c.damaged, c.want)
			}
			if abort := strings.Contains(got.Repair, "uploads abort u --yes"); abort != strings.HasPrefix(got.Says, "damaged") {
				t.Errorf("repair: %s", got.Repair)
			}
		})
	}
}
