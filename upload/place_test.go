package upload_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// What is at the destination, and what becomes of a commit (PROTOCOL 3.13).
func TestPlace(t *testing.T) {
	tests := []struct {
		name    string
		there   string // an object
		with    upload.Condition
		keys    []string // names to try
		made    string   // where the object is then; "" for none
		err     error
		invalid bool
	}{
		{"free", "other", upload.Condition{}, []string{"a/b"}, "a/b", nil, false},
		{"folder, overwrite", "a/b/c", upload.Condition{}, []string{"a/b"}, "", upload.ErrConflict, false},
		{"folder, no overwrite", "a/b/c", absent, []string{"a/b"}, "", upload.ErrConflict, false},
		{"folder, rename", "a/b/c", absent, []string{"a/b", "a/b (1)"}, "a/b (1)", nil, false},
		{"folder, version named", "a/b/c", upload.Condition{Match: "x"}, []string{"a/b", "a/b (1)"}, "", upload.ErrConflict, false},
		{"empty folder", "a/b/", upload.Condition{}, []string{"a/b"}, "", upload.ErrConflict, false},
		{"file above", "a", upload.Condition{}, []string{"a/b"}, "", upload.ErrConflict, false},
		{"file far above", "a", absent, []string{"a/x/y/b", "a/x/y/b (1)"}, "", upload.ErrConflict, false},
		{"longer name is no folder", "a/bc", upload.Condition{}, []string{"a/b"}, "a/b", nil, false},
		{"version of nothing", "other", upload.Condition{Match: "x"}, []string{"a/b", "a/b (1)"}, "", nil, true},
	}
	for _, test := range tests {
		for _, size := range []int{20, 100} { // a Put, and a copy
			t.Run(fmt.Sprintf("%s/%d", test.name, size), func(t *testing.T) {
				l := newLab()
				l.mustCommit(t, l.mustPut(t, "", 0, content(9, 5)).ID, test.there)
				s := l.mustPut(t, "", 0, content(1, size))
				o, err := l.commitIf(s.ID, test.with, test.keys...)
				var invalid *upload.InvalidError
				if errors.As(err, &invalid) != test.invalid || !test.invalid && !errors.Is(err, test.err) {
					t.Errorf("got %v, want %v, or an InvalidError: %v", err, test.err, test.invalid)
				}
				if o.Key != test.made {
					t.Errorf("made %q, want %q", o.Key, test.made)
				}
				l.wantObject(t, test.there, content(9, 5))
				if err != nil { // the upload lives on
					l.mustCommit(t, s.ID, "elsewhere")
				}
			})
		}
	}
}

// A promise is checked when it is made.
func TestPlaceOfPromise(t *testing.T) {
	for _, there := range []string{"a/b/c", "a"} {
		l := newLab()
		l.mustCommit(t, l.mustPut(t, "", 0, content(9, 5)).ID, there)
		c := upload.Chunk{Owner: owner, Destination: "a/b", Length: 100, Body: read(content(1, 100))()}
		if _, err := l.Append(t.Context(), c); !errors.Is(err, upload.ErrConflict) {
			t.Errorf("with %q there: %v, want ErrConflict", there, err)
		}
		l.wantOnly(t, there)
	}
}

func TestPut(t *testing.T) {
	for _, size := range []int{0, 20, 100, 1000} {
		for _, announced := range []bool{true, false} {
			for _, with := range []upload.Condition{{}, absent} {
				t.Run(fmt.Sprintf("%d announced=%v %v", size, announced, with), func(t *testing.T) {
					l := newLab()
					for n := range 3 {
						o, err := l.putFile(content(uint64(n), size), announced, with)
						if err != nil || o.Size != int64(size) || o.Modified.IsZero() {
							t.Fatalf("put answers %+v, %v", o, err)
						}
						l.wantObject(t, o.Key, content(uint64(n), size))
					}
					if with.Absent {
						l.wantOnly(t, "f", "f (1)", "f (2)")
						return
					}
					l.wantOnly(t, "f")
				})
			}
		}
	}
}

func (l *lab) putFile(b []byte, announced bool, with upload.Condition, then ...fail) (upload.Object, error) {
	r := upload.PutRequest{
		CommitRequest: upload.CommitRequest{Owner: owner, Condition: with, Terms: "f", Key: func(n int) (string, bool) {
			return []string{"f", "f (1)", "f (2)"}[n%3], n < 3
		}},
		Length: upload.UnknownLength, Body: read(b)(),
	}
	if announced {
		r.Length = int64(len(b))
	}
	for _, f := range then {
		r.Body, r.Length = read(b, f)(), r.Length+1
	}
	return l.Put(context.Background(), r)
}

// A body that breaks off leaves nothing behind, and what was there stays.
func TestPutBroken(t *testing.T) {
	for _, with := range []upload.Condition{{}, absent} {
		l := newLab()
		if _, err := l.putFile(content(1, 1000), true, with, fail{upload.ErrShortBody}); !errors.Is(err, upload.ErrShortBody) {
			t.Errorf("got %v, want ErrShortBody", err)
		}
		l.wantOnly(t)
		if ids := l.sessions.IDs(); len(ids) > 0 {
			t.Errorf("left in the session store: %q", ids)
		}
	}
}

// A conflict without another name leaves nothing behind either.
func TestPutConflict(t *testing.T) {
	l := newLab()
	for range 3 {
		if _, err := l.putFile(content(1, 100), true, absent); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.putFile(content(2, 100), true, absent); !errors.Is(err, upload.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	l.wantOnly(t, "f", "f (1)", "f (2)")
}
