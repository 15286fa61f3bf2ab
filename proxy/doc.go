// Package proxy speaks Dropbox v1's chunked upload over an upload.Engine: it
// turns requests into calls, and results and errors into the very bytes that
// old, unmodified clients expect. Nothing of the wire leaves this package, and
// no rule about uploads lives in it.
//
// The way of a request:
//
//	net/http ─► canonical ─► route ─► receive ─► authenticated ─► handler ─► upload.Engine
//	            path.go      Echo     log.go     admit.go         chunk.go …
//	                                     │
//	                                     └─ fail: errors.go, drain.go
//
// Who asks is found by auth.go: in the tokens file (tokens.go, follow.go), as a
// signature (oauth.go) or in a JWT (jwt.go, jwks.go). What that one may do, and
// how much of it at once, is in owner.go and inflight.go.
//
// What holds everywhere:
//
//   - A path is decoded once and runs of slashes count as one; there is never a redirect.
//   - Handlers return errors. One table says what they mean to a client, and one
//     function answers them, after having read what the client still sends.
//   - An answer is one line of ASCII JSON; `offset` is its last key unless an
//     error follows, and no error but a mismatch has that key.
//   - A chunk whose body fails gets no answer that a client could take for a
//     refusal: its connection is dropped.
//   - Neither tokens nor queries reach the log.
package proxy
