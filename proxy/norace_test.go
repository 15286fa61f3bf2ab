//go:build !race

package proxy

const longEntries = mostEntries
