package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chunkgate/chunkgate/bench/load"
)

// crowd lets all the plan's clients upload at once, and answers how many chunks
// they had to send again.
func (p slowPlan) crowd(ctx context.Context, begin func(client int) (*slowUpload, error)) (int64, error) {
	errs := make([]error, p.uploads)
	var uploads sync.WaitGroup
	var refused atomic.Int64
	for i := range p.uploads {
		uploads.Go(func() {
			if errs[i] = sleep(ctx, p.stagger*time.Duration(i)/time.Duration(p.uploads)); errs[i] != nil {
				return
			}
			u, err := begin(i)
			if err == nil {
				err = u.run(p.chunks, &refused)
			}
			if err != nil {
				errs[i] = fmt.Errorf("upload %d: %w", i, err)
			}
		})
	}
	uploads.Wait()
	return refused.Load(), errors.Join(errs...)
}

// slowUpload is one client of a crowd.
type slowUpload struct {
	addr string
	conn *load.Conn
	send func(c *load.Conn, n int) error // the n-th chunk over a connection
	end  func() error                    // after the last one
}

// run sends chunks one after the other.
func (u *slowUpload) run(chunks int, refused *atomic.Int64) error {
	defer func() { u.conn.Close() }()
	for n := range chunks {
		if err := u.patiently(n, refused); err != nil {
			return fmt.Errorf("chunk %d: %w", n+1, err)
		}
	}
	return u.end()
}

// patiently sends a chunk, again if it is asked to.
func (u *slowUpload) patiently(n int, refused *atomic.Int64) error {
	for try := 1; ; try++ {
		err := u.send(u.conn, n)
		if err == nil || !busy(err) || try == mostTries {
			return err
		}
		refused.Add(1)
		u.conn.Close() // the refusal may have come in the middle of the body
		again, err := load.Dial(u.addr)
		if err != nil {
			return err
		}
		u.conn = again
	}
}

// mostTries of one chunk.
const mostTries = 5

// busy says whether the client is asked to send its chunk again: a machine may
// be too slow for what all these clients send together.
func busy(err error) bool {
	var refused *load.RefusedError
	return errors.As(err, &refused) &&
		(refused.Status == http.StatusServiceUnavailable || refused.Status == http.StatusTooManyRequests)
}
