package uploadtest

import (
	"github.com/chunkgate/chunkgate/upload"
)

// claim is what a runner asks for.
func (c *sessionsCase) claim(runner string) upload.Commit {
	return upload.Commit{Terms: "terms of " + runner, Key: "key of " + runner, Runner: runner}
}

func (c *sessionsCase) mustBeginCommit(id string, claim upload.Commit) (upload.Session, *upload.Commit) {
	c.Helper()
	s, previous, err := c.BeginCommit(c.Context(), id, owner, claim, lease)
	if err != nil {
		c.Fatalf("begin commit: %v", err)
	}
	if s.Commit == nil || s.State != upload.Committing && s.State != upload.Committed {
		c.Fatalf("got state %q with commit %+v", s.State, s.Commit)
	}
	return s, previous
}

func (c *sessionsCase) mustUpdateCommit(id string, claim upload.Commit) {
	c.Helper()
	if err := c.UpdateCommit(c.Context(), id, claim, lease, false); err != nil {
		c.Fatalf("update commit: %v", err)
	}
}

func (c *sessionsCase) mustEndCommit(id string, claim upload.Commit) {
	c.Helper()
	if err := c.EndCommit(c.Context(), id, claim); err != nil {
		c.Fatalf("end commit: %v", err)
	}
}

// wantCommit compares all but the lease.
func (c *sessionsCase) wantCommit(what string, got *upload.Commit, want upload.Commit) {
	c.Helper()
	if got != nil {
		want.Lease = got.Lease
	}
	c.wantSame(what, got, &want)
}

func testCommit(c *sessionsCase) {
	s := c.mustOpen()
	c.mustPut(s.ID, "a", 0, []byte("tail"))
	s.Offset, s.Tail = 9, []upload.Fragment{kept("a", 4)}
	c.mustAdvance(upload.Advance{
		ID: s.ID, Attempt: "a", From: 0, To: 9, Tail: s.Tail, Parts: []upload.Part{{Number: 1, Size: 5}},
	})

	claim := c.claim("r")
	got, previous := c.mustBeginCommit(s.ID, claim)
	c.wantNear("lease", got.Commit.Lease, c.now().Add(lease))
	claim.Lease = got.Commit.Lease
	s.State, s.Commit, s.Commits = upload.Committing, &claim, 1
	c.wantSame("session being committed", got, s)
	c.wantSame("previous commit", previous, (*upload.Commit)(nil))
	_, _, err := c.attemptAt(s.ID, 9, 1)
	c.wantError("begin", err, upload.ErrBusy)
	c.wantError("advance", c.advance(upload.Advance{ID: s.ID, From: 9, To: 10}), upload.ErrBusy)
	c.wantParts(s.ID, upload.Part{Number: 1, Size: 5})

	c.pass(lease / 2)
	claim.Key, claim.Copy = "another key", upload.Multipart{Key: "another key", ID: "copy"}
	c.mustUpdateCommit(s.ID, claim)
	claim.Lease = c.mustGet(s.ID).Commit.Lease
	c.wantNear("lease, renewed", claim.Lease, c.now().Add(lease))
	c.wantSame("session after an update", c.mustGet(s.ID), s)

	claim.Result = &upload.Object{Key: "another key", Size: 9, ETag: `"e"`, Modified: c.now(), Upload: s.ID}
	c.mustEndCommit(s.ID, claim)
	s.State, s.Tail = upload.Committed, nil
	c.wantSame("session committed", c.mustGet(s.ID), s)
	_, err = c.Attach(c.Context(), s.ID, "late")
	c.wantError("attach", err, upload.ErrCompleted)
	claim.Tidied = true
	c.mustEndCommit(s.ID, claim)
	c.wantSame("session tidied up", c.mustGet(s.ID), s)
	again := claim
	again.Tidied = false
	c.mustEndCommit(s.ID, again)
	c.wantSame("session tidied up before", c.mustGet(s.ID), s)
	c.wantParts(s.ID)
	_, err = c.piece(s.ID, "a", 0, 1)
	c.wantError("read a piece of the tail", err, upload.ErrNotExist)
	_, _, err = c.attemptAt(s.ID, 9, 1)
	c.wantError("begin", err, upload.ErrCompleted)
	c.wantError("advance", c.advance(upload.Advance{ID: s.ID, From: 9, To: 10}), upload.ErrCompleted)
}

// testCommitRepeated repeats each step as after a lost answer.
func testCommitRepeated(c *sessionsCase) {
	s := c.mustOpen()
	claim := c.claim("r")
	c.mustBeginCommit(s.ID, claim)
	claim.Copy = upload.Multipart{Key: "k", ID: "copy"}
	for range 2 {
		c.mustUpdateCommit(s.ID, claim)
	}
	again, previous := c.mustBeginCommit(s.ID, claim)
	c.wantCommit("commit claimed again", again.Commit, claim)
	c.wantSame("previous commit", previous, (*upload.Commit)(nil))

	claim.Result = &upload.Object{Key: "k", Size: 3, Modified: c.now()}
	for range 2 {
		c.mustEndCommit(s.ID, claim)
	}
	for _, runner := range []string{"r", "another"} {
		replay, previous := c.mustBeginCommit(s.ID, c.claim(runner))
		c.wantSame("state", replay.State, upload.Committed)
		c.wantCommit("commit replayed", replay.Commit, claim)
		c.wantSame("previous commit", previous, (*upload.Commit)(nil))
	}
}

func testCommitRace(c *sessionsCase) {
	s := c.mustOpen()
	runners := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	seen := make([]upload.Session, len(runners))
	together(len(runners), func(i int) {
		var err error
		if seen[i], _, err = c.BeginCommit(c.Context(), s.ID, owner, c.claim(runners[i]), lease); err != nil {
			c.Errorf("begin commit: %v", err)
		}
	})
	if c.Failed() {
		return
	}
	mine := 0
	for i, runner := range runners {
		c.wantSame("commit", seen[i].Commit, seen[0].Commit)
		if seen[i].Commit.Runner == runner {
			mine++
		}
	}
	c.wantSame("runners that claimed it", mine, 1)
}

func testCommitWaits(c *sessionsCase) {
	s := c.mustOpen()
	first := c.claim("first")
	c.mustBeginCommit(s.ID, first)
	c.pass(lease - moment)
	got, previous := c.mustBeginCommit(s.ID, c.claim("second"))
	c.wantSame("state", got.State, upload.Committing)
	c.wantCommit("commit that runs", got.Commit, first)
	c.wantSame("previous commit", previous, (*upload.Commit)(nil))
}

func testCommitTakenOver(c *sessionsCase) {
	s := c.mustOpen()
	first := c.claim("first")
	c.mustBeginCommit(s.ID, first)
	first.Copy = upload.Multipart{Key: "k", ID: "left behind"}
	c.mustUpdateCommit(s.ID, first)

	first.Lease = c.mustGet(s.ID).Commit.Lease
	c.reach(first.Lease)
	second := c.claim("second")
	for range 2 { // the answer to the first may have been lost
		got, previous := c.mustBeginCommit(s.ID, second)
		c.wantSame("runner", got.Commit.Runner, "second")
		c.wantSame("terms", got.Commit.Terms, second.Terms)
		c.wantSame("previous commit", previous, &first)
	}
	c.wantError("update by the dead runner", c.UpdateCommit(c.Context(), s.ID, first, lease, false), upload.ErrNotFound)
	waiting, previous := c.mustBeginCommit(s.ID, c.claim("third"))
	c.wantSame("runner", waiting.Commit.Runner, "second")
	c.wantSame("previous commit of one who waits", previous, (*upload.Commit)(nil))

	// The second dies before it could clean up after the first: it has made
	// nothing of its own, so the first's is still what there is to look for.
	c.pass(lease)
	_, previous = c.mustBeginCommit(s.ID, c.claim("third"))
	c.wantSame("previous commit", previous, &first)

	// Once the third has reported, the dead are forgotten.
	c.mustUpdateCommit(s.ID, c.claim("third"))
	got, previous := c.mustBeginCommit(s.ID, c.claim("third"))
	c.wantSame("previous commit", previous, (*upload.Commit)(nil))
	c.wantSame("copy", got.Commit.Copy, upload.Multipart{})
}

// testCommitInherited ends a commit under the terms of a dead runner, whose
// object was found.
func testCommitInherited(c *sessionsCase) {
	s := c.mustOpen()
	c.mustBeginCommit(s.ID, c.claim("first"))
	c.pass(lease)
	second := c.claim("second")
	_, previous := c.mustBeginCommit(s.ID, second)
	second.Terms, second.Key = previous.Terms, previous.Key
	second.Result = &upload.Object{Key: previous.Key, Size: 1, Modified: c.now()}
	c.mustEndCommit(s.ID, second)
	c.wantCommit("commit", c.mustGet(s.ID).Commit, second)
}

func testCommitReopened(c *sessionsCase) {
	s := c.mustOpen()
	s.Offset, s.Tail = 4, []upload.Fragment{kept("a", 4)}
	c.mustAdvance(upload.Advance{ID: s.ID, Attempt: "a", From: 0, To: 4, Tail: s.Tail})
	claim := c.claim("r")
	c.mustBeginCommit(s.ID, claim)
	claim.Copy = upload.Multipart{Key: "k", ID: "copy"}
	c.mustUpdateCommit(s.ID, claim)
	for range 2 {
		if err := c.Reopen(c.Context(), s.ID, "r"); err != nil {
			c.Fatalf("reopen: %v", err)
		}
	}
	s.Commits = 1
	c.wantSame("session open again", c.mustGet(s.ID), s)
	c.mustAdvance(upload.Advance{ID: s.ID, From: 4, To: 5, Tail: s.Tail})

	next := c.claim("next")
	got, previous := c.mustBeginCommit(s.ID, next)
	c.wantCommit("commit", got.Commit, next)
	c.wantSame("previous commit", previous, (*upload.Commit)(nil))
	if err := c.Reopen(c.Context(), s.ID, "r"); err != nil {
		c.Fatalf("reopen, a late repeat: %v", err)
	}
	c.wantCommit("commit after a late repeat", c.mustGet(s.ID).Commit, next)
}

func testCommitSealed(c *sessionsCase) {
	s := c.mustOpen()
	c.mustBeginCommit(s.ID, c.claim("r"))
	for _, sealed := range []bool{true, false} {
		if err := c.UpdateCommit(c.Context(), s.ID, c.claim("r"), lease, sealed); err != nil {
			c.Fatalf("update commit: %v", err)
		}
	}
	if err := c.Reopen(c.Context(), s.ID, "r"); err != nil {
		c.Fatalf("reopen: %v", err)
	}
	s.Sealed, s.Commits = true, 1
	c.wantSame("session open again", c.mustGet(s.ID), s)
	_, _, err := c.attemptAt(s.ID, 0, 1)
	c.wantError("begin", err, upload.ErrCompleted)
	c.wantError("advance", c.advance(upload.Advance{ID: s.ID, From: 0, To: 1}), upload.ErrCompleted)
	got, _ := c.mustBeginCommit(s.ID, c.claim("r2"))
	c.wantSame("sealed", got.Sealed, true)
}

func testCommitNotRunner(c *sessionsCase) {
	s := c.mustOpen()
	stranger := c.claim("stranger")
	stranger.Result = &upload.Object{Key: "k"}
	refused := func(when string) {
		c.Helper()
		before := c.mustGet(s.ID)
		c.wantError("update commit "+when, c.UpdateCommit(c.Context(), s.ID, stranger, lease, true), upload.ErrNotFound)
		c.wantError("end commit "+when, c.EndCommit(c.Context(), s.ID, stranger), upload.ErrNotFound)
		c.wantError("reopen "+when, c.Reopen(c.Context(), s.ID, "stranger"), upload.ErrNotFound)
		c.wantSame("session", c.mustGet(s.ID), before)
	}
	refused("of an open session")
	c.mustBeginCommit(s.ID, c.claim("r"))
	refused("while another runs it")
	claim := c.claim("r")
	claim.Result = &upload.Object{Key: "k", Modified: c.now()}
	c.mustEndCommit(s.ID, claim)
	refused("that is done")
	c.wantError("reopen what is committed", c.Reopen(c.Context(), s.ID, "r"), upload.ErrNotFound)
}
