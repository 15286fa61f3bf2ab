package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// newCertificate writes a self-signed certificate for nobody and its key.
func newCertificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", cert), writePEM(t, "PRIVATE KEY", private)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// setTLS sets the program up with a certificate, and with stores that are not there.
func setTLS(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	cert, key := newCertificate(t)
	t.Setenv("CHUNKGATE_S3_BUCKET", "uploads")
	t.Setenv("CHUNKGATE_S3_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("CHUNKGATE_REDIS_URL", "redis://127.0.0.1:1/0")
	t.Setenv("CHUNKGATE_LISTEN", "127.0.0.1:0")
	t.Setenv("CHUNKGATE_INSECURE_NO_AUTH", "true")
	t.Setenv("CHUNKGATE_TLS_CERT", cert)
	t.Setenv("CHUNKGATE_TLS_KEY", key)
	return cert, key
}

// The program ends TLS itself, by HTTP/1.1 and the version that is set, and its
// own health check finds it alive.
func TestServeTLS(t *testing.T) {
	setTLS(t)
	t.Setenv("CHUNKGATE_TLS_MIN_VERSION", "1.0")
	addr := startServe(t)

	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, NextProtos: []string{"h2", "http/1.1"}}
	conn, err := tls.Dial("tcp", addr, old)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState(); got.Version != tls.VersionTLS10 || got.NegotiatedProtocol != "http/1.1" {
		t.Errorf("agreed upon %s over %s", got.NegotiatedProtocol, tls.VersionName(got.Version))
	}

	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"health", "--listen", addr}, &stderr, &stderr); code != exitOK {
		t.Errorf("health: exit %d: %s", code, &stderr)
	}
	t.Setenv("CHUNKGATE_TLS_CERT", "")
	if code := run(t.Context(), []string{"health", "--listen", addr}, &stderr, &stderr); code != exitFailed {
		t.Errorf("health without TLS: exit %d, want %d", code, exitFailed)
	}
}

// A certificate that was renewed is shown without a restart.
func TestServeRenewedCertificate(t *testing.T) {
	cert, key := setTLS(t)
	usual := certificateAge
	certificateAge = 10 * time.Millisecond
	defer func() { certificateAge = usual }()
	addr := startServe(t)

	old := presented(t, addr)
	newCert, newKey := newCertificate(t)
	for from, to := range map[string]string{newCert: cert, newKey: key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(20 * time.Second); bytes.Equal(presented(t, addr), old); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("the old certificate is still shown")
		}
	}
}

// presented is the certificate that a server shows.
func presented(t *testing.T, addr string) []byte {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Raw
}

// startServe runs the program until the test ends, and answers where it listens.
func startServe(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	log, stderr := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve"}, io.Discard, stderr)
		_ = stderr.Close()
	}()
	t.Cleanup(func() {
		stop()
		if code := <-done; code != exitOK {
			t.Errorf("serve: exit %d", code)
		}
	})
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, log) }() // the rest of it
			return m[1]
		}
	}
	t.Fatal("serve did not listen")
	return ""
}

var listening = regexp.MustCompile(`"msg":"serving","listen":"([^"]+)"`)

func TestNotOrigin(t *testing.T) {
	for origin, want := range map[string]bool{
		"*": false, "https://app.example.com": false, "http://localhost:3000": false, "https://[::1]:8443": false,
		"": true, "null": true, "app.example.com": true, "https://": true, "https://a/": true, "https://a/b": true, "https://a?b": true,
		"https://A": true, "https://*.a": true, "https://u@a": true, " https://a": true, "https://a b": true,
	} {
		if got := notOrigin(origin); got != want {
			t.Errorf("%q: got %t, want %t", origin, got, want)
		}
	}
}
