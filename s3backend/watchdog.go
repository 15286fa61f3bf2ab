package s3backend

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// watchdog cancels a call's context when the store is waited for too long: when
// it neither takes a byte nor answers. A slow one that takes them steadily is
// waited for.
type watchdog struct {
	limit  time.Duration
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	timer  *time.Timer
	paused bool
	conn   *blockConn // that the call goes over; nil: not known
	seen   int64      // its progress at the last look
}

type watchdogKey struct{}

// watch begins to wait for the store.
func watch(ctx context.Context, limit time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{limit: limit, cancel: cancel}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(limit, w.fire)
	return context.WithValue(ctx, watchdogKey{}, w), w
}

// follow tells the watchdog of ctx, if there is one, which connection to look at.
func follow(ctx context.Context, conn net.Conn) {
	w, ok := ctx.Value(watchdogKey{}).(*watchdog)
	if !ok {
		return
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if b, ok := conn.(*blockConn); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.conn, w.seen = b, b.progress()
	}
}

func (w *watchdog) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.paused {
		return
	}
	if w.conn != nil {
		if taken := w.conn.progress(); taken != w.seen {
			w.seen = taken
			w.timer.Reset(w.limit)
			return
		}
	}
	w.cancel(errStalled)
}

func (w *watchdog) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused = true
	w.timer.Stop()
}

func (w *watchdog) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused = false
	w.timer.Reset(w.limit)
}

// stop ends the waiting and frees the context.
func (w *watchdog) stop() {
	w.pause()
	w.cancel(nil)
}
