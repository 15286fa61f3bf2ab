package s3backend

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"go.opentelemetry.io/otel/trace"

	"github.com/chunkgate/chunkgate/upload"
)

// Checksum chooses how streamed bodies are guarded; see the package comment.
type Checksum string

// The ways to guard a body.
const (
	Auto    Checksum = "auto"    // Trailer with an endpoint of one's own, None on AWS
	Trailer Checksum = "trailer" // CRC32C behind the body, verified by the store
	None    Checksum = "none"    // the body as it is; its CRC64NVME is compared with the store's, if it tells that
	Off     Checksum = "off"     // the body as it is, as any reverse proxy sends it
)

// Config tells where the bucket is. Credentials, and the region if it is not
// given, come from the SDK's own chain: AWS_* variables, shared files, roles.
type Config struct {
	Endpoint  string               // URL of the store; "" is AWS
	Bucket    string               // must exist
	Region    string               // "": from the SDK's chain, else us-east-1 with an Endpoint
	PathStyle bool                 // bucket in the path and not in the host name, as MinIO wants it
	Checksum  Checksum             // "" is Auto
	Timeouts  Timeouts             // zero fields take their defaults
	Tracing   trace.TracerProvider // of a span a call; nil: none
	Storage   Storage              // how objects are kept; the zero value leaves it to the bucket

	// AccessKey and SecretKey replace the SDK's chain in tests and in dev/.
	AccessKey string
	SecretKey string
}

// Validate says in a whole sentence what is wrong with c.
func (c Config) Validate() error {
	if c.Bucket == "" {
		return fmt.Errorf("the S3 bucket must be named")
	}
	switch c.Checksum {
	case "", Auto, Trailer, None, Off:
	default:
		return fmt.Errorf("the S3 checksum must be %q, %q, %q or %q, not %q", Auto, Trailer, None, Off, c.Checksum)
	}
	if err := c.Storage.Validate(); err != nil {
		return err
	}
	if c.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("the S3 endpoint must be a URL like https://host:port")
	}
	if u.User != nil {
		return fmt.Errorf("the S3 endpoint must not hold credentials")
	}
	return nil
}

// Backend keeps objects in one bucket. It is safe for concurrent use.
type Backend struct {
	client   client
	courier  *courier // sends parts; nil: client does
	site     *site    // what the store has taught us
	stacks   stacks
	bucket   string
	checksum Checksum // Trailer, None or Off
	timeouts Timeouts
	storage  Storage
}

var (
	_ upload.Objects = (*Backend)(nil)
	_ upload.Files   = (*Backend)(nil)
)

// client is what is used of the SDK.
type client interface {
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	UploadPartCopy(context.Context, *s3.UploadPartCopyInput, ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error)
	CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
	ListMultipartUploads(context.Context, *s3.ListMultipartUploadsInput, ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error)
	ListParts(context.Context, *s3.ListPartsInput, ...func(*s3.Options)) (*s3.ListPartsOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	DeleteObjects(context.Context, *s3.DeleteObjectsInput, ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetBucketVersioning(context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error)
	GetObjectLockConfiguration(context.Context, *s3.GetObjectLockConfigurationInput, ...func(*s3.Options)) (*s3.GetObjectLockConfigurationOutput, error)
	GetBucketLifecycleConfiguration(context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options)) (*s3.GetBucketLifecycleConfigurationOutput, error)
}

// New makes a Backend. It does not talk to the store; Ping does.
func New(ctx context.Context, c Config) (*Backend, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	timeouts := c.Timeouts.withDefaults()
	site := new(site)
	cfg, sockets, err := loadConfig(ctx, c, timeouts, site)
	if err != nil {
		return nil, fmt.Errorf("load S3 configuration: %w", err)
	}
	site.keys = cfg.Credentials
	sdk := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = c.PathStyle
		o.HTTPSignerV4 = signer{o.HTTPSignerV4, site}
		// The environment may ask for more: then unseekable bodies, which is
		// all that we have, cannot be sent over http at all.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
		if c.Tracing != nil {
			traced(c.Tracing)(o)
		}
		// AWS_ENDPOINT_URL gives an endpoint of one's own, too.
		if o.BaseEndpoint != nil && o.Region == "" {
			o.Region = "us-east-1"
		}
	})
	o := sdk.Options()
	if o.Region == "" {
		return nil, fmt.Errorf("the S3 region must be given, for example in AWS_REGION")
	}
	if o.BaseEndpoint != nil {
		if u, err := url.Parse(*o.BaseEndpoint); err == nil {
			site.endpoint = strings.ToLower(u.Hostname())
		}
	}
	checksum := c.Checksum
	switch {
	case checksum != "" && checksum != Auto:
	case o.BaseEndpoint != nil:
		checksum = Trailer
	default:
		checksum = None
	}
	return &Backend{
		client: sdk, courier: newCourier(ctx, o, c.Bucket, sockets, site, timeouts.Continue), site: site,
		stacks: make(stacks, mostApart), bucket: c.Bucket, checksum: checksum, timeouts: timeouts, storage: c.Storage,
	}, nil
}

// loadConfig also answers the client as it is before the gatekeeper.
func loadConfig(ctx context.Context, c Config, t Timeouts, s *site) (aws.Config, aws.HTTPClient, error) {
	httpClient := newHTTPClient(t)
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(httpClient),
		config.WithLogger(logging.Nop{}), // the SDK's remarks are no log lines of ours
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.AccessKey != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, nil, err
	}
	sockets := cfg.HTTPClient
	cfg.HTTPClient = finished(sockets, s)
	return cfg, sockets, nil
}
