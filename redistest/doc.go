// Package redistest holds tests only: engines on the real MinIO, in front of a
// Redis that is a cluster, is out of memory, or has forgotten everything.
package redistest
