package upload_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// Two uploads are meant for one path. While the first is cleaned up, the second
// has opened its multipart upload there, and sends its first part just when the
// first's leftovers are being removed. The part counts, so it must stay.
func TestNeighbourSurvives(t *testing.T) {
	tests := []struct {
		name  string
		first func(*testing.T, *lab) (clean func())
	}{
		{"a sweep of an upload promised there", func(t *testing.T, l *lab) func() {
			l.mustPromise(t, content(1, 10))
			time.Sleep(ttl - time.Hour)
			return func() { l.mustSweep(t, 1) }
		}},
		{"a commit there whose runner died", func(t *testing.T, l *lab) func() {
			id := l.mustPut(t, "", 0, content(1, 80)).ID
			l.objects.After = func(op, key string) error {
				if op == uploadtest.OpCreateMultipart && key == "file" { // it is not recorded any more
					l.sessions.Fault = func(string) error { return upload.ErrUnavailable }
					l.objects.Fault = func(string, string) error { return upload.ErrUnavailable }
				}
				return nil
			}
			if _, err := l.commit(id, "file"); !errors.Is(err, upload.ErrUnavailable) {
				t.Fatal(err)
			}
			l.objects.After, l.sessions.Fault = nil, nil
			time.Sleep(time.Minute) // its lease ends
			return func() { l.mustCommit(t, id, "other") }
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				clean := test.first(t, l)
				held, sent := make(chan struct{}), make(chan string)
				l.objects.Fault = func(op, _ string) error {
					if op == uploadtest.OpUploadPart {
						<-held
					}
					return nil
				}
				go func() { sent <- l.replica().mustPromise(t, content(2, 90)) }()
				time.Sleep(3 * time.Hour) // its multipart upload is open, and empty
				synctest.Wait()

				var second string
				arrive := func() {
					if second == "" {
						close(held)
						second = <-sent
					}
				}
				l.objects.Fault = func(op, key string) error {
					if op == uploadtest.OpAbort && key == "file" {
						arrive()
					}
					return nil
				}
				clean()
				arrive()
				l.mustCommit(t, second, "file")
				l.wantObject(t, "file", content(2, 90))
			})
		})
	}
}

// mustPromise opens an upload that is promised to "file", by its first chunk.
func (l *lab) mustPromise(tb testing.TB, chunk []byte) (id string) {
	tb.Helper()
	s, err := l.Append(tb.Context(), upload.Chunk{
		Owner: owner, Destination: "file", Length: int64(len(chunk)), Body: read(chunk)(),
	})
	if err != nil {
		tb.Errorf("append a promised upload: %v", err)
	}
	return s.ID
}
