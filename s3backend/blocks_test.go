package s3backend

import (
	"bytes"
	"io"
	"net"
	"slices"
	"testing"
)

// recorder is a connection that notes how it is written to.
type recorder struct {
	net.Conn
	sizes   []int
	content bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.sizes = append(r.sizes, len(p))
	return r.content.Write(p)
}

// sip yields so many bytes a Read at most.
type sip struct {
	r io.Reader
	n int
}

func (s sip) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

func TestBlocks(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcde\n"), 1<<17) // 2 MiB
	tests := []struct {
		name  string
		body  io.Reader
		large int // blocks that may be lent out
		want  []int
	}{
		{"a fast body goes in large blocks after the first", bytes.NewReader(content), 1,
			[]int{smallBlock, largeBlock, largeBlock, largeBlock, largeBlock - smallBlock}},
		{"none to be had", bytes.NewReader(content), 0, slices.Repeat([]int{smallBlock}, 64)},
		{"a slow body keeps to a small one", sip{bytes.NewReader(content), 16 << 10}, 1, slices.Repeat([]int{16 << 10}, 128)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wire := &recorder{}
			lent := newBlocks(test.large)
			n, err := (&blockConn{Conn: wire, blocks: lent}).ReadFrom(test.body)
			if err != nil || n != int64(len(content)) || !bytes.Equal(wire.content.Bytes(), content) {
				t.Errorf("sent %d bytes, %v; want the content", n, err)
			}
			if !slices.Equal(wire.sizes, test.want) {
				t.Errorf("written in %v, want %v", wire.sizes, test.want)
			}
			if len(lent.large) > 0 {
				t.Errorf("%d large blocks are still lent out", len(lent.large))
			}
		})
	}
}
