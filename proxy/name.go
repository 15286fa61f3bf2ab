package proxy

import "strings"

// maxRenames bounds how many names a commit tries, each of which costs a
// request to the store.
const maxRenames = 1000

// renamed puts a suffix before the last extension of a key's file name:
// `a.tar.gz` → `a.tar (1).gz`, `a` → `a (1)` (PROTOCOL 3.13). A leading dot
// begins no extension.
func renamed(key, suffix string) string {
	dot := len(key)
	name := strings.LastIndexByte(key, '/') + 1
	if i := strings.LastIndexByte(key[name:], '.'); i > 0 {
		dot = name + i
	}
	return key[:dot] + suffix + key[dot:]
}
