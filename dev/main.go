// Command dev is the whole stack in one process, for a first try: an S3 server
// on a folder (versitygw), a Redis in memory (miniredis) and the real proxy
// between them. Nothing is installed, and nothing but the folder remains.
//
// It has no authentication and listens on loopback only. What is in Redis is
// gone when it ends: unfinished uploads start again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/chunkgate/chunkgate/proxy"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

const (
	stagingPrefix = ".chunkgate/"
	grace         = 10 * time.Second // for running requests at the end
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		stop()
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("dev", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:8080", "loopback `address` to listen on")
	data := flags.String("data", "data", "`folder` for the objects; they are plain files in its uploads/")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	}
	listener, err := listenLoopback(*listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	folder, err := filepath.Abs(*data)
	if err != nil {
		return err
	}
	readme := findReadme() // the object store changes the current folder
	running, stop := context.WithCancel(ctx)
	store, ended, err := startObjects(running, folder)
	if err != nil {
		stop()
		return fmt.Errorf("start the object store on %s: %w", folder, err)
	}
	defer func() {
		stop()
		<-ended
	}()
	redis, err := startSessions(ctx)
	if err != nil {
		return fmt.Errorf("start the session store: %w", err)
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	server, engine, err := wire(ctx, store, redis, log)
	if err != nil {
		return err
	}
	welcome(stdout, listener.Addr().String(), folder, readme)
	err = server.Serve(ctx, listener, grace)
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return errors.Join(err, engine.Wait(late))
}

// listenLoopback refuses any address that others could reach: there is no
// authentication here.
func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--listen: %q is not a loopback address, and this stack lets anybody in", host)
	}
	return net.Listen("tcp", address)
}

// wire puts the real proxy between the two stores.
func wire(ctx context.Context, store s3backend.Config, redisURL string, log *slog.Logger) (*proxy.Server, *upload.Engine, error) {
	redis, err := session.Connect(redisURL)
	if err != nil {
		return nil, nil, err
	}
	objects, err := s3backend.New(ctx, store)
	if err != nil {
		return nil, nil, err
	}
	engine := upload.New(upload.Config{
		Sessions:       session.New(redis, session.Options{}),
		Objects:        objects,
		Limits:         upload.S3Limits(),
		TTL:            48 * time.Hour,
		StagingPrefix:  stagingPrefix,
		TailInSessions: 8 << 20,
		BufferMemory:   64 << 20,
		Log:            log,
	})
	server := proxy.New(proxy.Config{
		Engine: engine, Files: objects, Auth: proxy.Anyone(), StagingPrefix: stagingPrefix, Log: log,
	})
	return server, engine, nil
}
