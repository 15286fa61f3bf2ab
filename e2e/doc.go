// Package e2e holds tests only: the built program, or its packages wired as it
// wires them, against the real MinIO and the real Redis.
package e2e
