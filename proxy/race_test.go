//go:build race

package proxy

// The race detector makes a listing ten times as slow.
const longEntries = 5_000
