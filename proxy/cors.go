package proxy

import (
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// corsMaxAge is how long a browser keeps the answer to a preflight, in seconds;
// Chromium caps it at two hours.
const corsMaxAge = 86400

// cors lets scripts on pages of these origins read the answers (PROTOCOL 1.0).
// They prove who they are by a token and never by what a browser holds, so
// credentials are not allowed and `*` gives nothing away. A preflight is
// answered without an account, with the methods that the path really has.
func cors(origins []string) echo.MiddlewareFunc {
	return middleware.CORSWithConfig(middleware.CORSConfig{
		Skipper:       func(echo.Context) bool { return len(origins) == 0 },
		AllowOrigins:  origins,
		AllowHeaders:  []string{"Authorization", "Content-Type", "If-None-Match", "Range"},
		ExposeHeaders: []string{"Content-Range", "ETag", "Retry-After", requestIDHeader, "x-dropbox-metadata", "x-server-response"},
		MaxAge:        corsMaxAge,
	})
}
