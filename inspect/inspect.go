// Package inspect compares what the session store says of an upload with what
// the object store has of it, and says in words what that means. It changes
// nothing. It is for whoever runs the server; requests do not use it.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Sessions is what is asked of the session store.
type Sessions interface {
	// Parts reads the listed parts in ascending order of number.
	Parts(ctx context.Context, id string) ([]upload.Part, error)
	// TailSizes says how many bytes of each fragment are there; 0 of those
	// that are in the object store.
	TailSizes(ctx context.Context, id string, tail []upload.Fragment) ([]int64, error)
}

// Objects is what is asked of the object store. Errors: upload.ErrNotExist of
// what is not there.
type Objects interface {
	Head(ctx context.Context, key string) (upload.Object, error)
	StoredParts(ctx context.Context, m upload.Multipart) iter.Seq2[upload.Part, error]
	Multiparts(ctx context.Context, key string) ([]string, error)
}

// Report is what there is of an upload, against what its record says.
type Report struct {
	Now  time.Time
	Lost bool // there is no record: of Session only the ID is set

	Session   upload.Session
	Parts     *Parts     // nil when no multipart upload should be there
	Fragments []Fragment // of the tail, in order
	Staged    *Place     // where it is assembled; nil if it is at the destination
	Copy      *Multipart // what the staged object is being copied into
	Final     *Place     // the destination, once it is known
	Unknown   []string   // ids of multipart uploads at the staging key that the record does not know
}

// Parts compares the listed parts with the stored ones.
type Parts struct {
	Gone    bool  `json:"gone"` // the store does not have the multipart upload
	Listed  Sum   `json:"listed"`
	Missing []int `json:"missing,omitempty"` // numbers that are listed and not stored
	Wrong   []int `json:"wrong,omitempty"`   // numbers whose size or ETag is another
	Extra   Sum   `json:"not_listed"`        // stored and not listed: Complete drops them
}

// Sum is a count of parts and of their bytes.
type Sum struct {
	Count int   `json:"count"`
	Bytes int64 `json:"bytes"`
}

func (s *Sum) add(p upload.Part) {
	s.Count++
	s.Bytes += p.Size
}

// Fragment is a fragment of the tail and how many bytes of it are there.
type Fragment struct {
	upload.Fragment
	Stored int64 // bytes
}

// Place is a key and what is there.
type Place struct {
	Key    string
	Object *upload.Object // nil: nothing
}

// Multipart is a multipart upload and whether it is there.
type Multipart struct {
	upload.Multipart
	Gone bool
}

// by says whether an object of the whole upload is there.
func (p *Place) by(s upload.Session) bool {
	return p != nil && p.Object != nil && p.Object.Upload == s.ID && p.Object.Size == s.Offset
}

// Inspector looks at uploads.
type Inspector struct {
	Sessions      Sessions
	Objects       Objects
	StagingPrefix string // as the engine's
}

// Inspect looks at one upload. What changes meanwhile may look wrong.
// Errors: upload.ErrUnavailable (wrapped) when a store does not answer.
func (i Inspector) Inspect(ctx context.Context, s upload.Session, lost bool, now time.Time) (Report, error) {
	r := Report{Now: now, Session: s, Lost: lost}
	staging := upload.StagingKey(i.StagingPrefix, s.ID)
	steps := []func() error{
		func() error { return i.parts(ctx, &r) },
		func() error { return i.tail(ctx, &r) },
		func() error { return i.copying(ctx, &r) },
		func() (err error) { r.Final, err = i.final(ctx, s); return err },
	}
	if !s.Promised {
		steps = append(steps,
			func() (err error) { r.Staged, err = i.place(ctx, staging); return err },
			func() error { return i.unknown(ctx, &r, staging) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return Report{}, fmt.Errorf("inspect upload: %w", err)
		}
	}
	return r, nil
}

// parts compares parts while there should be some: until the upload is sealed,
// committed or cleaned away.
func (i Inspector) parts(ctx context.Context, r *Report) error {
	s := r.Session
	if s.UploadID == "" || s.Sealed || s.State == upload.Committed || s.State == upload.Gone {
		return nil
	}
	listed, err := i.Sessions.Parts(ctx, s.ID)
	if err != nil {
		return err
	}
	r.Parts = &Parts{}
	stored := map[int]upload.Part{}
	for p, err := range i.Objects.StoredParts(ctx, upload.Multipart{Key: s.Key, ID: s.UploadID}) {
		if errors.Is(err, upload.ErrNotExist) {
			r.Parts.Gone = true
			break
		}
		if err != nil {
			return err
		}
		stored[p.Number] = p
	}
	r.Parts.compare(listed, stored)
	return nil
}

func (p *Parts) compare(listed []upload.Part, stored map[int]upload.Part) {
	for _, want := range listed {
		p.Listed.add(want)
		got, there := stored[want.Number]
		switch {
		case !there:
			p.Missing = append(p.Missing, want.Number)
		case got.Size != want.Size || strings.Trim(got.ETag, `"`) != strings.Trim(want.ETag, `"`):
			p.Wrong = append(p.Wrong, want.Number)
		}
		delete(stored, want.Number)
	}
	for _, got := range stored {
		p.Extra.add(got)
	}
}

// tail measures the fragments.
func (i Inspector) tail(ctx context.Context, r *Report) error {
	s := r.Session
	if s.State == upload.Gone || len(s.Tail) == 0 {
		return nil
	}
	sizes, err := i.Sessions.TailSizes(ctx, s.ID, s.Tail)
	if err != nil {
		return err
	}
	for n, f := range s.Tail {
		if f.Place == upload.InObjects {
			p, err := i.place(ctx, f.Name)
			if err != nil {
				return err
			}
			if p.Object != nil {
				sizes[n] = p.Object.Size
			}
		}
		r.Fragments = append(r.Fragments, Fragment{Fragment: f, Stored: sizes[n]})
	}
	return nil
}

// copying asks after the copy that a commit recorded.
func (i Inspector) copying(ctx context.Context, r *Report) error {
	c := r.Session.Commit
	if c == nil || c.Copy.ID == "" || r.Session.State != upload.Committing {
		return nil
	}
	r.Copy = &Multipart{Multipart: c.Copy}
	for _, err := range i.Objects.StoredParts(ctx, c.Copy) {
		if errors.Is(err, upload.ErrNotExist) {
			r.Copy.Gone = true
			return nil
		}
		return err // one page is enough
	}
	return nil
}

// final looks at the destination: that of the commit, or the promised one.
func (i Inspector) final(ctx context.Context, s upload.Session) (*Place, error) {
	switch {
	case s.Commit != nil && s.Commit.Result != nil:
		return i.place(ctx, s.Commit.Result.Key)
	case s.Commit != nil:
		return i.place(ctx, s.Commit.Key)
	case s.Promised:
		return i.place(ctx, s.Key)
	}
	return nil, nil
}

func (i Inspector) place(ctx context.Context, key string) (*Place, error) {
	o, err := i.Objects.Head(ctx, key)
	switch {
	case errors.Is(err, upload.ErrNotExist):
		return &Place{Key: key}, nil
	case err != nil:
		return nil, err
	}
	return &Place{Key: key, Object: &o}, nil
}

// unknown finds multipart uploads whose creation was not recorded.
func (i Inspector) unknown(ctx context.Context, r *Report, staging string) error {
	ids, err := i.Objects.Multiparts(ctx, staging)
	for _, id := range ids {
		if id != r.Session.UploadID || r.Session.Key != staging {
			r.Unknown = append(r.Unknown, id)
		}
	}
	return err
}
