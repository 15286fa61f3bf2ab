package uploadtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/chunkgate/chunkgate/upload"
)

// racers is how many writers want the same key to be absent.
const racers = 8

// testPutCondition: what does not hold changes nothing.
func testPutCondition(c *objectsCase) {
	key := c.key("object")
	put := func(content string, cond upload.Condition) (upload.Object, error) {
		return c.Put(c.Context(), key, int64(len(content)), bytes.NewReader([]byte(content)), upload.Attributes{}, cond)
	}
	_, err := put("nothing to match", upload.Condition{Match: etag(nil)})
	c.wantError(err, upload.ErrConflict)
	c.wantNone(key)

	first, err := put("first", upload.Condition{Absent: true})
	if err != nil {
		c.Fatalf("put where nothing is: %v", err)
	}
	_, err = put("second", upload.Condition{Absent: true})
	c.wantError(err, upload.ErrConflict)
	_, err = put("third", upload.Condition{Match: etag([]byte("other"))})
	c.wantError(err, upload.ErrConflict)
	c.wantContent(key, []byte("first"))

	if _, err := put("fourth", upload.Condition{Match: first.ETag}); err != nil {
		c.Fatalf("put where the first is: %v", err)
	}
	c.wantContent(key, []byte("fourth"))
}

// testCompleteCondition: as for Put, and the multipart upload lives on.
func testCompleteCondition(c *objectsCase) {
	m := c.mustCreate(c.key("object"), upload.Attributes{})
	parts := []upload.Part{c.mustUpload(m, 1, []byte("new"))}
	refuse := func(cond upload.Condition) {
		c.Helper()
		_, err := c.Complete(c.Context(), m, parts, cond)
		c.wantError(err, upload.ErrConflict)
		ids, err := c.Multiparts(c.Context(), m.Key)
		if err != nil || !slices.Equal(ids, []string{m.ID}) {
			c.Fatalf("got multiparts %v, %v after a conflict, want %v", ids, err, m.ID)
		}
	}
	refuse(upload.Condition{Match: etag(nil)})
	c.wantNone(m.Key)

	old := c.mustPut(m.Key, []byte("old"))
	refuse(upload.Condition{Absent: true})
	refuse(upload.Condition{Match: etag(nil)})
	c.wantContent(m.Key, []byte("old"))
	c.mustComplete(m, upload.Condition{Match: old.ETag}, parts...)
	c.wantContent(m.Key, []byte("new"))
}

// testPutRace: of writers that want nothing to be there, exactly one wins.
func testPutRace(c *objectsCase) {
	key := c.key("object")
	winner := c.race(func(i int) error {
		content := racer(i)
		_, err := c.Put(c.Context(), key, int64(len(content)), bytes.NewReader(content), upload.Attributes{}, upload.Condition{Absent: true})
		return err
	})
	c.wantContent(key, racer(winner))
}

// testCompleteRace: as for Put.
func testCompleteRace(c *objectsCase) {
	key := c.key("object")
	var multiparts [racers]upload.Multipart
	var parts [racers][]upload.Part
	for i := range racers {
		multiparts[i] = c.mustCreate(key, upload.Attributes{})
		parts[i] = []upload.Part{c.mustUpload(multiparts[i], 1, racer(i))}
	}
	winner := c.race(func(i int) error {
		_, err := c.Complete(c.Context(), multiparts[i], parts[i], upload.Condition{Absent: true})
		return err
	})
	c.wantContent(key, racer(winner))
	for _, m := range multiparts {
		c.mustAbort(m)
	}
}

func racer(i int) []byte { return fmt.Appendf(nil, "written by %d", i) }

// race runs write for each racer at once and answers who won.
func (c *objectsCase) race(write func(i int) error) (winner int) {
	c.Helper()
	var errs [racers]error
	var running sync.WaitGroup
	start := make(chan struct{})
	for i := range racers {
		running.Go(func() {
			<-start
			errs[i] = write(i)
		})
	}
	close(start)
	running.Wait()
	winner = -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			c.Fatalf("both %d and %d won", winner, i)
		case err == nil:
			winner = i
		case errors.Is(err, upload.ErrConflict):
		case errors.Is(err, upload.ErrUnavailable): // AWS: 409, repeat
		default:
			c.Fatalf("racer %d: got %v, want ErrConflict", i, err)
		}
	}
	if winner < 0 {
		c.Fatalf("nobody won: %v", errs)
	}
	return winner
}
