package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/chunkgate/chunkgate/inspect"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// uploadsShow shows one upload.
type uploadsShow struct {
	stores

	ID   string `arg:"" help:"The upload's id."`
	JSON bool   `name:"json" help:"As JSON."`
}

// Run looks at both stores.
func (c *uploadsShow) Run(ctx context.Context, out output) error {
	sessions, objects, redis, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer redis.Close()
	record, err := sessions.Record(ctx, c.ID)
	if err == nil {
		err = record.Err
	}
	if err != nil {
		return fmt.Errorf("show upload: %w", err)
	}
	look := inspect.Inspector{Sessions: sessions, Objects: objects, StagingPrefix: c.StagingPrefix}
	now, err := sessions.Now(ctx)
	if err != nil {
		return fmt.Errorf("show upload: %w", err)
	}
	report, err := look.Inspect(ctx, record.Session, record.Lost, now)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(shownJSON(record, report))
	}
	p := &page{w: out}
	p.record(record, report.Now)
	p.report(report)
	if record.Failure != "" {
		p.line("failure", "%s: %s", stamp(record.Failed), record.Failure)
	}
	v := report.Verdict()
	p.line("verdict", "%s", v.Says)
	p.line("repair", "%s", v.Repair)
	return p.err
}

// page prints a line a fact. The first error stays.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(name, format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, "%-12s%s\n", name, fmt.Sprintf(format, args...))
	}
}

// record prints what Redis says.
func (p *page) record(r session.Record, now time.Time) {
	p.line("upload", "%s", r.ID)
	if !r.Due.IsZero() {
		p.line("swept", "after %s", stamp(r.Due.Add(upload.SweepDelay)))
	}
	if r.Lost {
		return
	}
	p.line("owner", "%s", r.Owner)
	p.line("state", "%s", r.State)
	p.line("offset", "%d", r.Offset)
	p.line("created", "%s, %s ago", stamp(r.Created), span(now.Sub(r.Created)))
	p.line("expires", "%s, %s", stamp(r.Expires), until(r.Expires, now))
	if r.Promised {
		p.line("promised", "%s", r.Key)
	}
	if r.UploadID != "" {
		p.line("multipart", "%s at %s", r.UploadID, r.Key)
	}
	if s := r.Suspect; s.Times > 0 {
		p.line("suspected", "damage was seen %d times, last at %s: %s", s.Times, stamp(s.Last), s.Why)
	}
	if c := r.Commit; c != nil {
		p.line("commit", "to %s, terms %s", c.Key, fingerprint(c.Terms))
		if r.State == upload.Committing {
			p.line("runner", "%s, lease until %s, %s", c.Runner, stamp(c.Lease), until(c.Lease, now))
		}
		if o := c.Result; o != nil {
			p.line("result", "%d bytes at %s, ETag %s, %s", o.Size, o.Key, o.ETag, stamp(o.Modified))
		}
	}
}

// report prints what the object store has of it.
func (p *page) report(r inspect.Report) {
	if parts := r.Parts; parts != nil {
		p.line("parts", "%d listed, %d bytes", parts.Listed.Count, parts.Listed.Bytes)
		if parts.Gone {
			p.line("stored", "the store has no such multipart upload")
		} else {
			p.line("stored", "%d missing, %d wrong, %d not listed of %d bytes",
				len(parts.Missing), len(parts.Wrong), parts.Extra.Count, parts.Extra.Bytes)
		}
	}
	for _, f := range r.Fragments {
		where := "Redis"
		if f.Place == upload.InObjects {
			where = f.Name
		}
		p.line("tail", "%d of %d bytes are in %s", f.Stored, f.Size, where)
	}
	if r.Staged != nil {
		p.line("staged", "%s", told(r.Staged, r.Session.ID))
	}
	if r.Copy != nil {
		there := "open"
		if r.Copy.Gone {
			there = "gone"
		}
		p.line("copy", "%s at %s, %s", r.Copy.ID, r.Copy.Key, there)
	}
	if r.Final != nil {
		p.line("destination", "%s", told(r.Final, r.Session.ID))
	}
	for _, id := range r.Unknown {
		p.line("unrecorded", "multipart upload %s at the staging key", id)
	}
}

// told says what is at a place and who made it.
func told(p *inspect.Place, id string) string {
	if p.Object == nil {
		return "nothing at " + p.Key
	}
	by := "no upload of chunkgate"
	switch p.Object.Upload {
	case "":
	case id:
		by = "this upload"
	default:
		by = "upload " + p.Object.Upload
	}
	return fmt.Sprintf("%d bytes at %s, by %s", p.Object.Size, p.Key, by)
}

func until(t, now time.Time) string {
	if t.After(now) {
		return "in " + span(t.Sub(now))
	}
	return span(now.Sub(t)) + " ago"
}

// fingerprint stands for the terms of a commit: enough to tell two apart.
func fingerprint(terms string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(terms)))[:12]
}
