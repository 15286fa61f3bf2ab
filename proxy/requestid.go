package proxy

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// requestIDHeader names a request across the processes that it passes: a load
// balancer in front may have set it, the log has it, the answer tells it.
const requestIDHeader = "X-Request-Id"

// maxRequestID bounds what is taken over, in bytes.
const maxRequestID = 64

// requestID takes over the request's id if it is one, and else makes one. It
// comes from anybody, so it holds nothing that means anything in a log.
func requestID(r *http.Request) string {
	given := r.Header.Get(requestIDHeader)
	if given == "" || len(given) > maxRequestID || strings.ContainsFunc(given, notInID) {
		return rand.Text()
	}
	return given
}
