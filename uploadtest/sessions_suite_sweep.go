package uploadtest

import (
	"slices"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// mustDue claims what is due, for an hour.
func (c *sessionsCase) mustDue(max int) []string { return c.mustDueLate(0, max) }

// mustDueLate claims what has been due for so long.
func (c *sessionsCase) mustDueLate(late time.Duration, max int) []string {
	c.Helper()
	ids, err := c.Due(c.Context(), late, time.Hour, max)
	if err != nil {
		c.Fatalf("due: %v", err)
	}
	slices.Sort(ids)
	return ids
}

func testDue(c *sessionsCase) {
	var ids []string
	var last upload.Session
	for range 3 {
		c.pass(time.Minute)
		last = c.mustOpen()
		ids = append(ids, last.ID)
	}
	c.wantSame("due before any deadline", c.mustDue(10), []string(nil))
	c.reach(last.Expires.Add(time.Hour - moment))
	c.wantSame("due when two have passed an hour ago", c.mustDueLate(time.Hour, 10), sorted(ids[:2]))
	c.pass(moment)
	c.wantSame("due, two claimed", c.mustDueLate(time.Hour, 10), ids[2:])

	// An hour later the claims have ended, without anything done.
	c.pass(time.Hour - 2*moment)
	c.wantSame("due within the hour", c.mustDueLate(time.Hour, 10), []string(nil))
	c.pass(2 * moment)
	some := c.mustDueLate(time.Hour, 2)
	if len(some) != 2 {
		c.Fatalf("got %d ids, want at most and at least 2", len(some))
	}
	c.wantSame("due in two turns", sorted(append(some, c.mustDueLate(time.Hour, 2)...)), sorted(ids))

	// Only Forget ends them.
	for _, id := range ids {
		if err := c.Forget(c.Context(), id); err != nil {
			c.Fatalf("forget: %v", err)
		}
	}
	c.pass(48 * time.Hour)
	c.wantSame("due when forgotten", c.mustDue(10), []string(nil))
}

// testDueRace lets sweepers share the work: each id goes to one of them.
func testDueRace(c *sessionsCase) {
	var ids []string
	for range 40 {
		ids = append(ids, c.mustOpen().ID)
	}
	c.pass(life + time.Second)
	claimed := make([][]string, 8)
	together(len(claimed), func(i int) {
		for {
			some, err := c.Due(c.Context(), 0, time.Hour, 3)
			if err != nil {
				c.Errorf("due: %v", err)
			}
			if len(some) == 0 {
				return
			}
			claimed[i] = append(claimed[i], some...)
		}
	})
	c.wantSame("claimed ids", sorted(slices.Concat(claimed...)), sorted(ids))
}

// testAdopt: a deadline for those that have none; the others keep theirs.
func testAdopt(c *sessionsCase) {
	known := c.mustOpen()
	for _, want := range []int{2, 0} {
		n, err := c.Adopt(c.Context(), []string{"orphan", known.ID, "orphan too"}, time.Hour)
		if err != nil || n != want {
			c.Fatalf("adopt: got %d, %v, want %d", n, err, want)
		}
	}
	if n, err := c.Adopt(c.Context(), nil, time.Hour); n != 0 || err != nil {
		c.Fatalf("adopt nobody: got %d, %v", n, err)
	}
	c.wantSame("due", sorted(c.mustDueLate(time.Hour, 10)), []string{"orphan", "orphan too"})
	for _, id := range []string{"orphan", "orphan too"} {
		if err := c.Forget(c.Context(), id); err != nil {
			c.Fatalf("forget: %v", err)
		}
	}
	c.reach(known.Expires)
	c.wantSame("due at its expiry", c.mustDue(10), []string{known.ID})
}

func testForget(c *sessionsCase) {
	s := c.mustOpen()
	c.mustPut(s.ID, "a", 0, []byte("tail"))
	c.mustAdvance(upload.Advance{
		ID: s.ID, From: 0, To: 9, Tail: []upload.Fragment{kept("a", 4)}, Parts: []upload.Part{{Number: 1, Size: 5}},
	})
	for range 2 {
		if err := c.Forget(c.Context(), s.ID); err != nil {
			c.Fatalf("forget: %v", err)
		}
	}
	c.wantHidden(s.ID, owner)
	c.wantStopped(s.ID)
	c.wantParts(s.ID)
	_, err := c.piece(s.ID, "a", 0, 1)
	c.wantError("get pieces", err, upload.ErrNotExist)
	c.reach(s.Expires)
	_, err = c.Bury(c.Context(), s.ID, "")
	c.wantError("bury", err, upload.ErrNotFound)
	c.wantSame("due", c.mustDue(10), []string(nil))
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }
