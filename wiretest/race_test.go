package wiretest

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

const racers = 20

// raced is the racers' files, whose contents are "racer 0", "racer 1" and so
// on, and the answer that each one's client got.
type raced struct {
	files   [racers]stored
	sums    [racers][sha256.Size]byte
	answers [racers]answer
}

// race lets the racers store at once, through both proxies in turn. All of
// their bytes are there before the first names the path, if the way allows it.
func (s stack) race(t *testing.T, w way, path, params string) raced {
	t.Helper()
	var got raced
	for n := range racers {
		body := content(racer(n), w.size)
		got.files[n], got.sums[n] = w.send(t, s.proxy(n), body), sha256.Sum256(body)
	}
	got.answers = together(t, func(n int) (answer, error) { return got.files[n](s.proxy(n+1), path, params) })
	return got
}

// together makes all racers' requests at the same time.
func together(t *testing.T, request func(n int) (answer, error)) [racers]answer {
	t.Helper()
	var (
		answers [racers]answer
		start   = make(chan struct{})
		clients sync.WaitGroup
	)
	for n := range racers {
		clients.Go(func() {
			<-start
			var err error
			if answers[n], err = request(n); err != nil {
				t.Errorf("%s: %v", racer(n), err)
			}
		})
	}
	close(start)
	clients.Wait()
	return answers
}

// proxy is one and then the other.
func (s stack) proxy(n int) testserver.Proxy { return s.proxies[n%len(s.proxies)] }

func racer(n int) string { return fmt.Sprintf("racer %d", n) }

// want checks how many racers got which status.
func (r raced) want(t *testing.T, want map[int]int) {
	t.Helper()
	got := map[int]int{}
	for _, a := range r.answers {
		got[a.Status]++
	}
	if !maps.Equal(got, want) {
		t.Errorf("answers by status are %v, want %v", got, want)
	}
}

// elsewhere stores what was refused under names of its own, as its client may
// do (PROTOCOL 3.8).
func (r raced) elsewhere(t *testing.T, p testserver.Proxy) {
	t.Helper()
	for n, a := range r.answers {
		if a.Status != http.StatusConflict {
			continue
		}
		if got, err := r.files[n](p, racer(n), ""); err != nil || got.Status != http.StatusOK {
			t.Errorf("%s elsewhere: %+v, %v", racer(n), got, err)
		}
	}
}

// wantKept checks that every file that was accepted is where its client was
// told, that these are the names wanted, and that nothing else is there.
func (s stack) wantKept(t *testing.T, got raced, want ...string) {
	t.Helper()
	var names []string
	for n, a := range got.answers {
		if a.Status != http.StatusOK {
			continue
		}
		name := a.Path[1:]
		names = append(names, name)
		if s.read(t, name) != got.sums[n] {
			t.Errorf("%q is not the file of racer %d", name, n)
		}
	}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("clients were told %q, want %q", names, want)
	}
	if keys := s.keys(t, ""); !slices.Equal(keys, want) {
		t.Errorf("the store has %q, want %q", keys, want)
	}
}

// clear removes all files, between one race and the next.
func (s stack) clear(t *testing.T) {
	t.Helper()
	var keys []string
	for _, name := range s.keys(t, "") {
		keys = append(keys, ownKey(name))
	}
	if err := s.objects.Delete(t.Context(), keys...); err != nil {
		t.Fatal(err)
	}
}

// TestRaces: conditions are the store's to keep, so of clients that name one
// path at once none loses its file to another.
func TestRaces(t *testing.T) {
	s := start(t)
	for _, w := range ways {
		t.Run(w.name+"/overwrite=false", func(t *testing.T) {
			defer s.clear(t)
			got := s.race(t, w, "x", "overwrite=false")
			got.want(t, map[int]int{200: racers})
			want := []string{"x"}
			for n := 1; n < racers; n++ {
				want = append(want, fmt.Sprintf("x (%d)", n))
			}
			s.wantKept(t, got, want...)
		})
		t.Run(w.name+"/overwrite=false&autorename=false", func(t *testing.T) {
			defer s.clear(t)
			got := s.race(t, w, "x", "overwrite=false&autorename=false")
			got.want(t, map[int]int{200: 1, 409: racers - 1})
			s.wantKept(t, got, "x")
			got.elsewhere(t, s.proxies[0])
		})
		t.Run(w.name+"/parent_rev&autorename=false", func(t *testing.T) {
			defer s.clear(t)
			before := w.must(t, s.proxies[0], content("before", w.size), "x")
			got := s.race(t, w, "x", "autorename=false&parent_rev="+before.Rev)
			got.want(t, map[int]int{200: 1, 409: racers - 1})
			s.wantKept(t, got, "x")
			got.elsewhere(t, s.proxies[0])
		})
		t.Run(w.name+"/parent_rev", func(t *testing.T) {
			defer s.clear(t)
			before := w.must(t, s.proxies[0], content("before", w.size), "x")
			got := s.race(t, w, "x", "parent_rev="+before.Rev)
			want := []string{"x", "x (conflicted copy)"}
			for n := 2; n < racers; n++ {
				want = append(want, fmt.Sprintf("x (conflicted copy %d)", n))
			}
			s.wantKept(t, got, want...)
		})
	}
	s.wantNothingStaged(t)
}

// TestRepeats: a client that repeats its commit, be it before the first is
// answered and at another proxy, has one file and one answer (PROTOCOL 3.6).
func TestRepeats(t *testing.T) {
	s := start(t)
	for _, w := range ways[:2] {
		t.Run(w.name, func(t *testing.T) {
			defer s.clear(t)
			body := content(w.name, w.size)
			store := w.send(t, s.proxies[0], body)
			answers := together(t, func(n int) (answer, error) { return store(s.proxy(n), "x", "overwrite=false") })
			for _, a := range answers {
				if a != answers[0] || a.Status != http.StatusOK || a.Path != "/x" {
					t.Errorf("answered %+v, and another %+v", a, answers[0])
				}
			}
			if keys := s.keys(t, ""); !slices.Equal(keys, []string{"x"}) || s.read(t, "x") != sha256.Sum256(body) {
				t.Errorf("the store has %q", keys)
			}
		})
	}
	s.wantNothingStaged(t)
}
