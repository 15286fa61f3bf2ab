package main

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/units"

	"github.com/chunkgate/chunkgate/upload"
)

// settings are all that can be set, with their defaults; the README's table is
// compared with them by a test. S3 credentials and region are not here: they
// come by the SDK's own chain (AWS_*, profiles, roles).
type settings struct {
	Listen string `default:":8080" env:"CHUNKGATE_LISTEN" help:"Address to listen on."`

	TLSCert       string   `name:"tls-cert" env:"CHUNKGATE_TLS_CERT" help:"PEM file of the certificate, and of those that vouch for it; empty: no TLS."`
	TLSKey        string   `name:"tls-key" env:"CHUNKGATE_TLS_KEY" help:"PEM file of the certificate's key."`
	TLSMinVersion string   `name:"tls-min-version" default:"1.2" enum:"1.0,1.1,1.2,1.3" env:"CHUNKGATE_TLS_MIN_VERSION" help:"Oldest TLS version; the Python and Ruby SDKs of API v1 need 1.0."`
	HTTP2         bool     `name:"http2" env:"CHUNKGATE_HTTP2" help:"HTTP/2 over TLS; shell clients that look for an HTTP/1.1 status line fail with it."`
	CORSOrigins   []string `name:"cors-origins" env:"CHUNKGATE_CORS_ORIGINS" help:"Comma-separated origins of web pages whose scripts may upload, such as https://app.example.com, or * for any; empty: none."`
	StrictLength  bool     `env:"CHUNKGATE_STRICT_LENGTH" help:"Refuse files_put without Content-Length with 411, as Dropbox did; chunks never need one."`

	stores

	TailRedisMax   units.Base2Bytes `default:"8MiB" env:"CHUNKGATE_TAIL_REDIS_MAX" help:"Bytes that do not fill a part yet are kept in Redis up to this size an upload, above it in the object store; 0: never in Redis."`
	TailRedisShare int              `default:"70" env:"CHUNKGATE_TAIL_REDIS_SHARE" help:"Percent of Redis's maxmemory; above it such bytes go to the object store until there is room again; 0: never."`
	TailIdle       time.Duration    `default:"10m" env:"CHUNKGATE_TAIL_IDLE" help:"Such bytes move from Redis to the object store when their upload was left alone for this long; 0: never."`
	MaxChunk       units.Base2Bytes `default:"150MiB" env:"CHUNKGATE_MAX_CHUNK" help:"Largest chunk."`
	MaxObject      units.Base2Bytes `default:"5TiB" env:"CHUNKGATE_MAX_OBJECT" help:"Largest object."`
	EqualParts     units.Base2Bytes `default:"0" env:"CHUNKGATE_EQUAL_PARTS" help:"If not 0, every part but the last has exactly this size, as Cloudflare R2 demands; objects then end at 9,936 parts."`
	BufferMemory   units.Base2Bytes `default:"64MiB" env:"CHUNKGATE_BUFFER_MEMORY" help:"Budget of all buffers of all requests together."`

	PartsParallel int `default:"1" env:"CHUNKGATE_PARTS_PARALLEL" help:"So many parts of one chunk are on their way to the store at once, if it is large enough (10MiB a part) and the buffers allow it: faster for a lone client, no use with many."`

	CommitLease     time.Duration `default:"30s" env:"CHUNKGATE_COMMIT_LEASE" help:"A commit whose proxy has died is taken over by its repeat after this."`
	BodyIdleTimeout time.Duration `default:"60s" env:"CHUNKGATE_BODY_IDLE_TIMEOUT" help:"A chunk whose client sends nothing for so long is given up with 408."`
	ShutdownTimeout time.Duration `default:"60s" env:"CHUNKGATE_SHUTDOWN_TIMEOUT" help:"After SIGTERM, running chunks and commits get so long to finish."`
	SweepInterval   time.Duration `default:"1m" env:"CHUNKGATE_SWEEP_INTERVAL" help:"How often expired uploads are looked for."`
	OrphanInterval  time.Duration `default:"1h" env:"CHUNKGATE_ORPHAN_INTERVAL" help:"How often the staging prefix, which no other deployment may use, is searched for what uploads left that Redis has forgotten, older than an upload's life and a day; 0: never."`

	Owner ownerSettings `embed:""`
	Auth  authSettings  `embed:""`

	observe `embed:""`

	LogLevel slog.Level `default:"INFO" env:"CHUNKGATE_LOG_LEVEL" help:"DEBUG, INFO, WARN or ERROR."`
}

// settingError is a wrong setting: one sentence that says which and why.
type settingError struct {
	env string
	why string
}

func (e *settingError) Error() string { return e.env + " " + e.why }

// check is one thing that may be wrong with a setting.
type check struct {
	env   string
	wrong bool
	why   string
}

// firstWrong is the first of the checks that is not passed.
func firstWrong(checks []check) error {
	for _, c := range checks {
		if c.wrong {
			return &settingError{c.env, c.why}
		}
	}
	return nil
}

// validate checks what belongs together. It says the first thing that is wrong.
func (s *settings) validate() error {
	if err := s.stores.validate(); err != nil {
		return err
	}
	s3 := upload.S3Limits()
	err := firstWrong([]check{
		{"CHUNKGATE_TLS_KEY", s.TLSKey == "" && s.TLSCert != "", "must name the key of CHUNKGATE_TLS_CERT"},
		{"CHUNKGATE_TLS_CERT", s.TLSCert == "" && s.TLSKey != "", "must name the certificate of CHUNKGATE_TLS_KEY"},
		{"CHUNKGATE_HTTP2", s.HTTP2 && s.TLSCert == "", "needs TLS: set CHUNKGATE_TLS_CERT and CHUNKGATE_TLS_KEY"},
		{"CHUNKGATE_CORS_ORIGINS", slices.ContainsFunc(s.CORSOrigins, notOrigin), "must be * or origins as browsers write them: scheme://host, or scheme://host:port"},
		{"CHUNKGATE_MAX_CHUNK", int64(s.MaxChunk) < 1 || int64(s.MaxChunk) > s3.MaxPart-s3.MinPart, "must be from 1 byte to 4.9GiB"},
		{"CHUNKGATE_MAX_OBJECT", int64(s.MaxObject) < int64(s.MaxChunk), "must be at least CHUNKGATE_MAX_CHUNK"},
		{"CHUNKGATE_TAIL_REDIS_MAX", s.TailRedisMax < 0 || s.TailRedisMax > 64<<20, "must be from 0 to 64MiB"},
		{"CHUNKGATE_TAIL_REDIS_SHARE", s.TailRedisShare < 0 || s.TailRedisShare > 100, "must be from 0 to 100"},
		{"CHUNKGATE_TAIL_IDLE", s.TailIdle != 0 && s.TailIdle < time.Minute, "must be 0 or at least 1m"},
		{"CHUNKGATE_EQUAL_PARTS", s.EqualParts != 0 && (int64(s.EqualParts) < s3.MinPart || int64(s.EqualParts) > s3.MaxPart), "must be 0 or from 5MiB to 5GiB"},
		{"CHUNKGATE_BUFFER_MEMORY", s.BufferMemory < 1<<20, "must be at least 1MiB"},
		{"CHUNKGATE_PARTS_PARALLEL", s.PartsParallel < 1 || s.PartsParallel > 16, "must be from 1 to 16"},
		{"CHUNKGATE_ORPHAN_INTERVAL", s.OrphanInterval != 0 && s.OrphanInterval < time.Minute, "must be 0 or at least 1m"},
		{"CHUNKGATE_COMMIT_LEASE", s.CommitLease < time.Second, "must be at least 1s"},
		{"CHUNKGATE_BODY_IDLE_TIMEOUT", s.BodyIdleTimeout < time.Second, "must be at least 1s"},
		{"CHUNKGATE_SHUTDOWN_TIMEOUT", s.ShutdownTimeout < 0, "must not be negative"},
		{"CHUNKGATE_SWEEP_INTERVAL", s.SweepInterval < time.Second, "must be at least 1s"},
	})
	if err != nil {
		return err
	}
	if err := s.validatePrefix(); err != nil {
		return err
	}
	for _, part := range []interface{ validate() error }{&s.Owner, &s.Auth} {
		if err := part.validate(); err != nil {
			return err
		}
	}
	return nil
}

// validatePrefix sees that JWTs lead to no unfinished upload. Those whose claims
// do are refused when they come.
func (s *settings) validatePrefix() error {
	text, _, _ := strings.Cut(s.Auth.JWTKeyPrefix, "{")
	if s.Auth.JWKSURL != "" && strings.HasPrefix(s.KeyPrefix+strings.TrimLeft(text, "/"), s.StagingPrefix) {
		return &settingError{"CHUNKGATE_JWT_KEY_PREFIX", "must not lie under CHUNKGATE_STAGING_PREFIX"}
	}
	return nil
}

// limits are S3's, narrowed by the settings.
func (s *settings) limits() upload.Limits {
	l := upload.S3Limits()
	l.MaxChunk, l.MaxObject, l.EqualPart = int64(s.MaxChunk), int64(s.MaxObject), int64(s.EqualParts)
	return l
}
