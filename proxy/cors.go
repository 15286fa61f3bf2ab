package proxy

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// What browsers are told. Chromium caps the cached preflight at two hours.
const (
	corsHeaders = "Authorization, Content-Type, If-None-Match, Range"
	corsExposed = "Content-Range, ETag, Retry-After, x-dropbox-metadata, x-server-response"
	corsMaxAge  = "86400" // seconds
)

// cors lets scripts on pages of cfg.Origins read the answers (PROTOCOL 1.0).
// They prove who they are by a token and never by what a browser holds, so
// credentials are not allowed and `*` gives nothing away. Echo's own middleware
// would add a module that the rest of chunkgate has no use for.
func (s *Server) cors(next echo.HandlerFunc) echo.HandlerFunc {
	if len(s.cfg.Origins) == 0 {
		return next
	}
	return func(c echo.Context) error {
		asked, h := c.Request().Header, c.Response().Header()
		origin := asked.Get("Origin")
		if slices.Contains(s.cfg.Origins, "*") {
			origin = "*"
		} else {
			h.Add("Vary", "Origin")
		}
		if !slices.Contains(s.cfg.Origins, origin) {
			return next(c)
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsExposed)
		if allow, ok := c.Get(echo.ContextKeyHeaderAllow).(string); ok && c.Request().Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", allow)
			h.Set("Access-Control-Allow-Headers", corsHeaders)
			h.Set("Access-Control-Max-Age", corsMaxAge)
		}
		return next(c) // for OPTIONS that is the router's answer, which asks for no account
	}
}
