package main

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/units"

	"github.com/chunkgate/chunkgate/s3backend"
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

	RedisURL      string `name:"redis-url" default:"redis://127.0.0.1:6379/0" env:"CHUNKGATE_REDIS_URL" help:"Redis: redis://…, redis+sentinel://…?master_name=…, redis+cluster://…; rediss for TLS."`
	RedisPrefix   string `default:"chunkgate:" env:"CHUNKGATE_REDIS_PREFIX" help:"Begins every key in Redis."`
	RedisReplicas int    `default:"0" env:"CHUNKGATE_REDIS_REPLICAS" help:"How many Redis replicas must hold what is acknowledged before it is; with fewer, requests get 503. Set it, at least to 1, wherever Redis fails over."`
	RedisDurable  bool   `env:"CHUNKGATE_REDIS_DURABLE" help:"Redis is one server with appendfsync always: what it acknowledged outlives its restart. Otherwise an upload that was all sent when Redis restarted or failed over is not committed, since its end may be lost."`

	S3Endpoint  string             `name:"s3-endpoint" env:"CHUNKGATE_S3_ENDPOINT" help:"URL of the object store; empty for AWS."`
	S3Bucket    string             `name:"s3-bucket" env:"CHUNKGATE_S3_BUCKET" help:"Bucket; must exist."`
	S3PathStyle bool               `name:"s3-path-style" env:"CHUNKGATE_S3_PATH_STYLE" help:"Bucket in the path instead of the host name, as MinIO wants it."`
	S3Checksum  s3backend.Checksum `name:"s3-checksum" default:"auto" enum:"auto,trailer,none" env:"CHUNKGATE_S3_CHECKSUM" help:"Integrity of bodies on the way to the store: CRC32C trailer, none, or auto: none on AWS, trailer elsewhere."`

	S3Timeout time.Duration `name:"s3-timeout" default:"30s" env:"CHUNKGATE_S3_TIMEOUT" help:"How long the store may let wait: a small call as a whole, a streamed body for its next step."`
	S3Work    time.Duration `name:"s3-work-timeout" default:"5m" env:"CHUNKGATE_S3_WORK_TIMEOUT" help:"How long the store may work at one call that moves data: completing an upload, copying a part."`

	KeyPrefix     string `env:"CHUNKGATE_KEY_PREFIX" help:"Begins the key of every object, before the owner's prefix."`
	StagingPrefix string `default:".chunkgate/" env:"CHUNKGATE_STAGING_PREFIX" help:"Begins the keys of unfinished objects; no client can name a key under it."`

	UploadTTL    time.Duration    `name:"upload-ttl" default:"48h" env:"CHUNKGATE_UPLOAD_TTL" help:"Life of an upload, from its first chunk."`
	TailRedisMax units.Base2Bytes `default:"8MiB" env:"CHUNKGATE_TAIL_REDIS_MAX" help:"Bytes that do not fill a part yet are kept in Redis up to this size an upload, above it in the object store; 0: never in Redis."`
	MaxChunk     units.Base2Bytes `default:"150MiB" env:"CHUNKGATE_MAX_CHUNK" help:"Largest chunk."`
	MaxObject    units.Base2Bytes `default:"5TiB" env:"CHUNKGATE_MAX_OBJECT" help:"Largest object."`
	EqualParts   units.Base2Bytes `default:"0" env:"CHUNKGATE_EQUAL_PARTS" help:"If not 0, every part but the last has exactly this size, as Cloudflare R2 demands; objects then end at 9,936 parts."`
	BufferMemory units.Base2Bytes `default:"64MiB" env:"CHUNKGATE_BUFFER_MEMORY" help:"Budget of all buffers of all requests together."`

	PartsParallel int `default:"1" env:"CHUNKGATE_PARTS_PARALLEL" help:"So many parts of one chunk are on their way to the store at once, if it is large enough (10MiB a part) and the buffers allow it: faster for a lone client, no use with many."`

	CommitLease     time.Duration `default:"30s" env:"CHUNKGATE_COMMIT_LEASE" help:"A commit whose proxy has died is taken over by its repeat after this."`
	BodyIdleTimeout time.Duration `default:"60s" env:"CHUNKGATE_BODY_IDLE_TIMEOUT" help:"A chunk whose client sends nothing for so long is given up with 408."`
	ShutdownTimeout time.Duration `default:"60s" env:"CHUNKGATE_SHUTDOWN_TIMEOUT" help:"After SIGTERM, running chunks and commits get so long to finish."`
	SweepInterval   time.Duration `default:"1m" env:"CHUNKGATE_SWEEP_INTERVAL" help:"How often expired uploads are looked for."`
	OrphanInterval  time.Duration `default:"1h" env:"CHUNKGATE_ORPHAN_INTERVAL" help:"How often the staging prefix, which no other deployment may use, is searched for what uploads left that Redis has forgotten, older than an upload's life and a day; 0: never."`

	TokensFile     string `env:"CHUNKGATE_TOKENS_FILE" help:"Who may come in, a line each: sha256:<hex of a bearer token's SHA-256> <owner> <key prefix>, or oauth1:<consumer key>:<consumer secret>:<token>:<token secret> and the same."`
	InsecureNoAuth bool   `env:"CHUNKGATE_INSECURE_NO_AUTH" help:"DANGER: serve anybody. For a trusted network or a first try only."`

	observe `embed:""`

	LogLevel slog.Level `default:"INFO" env:"CHUNKGATE_LOG_LEVEL" help:"DEBUG, INFO, WARN or ERROR."`
}

// settingError is a wrong setting: one sentence that says which and why.
type settingError struct {
	env string
	why string
}

func (e *settingError) Error() string { return e.env + " " + e.why }

// validate checks what belongs together. It says the first thing that is wrong.
func (s *settings) validate() error {
	s3 := upload.S3Limits()
	checks := []struct {
		env   string
		wrong bool
		why   string
	}{
		{"CHUNKGATE_S3_BUCKET", s.S3Bucket == "", "must name the bucket"},
		{"CHUNKGATE_TLS_KEY", s.TLSKey == "" && s.TLSCert != "", "must name the key of CHUNKGATE_TLS_CERT"},
		{"CHUNKGATE_TLS_CERT", s.TLSCert == "" && s.TLSKey != "", "must name the certificate of CHUNKGATE_TLS_KEY"},
		{"CHUNKGATE_HTTP2", s.HTTP2 && s.TLSCert == "", "needs TLS: set CHUNKGATE_TLS_CERT and CHUNKGATE_TLS_KEY"},
		{"CHUNKGATE_CORS_ORIGINS", slices.ContainsFunc(s.CORSOrigins, notOrigin), "must be * or origins as browsers write them: scheme://host, or scheme://host:port"},
		{"CHUNKGATE_TOKENS_FILE", s.TokensFile == "" && !s.InsecureNoAuth, "must name the file of tokens; without one anybody could write here, which --insecure-no-auth allows"},
		{"CHUNKGATE_TOKENS_FILE", s.TokensFile != "" && s.InsecureNoAuth, "is set, but --insecure-no-auth is, too: take one away"},
		{"CHUNKGATE_UPLOAD_TTL", s.UploadTTL < time.Minute || s.UploadTTL > 30*24*time.Hour, "must be from 1m to 720h"},
		{"CHUNKGATE_MAX_CHUNK", int64(s.MaxChunk) < 1 || int64(s.MaxChunk) > s3.MaxPart-s3.MinPart, "must be from 1 byte to 4.9GiB"},
		{"CHUNKGATE_MAX_OBJECT", int64(s.MaxObject) < int64(s.MaxChunk), "must be at least CHUNKGATE_MAX_CHUNK"},
		{"CHUNKGATE_TAIL_REDIS_MAX", s.TailRedisMax < 0 || s.TailRedisMax > 64<<20, "must be from 0 to 64MiB"},
		{"CHUNKGATE_EQUAL_PARTS", s.EqualParts != 0 && (int64(s.EqualParts) < s3.MinPart || int64(s.EqualParts) > s3.MaxPart), "must be 0 or from 5MiB to 5GiB"},
		{"CHUNKGATE_BUFFER_MEMORY", s.BufferMemory < 1<<20, "must be at least 1MiB"},
		{"CHUNKGATE_PARTS_PARALLEL", s.PartsParallel < 1 || s.PartsParallel > 16, "must be from 1 to 16"},
		{"CHUNKGATE_STAGING_PREFIX", !isFolder(s.StagingPrefix), "must end in / and not begin with it"},
		{"CHUNKGATE_KEY_PREFIX", s.KeyPrefix != "" && !isFolder(s.KeyPrefix), "must be empty, or end in / and not begin with it"},
		{"CHUNKGATE_KEY_PREFIX", strings.HasPrefix(s.KeyPrefix, s.StagingPrefix), "must not lie under CHUNKGATE_STAGING_PREFIX"},
		{"CHUNKGATE_S3_WORK_TIMEOUT", s.S3Work < time.Second, "must be at least 1s"},
		{"CHUNKGATE_REDIS_REPLICAS", s.RedisReplicas < 0, "must be 0 or more"},
		{"CHUNKGATE_ORPHAN_INTERVAL", s.OrphanInterval != 0 && s.OrphanInterval < time.Minute, "must be 0 or at least 1m"},
		{"CHUNKGATE_COMMIT_LEASE", s.CommitLease < time.Second, "must be at least 1s"},
		{"CHUNKGATE_S3_TIMEOUT", s.S3Timeout < time.Second, "must be at least 1s"},
		{"CHUNKGATE_BODY_IDLE_TIMEOUT", s.BodyIdleTimeout < time.Second, "must be at least 1s"},
		{"CHUNKGATE_SHUTDOWN_TIMEOUT", s.ShutdownTimeout < 0, "must not be negative"},
		{"CHUNKGATE_SWEEP_INTERVAL", s.SweepInterval < time.Second, "must be at least 1s"},
	}
	for _, c := range checks {
		if c.wrong {
			return &settingError{c.env, c.why}
		}
	}
	if err := s.backend().Validate(); err != nil {
		return &settingError{"CHUNKGATE_S3_ENDPOINT", "is wrong: " + err.Error()}
	}
	return nil
}

func isFolder(prefix string) bool {
	return strings.HasSuffix(prefix, "/") && !strings.HasPrefix(prefix, "/")
}

// limits are S3's, narrowed by the settings.
func (s *settings) limits() upload.Limits {
	l := upload.S3Limits()
	l.MaxChunk, l.MaxObject, l.EqualPart = int64(s.MaxChunk), int64(s.MaxObject), int64(s.EqualParts)
	return l
}

func (s *settings) backend() s3backend.Config {
	return s3backend.Config{
		Endpoint: s.S3Endpoint, Bucket: s.S3Bucket, PathStyle: s.S3PathStyle, Checksum: s.S3Checksum,
		Timeouts: s3backend.Timeouts{Call: s.S3Timeout, Stall: s.S3Timeout, Work: s.S3Work},
	}
}
