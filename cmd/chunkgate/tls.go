package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/proxy"
)

var tlsVersions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

// certificateAge is how often the certificate's files are looked at.
var certificateAge = 10 * time.Second

// tls is how the listener ends TLS, or nil if it does not. Until ctx ends the
// certificate is read anew when its files change.
func (s *settings) tls(ctx context.Context, log *slog.Logger) (*tls.Config, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	certificate, err := proxy.LoadCertificate(s.TLSCert, s.TLSKey)
	if err != nil {
		return nil, &settingError{"CHUNKGATE_TLS_CERT", "and CHUNKGATE_TLS_KEY cannot be used: " + err.Error()}
	}
	tick := time.NewTicker(certificateAge)
	go func() {
		defer tick.Stop()
		certificate.Watch(ctx, tick.C, log)
	}()
	return certificate.Config(tlsVersions[s.TLSMinVersion]), nil
}

// notOrigin says that no browser would send such an Origin: it has a path, say,
// or a trailing slash, or capitals.
func notOrigin(s string) bool {
	if s == "*" {
		return false
	}
	u, err := url.Parse(s)
	return err != nil || u.Scheme == "" || u.Host == "" || strings.ContainsAny(u.Host, "*?") ||
		s != strings.ToLower(u.Scheme+"://"+u.Host)
}
