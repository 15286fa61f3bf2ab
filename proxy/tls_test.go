package proxy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// certificate is self-signed and valid for an hour.
func certificate(tb testing.TB) (tls.Certificate, *x509.CertPool) {
	tb.Helper()
	cert := numbered(tb, 1)
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		tb.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(leaf)
	return cert, trusted
}

// numbered is such a certificate with a serial number.
func numbered(tb testing.TB, serial int64) tls.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// What is agreed upon with a client that offers HTTP/2 and, by its TLS
// version, may be old.
func TestTLS(t *testing.T) {
	tests := map[string]struct {
		http2          bool
		least          uint16 // server's
		client         uint16 // the client's newest
		proto, refused string
	}{
		"HTTP/1.1 unless told otherwise": {false, tls.VersionTLS12, tls.VersionTLS13, "HTTP/1.1", ""},
		"HTTP/2":                         {true, tls.VersionTLS12, tls.VersionTLS13, "HTTP/2.0", ""},
		"Python's SDK":                   {false, tls.VersionTLS10, tls.VersionTLS10, "HTTP/1.1", ""},
		"1.1":                            {false, tls.VersionTLS10, tls.VersionTLS11, "HTTP/1.1", ""},
		"1.1 is too old":                 {false, tls.VersionTLS12, tls.VersionTLS11, "", "protocol version not supported"},
		"1.2 is too old":                 {false, tls.VersionTLS13, tls.VersionTLS12, "", "protocol version not supported"},
	}
	cert, trusted := certificate(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			addr := serveTLS(t, Config{
				Engine: &fakeEngine{append: take}, Auth: Anyone(), HTTP2: test.http2,
				TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: test.least},
			})
			transport := &http.Transport{
				ForceAttemptHTTP2: true,
				TLSClientConfig:   &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS10, MaxVersion: test.client},
			}
			defer transport.CloseIdleConnections()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://"+addr+"/1/chunked_upload", strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := transport.RoundTrip(r)
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("got %v, want %s", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			body, err := io.ReadAll(got.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got.Proto != test.proto || got.TLS.Version != test.client || !strings.HasSuffix(string(body), `"offset": 5}`) {
				t.Errorf("got %s over %s: %s, want %s over %s", got.Proto, tls.VersionName(got.TLS.Version), body, test.proto, tls.VersionName(test.client))
			}
		})
	}
}

// serveTLS runs Serve until the test ends.
func serveTLS(t *testing.T, cfg Config) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Log = slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(cfg).Serve(ctx, l, time.Minute) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}
