package inspect

import (
	"fmt"
	"strings"

	"github.com/chunkgate/chunkgate/upload"
)

// Verdict says in words what a report means, and what to do about it.
type Verdict struct {
	Damaged bool   // accepted bytes are gone
	Says    string // one clause
	Repair  string // one clause, or a command
}

const nothing = "nothing to do"

// Verdict judges the report.
func (r Report) Verdict() Verdict {
	s := r.Session
	switch {
	case r.Lost:
		return Verdict{true, "Redis has forgotten it: only its deadline is left",
			"the sweep after its deadline ends what it left; find out by chunkgate doctor whether Redis evicts or forgets"}
	case s.State == upload.Gone:
		return Verdict{false, "it was discarded or has expired, and is being cleaned away", nothing}
	case s.State == upload.Committed:
		return r.committed()
	case s.State == upload.Committing && s.Commit.Lease.After(r.Now):
		return Verdict{false, "its commit is running", "wait for it"}
	case s.State == upload.Committing && r.Final.by(s):
		return Verdict{false, "its object is at the destination, but the commit died before it stored the result",
			"nothing to do: a repeat of the commit finds the object"}
	case !s.Expires.After(r.Now):
		return Verdict{false, "it has expired", "nothing to do: the sweeper frees it an hour after its expiry"}
	}
	damage := r.damage()
	if damage == "" && s.Suspect.Times >= upload.DamagedAfter {
		damage = "its clients are told that it does not exist, after: " + s.Suspect.Why
	}
	if damage != "" {
		return Verdict{true, "damaged: " + damage, fmt.Sprintf(
			"chunkgate uploads abort %s --yes, and the client starts again; find out by chunkgate doctor what removes unfinished uploads", s.ID)}
	}
	switch {
	case s.State == upload.Committing:
		return Verdict{false, "whole, but whoever ran its commit is gone", "nothing to do: a repeat of the commit takes over"}
	case r.assembled():
		return Verdict{false, "whole and assembled; a commit failed after that", "nothing to do: a repeat of the commit goes on from there"}
	case r.Parts != nil && r.Parts.Gone:
		return Verdict{false, "whole: its multipart upload is gone, but held no accepted byte", "nothing to do: the next chunk opens another"}
	}
	return Verdict{false, "whole: every accepted byte is there", nothing}
}

// committed judges an upload whose object has appeared.
func (r Report) committed() Verdict {
	v := Verdict{false, "committed, and its object is there", nothing}
	switch {
	case r.Final.Object == nil:
		v.Says = "committed; its object has been deleted or moved since"
	case r.Final.Object.Upload != r.Session.ID:
		v.Says = "committed; another object is at its destination now"
	}
	if r.Staged != nil && r.Staged.Object != nil {
		v.Says += "; what was staged is still there"
		v.Repair = "nothing to do: the sweeper removes it"
	}
	return v
}

// assembled says whether all bytes are in an object already, recorded or not.
func (r Report) assembled() bool {
	return r.Staged.by(r.Session) || r.Session.Promised && r.Final.by(r.Session)
}

// damage says what is missing of the accepted bytes; "" if nothing is.
func (r Report) damage() string {
	s := r.Session
	switch {
	case r.assembled():
		return ""
	case s.Sealed:
		return "the assembled object is gone"
	}
	var all []string
	held := int64(0)
	if p := r.Parts; p != nil {
		held = p.Listed.Bytes
		switch {
		case p.Gone && p.Listed.Count > 0:
			all = append(all, fmt.Sprintf("the multipart upload with its %d listed parts is gone", p.Listed.Count))
		case len(p.Missing) > 0:
			all = append(all, "the store lacks parts "+few(p.Missing))
		}
		if len(p.Wrong) > 0 {
			all = append(all, "the store has others as parts "+few(p.Wrong))
		}
	}
	gone := int64(0)
	for _, f := range r.Fragments {
		held += f.Size
		gone += max(0, f.Size-f.Stored)
	}
	if gone > 0 {
		all = append(all, fmt.Sprintf("%d bytes of the tail are gone", gone))
	}
	if held != s.Offset {
		all = append(all, fmt.Sprintf("parts and tail list %d bytes, but %d were accepted", held, s.Offset))
	}
	return strings.Join(all, ", and ")
}

// few names numbers, the first ten of them.
func few(numbers []int) string {
	const most = 10
	var b strings.Builder
	for i, n := range numbers {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(numbers)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, n)
	}
	return b.String()
}
