package s3backend

import (
	"bytes"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
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
		{"a fast body goes in large blocks after the first two", bytes.NewReader(content), 1,
			[]int{leastBlock, smallBlock, largeBlock, largeBlock, largeBlock, largeBlock - smallBlock - leastBlock}},
		{"none to be had", bytes.NewReader(content), 0,
			slices.Concat([]int{leastBlock}, slices.Repeat([]int{smallBlock}, 63), []int{smallBlock - leastBlock})},
		{"a body in sips keeps to a small one", sip{bytes.NewReader(content), 16 << 10}, 1,
			slices.Concat([]int{leastBlock}, slices.Repeat([]int{16 << 10}, 127), []int{16<<10 - leastBlock})},
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

// trickle lets wait for every gulp, and notes the largest buffer that was held
// meanwhile.
type trickle struct {
	r    io.Reader
	left int // of the gulp
	held int
}

const gulp = 64 << 10

func (s *trickle) Read(p []byte) (int, error) {
	if s.left == 0 {
		s.held = max(s.held, len(p))
		time.Sleep(2 * slowRead)
		s.left = gulp
	}
	n, err := s.r.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// A slow client is waited for with the least in hand, after the first time.
func TestBlocksOfASlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := bytes.Repeat([]byte("0123456789abcde\n"), 1<<15)
		wire := &recorder{}
		body := &trickle{r: bytes.NewReader(content)}
		n, err := (&blockConn{Conn: wire, blocks: newBlocks(1)}).ReadFrom(body)
		if err != nil || n != int64(len(content)) || !bytes.Equal(wire.content.Bytes(), content) {
			t.Errorf("sent %d bytes, %v; want the content", n, err)
		}
		if body.held > leastBlock {
			t.Errorf("%d bytes were held while nothing came", body.held)
		}
	})
}
