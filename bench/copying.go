package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// How chunkgate copies a staged file (upload/copy.go).
const (
	copyPart     = 64 * mib
	copyParallel = 4
)

// copySource stores what the reference copies: a file of the same parts as the
// staged one.
func (s *stack) copySource(ctx context.Context, chunks int) (key string, err error) {
	source := &viaS3{s: s, addr: address(s.store.Endpoint), key: "reference/staged.bin"}
	defer source.end(ctx)
	if err := source.begin(ctx); err != nil {
		return "", err
	}
	for n := range chunks {
		if err := source.send(s.payload.Chunk(0, n, stagedChunk)); err != nil {
			return "", err
		}
	}
	return source.finish(ctx)
}

// copying is the reference for a staged commit: how long MinIO takes, in
// seconds, for the same UploadPartCopy calls and nothing else.
func (s *stack) copying(ctx context.Context, source string, size int64) (float64, error) {
	to, err := s.objects.CreateMultipart(ctx, "reference/file.bin", upload.Attributes{})
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	err = s.copyParts(ctx, to, source, size)
	seconds := time.Since(begin).Seconds()
	return seconds, errors.Join(err, s.objects.Abort(ctx, to))
}

// copyParts copies an object of size bytes part by part, a few at a time.
func (s *stack) copyParts(ctx context.Context, to upload.Multipart, from string, size int64) error {
	parts := int((size + copyPart - 1) / copyPart)
	next := make(chan int, parts)
	for i := range parts {
		next <- i
	}
	close(next)
	errs := make([]error, copyParallel)
	var work sync.WaitGroup
	for k := range errs {
		work.Go(func() {
			for i := range next {
				offset := int64(i) * copyPart
				if _, errs[k] = s.objects.CopyPart(ctx, to, i+1, from, offset, min(copyPart, size-offset)); errs[k] != nil {
					return
				}
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}
