package uploadtest

import (
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// wantHidden makes sure that the session does not exist for who asks.
func (c *sessionsCase) wantHidden(id, who string) {
	c.Helper()
	_, err := c.Get(c.Context(), id, who)
	c.wantError("get", err, upload.ErrNotFound)
	for _, offset := range []int64{upload.AnyOffset, 0, 5} {
		_, _, err = c.Begin(c.Context(), upload.Begin{ID: id, Owner: who, Offset: offset, Wanted: 1})
		c.wantError("begin", err, upload.ErrNotFound)
	}
	_, _, err = c.BeginCommit(c.Context(), id, who, c.claim("r"), lease)
	c.wantError("begin commit", err, upload.ErrNotFound)
}

// wantStopped makes sure that what takes no owner does not work either.
func (c *sessionsCase) wantStopped(id string) {
	c.Helper()
	_, err := c.Draw(c.Context(), id, 1)
	c.wantError("draw", err, upload.ErrNotFound)
	_, err = c.Attach(c.Context(), id, "multipart")
	c.wantError("attach", err, upload.ErrNotFound)
	err = c.Advance(c.Context(), upload.Advance{ID: id, Attempt: "z", From: 0, To: 1})
	c.wantError("advance", err, upload.ErrNotFound)
}

func testUnknown(c *sessionsCase) {
	// Ids come from clients.
	for _, id := range []string{"nobody", "", "{}", "}{", "a}:parts", "\x00"} {
		c.wantHidden(id, owner)
		c.wantStopped(id)
		_, err := c.Bury(c.Context(), id, owner)
		c.wantError("bury", err, upload.ErrNotFound)
		c.wantError("update commit", c.UpdateCommit(c.Context(), id, c.claim("r"), lease, false), upload.ErrNotFound)
		c.wantError("reopen", c.Reopen(c.Context(), id, "r"), upload.ErrNotFound)
		if err := c.Forget(c.Context(), id); err != nil {
			c.Fatalf("forget: %v", err)
		}
	}
	c.wantParts("nobody")
}

func testForeign(c *sessionsCase) {
	s := c.mustOpen()
	for _, who := range []string{"bob", "", "Alice", "alic", owner + "x"} {
		c.wantHidden(s.ID, who)
	}
	_, err := c.Bury(c.Context(), s.ID, "bob")
	c.wantError("bury", err, upload.ErrNotFound)
	c.wantSame("session", c.mustGet(s.ID), s)
}

func testExpired(c *sessionsCase) {
	s := c.mustOpen()
	for _, when := range []time.Time{s.Expires, s.Expires.Add(time.Hour)} {
		c.reach(when)
		c.wantHidden(s.ID, owner)
		c.wantStopped(s.ID)
		_, err := c.Bury(c.Context(), s.ID, owner)
		c.wantError("bury by the owner", err, upload.ErrNotFound)
	}
	c.reach(s.Created)
	c.wantSame("session, looked at earlier", c.mustGet(s.ID), s)
}

func testGone(c *sessionsCase) {
	s := c.mustOpen()
	if _, err := c.Bury(c.Context(), s.ID, owner); err != nil {
		c.Fatalf("bury: %v", err)
	}
	c.wantHidden(s.ID, owner)
	c.wantStopped(s.ID)
}

func testBuryByOwner(c *sessionsCase) {
	s := c.mustOpen()
	s.Offset, s.Tail = 4, []upload.Fragment{{Place: upload.InObjects, Name: "tail/x", Size: 4}}
	c.mustAdvance(upload.Advance{ID: s.ID, From: 0, To: 4, Tail: s.Tail})
	if _, err := c.Attach(c.Context(), s.ID, "multipart"); err != nil {
		c.Fatalf("attach: %v", err)
	}
	s.UploadID = "multipart"
	// Again, as after a lost answer; then for the sweeper that finds it.
	for _, who := range []string{owner, owner, ""} {
		got, err := c.Bury(c.Context(), s.ID, who)
		if err != nil {
			c.Fatalf("bury by %q: %v", who, err)
		}
		c.wantSame("session buried", got, s)
		s.State = upload.Gone
	}
	_, err := c.Bury(c.Context(), s.ID, "bob")
	c.wantError("bury by another owner", err, upload.ErrNotFound)
}

func testBuryBySweeper(c *sessionsCase) {
	s := c.mustOpen()
	c.reach(s.Expires.Add(-moment))
	_, err := c.Bury(c.Context(), s.ID, "")
	c.wantError("bury too early", err, upload.ErrBusy)
	c.wantSame("session", c.mustGet(s.ID), s)

	c.reach(s.Expires)
	for range 2 {
		got, err := c.Bury(c.Context(), s.ID, "")
		if err != nil {
			c.Fatalf("bury: %v", err)
		}
		c.wantSame("session buried", got, s)
		s.State = upload.Gone
	}
	_, err = c.Bury(c.Context(), "nobody", "")
	c.wantError("bury what has no record", err, upload.ErrNotFound)
}

func testBuryCommitting(c *sessionsCase) {
	for _, who := range []string{owner, ""} {
		s := c.mustOpen()
		if who == "" {
			c.reach(s.Expires.Add(-lease / 2))
		}
		claim := c.claim("r")
		c.mustBeginCommit(s.ID, claim)
		c.pass(lease/2 + time.Second)
		_, err := c.Bury(c.Context(), s.ID, who)
		c.wantError("bury while a commit runs", err, upload.ErrBusy)

		claim.Copy = upload.Multipart{Key: "k", ID: "copy"}
		if err := c.UpdateCommit(c.Context(), s.ID, claim, 0, false); err != nil {
			c.Fatalf("end the lease: %v", err)
		}
		got, err := c.Bury(c.Context(), s.ID, who)
		if err != nil {
			c.Fatalf("bury a dead commit by %q: %v", who, err)
		}
		claim.Lease = got.Commit.Lease
		s.State, s.Commit, s.Commits = upload.Committing, &claim, 1
		c.wantSame("session buried", got, s)

		// A runner that was only slow must not bring it back.
		claim.Result = &upload.Object{Key: "k"}
		c.wantError("update commit", c.UpdateCommit(c.Context(), s.ID, claim, lease, false), upload.ErrNotFound)
		c.wantError("end commit", c.EndCommit(c.Context(), s.ID, claim), upload.ErrNotFound)
		c.wantError("reopen", c.Reopen(c.Context(), s.ID, "r"), upload.ErrNotFound)
	}
}

// testBuryTakenOver buries a commit whose second runner died before it
// reported: what there is to clean up is the first one's.
func testBuryTakenOver(c *sessionsCase) {
	s := c.mustOpen()
	first := c.claim("first")
	first.Key, first.Copy = "first/key", upload.Multipart{Key: "first/key", ID: "copy"}
	c.mustBeginCommit(s.ID, first)
	c.mustUpdateCommit(s.ID, first)
	c.pass(lease)
	second := c.claim("second")
	second.Terms, second.Key = "second terms", "second/key"
	c.mustBeginCommit(s.ID, second)
	c.pass(lease)
	for range 2 {
		got, err := c.Bury(c.Context(), s.ID, owner)
		if err != nil {
			c.Fatalf("bury: %v", err)
		}
		c.wantSame("terms", got.Commit.Terms, first.Terms)
		c.wantSame("destination", got.Commit.Key, first.Key)
		c.wantSame("copy", got.Commit.Copy, first.Copy)
	}
}
