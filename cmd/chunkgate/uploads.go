package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// uploads are the commands that look at uploads. They need the stores and
// nothing else of the server, and may run beside it.
type uploads struct {
	Ls    uploadsLs    `cmd:"" help:"List the uploads that are open, those that end first first."`
	Show  uploadsShow  `cmd:"" help:"Show one upload, and what the object store has of it."`
	Abort uploadsAbort `cmd:"" help:"Throw an upload away that is not committed."`
	Sweep uploadsSweep `cmd:"" help:"Free expired uploads now; serve does so by itself."`
}

// uploadsLs lists uploads.
type uploadsLs struct {
	stores

	All   bool `help:"Also those that are committed or being cleaned away."`
	Limit int  `default:"1000" help:"At most so many."`
	JSON  bool `name:"json" help:"One JSON object a line."`
}

// row is one upload in a list. Sizes are bytes.
type row struct {
	ID      string    `json:"id"`
	Owner   string    `json:"owner,omitempty"`
	State   string    `json:"state"` // also lost: no record; unreadable: one that makes no sense
	Offset  int64     `json:"offset"`
	Parts   int       `json:"parts"`
	Tail    int64     `json:"tail_bytes"`
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	Failure string    `json:"failure,omitempty"`
	Failed  time.Time `json:"failed,omitzero"`
}

func rowOf(r session.Record) row {
	switch {
	case r.Lost:
		return row{ID: r.ID, State: "lost", Parts: r.Parts, Expires: r.Due}
	case r.Err != nil:
		return row{ID: r.ID, State: "unreadable", Parts: r.Parts, Expires: r.Due}
	}
	out := row{
		ID: r.ID, Owner: r.Owner, State: string(r.State), Offset: r.Offset, Parts: r.Parts,
		Created: r.Created, Expires: r.Expires, Failure: r.Failure, Failed: r.Failed,
	}
	for _, f := range r.Tail {
		out.Tail += f.Size
	}
	return out
}

// Run lists.
func (c *uploadsLs) Run(ctx context.Context, out output) error {
	if c.Limit < 1 {
		return &settingError{"--limit", "must be at least 1"}
	}
	sessions, _, redis, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer redis.Close()
	now, err := sessions.Now(ctx)
	if err != nil {
		return fmt.Errorf("list uploads: %w", err)
	}
	list := c.list(out, now)
	shown := 0
	for r, err := range sessions.Records(ctx) {
		if err != nil {
			return fmt.Errorf("list uploads: %w", err)
		}
		if !c.All && (r.State == upload.Committed || r.State == upload.Gone) {
			continue
		}
		if shown == c.Limit {
			return list.end("there are more than --limit " + fmt.Sprint(c.Limit))
		}
		shown++
		if err := list.add(rowOf(r)); err != nil {
			return err
		}
	}
	return list.end("")
}

func (c *uploadsLs) list(w io.Writer, now time.Time) lister {
	if c.JSON {
		return jsonList{json.NewEncoder(w)}
	}
	t := &table{Writer: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0), now: now}
	t.line("ID", "OWNER", "STATE", "OFFSET", "PARTS", "TAIL", "AGE", "EXPIRES")
	return t
}

// lister prints rows; more says why there may be others.
type lister interface {
	add(row) error
	end(more string) error
}

type jsonList struct{ *json.Encoder }

func (l jsonList) add(r row) error { return l.Encode(r) }

func (l jsonList) end(more string) error {
	if more == "" {
		return nil
	}
	return l.Encode(map[string]string{"more": more})
}

// table prints rows for people. It is as wide as its widest cells, so it comes
// at the end; --limit bounds it.
type table struct {
	*tabwriter.Writer
	now time.Time
}

func (t *table) line(cells ...any) {
	for _, c := range cells {
		_, _ = fmt.Fprintf(t, "%v\t", c) // Flush says what went wrong
	}
	_, _ = fmt.Fprintln(t)
}

func (t *table) add(r row) error {
	owner, age := r.Owner, "-"
	if owner == "" {
		owner = "-"
	}
	if !r.Created.IsZero() {
		age = span(t.now.Sub(r.Created))
	}
	t.line(r.ID, owner, r.State, r.Offset, r.Parts, r.Tail, age, stamp(r.Expires))
	return nil
}

func (t *table) end(more string) error {
	if more != "" {
		_, _ = fmt.Fprintln(t, more)
	}
	return t.Flush()
}

// stamp prints a time for people and scripts alike.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// span prints how long something took, to the second.
func span(d time.Duration) string { return d.Round(time.Second).String() }
