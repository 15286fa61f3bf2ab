package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/chunkgate/chunkgate/bench/load"
	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/upload"
)

// uploader is one client's upload of one file. Only send is timed, and finish,
// on its own.
type uploader interface {
	// begin is what comes before the first chunk.
	begin(ctx context.Context) error
	send(chunk []byte) error
	// finish makes the file appear and answers its key, or "" if the store
	// cannot make a file of such chunks.
	finish(ctx context.Context) (key string, err error)
	// end frees what a failure may have left, and connections.
	end(ctx context.Context)
}

// viaGate is an upload through chunkgate.
type viaGate struct {
	addr  string
	path  string
	known bool
	hint  bool

	conn *load.Conn
	gate *load.Gate
	done bool
}

func (u *viaGate) begin(context.Context) (err error) {
	if u.conn, err = load.Dial(u.addr); err != nil {
		return err
	}
	u.gate = load.NewGate(u.conn, testserver.Token, u.path, u.hint)
	return nil
}

func (u *viaGate) send(chunk []byte) error { return u.gate.Send(chunk, u.known) }

func (u *viaGate) finish(context.Context) (string, error) {
	err := u.gate.Commit()
	u.done = err == nil
	return testserver.KeyPrefix + u.path[1:], err
}

func (u *viaGate) end(context.Context) {
	if u.conn == nil {
		return
	}
	if !u.done {
		_ = u.gate.Discard() // the failure itself is what is told
	}
	u.conn.Close()
}

// viaS3 is the reference: a multipart upload to the store, or to nginx before
// it, each chunk one part. Parts of less than 5 MiB the store takes, but makes
// no file of them: such an upload is given up at its end.
type viaS3 struct {
	s     *stack
	addr  string
	key   string
	conns int // over which a chunk is spread in equal parts

	open  []*load.Conn
	m     upload.Multipart
	parts []upload.Part
}

func (u *viaS3) begin(ctx context.Context) (err error) {
	for range max(1, u.conns) {
		c, err := load.Dial(u.addr)
		if err != nil {
			return err
		}
		u.open = append(u.open, c)
	}
	u.m, err = u.s.objects.CreateMultipart(ctx, u.key, upload.Attributes{})
	return err
}

func (u *viaS3) send(chunk []byte) error {
	if len(u.open) == 1 {
		part, err := u.s.signer.UploadPart(u.open[0], u.m, len(u.parts)+1, chunk)
		u.parts = append(u.parts, part)
		return err
	}
	n := len(u.open)
	parts, errs := make([]upload.Part, n), make([]error, n)
	var sending sync.WaitGroup
	for i, c := range u.open {
		begin, end := len(chunk)*i/n, len(chunk)*(i+1)/n
		sending.Go(func() {
			parts[i], errs[i] = u.s.signer.UploadPart(c, u.m, len(u.parts)+i+1, chunk[begin:end])
		})
	}
	sending.Wait()
	u.parts = append(u.parts, parts...)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *viaS3) finish(ctx context.Context) (string, error) {
	if len(u.parts) > 1 && u.parts[0].Size < upload.S3Limits().MinPart {
		return "", u.abort(ctx)
	}
	if _, err := u.s.objects.Complete(ctx, u.m, u.parts, upload.Condition{}); err != nil {
		return "", err
	}
	u.m = upload.Multipart{}
	return u.key, nil
}

func (u *viaS3) abort(ctx context.Context) error {
	m := u.m
	u.m = upload.Multipart{}
	if err := u.s.objects.Abort(ctx, m); err != nil {
		return fmt.Errorf("give up the reference's upload: %w", err)
	}
	return nil
}

func (u *viaS3) end(ctx context.Context) {
	if u.m.ID != "" {
		_ = u.abort(ctx) // the failure itself is what is told
	}
	for _, c := range u.open {
		c.Close()
	}
}
