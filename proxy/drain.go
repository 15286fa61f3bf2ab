package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// drainSlack is how many bytes more than the largest chunk are read.
const drainSlack = 1 << 20

// drain reads what the client is still sending, so that it gets to read the
// answer: most clients write the whole body first, and net/http closes on them
// after 256 KiB (PROTOCOL 5.3). It is bounded by the largest chunk and, as all
// reading is, by BodyIdle. It says whether the connection may be used again.
func (s *Server) drain(r *http.Request, b *body) bool {
	over, sound := b.state()
	if over {
		return sound
	}
	if waitsForContinue(r) && !b.asked.Load() {
		return false // it has sent nothing, and must not be told to
	}
	bound := s.cfg.MaxChunk + drainSlack - b.read.Load()
	if r.ContentLength-b.read.Load() > bound || s.hard.Err() != nil {
		return false
	}
	b.resume()
	_, err := io.CopyN(io.Discard, b, bound)
	_, sound = b.state()
	return errors.Is(err, io.EOF) && sound
}

func waitsForContinue(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}
