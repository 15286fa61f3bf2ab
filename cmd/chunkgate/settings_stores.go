package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/proxy"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/tracing"
)

// stores are the settings that say where uploads are kept: those that every
// command needs that works on uploads.
type stores struct {
	RedisURL      string `name:"redis-url" default:"redis://127.0.0.1:6379/0" env:"CHUNKGATE_REDIS_URL" help:"Redis: redis://…, redis+sentinel://…?master_name=…, redis+cluster://…; rediss for TLS."`
	RedisPrefix   string `default:"chunkgate:" env:"CHUNKGATE_REDIS_PREFIX" help:"Begins every key in Redis."`
	RedisReplicas int    `default:"0" env:"CHUNKGATE_REDIS_REPLICAS" help:"How many Redis replicas must hold what is acknowledged before it is; with fewer, requests get 503. Set it, best to as many as could be promoted, wherever Redis fails over."`
	RedisDurable  bool   `env:"CHUNKGATE_REDIS_DURABLE" help:"Redis forgets nothing that it acknowledged: one server with appendfsync always, or CHUNKGATE_REDIS_REPLICAS as many as could be promoted. Otherwise an upload that was all sent when Redis restarted or failed over is not committed, since its end may be lost."`

	S3Endpoint  string             `name:"s3-endpoint" env:"CHUNKGATE_S3_ENDPOINT" help:"URL of the object store; empty for AWS."`
	S3Bucket    string             `name:"s3-bucket" env:"CHUNKGATE_S3_BUCKET" help:"Bucket; must exist."`
	S3PathStyle bool               `name:"s3-path-style" env:"CHUNKGATE_S3_PATH_STYLE" help:"Bucket in the path instead of the host name, as MinIO wants it."`
	S3Checksum  s3backend.Checksum `name:"s3-checksum" default:"auto" enum:"auto,trailer,none,off" env:"CHUNKGATE_S3_CHECKSUM" help:"Integrity of bodies on the way to the store: CRC32C trailer; none: no trailer, but a CRC64NVME compared with the store's if it tells one; off: as little as any reverse proxy, DAMAGE ON THE WAY TO THE STORE GOES UNNOTICED; or auto: none on AWS, trailer elsewhere."`

	S3AnyConditions bool `name:"insecure-s3-conditions" env:"CHUNKGATE_INSECURE_S3_CONDITIONS" help:"DANGER: start with a store that ignores conditions on writes, as Google Cloud Storage does: two clients that write to one path may overwrite each other, whatever they asked for."`

	S3Timeout time.Duration `name:"s3-timeout" default:"30s" env:"CHUNKGATE_S3_TIMEOUT" help:"How long the store may let wait: a small call as a whole, a streamed body for its next step."`
	S3Work    time.Duration `name:"s3-work-timeout" default:"5m" env:"CHUNKGATE_S3_WORK_TIMEOUT" help:"How long the store may work at one call that moves data: completing an upload, copying a part."`

	S3SSE          s3backend.Encryption `name:"s3-sse" enum:",AES256,aws:kms,aws:kms:dsse" default:"" env:"CHUNKGATE_S3_SSE" help:"Encryption at rest: AES256 (SSE-S3), aws:kms or aws:kms:dsse; empty: as the bucket says."`
	S3SSEKMSKeyID  string               `name:"s3-sse-kms-key-id" env:"CHUNKGATE_S3_SSE_KMS_KEY_ID" help:"Id, alias or ARN of the KMS key; empty: the account's own for S3."`
	S3SSEBucketKey bool                 `name:"s3-sse-bucket-key" env:"CHUNKGATE_S3_SSE_BUCKET_KEY" help:"Ask KMS for a key for the bucket instead of one an object; aws:kms only."`
	S3StorageClass string               `name:"s3-storage-class" env:"CHUNKGATE_S3_STORAGE_CLASS" help:"Storage class of objects, such as INTELLIGENT_TIERING; what is staged stays in the bucket's default."`
	S3Tags         map[string]string    `name:"s3-tags" mapsep:"," env:"CHUNKGATE_S3_TAGS" help:"Tags of objects, key=value with commas between; what is staged has none."`

	KeyPrefix     string `env:"CHUNKGATE_KEY_PREFIX" help:"Begins the key of every object, before the owner's prefix."`
	StagingPrefix string `default:".chunkgate/" env:"CHUNKGATE_STAGING_PREFIX" help:"Begins the keys of unfinished objects; no client can name a key under it."`

	UploadTTL time.Duration `name:"upload-ttl" default:"48h" env:"CHUNKGATE_UPLOAD_TTL" help:"Life of an upload, from its first chunk."`
}

// validate checks what belongs together. It says the first thing that is wrong.
func (s *stores) validate() error {
	err := firstWrong([]check{
		{"CHUNKGATE_S3_BUCKET", s.S3Bucket == "", "must name the bucket"},
		{"CHUNKGATE_UPLOAD_TTL", s.UploadTTL < time.Minute || s.UploadTTL > 30*24*time.Hour, "must be from 1m to 720h"},
		{"CHUNKGATE_STAGING_PREFIX", !proxy.IsFolder(s.StagingPrefix), "must be names with a / behind each, none of them . or .."},
		{"CHUNKGATE_KEY_PREFIX", s.KeyPrefix != "" && !proxy.IsFolder(s.KeyPrefix), "must be empty, or names with a / behind each, none of them . or .."},
		{"CHUNKGATE_KEY_PREFIX", strings.HasPrefix(s.KeyPrefix, s.StagingPrefix), "must not lie under CHUNKGATE_STAGING_PREFIX"},
		{"CHUNKGATE_REDIS_REPLICAS", s.RedisReplicas < 0, "must be 0 or more"},
		{"CHUNKGATE_S3_WORK_TIMEOUT", s.S3Work < time.Second, "must be at least 1s"},
		{"CHUNKGATE_S3_TIMEOUT", s.S3Timeout < time.Second, "must be at least 1s"},
	})
	if err != nil {
		return err
	}
	b := s.backend()
	for _, part := range []struct {
		env   string
		valid interface{ Validate() error }
	}{
		{"CHUNKGATE_S3_SSE", s3backend.Storage{SSE: b.Storage.SSE, KMSKey: b.Storage.KMSKey, BucketKey: b.Storage.BucketKey}},
		{"CHUNKGATE_S3_STORAGE_CLASS", s3backend.Storage{Class: b.Storage.Class}},
		{"CHUNKGATE_S3_TAGS", s3backend.Storage{Tags: b.Storage.Tags}},
		{"CHUNKGATE_S3_ENDPOINT", b},
	} {
		if err := part.valid.Validate(); err != nil {
			return &settingError{part.env, "is wrong: " + err.Error()}
		}
	}
	return nil
}

func (s *stores) backend() s3backend.Config {
	return s3backend.Config{
		Endpoint: s.S3Endpoint, Bucket: s.S3Bucket, PathStyle: s.S3PathStyle, Checksum: s.S3Checksum,
		Timeouts: s3backend.Timeouts{Call: s.S3Timeout, Stall: s.S3Timeout, Work: s.S3Work},
		Storage: s3backend.Storage{
			SSE: s.S3SSE, KMSKey: s.S3SSEKMSKeyID, BucketKey: s.S3SSEBucketKey, Class: s.S3StorageClass, Tags: s.S3Tags,
		},
	}
}

// open connects to both stores, for commands that nobody watches.
func (s *stores) open(ctx context.Context) (*session.Store, *s3backend.Backend, io.Closer, error) {
	return s.connect(ctx, &tracing.Spans{})
}

// connect connects to both stores, if the settings are right. It does not wait
// for them to answer. The caller closes the connection to Redis.
func (s *stores) connect(ctx context.Context, spans *tracing.Spans) (*session.Store, *s3backend.Backend, io.Closer, error) {
	if err := s.validate(); err != nil {
		return nil, nil, nil, err
	}
	redis, err := session.Connect(s.RedisURL)
	if err != nil {
		return nil, nil, nil, &settingError{"CHUNKGATE_REDIS_URL", "is wrong: " + err.Error()}
	}
	backend := s.backend()
	backend.Tracing = spans.Stores
	objects, err := s3backend.New(ctx, backend)
	if err == nil {
		err = session.Trace(redis, spans.Stores)
	}
	if err != nil {
		_ = redis.Close() // nothing was sent
		return nil, nil, nil, err
	}
	return session.New(redis, session.Options{Prefix: s.RedisPrefix, Replicas: s.RedisReplicas, Durable: s.RedisDurable}), objects, redis, nil
}
