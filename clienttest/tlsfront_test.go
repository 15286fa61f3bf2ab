package clienttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tlsFront is for clients that insist on https://api-content.dropbox.com: a
// CONNECT proxy that ends their TLS itself, whatever host they ask for, and
// passes the bytes on to the server at baseURL unchanged. caFile holds the
// certificate that they are to trust.
func tlsFront(t *testing.T, baseURL string) (proxyURL, caFile string) {
	t.Helper()
	cert := newCertificate(t, "api-content.dropbox.com", "api.dropbox.com")
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	if err := os.WriteFile(caFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	addr := strings.TrimPrefix(baseURL, "http://")

	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "CONNECT only", http.StatusMethodNotAllowed)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "HTTP/1.0 200 Connection established\r\n\r\n"); err != nil {
			t.Errorf("answer CONNECT: %v", err)
			return
		}
		relay(t, tls.Server(conn, config), addr)
	}))
	t.Cleanup(front.Close)
	return front.URL, caFile
}

// relay copies both ways until both sides have said their last.
func relay(t *testing.T, client *tls.Conn, addr string) {
	server, err := net.Dial("tcp", addr)
	if err != nil {
		t.Errorf("relay: %v", err)
		return
	}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(server, client)
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(client, server)
	_ = client.CloseWrite()
	<-done
}

// newCertificate is self-signed and valid for an hour.
func newCertificate(t *testing.T, hosts ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		DNSNames:              hosts,
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
