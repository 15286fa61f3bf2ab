package upload_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// slow is a body whose client sends nothing more until it is released.
type slow struct {
	released <-chan struct{}
	rest     *bytes.Reader
}

func (s *slow) Read(p []byte) (int, error) {
	<-s.released
	return s.rest.Read(p)
}

// TestGreedyOwner: 500 slow chunks of one owner want far more buffers than there
// are. The chunk of another owner, and one more of a third, get through while
// all of those wait, without a moment of waiting; and then the 500 do, too.
func TestGreedyOwner(t *testing.T) {
	for _, length := range []int64{200, upload.UnknownLength} {
		t.Run(fmt.Sprint("length ", length), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(func(c *upload.Config) { c.BufferMemory = 1 << 20 }) // 16 slabs
				l.objects.MinPart, l.cfg.Limits.MinPart = 1000, 1000
				l.Engine = upload.New(l.cfg)
				release := make(chan struct{})
				var chunks sync.WaitGroup
				for i := range 500 {
					chunks.Go(func() {
						body := &slow{released: release, rest: bytes.NewReader(content(uint64(i), 200))}
						_, err := l.Append(context.Background(), upload.Chunk{Owner: "greedy", Length: length, Body: body})
						if err != nil {
							t.Errorf("chunk %d of the greedy owner: %v", i, err)
						}
					})
				}
				synctest.Wait() // until every one of them waits for its client or for a buffer
				before := time.Now()
				for _, owner := range []string{"ada", "bob"} {
					chunk := content(1, 300)
					s, err := l.Append(context.Background(), upload.Chunk{Owner: owner, Length: 300, Body: bytes.NewReader(chunk)})
					if err != nil || s.Offset != 300 {
						t.Fatalf("chunk of %s: %+v, %v", owner, s, err)
					}
				}
				if waited := time.Since(before); waited != 0 {
					t.Errorf("the others waited for %v", waited)
				}
				close(release)
				chunks.Wait()
			})
		})
	}
}
