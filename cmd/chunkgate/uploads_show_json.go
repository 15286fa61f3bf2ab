package main

import (
	"time"

	"github.com/chunkgate/chunkgate/inspect"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// shown is what `uploads show --json` prints. Sizes are bytes.
type shown struct {
	row
	Sweep     time.Time    `json:"swept_after,omitzero"`
	Key       string       `json:"key,omitempty"`
	Promised  bool         `json:"promised"`
	Multipart string       `json:"multipart,omitempty"`
	Commit    *shownCommit `json:"commit,omitempty"`
	Suspected *shownDoubt  `json:"suspected,omitempty"`

	Stored      *inspect.Parts  `json:"stored,omitempty"`
	Fragments   []shownFragment `json:"fragments,omitempty"`
	Staged      *shownPlace     `json:"staged,omitempty"`
	Destination *shownPlace     `json:"destination,omitempty"`
	Copy        *shownCopy      `json:"copy,omitempty"`
	Unrecorded  []string        `json:"unrecorded,omitempty"`

	Damaged bool   `json:"damaged"`
	Verdict string `json:"verdict"`
	Repair  string `json:"repair"`
}

// shownDoubt is how often bytes that the record lists were not found.
type shownDoubt struct {
	Times int       `json:"times"`
	Last  time.Time `json:"last"`
	Why   string    `json:"why"`
}

type shownCommit struct {
	Key    string    `json:"key"`
	Terms  string    `json:"terms"`
	Runner string    `json:"runner"`
	Lease  time.Time `json:"lease"`
	Size   int64     `json:"size,omitempty"`
	ETag   string    `json:"etag,omitempty"`
	Done   time.Time `json:"done,omitzero"`
}

type shownFragment struct {
	Place  string `json:"place"` // redis, or the object's key
	Size   int64  `json:"size"`
	Stored int64  `json:"stored"`
}

type shownPlace struct {
	Key    string `json:"key"`
	Exists bool   `json:"exists"`
	Size   int64  `json:"size,omitempty"`
	Upload string `json:"upload,omitempty"` // id of the upload that made it
}

type shownCopy struct {
	Key  string `json:"key"`
	ID   string `json:"id"`
	Gone bool   `json:"gone"`
}

func shownJSON(r session.Record, report inspect.Report) shown {
	v := report.Verdict()
	s := shown{
		row: rowOf(r), Key: r.Key, Promised: r.Promised, Multipart: r.UploadID, Commit: commitJSON(r.Commit),
		Stored: report.Parts, Staged: placeJSON(report.Staged), Destination: placeJSON(report.Final),
		Unrecorded: report.Unknown, Damaged: v.Damaged, Verdict: v.Says, Repair: v.Repair,
	}
	if r.Suspect.Times > 0 {
		s.Suspected = &shownDoubt{r.Suspect.Times, r.Suspect.Last, r.Suspect.Why}
	}
	if !r.Due.IsZero() {
		s.Sweep = r.Due.Add(upload.SweepDelay)
	}
	for _, f := range report.Fragments {
		place := "redis"
		if f.Place == upload.InObjects {
			place = f.Name
		}
		s.Fragments = append(s.Fragments, shownFragment{place, f.Size, f.Stored})
	}
	if c := report.Copy; c != nil {
		s.Copy = &shownCopy{c.Key, c.ID, c.Gone}
	}
	return s
}

func commitJSON(c *upload.Commit) *shownCommit {
	if c == nil {
		return nil
	}
	s := &shownCommit{Key: c.Key, Terms: fingerprint(c.Terms), Runner: c.Runner, Lease: c.Lease}
	if o := c.Result; o != nil {
		s.Size, s.ETag, s.Done = o.Size, o.ETag, o.Modified
	}
	return s
}

func placeJSON(p *inspect.Place) *shownPlace {
	switch {
	case p == nil:
		return nil
	case p.Object == nil:
		return &shownPlace{Key: p.Key}
	}
	return &shownPlace{p.Key, true, p.Object.Size, p.Object.Upload}
}
