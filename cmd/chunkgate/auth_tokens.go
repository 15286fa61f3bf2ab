package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// addTokens reads the tokens file and follows it.
func (a *authSettings) addTokens(ctx context.Context, g *guard, failed func(), log *slog.Logger) error {
	content, err := within(ctx, firstTokens, a.readTokens)
	if err != nil {
		return &settingError{"CHUNKGATE_TOKENS_FILE", "cannot be read: " + err.Error()}
	}
	if _, err := g.auth.Reload(content); err != nil {
		return &settingError{"CHUNKGATE_TOKENS_FILE", "is wrong: " + err.Error()}
	}
	if about, err := os.Stat(a.TokensFile); err == nil && about.Mode().Perm()&0o004 != 0 && g.auth.HasSecrets() {
		log.Warn("everybody on this machine can read the tokens file, which has secrets of OAuth 1", "mode", about.Mode().String())
	}
	if a.TokensReload > 0 {
		g.tasks = append(g.tasks, func(ctx context.Context) {
			tick := time.NewTicker(a.TokensReload)
			defer tick.Stop()
			g.auth.Follow(ctx, tick.C, a.readTokens, failed, log)
		})
	}
	return nil
}

// firstTokens is how long the start waits for the tokens file, which may be on
// a mount whose server is gone.
const firstTokens = 30 * time.Second

// maxTokensFile bounds the tokens file in bytes: some 100,000 tokens.
const maxTokensFile = 32 << 20

func (a *authSettings) readTokens() ([]byte, error) {
	about, err := os.Stat(a.TokensFile) // what a link leads to
	switch {
	case err != nil:
		return nil, err
	case !about.Mode().IsRegular(): // opening a FIFO waits until somebody writes
		return nil, errors.New("it is no regular file")
	}
	f, err := os.Open(a.TokensFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxTokensFile+1))
	if err == nil && len(content) > maxTokensFile {
		err = fmt.Errorf("the tokens file has more than %d bytes", maxTokensFile)
	}
	return content, err
}

// within waits so long for what read answers, which cannot be interrupted.
func within(ctx context.Context, limit time.Duration, read func() ([]byte, error)) (content []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		content, err = read()
	}()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-done:
		return content, err
	case <-ctx.Done():
		return nil, fmt.Errorf("reading it takes longer than %s", limit)
	}
}
