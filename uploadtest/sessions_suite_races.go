package uploadtest

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sync"

	"github.com/chunkgate/chunkgate/upload"
)

// together calls do from n goroutines at once.
func together(n int, do func(i int)) {
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			do(i)
		})
	}
	start.Done()
	done.Wait()
}

func testDraw(c *sessionsCase) {
	s := c.mustOpen()
	runs := make([]upload.Numbers, 24)
	together(len(runs), func(i int) {
		var err error
		if runs[i], err = c.Draw(c.Context(), s.ID, 1+i%3); err != nil {
			c.Errorf("draw: %v", err)
		}
	})
	c.wantDisjoint(runs)
}

func testGiveBack(c *sessionsCase) {
	cases := []struct {
		name   string
		later  int // numbers that another attempt drew in between
		unused upload.Numbers
		next   int
	}{
		{"all used", 0, upload.Numbers{First: 5, Count: 0}, 5},
		{"some", 0, upload.Numbers{First: 3, Count: 2}, 3},
		{"all", 0, upload.Numbers{First: 1, Count: 4}, 1},
		{"a later one was drawn", 1, upload.Numbers{First: 3, Count: 2}, 6},
		{"not the last ones", 0, upload.Numbers{First: 2, Count: 2}, 5},
		{"none", 0, upload.Numbers{}, 5},
	}
	for _, tc := range cases {
		s := c.mustOpen()
		if n := c.mustBegin(s.ID, 4); n.First != 1 {
			c.Fatalf("%s: got numbers %+v, want 1 to 4", tc.name, n)
		}
		c.mustDraw(s.ID, tc.later)
		won := upload.Advance{ID: s.ID, Attempt: rand.Text(), From: 0, To: 1, Unused: tc.unused}
		c.mustAdvance(won)
		if n := c.mustDraw(s.ID, 2); n.First != tc.next {
			c.Fatalf("%s: got %d next, want %d", tc.name, n.First, tc.next)
		}
		// The repeat must not give back what somebody has drawn since.
		c.mustAdvance(won)
		if n := c.mustDraw(s.ID, 1); n.First != tc.next+2 {
			c.Fatalf("%s: got %d after the repeat, want %d", tc.name, n.First, tc.next+2)
		}
	}

	s := c.mustOpen()
	c.mustBegin(s.ID, 1)
	lost := c.mustBegin(s.ID, 3)
	c.mustAdvance(upload.Advance{ID: s.ID, From: 0, To: 1})
	if err := c.advance(upload.Advance{ID: s.ID, From: 0, To: 2, Unused: lost}); err == nil {
		c.Fatal("two attempts won")
	}
	if n := c.mustDraw(s.ID, 1); n.First != 5 {
		c.Fatalf("got %d after a loser gave back, want 5", n.First)
	}
}

func testBeginRace(c *sessionsCase) {
	s := c.mustOpen()
	runs := make([]upload.Numbers, 32)
	together(len(runs), func(i int) {
		var err error
		if _, runs[i], err = c.attemptAt(s.ID, 0, 2); err != nil {
			c.Errorf("begin: %v", err)
		}
	})
	c.wantDisjoint(runs)
}

func testAdvanceRace(c *sessionsCase) {
	s := c.mustOpen()
	const racers = 16
	for round := range 5 {
		errs := make([]error, racers)
		from := int64(10 * round)
		size := func(i int) int64 { return int64(i%3 + 1) }
		name := func(i int) string { return fmt.Sprintf("%d-%d", round, i) }
		together(racers, func(i int) {
			errs[i] = c.advance(upload.Advance{
				ID: s.ID, Attempt: name(i), From: from, To: from + size(i),
				Parts: []upload.Part{{Number: 2*round*racers + i + 1, Size: size(i), ETag: name(i)}},
			})
		})
		winner := slices.Index(errs, nil)
		if winner < 0 {
			c.Fatalf("nobody won: %v", errs)
		}
		for i, err := range errs {
			if i != winner {
				c.wantOffset(err, s, from, from+size(winner))
			}
		}
		parts, err := c.Parts(c.Context(), s.ID)
		if err != nil || len(parts) != 2*round+1 || parts[2*round].ETag != name(winner) {
			c.Fatalf("got parts %+v (%v), want that of %s last, %d in all", parts, err, name(winner), 2*round+1)
		}
		if round < 4 {
			rest := upload.Part{Number: (2*round+1)*racers + 1, Size: 10 - size(winner)}
			c.mustAdvance(upload.Advance{ID: s.ID, From: from + size(winner), To: from + 10, Parts: []upload.Part{rest}})
		}
	}
}

func testAdvanceRepeated(c *sessionsCase) {
	s := c.mustOpen()
	part := upload.Part{Number: 1, Size: 6, ETag: `"a"`}
	won := upload.Advance{
		ID: s.ID, Attempt: "a", From: 0, To: 9, Parts: []upload.Part{part}, Tail: []upload.Fragment{kept("a", 3)},
	}
	c.mustAdvance(won)
	c.mustAdvance(won)
	s.Offset, s.Tail = won.To, won.Tail
	c.wantSame("session after a repeat", c.mustGet(s.ID), s)
	c.wantParts(s.ID, part)

	lost := won
	lost.Attempt, lost.Tail = "b", []upload.Fragment{kept("b", 3)}
	for range 2 {
		c.wantOffset(c.advance(lost), s, 0, 9)
	}
	// The attempt knows nothing of the commit that began after it won.
	c.mustBeginCommit(s.ID, upload.Commit{Runner: "r"})
	c.mustAdvance(won)
	c.wantError("advance, lost", c.advance(lost), upload.ErrBusy)
	c.mustEndCommit(s.ID, upload.Commit{Runner: "r", Result: &upload.Object{Key: "k", Size: 9}})
	c.mustAdvance(won)
	c.wantError("advance, lost", c.advance(lost), upload.ErrCompleted)
}

// testAdvanceRepeatedLate repeats an attempt after so many others that a store
// may have forgotten its id, while its bytes are still in the tail. Were it
// told that it lost, it would delete them.
func testAdvanceRepeatedLate(c *sessionsCase) {
	s := c.mustOpen()
	tail := []upload.Fragment{kept("a", 1)}
	early := upload.Advance{ID: s.ID, Attempt: "a", From: 0, To: 1, Tail: tail}
	c.mustAdvance(early)
	for i := int64(1); i < 200; i++ {
		attempt := rand.Text()
		tail = append(slices.Clone(tail), kept(attempt, 1))
		c.mustAdvance(upload.Advance{ID: s.ID, Attempt: attempt, From: i, To: i + 1, Tail: tail})
	}
	c.mustAdvance(early)
	s.Offset, s.Tail = 200, tail
	c.wantSame("session", c.mustGet(s.ID), s)

	// Part of a winner's name is no winner.
	c.wantOffset(c.advance(upload.Advance{
		ID: s.ID, Attempt: tail[199].Name[:8], From: 0, To: 1, Tail: []upload.Fragment{kept(tail[150].Name[:8], 1)},
	}), s, 0, 200)
}

// testLoserHarmless makes sure that nothing of a lost attempt shows.
func testLoserHarmless(c *sessionsCase) {
	s := c.mustOpen()
	c.mustPut(s.ID, "a", 0, []byte("a"))
	tail := []upload.Fragment{kept("a", 1)}
	c.mustAdvance(upload.Advance{ID: s.ID, Attempt: "a", From: 0, To: 1, Tail: tail})
	err := c.advance(upload.Advance{
		ID: s.ID, Attempt: "z", From: 0, To: 5, Drop: tail,
		Parts: []upload.Part{{Number: 9, Size: 5}}, Tail: []upload.Fragment{kept("z", 1)},
	})
	s.Offset, s.Tail = 1, tail
	c.wantOffset(err, s, 0, 1)
	c.wantSame("session", c.mustGet(s.ID), s)
	c.wantParts(s.ID)
	if _, err := c.piece(s.ID, "a", 0, 1); err != nil {
		c.Fatalf("the loser dropped the winner's piece: %v", err)
	}
}
