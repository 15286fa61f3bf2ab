package modeltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// client does anything.
type client struct {
	*world
	r      *rand.Rand
	hangUp bool // before a commit's answer, at times
}

// body is a chunk of random bytes, around the least size of a part.
func (c *client) body() []byte {
	b := make([]byte, c.r.IntN(1+minPart/2<<c.r.IntN(5)))
	for i := range b {
		b[i] = byte(c.r.Uint32())
	}
	return b
}

// append sends a chunk where the client believes the end to be, or elsewhere,
// or one again; and may break off.
func (c *client) append(m *model, e int) {
	before := c.before(m)
	body, from := c.body(), before.low
	switch c.r.IntN(10) {
	case 0:
		from = max(0, from+int64(c.r.IntN(9)-4))
	case 1:
		again := before.chunks[c.r.IntN(len(before.chunks))]
		body, from = again.body, again.from
	}
	chunk := upload.Chunk{Owner: owner, ID: m.id, Offset: from, Length: upload.UnknownLength, Body: c.slow(bytes.NewReader(body))}
	if c.r.IntN(2) == 0 {
		chunk.Length = int64(len(body))
	}
	if c.r.IntN(10) == 0 && len(body) > 0 {
		c.broken(m, e, chunk, body)
		return
	}
	s := c.send(m, from, body)
	status, err := c.engine(e).Append(c.t.Context(), chunk)
	step := fmt.Sprintf("append %d to %d, length %d, at %d", from, s.to(), chunk.Length, e)
	if err != nil {
		c.judge(m, step, err, func() error { return m.refused(before, err, time.Now()) })
		return
	}
	c.judge(m, step, status.Offset, func() error { return m.ack(before, s, status.Offset) })
}

// send notes a chunk that may count from now on.
func (c *client) send(m *model, from int64, body []byte) *sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &sent{from: from, body: body}
	m.chunks = append(m.chunks, s)
	return s
}

// broken sends a part of a chunk only: it must never count.
func (c *client) broken(m *model, e int, chunk upload.Chunk, body []byte) {
	before := c.before(m)
	chunk.Body = bytes.NewReader(body[:c.r.IntN(len(body))])
	if chunk.Length == upload.UnknownLength || c.r.IntN(2) == 0 { // else it only ends early
		chunk.Body = io.MultiReader(chunk.Body, failing{})
	}
	chunk.Body = c.slow(chunk.Body)
	_, err := c.engine(e).Append(c.t.Context(), chunk)
	c.judge(m, fmt.Sprintf("broken chunk at %d", chunk.Offset), err, func() error {
		switch {
		case err == nil:
			return errors.New("it was accepted")
		case errors.Is(err, upload.ErrShortBody):
			return nil
		}
		return m.refused(before, err, time.Now())
	})
}

// failing is a connection that broke.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// slow is a body that may come late: so late that all else has changed.
func (c *client) slow(r io.Reader) io.Reader {
	if c.r.IntN(4) > 0 {
		return r
	}
	return &late{Reader: r, wait: time.Duration(c.r.Int64N(1 << (24 + c.r.IntN(18))))} // 16 ms to 1 h
}

type late struct {
	io.Reader
	wait time.Duration
}

func (l *late) Read(p []byte) (int, error) {
	time.Sleep(l.wait)
	l.wait = 0
	return l.Reader.Read(p[:min(len(p), 30)])
}

func (c *client) status(m *model, e int) {
	before := c.before(m)
	s, err := c.engine(e).Status(c.t.Context(), owner, m.id)
	if err != nil {
		c.judge(m, "status", err, func() error { return m.refused(before, err, time.Now()) })
		return
	}
	c.judge(m, "status", s.Offset, func() error { return m.offset(before, s.Offset) })
}

// destinations are the names that the n-th upload is committed to. The shared
// ones, which are only ever taken when free, are 2 and 3.
func destinations(n, choice int) []string {
	return [][]string{
		{fmt.Sprintf("dir%d/file", n)},
		{fmt.Sprintf("other%d", n)},
		{"shared"},
		{"shared", "shared (1)", "shared (2)"},
	}[choice]
}

// commit commits, and may hang up before the answer.
func (c *client) commit(m *model, n, e, choice int) error {
	keys := destinations(n, choice)
	terms := fmt.Sprint(keys)
	before := c.before(m)
	c.mu.Lock()
	m.tried[terms]++
	c.mu.Unlock()
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	if c.hangUp && c.r.IntN(4) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.r.Int64N(int64(40*time.Millisecond))))
		defer cancel()
	}
	o, err := c.engine(e).Commit(ctx, upload.CommitRequest{
		Owner: owner, ID: m.id, Terms: terms, Condition: upload.Condition{Absent: choice >= 2},
		Key: func(n int) (string, bool) { return keys[min(n, len(keys)-1)], n < len(keys) },
	})
	step := fmt.Sprintf("commit to %s at %d", terms, e)
	if err == nil {
		c.judge(m, step, o, func() error { return m.committed(before, terms, o) })
		return nil
	}
	c.judge(m, step, err, func() error {
		var invalid *upload.InvalidError
		switch {
		case ctx.Err() != nil: // nobody is told
			return nil
		case errors.As(err, &invalid) && choice > 0: // another was promised
			return nil
		case errors.Is(err, upload.ErrConflict) && choice == 2: // the other upload's
			return nil
		}
		return m.refused(before, err, time.Now())
	})
	return err
}

func (c *client) discard(m *model, e int) {
	before := c.before(m)
	c.mu.Lock()
	m.discarded++
	c.mu.Unlock()
	err := c.engine(e).Discard(c.t.Context(), owner, m.id)
	c.judge(m, "discard", err, func() error {
		if err != nil {
			return m.refused(before, err, time.Now())
		}
		m.gone = true
		return nil
	})
}

// moveTails moves the tails of all uploads to the object store, whatever is under
// way, and lets the session store be full from now on, or not. As in serve, an
// engine moves tails once at a time.
func (c *client) moveTails(e int) {
	r := c.engine(e)
	if !r.moving.CompareAndSwap(false, true) {
		return
	}
	defer r.moving.Store(false)
	if c.r.IntN(2) == 0 {
		c.full.Store(c.r.IntN(4) == 0)
	}
	n, err := r.MoveTails(c.t.Context())
	c.judge(&model{id: "all"}, fmt.Sprintf("move tails at %d: %d, error", e, n), err, func() error {
		if err != nil && (!c.faulty || !errors.Is(err, upload.ErrUnavailable)) {
			return errors.New("not one of the errors that may be")
		}
		return nil
	})
}

// intrude is somebody else with the upload's id.
func (c *client) intrude(m *model, e int) {
	var err error
	switch c.r.IntN(3) {
	case 0:
		_, err = c.engine(e).Status(c.t.Context(), "mallory", m.id)
	case 1:
		err = c.engine(e).Discard(c.t.Context(), "mallory", m.id)
	default:
		_, err = c.engine(e).Append(c.t.Context(), upload.Chunk{
			Owner: "mallory", ID: m.id, Offset: c.before(m).low, Length: 1, Body: strings.NewReader("x"),
		})
	}
	c.judge(m, "another owner", err, func() error {
		if !errors.Is(err, upload.ErrNotFound) && !errors.Is(err, upload.ErrUnavailable) {
			return errors.New("not one of the errors that may be")
		}
		return nil
	})
}

// finish commits an upload that is still there: without faults it must succeed,
// be it where another commit has ended.
func (c *client) finish(m *model, n int) {
	choice := 0 // never in conflict, and the only one for a promised destination
	if c.r.IntN(2) == 0 {
		choice = 3
	}
	err := c.commit(m, n, 0, choice)
	var invalid *upload.InvalidError
	if errors.As(err, &invalid) {
		err = c.commit(m, n, 0, 0)
	}
	c.judge(m, "finish", err, func() error {
		if errors.Is(err, upload.ErrUnavailable) || errors.Is(err, upload.ErrBusy) {
			return errors.New("nothing fails any more")
		}
		return nil
	})
}
