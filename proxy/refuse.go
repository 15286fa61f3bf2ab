package proxy

import (
	"bytes"
	"fmt"
	"net/http"
)

// plainRefusal is how net/http answers when the connection's next request cannot
// be read. It is net/http that writes it, since it knows when no other answer is
// under way.
var plainRefusal = []byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request")

// Write implements net.Conn. What this connection refuses is answered in v1's
// form instead of net/http's; what only net/http refuses stays plain text.
func (c *strictConn) Write(p []byte) (int, error) {
	if !bytes.Equal(p, plainRefusal) || c.unclear == nil { // in this order: only then no read is under way
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(unclearAnswer(c.unclear)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unclearAnswer is an answer to what is no request.
func unclearAnswer(why error) []byte {
	var o object
	o.text("error", why.Error())
	body := o.bytes()
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: text/javascript\r\nCache-Control: no-store\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s",
		http.StatusBadRequest, http.StatusText(http.StatusBadRequest), len(body), body)
}
