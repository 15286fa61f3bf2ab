package proxy

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// Certificate is what the server shows its clients, read anew when its files
// change, so that whoever renews it needs not restart anything. It is safe for
// concurrent use.
type Certificate struct {
	certFile, keyFile string
	shown             atomic.Pointer[tls.Certificate]

	sum [sha256.Size]byte // of what was last read, good or bad; Watch's
}

// LoadCertificate reads a certificate, with those that vouch for it, and its
// key from PEM files.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	_, err := c.reload()
	return c, err
}

// Config serves TLS from least on, with whatever the certificate is at the time.
func (c *Certificate) Config(least uint16) *tls.Config {
	return &tls.Config{
		MinVersion:     least, // Python's and Ruby's SDKs need 1.0 (PROTOCOL 5.2)
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.shown.Load(), nil },
	}
}

// Watch looks at the files at each tick until ctx ends. It compares what is in
// them: what mounts secrets into containers swaps symbolic links, and times of
// files tell nothing. While they cannot be used the old certificate is shown;
// that is also what is seen between the writing of one file and the other.
func (c *Certificate) Watch(ctx context.Context, tick <-chan time.Time, log *slog.Logger) {
	w := &certificateWatch{c: c, log: log}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			w.look()
		}
	}
}

// certificateWatch tells what came of looking at the files.
type certificateWatch struct {
	c    *Certificate
	log  *slog.Logger
	last string // error; it is told once
}

func (w *certificateWatch) look() {
	changed, err := w.c.reload()
	switch {
	case err != nil && w.last != err.Error():
		w.log.Error("certificate cannot be reloaded, the old one is kept", "err", err)
		w.last = err.Error()
	case err == nil:
		w.last = ""
	}
	if changed {
		w.log.Info("certificate reloaded", "not_after", w.c.shown.Load().Leaf.NotAfter)
	}
}

// reload reads the files and says whether there is something new in them. What
// cannot be used is an error once, until the files change again.
func (c *Certificate) reload() (changed bool, err error) {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return false, err
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(slices.Concat(cert, []byte{0}, key))
	if sum == c.sum {
		return false, nil
	}
	c.sum = sum
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, err
	}
	c.shown.Store(&pair)
	return true, nil
}
