// Package clienttest holds tests only: real, unmodified Dropbox v1 clients, and
// a plain HTTP client that loses its connections, upload to a running server.
// What lies in the store afterwards, and what the clients read back through
// their own calls, is compared with the files.
//
// The clients come from Debian and npm; `make test` gets them.
package clienttest
