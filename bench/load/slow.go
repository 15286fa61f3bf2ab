package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// tick is how often a slow client sends something.
const tick = 125 * time.Millisecond

// DoSlowly is Do with a body of known length that is sent at rate bytes a
// second. A client that falls behind, because the server reads slower, catches
// up.
func (c *Conn) DoSlowly(ctx context.Context, method, target string, header http.Header, body []byte, rate int) (Answer, error) {
	if err := c.conn.SetDeadline(time.Now().Add(Patience)); err != nil {
		return Answer{}, err
	}
	c.writeHead(method, target, header, len(body), true)
	if _, err := c.conn.Write(c.head.Bytes()); err != nil {
		return Answer{}, err
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	begin, sent := time.Now(), 0
	for sent < len(body) {
		select {
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		case <-ticker.C:
		}
		due := min(int(time.Since(begin).Seconds()*float64(rate)), len(body))
		n, err := c.conn.Write(body[sent:due])
		if sent += n; err != nil { // the server may have said why
			_, why := c.receive(method)
			return Answer{}, errors.Join(why, fmt.Errorf("after %d bytes: %w", sent, err))
		}
	}
	return c.receive(method)
}
