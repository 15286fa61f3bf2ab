package s3backend_test

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// By https parts go through net/http, and not over connections of our own.
func TestConformanceByHTTPS(t *testing.T) {
	minio := testserver.MinIO(t)
	minio.Endpoint = behindTLS(t, minio.Endpoint)
	b := mustOpen(t, minio, s3backend.Trailer)
	uploadtest.TestObjects(t, func(*testing.T) upload.Objects { return b })
}

// behindTLS ends TLS before a server, byte by byte, and makes the SDK trust it.
func behindTLS(t *testing.T, endpoint string) string {
	t.Helper()
	sample := httptest.NewTLSServer(nil) // for its certificate
	sample.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: sample.Certificate().Raw})
	if err := os.WriteFile(bundle, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: sample.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go relay(c, strings.TrimPrefix(endpoint, "http://"))
		}
	}()
	return "https://" + l.Addr().String()
}

// relay joins c to a server until either ends.
func relay(c net.Conn, addr string) {
	defer c.Close()
	s, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		_, _ = io.Copy(s, c)
		_ = s.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(c, s)
}
