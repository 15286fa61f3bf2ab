package upload_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// endless is a store whose copies take for ever, unless they are given up.
type endless struct{ upload.Objects }

func (endless) CopyPart(ctx context.Context, _ upload.Multipart, _ int, _ string, _, _ int64) (upload.Part, error) {
	<-ctx.Done()
	return upload.Part{}, context.Cause(ctx)
}

// A proxy that cannot say that it is alive is taken for dead, and another one
// takes its commit over. Then it stops what it does: it does not go on copying
// into the same place, and its client is told to repeat.
func TestCommitStopsWithoutLease(t *testing.T) {
	var gone atomic.Bool
	tests := map[string]func(*lab, string){
		"session store gone": func(*lab, string) { gone.Store(true) },
		"taken over": func(l *lab, id string) {
			s, err := l.sessions.Get(context.Background(), id, owner)
			if err == nil {
				err = l.sessions.UpdateCommit(context.Background(), id, *s.Commit, 0, true)
			}
			if err == nil {
				_, _, err = l.sessions.BeginCommit(context.Background(), id, owner, upload.Commit{Runner: "another"}, time.Hour)
			}
			if err != nil {
				panic(err)
			}
		},
	}
	for name, lose := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(func(c *upload.Config) { c.Objects = endless{c.Objects} })
				s := l.mustPut(t, "", 0, content(1, 100))
				gone.Store(false)
				l.sessions.Fault = func(op string) error {
					if gone.Load() && op == uploadtest.OpUpdateCommit {
						return upload.ErrUnavailable
					}
					return nil
				}
				answered := make(chan error, 1)
				go func() {
					_, err := l.commit(s.ID, "file")
					answered <- err
				}()
				time.Sleep(5 * time.Minute) // while the lease is renewed, it may take any time
				select {
				case err := <-answered:
					t.Fatalf("the commit ended early: %v", err)
				default:
				}
				lose(l, s.ID)
				time.Sleep(30 * time.Second) // the lease
				select {
				case err := <-answered:
					if !errors.Is(err, upload.ErrUnavailable) && !errors.Is(err, upload.ErrBusy) {
						t.Errorf("the client is told %v, want something to repeat after", err)
					}
				default:
					t.Error("the commit goes on without a lease")
				}
				gone.Store(false)
			})
		})
	}
}
