package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// files are those of a certificate that a server watches.
type files struct{ dir, cert, key string }

func newFiles(t *testing.T) files {
	t.Helper()
	dir := t.TempDir()
	return files{dir, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// certPEM and keyPEM are what the files hold.
func certPEM(c tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
}

func keyPEM(t *testing.T, c tls.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f files) write(t *testing.T, c tls.Certificate) {
	t.Helper()
	write(t, f.cert, certPEM(c))
	write(t, f.key, keyPEM(t, c))
}

// shownAt is the serial number of the certificate that a server shows.
func shownAt(t *testing.T, addr string) *big.Int {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber
}

// A certificate is shown from the look after its files were changed, and the
// old one for as long as they cannot be used, which is logged once.
func TestCertificateReload(t *testing.T) {
	one, two, three := numbered(t, 1), numbered(t, 2), numbered(t, 3)
	f := newFiles(t)
	f.write(t, one)
	c, err := LoadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	w := &certificateWatch{c: c, log: slog.New(slog.NewTextHandler(log, nil))}
	addr := serveTLS(t, Config{Engine: &fakeEngine{}, Auth: Anyone(), TLS: c.Config(tls.VersionTLS12)})

	steps := []struct {
		name   string
		change func()
		shown  int64
		logged string // once; empty: nothing
	}{
		{"at first", func() {}, 1, ""},
		{"both renewed", func() { f.write(t, two) }, 2, "certificate reloaded"},
		{"nothing new", func() { f.write(t, two) }, 2, ""},
		{"one of both written", func() { write(t, f.cert, certPEM(three)) }, 2, "does not match"},
		{"the other, too", func() { write(t, f.key, keyPEM(t, three)) }, 3, "certificate reloaded"},
		{"half a file", func() { write(t, f.cert, certPEM(one)[:100]) }, 3, "old one is kept"},
		{"gone", func() { _ = os.Remove(f.cert) }, 3, "no such file"},
		{"back", func() { f.write(t, one) }, 1, "certificate reloaded"},
		{"a link swapped, as for a mounted secret", func() {
			other := newFiles(t)
			other.write(t, two)
			_ = os.Remove(f.cert)
			_ = os.Remove(f.key)
			if err := os.Symlink(other.cert, f.cert); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(other.key, f.key); err != nil {
				t.Fatal(err)
			}
		}, 2, "certificate reloaded"},
	}
	for _, step := range steps {
		before := log.String()
		step.change()
		w.look()
		w.look() // has nothing to add
		if got := shownAt(t, addr); got.Int64() != step.shown {
			t.Errorf("%s: certificate %v is shown, want %d", step.name, got, step.shown)
		}
		said := strings.TrimPrefix(log.String(), before)
		if want := min(1, len(step.logged)); strings.Count(said, "\n") != want || !strings.Contains(said, step.logged) {
			t.Errorf("%s: logged %q, want %q once", step.name, said, step.logged)
		}
	}
	if strings.Contains(log.String(), "PRIVATE") {
		t.Error("a key is in the log")
	}
}

// Every tick is a look, until the context ends.
func TestCertificateWatch(t *testing.T) {
	f := newFiles(t)
	f.write(t, numbered(t, 1))
	c, err := LoadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ticks := make(chan time.Time)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Watch(ctx, ticks, slog.New(slog.DiscardHandler))
	}()
	f.write(t, numbered(t, 2))
	ticks <- time.Time{}
	stop()
	<-done
	if got := c.shown.Load().Leaf.SerialNumber.Int64(); got != 2 {
		t.Errorf("certificate %d is shown after the tick, want 2", got)
	}
}

func TestCertificateRefused(t *testing.T) {
	f := newFiles(t)
	if _, err := LoadCertificate(f.cert, f.key); err == nil {
		t.Error("no files: no error")
	}
	f.write(t, numbered(t, 1))
	write(t, f.key, keyPEM(t, numbered(t, 2)))
	if _, err := LoadCertificate(f.cert, f.key); err == nil {
		t.Error("another's key: no error")
	}
}
