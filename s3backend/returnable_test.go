package s3backend

import (
	"io"
	"syscall"
	"testing"

	"github.com/chunkgate/chunkgate/internal/splice"
)

// within is a body that is looked at while it is read.
type within struct{ look func() }

func (w within) Read([]byte) (int, error) { w.look(); return 0, io.EOF }

func (w within) spliceable() bool { return true }

func (w within) splice(*splice.Pipe, syscall.RawConn) (int, error) { w.look(); return 0, io.EOF }

// A body is not taken back in the middle of a Read, and not read afterwards.
func TestReturnable(t *testing.T) {
	reads := 0
	b := &returnable{}
	b.r = within{func() {
		reads++
		if b.mu.TryLock() {
			t.Error("the body can be taken back while it is read")
		}
	}}
	_, _ = b.Read(nil)
	_, _ = b.splice(nil, nil)
	b.takeBack()
	if n, err := b.Read(make([]byte, 1)); n != 0 || err != errAnswered {
		t.Errorf("got %d, %v of a Read afterwards, want %v", n, err, errAnswered)
	}
	if n, err := b.splice(nil, nil); n != 0 || err != errAnswered {
		t.Errorf("got %d, %v of a splice afterwards, want %v", n, err, errAnswered)
	}
	if reads != 2 {
		t.Errorf("the body was read %d times, want twice", reads)
	}
}
