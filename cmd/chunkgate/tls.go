package main

import (
	"crypto/tls"
	"net/url"
	"strings"
)

var tlsVersions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

// tls is how the listener ends TLS, or nil if it does not.
func (s *settings) tls() (*tls.Config, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
	if err != nil {
		return nil, &settingError{"CHUNKGATE_TLS_CERT", "and CHUNKGATE_TLS_KEY cannot be used: " + err.Error()}
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tlsVersions[s.TLSMinVersion]}, nil
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
