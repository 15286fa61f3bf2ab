package proxy

import (
	"io"
	"sync/atomic"
)

// Bounds of the listings that are kept until they were sent, in bytes.
const (
	keptBlock  = 32 << 10
	maxKept    = 512 << 10 // of one
	maxKeptAll = 16 << 20  // of all together
)

// blocks is the room for all that is kept; its number is of bytes in use.
type blocks struct{ used atomic.Int64 }

// keptText is a text in blocks.
type keptText struct {
	from *blocks
	text [][]byte
}

// add appends, or says that there is no room. It is then of no use any more.
func (k *keptText) add(p []byte) bool {
	for len(p) > 0 {
		last := len(k.text) - 1
		if last < 0 || len(k.text[last]) == cap(k.text[last]) {
			if len(k.text) == maxKept/keptBlock {
				return false
			}
			if k.from.used.Add(keptBlock) > maxKeptAll {
				k.from.used.Add(-keptBlock)
				return false
			}
			k.text = append(k.text, make([]byte, 0, keptBlock))
			last++
		}
		b := k.text[last]
		n := min(len(p), cap(b)-len(b))
		k.text[last] = append(b, p[:n]...)
		p = p[n:]
	}
	return true
}

func (k *keptText) writeTo(w io.Writer) error {
	for _, b := range k.text {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func (k *keptText) free() {
	k.from.used.Add(-keptBlock * int64(len(k.text)))
	k.text = nil
}
