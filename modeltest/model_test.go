package modeltest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// model is what may be said about one upload, known from what its clients did
// and were told. Its methods answer an error when what the engine said cannot
// be true.
type model struct {
	id      string
	expires time.Time
	faulty  bool // calls to the stores fail
	chunks  []*sent

	low       int64          // bytes; the greatest offset that anybody was told
	tried     map[string]int // commits begun, by their terms
	result    *upload.Object // what a commit answered
	terms     string         // of that commit
	discarded int            // discards begun
	gone      bool           // a discard has succeeded
}

// sent is a chunk that reached an engine whole: it may count.
type sent struct {
	from  int64
	body  []byte
	acked bool
}

func (s *sent) to() int64 { return s.from + int64(len(s.body)) }

// offset checks an offset told to a client whose request began at before.
func (m *model) offset(before model, got int64) error {
	known := got == 0
	for _, c := range m.chunks {
		known = known || c.to() == got
	}
	switch {
	case got < before.low:
		return fmt.Errorf("offset %d after %d was told", got, before.low)
	case !known:
		return fmt.Errorf("offset %d ends no chunk", got)
	}
	m.low = max(m.low, got)
	return m.alive(before)
}

// alive checks that a request that began at before may find the upload open.
func (m *model) alive(before model) error {
	switch {
	case before.gone:
		return errors.New("it was discarded before")
	case before.result != nil:
		return errors.New("it was committed before")
	}
	return nil
}

// ack is told that a chunk was accepted.
func (m *model) ack(before model, c *sent, got int64) error {
	if got != c.to() || c.from < before.low {
		return fmt.Errorf("chunk %d to %d accepted at %d, with %d told before", c.from, c.to(), got, before.low)
	}
	for _, other := range m.chunks {
		if other.acked && len(c.body) > 0 && other.from < c.to() && c.from < other.to() {
			return fmt.Errorf("chunks %d to %d and %d to %d both accepted", other.from, other.to(), c.from, c.to())
		}
	}
	c.acked = true
	return m.offset(before, got)
}

// committed is told a commit's answer.
func (m *model) committed(before model, terms string, o upload.Object) error {
	switch {
	case before.gone:
		return errors.New("it was discarded before")
	case m.result == nil:
		m.result, m.terms = &o, terms
	case m.terms != terms || m.result.Key != o.Key || m.result.ETag != o.ETag || m.result.Size != o.Size:
		return fmt.Errorf("second result: %s as %+v, before %s as %+v", terms, o, m.terms, *m.result)
	}
	return nil
}

// refused checks the reason that a request of a client is refused with.
func (m *model) refused(before model, err error, now time.Time) error {
	var wrong *upload.OffsetError
	switch {
	case errors.As(err, &wrong):
		if wrong.Got == wrong.Want || wrong.ID != m.id {
			return fmt.Errorf("makes no sense: %+v", wrong)
		}
		return m.offset(before, wrong.Want)
	case errors.Is(err, upload.ErrNotFound):
		if m.discarded == 0 && now.Before(m.expires) {
			return errors.New("it neither was discarded nor has expired")
		}
		return nil
	case errors.Is(err, upload.ErrCompleted), errors.Is(err, upload.ErrBusy):
		if len(m.tried) == 0 || before.gone {
			return errors.New("there is no commit")
		}
		return nil
	case errors.Is(err, upload.ErrUnavailable) && m.faulty:
		return nil
	}
	return errors.New("not one of the errors that may be")
}

// object checks the content of the upload's object: chunks in a row to its
// end, and among them all that were acknowledged.
func (m *model) object(content []byte) error {
	holds := func(c *sent) bool {
		return c.to() <= int64(len(content)) && bytes.Equal(content[c.from:c.to()], c.body)
	}
	ends := map[int64]bool{0: true}
	for range m.chunks { // in no order: as often as the longest chain
		for _, c := range m.chunks {
			ends[c.to()] = ends[c.to()] || ends[c.from] && holds(c)
		}
	}
	if !ends[int64(len(content))] {
		return fmt.Errorf("%d bytes are no row of chunks", len(content))
	}
	for _, c := range m.chunks {
		if c.acked && !holds(c) {
			return fmt.Errorf("the chunk %d to %d is missing from %d bytes", c.from, c.to(), len(content))
		}
	}
	return nil
}
