package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// health is the command that a container runs as its health check: the image
// has no shell and no curl.
type health struct {
	Listen  string        `default:":8080" env:"CHUNKGATE_LISTEN" help:"Address that the server listens on."`
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
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return &settingError{"CHUNKGATE_LISTEN", "is wrong: " + err.Error()}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for health: %s", answer.Status)
	}
	return nil
}
