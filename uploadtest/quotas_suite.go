package uploadtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// TestQuotas checks an upload.Quotas against the interface's contract. open is
// called once a case and answers one that counts nothing, whose time is ahead of
// this machine's by what its argument says.
func TestQuotas(t *testing.T, open func(t *testing.T, ahead func() time.Duration) upload.Quotas) {
	cases := []struct {
		name string
		run  func(*quotasCase)
	}{
		{"claim", testClaim},
		{"claim_repeated", testClaimRepeated},
		{"claim_unlimited", testClaimUnlimited},
		{"claim_race", testClaimRace},
		{"release", testRelease},
		{"expiry", testQuotaExpiry},
		{"owners", testQuotaOwners},
		{"context", testQuotasContext},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			qc := &quotasCase{T: t}
			qc.q = open(t, qc.offset)
			c.run(qc)
		})
	}
}

type quotasCase struct {
	*testing.T
	ahead
	q upload.Quotas
}

// claim counts an upload that lives for an hour, and wants this error.
func (c *quotasCase) claim(owner, id string, most int, want error) {
	c.Helper()
	err := c.q.Claim(c.Context(), owner, id, most, time.Hour)
	if !errors.Is(err, want) {
		c.Errorf("claim %s for %s, at most %d: got %v, want %v", id, owner, most, err, want)
	}
}

func (c *quotasCase) release(owner, id string) {
	c.Helper()
	if err := c.q.Release(c.Context(), owner, id); err != nil {
		c.Errorf("release %s of %s: %v", id, owner, err)
	}
}

func testClaim(c *quotasCase) {
	c.claim("alice", "a", 2, nil)
	c.claim("alice", "b", 2, nil)
	c.claim("alice", "c", 2, upload.ErrQuota)
	c.claim("alice", "c", 3, nil) // what was refused did not count
	c.claim("alice", "d", 1, upload.ErrQuota)
}

func testClaimRepeated(c *quotasCase) {
	for range 3 {
		c.claim("alice", "a", 1, nil)
	}
	c.claim("alice", "b", 1, upload.ErrQuota)
}

// Without a limit it counts all the same: there may be one the next time.
func testClaimUnlimited(c *quotasCase) {
	for i := range 5 {
		c.claim("alice", fmt.Sprint(i), 0, nil)
	}
	c.claim("alice", "x", 5, upload.ErrQuota)
	c.claim("alice", "x", 6, nil)
}

func testClaimRace(c *quotasCase) {
	const most, tries = 7, 40
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range tries {
		wg.Go(func() {
			err := c.q.Claim(c.Context(), "alice", fmt.Sprint(i), most, time.Hour)
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, upload.ErrQuota) {
				c.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != most {
		c.Errorf("%d of %d claims won, want %d", won.Load(), tries, most)
	}
}

func testRelease(c *quotasCase) {
	c.claim("alice", "a", 1, nil)
	c.release("alice", "other")
	c.claim("alice", "b", 1, upload.ErrQuota)
	for range 2 {
		c.release("alice", "a")
	}
	c.claim("alice", "b", 1, nil)
}

// What has expired does not count, whether released or not; what lives longer does.
func testQuotaExpiry(c *quotasCase) {
	c.claim("alice", "a", 2, nil)
	if err := c.q.Claim(c.Context(), "alice", "long", 2, 2*time.Hour); err != nil {
		c.Fatal(err)
	}
	c.pass(time.Hour - moment)
	c.claim("alice", "b", 2, upload.ErrQuota)
	c.pass(moment)
	c.claim("alice", "b", 2, nil)
	c.claim("alice", "c", 2, upload.ErrQuota)
}

// Owners do not count for each other, whatever their names.
func testQuotaOwners(c *quotasCase) {
	owners := []string{"alice", "bob", "{alice}", "alice}", "a:b", "ü", "with space"}
	for _, owner := range owners {
		c.claim(owner, "a", 1, nil)
		c.claim(owner, "b", 1, upload.ErrQuota)
	}
	c.release("alice", "a")
	c.claim("bob", "b", 1, upload.ErrQuota)
}

func testQuotasContext(c *quotasCase) {
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	if err := c.q.Claim(ctx, "alice", "a", 1, time.Hour); !errors.Is(err, context.Canceled) {
		c.Errorf("claim: got %v, want %v", err, context.Canceled)
	}
	if err := c.q.Release(ctx, "alice", "a"); !errors.Is(err, context.Canceled) {
		c.Errorf("release: got %v, want %v", err, context.Canceled)
	}
}
