package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"

	"github.com/chunkgate/chunkgate/s3backend"
)

// bucket is a folder of the data folder, and its objects are plain files.
const bucket = "uploads"

// startObjects runs an S3 server on the folder until ctx ends. Bodies carry
// CRC32C trailers, since this server would keep a truncated one. A process can
// have one such server: ended is closed when another may start.
func startObjects(ctx context.Context, folder string) (_ s3backend.Config, ended <-chan struct{}, _ error) {
	if err := os.MkdirAll(filepath.Join(folder, bucket), 0o755); err != nil {
		return s3backend.Config{}, nil, err
	}
	store, err := openFolder(folder)
	if err != nil {
		return s3backend.Config{}, nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return s3backend.Config{}, nil, err
	}
	c := s3backend.Config{
		Endpoint: "http://" + address, Bucket: bucket, PathStyle: true, Checksum: s3backend.Trailer,
		AccessKey: "dev", SecretKey: rand.Text(),
	}
	failed, over := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(over)
		failed <- embedgw.RunVersityGW(ctx, store, &embedgw.Config{
			RootUserAccess: c.AccessKey, RootUserSecret: c.SecretKey,
			Ports: []string{address}, KeepAlive: true, Quiet: true,
			MaxConnections: 1024, MaxRequests: 512, MultipartMaxParts: 10_000,
		})
	}()
	return c, over, awaitListener(ctx, address, failed)
}

// openFolder keeps what S3 knows of an object, such as its ETag, in extended
// attributes of its file, or beside the bucket where the file system has none.
func openFolder(folder string) (*posix.Posix, error) {
	options := posix.PosixOpts{CopyObjectThreshold: 5 << 30}
	if err := (meta.XattrMeta{}).Test(folder); err == nil {
		return posix.New(folder, meta.XattrMeta{}, options)
	}
	beside := folder + "-attributes"
	if err := os.MkdirAll(beside, 0o755); err != nil {
		return nil, err
	}
	sidecar, err := meta.NewSideCar(beside)
	if err != nil {
		return nil, err
	}
	options.SideCarDir = beside
	return posix.New(folder, sidecar, options)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// awaitListener returns when somebody listens at address.
func awaitListener(ctx context.Context, address string, failed <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var d net.Dialer
		if c, err := d.DialContext(ctx, "tcp", address); err == nil {
			return c.Close()
		}
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// startSessions runs a Redis in memory until ctx ends, and answers its URL.
func startSessions(ctx context.Context) (string, error) {
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		return "", err
	}
	go func() {
		defer m.Close()
		for { // this Redis has no clock of its own
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
				m.FastForward(time.Second)
			}
		}
	}()
	return fmt.Sprintf("redis://%s/0", m.Addr()), nil
}
