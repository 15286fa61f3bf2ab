package proxy

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// A client that sends slowly wakes this process for each of its packets, and
// whoever reads it holds a buffer that is filled by and by. So its bytes are
// left in the kernel until there are as many as half a second brings
// (SO_RCVLOWAT, socket(7)), and are then taken at once. Faster clients are not
// touched: their windows would suffer.
const (
	mostPatience = 64 << 10               // bytes; a piece of a tail
	slowClient   = 512 << 10              // bytes a second; below that it is slow
	paceWindow   = 250 * time.Millisecond // over which that is measured, at least
)

// patience decides how many bytes a connection is to wait for. It is for plain
// TCP: below TLS, what is to come is not known.
type patience struct {
	raw   syscall.RawConn // nil: there is none
	since time.Time       // when got began to count; zero: not yet
	got   int64           // bytes of content
	want  int             // bytes that a read should wait for
	set   int             // those that the kernel waits for; 0: one
	ripe  int             // that have come, of those
}

// waitable is what of a connection can be made to wait: TCP without TLS, on Linux.
func waitable(c net.Conn) syscall.RawConn {
	if !hasPatience {
		return nil
	}
	return plainSocket(c)
}

// came notes that a read brought n bytes of content, and whether it emptied
// the socket.
func (p *patience) came(n int, emptied bool) {
	if p.raw == nil {
		return
	}
	p.got += int64(n)
	p.ripe -= n
	if !emptied && p.got < mostPatience {
		return
	}
	now := time.Now()
	if p.since.IsZero() {
		p.since, p.got = now, 0
		return
	}
	took := now.Sub(p.since)
	if took < paceWindow {
		return
	}
	p.want = worth(p.got, took)
	p.since, p.got = now, 0
}

// worth is what to wait for, in bytes, of a client that sent so much.
func worth(got int64, took time.Duration) int {
	perSecond := got * int64(time.Second) / int64(took)
	if perSecond >= slowClient {
		return 0
	}
	return int(min(perSecond/2, mostPatience))
}

// prepare is called before a read, when left bytes of content are to come at
// least; 0: the next is no content. It waits until enough have come. A read
// itself would take what is there. Less than about a half of what was waited for
// is left to come together with the next: else the end of each piece of a tail
// would begin another, which had to wait for the rest with a buffer in hand.
func (p *patience) prepare(left int64) error {
	if p.raw == nil {
		return nil
	}
	if left == 0 {
		p.since, p.want = time.Time{}, 0
	}
	p.adjust(int(min(int64(p.want), left)), left)
	if p.set == 0 || p.ripe >= p.set*7/16 {
		return nil
	}
	if err := p.raw.Read(ripe); err != nil {
		return err
	}
	p.ripe = p.set
	return nil
}

// lose is called before a splice, which takes whatever has come: it has no
// buffer that would be filled by and by, and could not be late.
func (p *patience) lose(left int64) {
	if p.set > 0 {
		p.want = 0
		p.adjust(0, left)
	}
}

// adjust tells the kernel what to wait for: what is left of a body, near its
// end, and a pace that has changed by a half.
func (p *patience) adjust(want int, left int64) {
	if want <= 1 {
		want = 0
	}
	if want == p.set || int64(p.set) <= left && want > p.set/2 && want < 2*p.set {
		return
	}
	if setLowWater(p.raw, want) == nil {
		p.set, p.ripe = want, 0
	}
}

// late says what to do when a read has met its deadline while the kernel
// waited for more than had come: n bytes were there.
func (p *patience) late(buf []byte, err error) (int, error) {
	if p.set == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, err
	}
	p.want = 0
	p.adjust(0, 1)
	if n := readNow(p.raw, buf); n > 0 {
		return n, nil
	}
	return 0, err
}
