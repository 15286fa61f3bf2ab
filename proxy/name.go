package proxy

import (
	"strings"
	"unicode/utf8"
)

// maxRenames bounds how many names a commit tries, each of which costs a
// request to the store.
const maxRenames = 1000

// maxName bounds a file's name in bytes where it was made longer: stores on file
// systems, such as MinIO, take no longer ones.
const maxName = 255

// renamed puts a suffix before the last extension of a key's file name:
// `a.tar.gz` → `a.tar (1).gz`, `a` → `a (1)` (PROTOCOL 3.13). A leading dot
// begins no extension. A name that would become too long loses the end of what
// is before the suffix; ok is false if nothing of it would be left.
func renamed(key, suffix string) (next string, ok bool) {
	dot := len(key)
	name := strings.LastIndexByte(key, '/') + 1
	if i := strings.LastIndexByte(key[name:], '.'); i > 0 {
		dot = name + i
	}
	room := maxKey
	if len(key)-name <= maxName { // else the store takes longer names
		room = min(room, name+maxName)
	}
	stem := shortened(key[:dot], room-len(suffix)-(len(key)-dot))
	return stem + suffix + key[dot:], len(stem) > name
}

// shortened is the longest beginning of a text of at most so many bytes that
// does not end within a character.
func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most = max(0, most); most > 0 && !utf8.RuneStart(s[most]); most-- {
	}
	return s[:most]
}
