package uploadtest

import (
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// wantSuspected notes damage and compares how often it was seen.
func (c *sessionsCase) wantSuspected(id string, certain bool, want int) {
	c.Helper()
	times, err := c.Suspect(c.Context(), id, "part 3 is gone", certain)
	if err != nil {
		c.Fatalf("suspect: %v", err)
	}
	c.wantSame("times seen", times, want)
}

// testSuspect: damage is believed when it was seen three times, a minute apart;
// a chunk that counts, or a commit, proves that nothing is missing.
func testSuspect(c *sessionsCase) {
	s := c.mustOpen()
	c.wantSuspected(s.ID, false, 1)
	c.wantSuspected(s.ID, false, 1)
	c.pass(time.Minute)
	c.wantSuspected(s.ID, false, 2)
	got := c.mustGet(s.ID).Suspect
	c.wantSame("suspicion", got.Why, "part 3 is gone")
	c.wantNear("last seen", got.Last, c.now())

	c.mustAdvance(upload.Advance{ID: s.ID, From: 0, To: 5, Parts: []upload.Part{{Number: 1, Size: 5}}})
	c.wantSame("suspicion after a chunk", c.mustGet(s.ID).Suspect, upload.Suspicion{})
	for n := 1; n <= 2; n++ {
		c.pass(time.Minute)
		c.wantSuspected(s.ID, false, n)
	}
	claim := c.claim("runner")
	c.mustBeginCommit(s.ID, claim)
	claim.Result = &upload.Object{Key: "key", Size: 5}
	c.mustEndCommit(s.ID, claim)
	c.wantSame("suspicion after the commit", c.mustGet(s.ID).Suspect, upload.Suspicion{})
	c.wantSuspected(s.ID, true, 0)
	c.wantSame("state", c.mustGet(s.ID).State, upload.Committed)

	_, err := c.Suspect(c.Context(), "nobody", "why", true)
	c.wantError("suspect nobody", err, upload.ErrNotFound)
}

// testSuspectCertain: a session that is damaged does not exist for its clients,
// and keeps what it has until it expires.
func testSuspectCertain(c *sessionsCase) {
	s := c.mustOpen()
	c.mustAdvance(upload.Advance{ID: s.ID, From: 0, To: 5, Parts: []upload.Part{{Number: 1, Size: 5}}})
	c.wantSuspected(s.ID, true, upload.DamagedAfter)
	c.wantSuspected(s.ID, false, upload.DamagedAfter)
	c.wantHidden(s.ID, owner)
	c.wantParts(s.ID, upload.Part{Number: 1, Size: 5})
	_, err := c.Bury(c.Context(), s.ID, "")
	c.wantError("bury too early", err, upload.ErrBusy)
	c.reach(s.Expires)
	buried, err := c.Bury(c.Context(), s.ID, "")
	if err != nil {
		c.Fatalf("bury: %v", err)
	}
	c.wantSame("offset", buried.Offset, int64(5))
	c.wantSame("times seen", buried.Suspect.Times, upload.DamagedAfter)
}

// testCommitNumbers: commits at one offset share a number, others do not.
func testCommitNumbers(c *sessionsCase) {
	s := c.mustOpen()
	commit := func(runner string, want int) {
		c.Helper()
		got, _ := c.mustBeginCommit(s.ID, c.claim(runner))
		c.wantSame("offsets tried", got.Commits, want)
		if err := c.Reopen(c.Context(), s.ID, runner); err != nil {
			c.Fatalf("reopen: %v", err)
		}
	}
	commit("first", 1)
	commit("second", 1)
	c.mustAdvance(upload.Advance{ID: s.ID, From: 0, To: 5, Parts: []upload.Part{{Number: 1, Size: 5}}})
	commit("third", 2)
	commit("fourth", 2)
}
