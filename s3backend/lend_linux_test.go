package s3backend

import (
	"io"
	"net"
	"testing"
)

// A pipe is lent to one body at a time, and one that still holds bytes of a body
// is never lent again.
func TestHoses(t *testing.T) {
	h := newHoses(1)
	first := h.lend()
	if first == nil {
		t.Fatal("no pipe to be had")
	}
	if second := h.lend(); second != nil {
		t.Error("a second one was lent")
	}
	h.giveBack(first)
	again := h.lend()
	if again != first {
		t.Error("the pipe given back is not lent again")
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(client, "left over"); err != nil {
		t.Fatal(err)
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Fill(raw, 4); err != nil {
		t.Fatal(err)
	}
	h.giveBack(again)
	other := h.lend()
	if other == nil || other.Len() > 0 {
		t.Errorf("a pipe with %d bytes in it is lent", other.Len())
	}
	h.giveBack(other)
}
