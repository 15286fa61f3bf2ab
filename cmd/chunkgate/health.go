package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// health is the command that a container runs as its health check: the image
// has no shell and no curl.
type health struct {
	Listen  string        `default:":8080" env:"CHUNKGATE_LISTEN" help:"Address that the server listens on."`
	TLSCert string        `name:"tls-cert" env:"CHUNKGATE_TLS_CERT" help:"Set as for serve: it then speaks TLS."`
	Timeout time.Duration `default:"3s" help:"How long to wait for the answer."`
}

// Run asks /healthz.
func (c *health) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return &settingError{"CHUNKGATE_LISTEN", "is wrong: " + err.Error()}
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return &settingError{"CHUNKGATE_LISTEN", "is wrong: " + err.Error()}
	}
	client := http.Client{Transport: &http.Transport{
		// No certificate is made out to localhost. Nobody can come between on
		// the loopback, and no secret is sent: it is verified everywhere else.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: isLoopback(host)}, //nolint:gosec // see above
	}}
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for health: %s", answer.Status)
	}
	return nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
