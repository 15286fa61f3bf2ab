package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/bench/load"
	"github.com/chunkgate/chunkgate/bench/meter"
	"github.com/chunkgate/chunkgate/bench/report"
	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
)

// stack is what is measured: the real servers, each a process of its own on
// loopback.
type stack struct {
	tb      testserver.TB
	program string // chunkgate
	store   testserver.Store
	data    string // where the store's lies
	redis   testserver.Redis
	nginx   testserver.Nginx
	gate    testserver.Proxy
	look    redis.UniversalClient // into Redis past chunkgate
	objects *s3backend.Backend    // looks into the store past the proxies
	signer  load.S3
	payload *load.Payload

	// variants are further chunkgates, by the setting that makes them so.
	variants map[string]testserver.Proxy

	processes []meter.Process
}

// quiet takes request logs away, as nginx's access log is.
const quiet = "CHUNKGATE_LOG_LEVEL=WARN"

// startStack starts all servers; tb ends them. largest is that of chunks.
func startStack(ctx context.Context, tb testserver.TB, program string, largest int64) (*stack, error) {
	s := &stack{tb: tb, program: program, variants: map[string]testserver.Proxy{}, redis: testserver.StartRedis(tb)}
	s.store, s.data = startStore(tb)
	s.nginx = testserver.StartNginx(tb, s.store)
	s.gate = s.serve()
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	var err error
	s.look, err = session.Connect(s.redis.URL)
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { _ = s.look.Close() })
	s.payload = load.NewPayload(largest)
	workers, err := meter.Family(s.nginx.PID())
	if err != nil {
		return nil, fmt.Errorf("find the workers of nginx: %w", err)
	}
	s.processes = []meter.Process{
		{Name: report.Generator, PIDs: []int{os.Getpid()}},
		{Name: report.MinIO, PIDs: []int{s.store.PID()}},
		{Name: report.Redis, PIDs: []int{s.redis.PID()}},
		{Name: report.Nginx, PIDs: workers},
		{Name: report.Gate, PIDs: []int{s.gate.PID()}},
	}
	return s, nil
}

// connect makes the ways to the store that go past chunkgate.
func (s *stack) connect(ctx context.Context) (err error) {
	s.signer = load.S3{
		Keys:   aws.Credentials{AccessKeyID: s.store.AccessKey, SecretAccessKey: s.store.SecretKey},
		Region: s.store.Region, Bucket: s.store.Bucket,
	}
	s.objects, err = s3backend.New(ctx, s3backend.Config{
		Endpoint: s.store.Endpoint, Bucket: s.store.Bucket, PathStyle: true,
		AccessKey: s.store.AccessKey, SecretKey: s.store.SecretKey,
	})
	return err
}

// serve starts one more chunkgate before the same stores.
func (s *stack) serve(env ...string) testserver.Proxy {
	return testserver.Serve(s.tb, s.program, s.store, s.redis, append([]string{quiet}, env...)...)
}

// address is host:port of a URL.
func address(url string) string { return strings.TrimPrefix(url, "http://") }

// with is the processes, with another chunkgate in place of the usual one.
func (s *stack) with(gate testserver.Proxy) []meter.Process {
	all := append([]meter.Process(nil), s.processes...)
	for i := range all {
		if all[i].Name == report.Gate {
			all[i].PIDs = []int{gate.PID()}
		}
	}
	return all
}

// empty removes every object, once all uploads are ended, and what MinIO keeps
// of them.
func (s *stack) empty(ctx context.Context) error {
	var keys []string
	for key, err := range s.objects.List(ctx, "") {
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	if err := s.objects.Delete(ctx, keys...); err != nil {
		return err
	}
	return purge(s.store)
}
