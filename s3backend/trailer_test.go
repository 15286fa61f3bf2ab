package s3backend

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// frame encodes content as it would go out.
func frame(tb testing.TB, content io.Reader, size int64) io.Reader {
	tb.Helper()
	_, w := watch(context.Background(), time.Minute)
	tb.Cleanup(w.stop)
	return newFraming(&body{src: content, left: size, sum: crc32.New(castagnoli), watch: w})
}

// unframe decodes as a strict store does.
func unframe(wire []byte) ([]byte, error) {
	var content []byte
	for {
		line, rest, ok := bytes.Cut(wire, []byte(crlf))
		n, err := strconv.ParseUint(string(line), 16, 32)
		if !ok || err != nil || n > blockSize {
			return nil, fmt.Errorf("block header %q", line)
		}
		if n == 0 {
			return content, checkTrailer(content, string(rest))
		}
		if uint64(len(rest)) < n+2 || string(rest[n:n+2]) != crlf {
			return nil, fmt.Errorf("block of %d bytes without an end", n)
		}
		content, wire = append(content, rest[:n]...), rest[n+2:]
	}
}

func checkTrailer(content []byte, trailer string) error {
	sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(content, castagnoli))
	want := "x-amz-checksum-crc32c:" + base64.StdEncoding.EncodeToString(sum) + "\r\n\r\n"
	if trailer != want {
		return fmt.Errorf("trailer %q, want %q", trailer, want)
	}
	return nil
}

func TestFraming(t *testing.T) {
	const mib = 1 << 20
	for _, size := range []int{0, 1, 15, 16, 17, mib - 1, mib, mib + 1, 2 * mib, 3*mib + 5} {
		content := bytes.Repeat([]byte("0123456789abcdef!"), size/17+1)[:size]
		readers := map[string]func(io.Reader) io.Reader{
			"whole":       func(r io.Reader) io.Reader { return r },
			"halves":      iotest.HalfReader,
			"early error": iotest.DataErrReader,
		}
		for name, wrap := range readers {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				wire, err := io.ReadAll(frame(t, wrap(bytes.NewReader(content)), int64(size)))
				if err != nil {
					t.Fatal(err)
				}
				if got, want := int64(len(wire)), framedLength(int64(size)); got != want {
					t.Errorf("got %d bytes, want %d as announced", got, want)
				}
				got, err := unframe(wire)
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("got %d bytes, %v, want the content back", len(got), err)
				}
			})
		}
	}
}

func TestFramingReadsOneByteAtATime(t *testing.T) {
	wire, err := io.ReadAll(iotest.OneByteReader(frame(t, strings.NewReader("hello"), 5)))
	if err != nil {
		t.Fatal(err)
	}
	want := "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n"
	if string(wire) != want {
		t.Errorf("got %q, want %q", wire, want)
	}
}

// Each Read is a write to the socket.
func TestFramingFillsReads(t *testing.T) {
	const size = 3<<20 + 5
	r, short := frame(t, zeros{}, size), 0
	for p := make([]byte, largeBlock); ; {
		n, err := r.Read(p)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n < len(p) {
			short++
		}
	}
	if short != 1 {
		t.Errorf("%d reads were short, want the last one only", short)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestFramingRefusesShortBody(t *testing.T) {
	for _, has := range []int{0, 1, 99} {
		_, err := io.ReadAll(frame(t, bytes.NewReader(make([]byte, has)), 100))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d of 100 bytes: got %v, want %v", has, err, io.ErrUnexpectedEOF)
		}
	}
}

func TestFramingPassesErrorOn(t *testing.T) {
	broken := errors.New("broken")
	_, err := io.ReadAll(frame(t, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), 100))
	if err != broken {
		t.Errorf("got %v, want %v as it is", err, broken)
	}
}

func TestBodyStopsAtItsSize(t *testing.T) {
	_, w := watch(context.Background(), time.Minute)
	defer w.stop()
	src := strings.NewReader("0123456789")
	got, err := io.ReadAll(&body{src: src, left: 4, sum: crc32.New(castagnoli), watch: w})
	if err != nil || string(got) != "0123" || src.Len() != 6 {
		t.Errorf("got %q, %v and %d bytes unread, want 0123 and 6", got, err, src.Len())
	}
}

func FuzzFraming(f *testing.F) {
	f.Add([]byte("hello"), uint32(3), uint8(2))
	f.Add([]byte{}, uint32(0), uint8(0))
	f.Add([]byte("\r\n0\r\n"), uint32(1<<20), uint8(255))
	f.Fuzz(func(t *testing.T, pattern []byte, size uint32, step uint8) {
		content := bytes.Repeat(append(pattern, 'x'), int(size%(2*blockSize+2))/(len(pattern)+1)+1)
		content = content[:int(size)%(2*blockSize+2)%(len(content)+1)]
		framed := frame(t, bytes.NewReader(content), int64(len(content)))
		var wire bytes.Buffer
		if _, err := io.CopyBuffer(struct{ io.Writer }{&wire}, framed, make([]byte, 1+int(step)*256)); err != nil {
			t.Fatal(err)
		}
		if got, want := int64(wire.Len()), framedLength(int64(len(content))); got != want {
			t.Errorf("got %d bytes, want %d as announced", got, want)
		}
		got, err := unframe(wire.Bytes())
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("got %d bytes, %v, want the %d of the content back", len(got), err, len(content))
		}
	})
}
