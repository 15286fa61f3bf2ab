package uploadtest

import (
	"slices"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// mustDue claims what is due at a time, until an hour later.
func (c *sessionsCase) mustDue(now time.Time, max int) []string {
	c.Helper()
	ids, err := c.Due(c.Context(), now, now.Add(time.Hour), max)
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
		c.now = c.now.Add(time.Minute)
		last = c.mustOpen()
		ids = append(ids, last.ID)
	}
	c.wantSame("due before any deadline", c.mustDue(c.now, 10), []string(nil))
	c.wantSame("due when two have passed", c.mustDue(last.Expires.Add(-time.Minute), 10), sorted(ids[:2]))
	c.wantSame("due, two claimed", c.mustDue(last.Expires, 10), ids[2:])

	// An hour later the claims have ended, without anything done.
	later := last.Expires.Add(time.Hour)
	some := c.mustDue(later, 2)
	if len(some) != 2 {
		c.Fatalf("got %d ids, want at most and at least 2", len(some))
	}
	c.wantSame("due in two turns", sorted(append(some, c.mustDue(later, 2)...)), sorted(ids))

	// Only Forget ends them.
	for _, id := range ids {
		if err := c.Forget(c.Context(), id); err != nil {
			c.Fatalf("forget: %v", err)
		}
	}
	c.wantSame("due when forgotten", c.mustDue(later.Add(48*time.Hour), 10), []string(nil))
}

// testDueRace lets sweepers share the work: each id goes to one of them.
func testDueRace(c *sessionsCase) {
	var ids []string
	for range 40 {
		ids = append(ids, c.mustOpen().ID)
	}
	now := c.now.Add(life)
	claimed := make([][]string, 8)
	together(len(claimed), func(i int) {
		for {
			some, err := c.Due(c.Context(), now, now.Add(time.Hour), 3)
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
	early := c.now.Add(-time.Hour)
	for _, want := range []int{2, 0} {
		n, err := c.Adopt(c.Context(), []string{"orphan", known.ID, "orphan too"}, early)
		if err != nil || n != want {
			c.Fatalf("adopt: got %d, %v, want %d", n, err, want)
		}
	}
	if n, err := c.Adopt(c.Context(), nil, early); n != 0 || err != nil {
		c.Fatalf("adopt nobody: got %d, %v", n, err)
	}
	c.wantSame("due", sorted(c.mustDue(c.now, 10)), []string{"orphan", "orphan too"})
	for _, id := range []string{"orphan", "orphan too"} {
		if err := c.Forget(c.Context(), id); err != nil {
			c.Fatalf("forget: %v", err)
		}
	}
	c.wantSame("due at its expiry", c.mustDue(known.Expires, 10), []string{known.ID})
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
	c.wantHidden(s.ID, owner, c.now)
	c.wantStopped(s.ID, c.now)
	c.wantParts(s.ID)
	_, err := c.piece(s.ID, "a", 0, 1)
	c.wantError("get pieces", err, upload.ErrNotExist)
	_, err = c.Bury(c.Context(), s.ID, "", s.Expires)
	c.wantError("bury", err, upload.ErrNotFound)
	c.wantSame("due", c.mustDue(s.Expires, 10), []string(nil))
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }
