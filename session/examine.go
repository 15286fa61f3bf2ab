package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/upload"
)

// Examine checks whether Redis is fit to keep sessions, and leaves nothing
// behind. Every master of a Cluster is asked, and the worst finding is told. It
// ends early when Redis does not answer at all.
func (s *Store) Examine(ctx context.Context, now func() time.Time) iter.Seq[checkup.Finding] {
	checks := []struct {
		name string
		make func(context.Context) checkup.Finding
	}{
		{"redis version", s.each(version)},
		{"redis eviction", s.each(eviction)},
		{"redis memory", s.each(fullness)},
		{"redis persistence", s.each(s.persistence)},
		{"redis scripts", s.live},
		{"redis clock", s.each(func(ctx context.Context, c redis.Cmdable) checkup.Finding { return clock(ctx, c, now) })},
	}
	return func(yield func(checkup.Finding) bool) {
		reached := checkup.Do(ctx, "redis", s.reachable)
		if !yield(reached) || reached.Level == checkup.Fail {
			return
		}
		for _, c := range checks {
			if !yield(checkup.Do(ctx, c.name, c.make)) {
				return
			}
		}
	}
}

func (s *Store) reachable(ctx context.Context) checkup.Finding {
	begun := time.Now()
	if err := s.Ping(ctx); err != nil {
		return checkup.Bad(cure(err), "%s", cause(err))
	}
	return checkup.Good("it answers and takes writes, in %s", time.Since(begun).Round(100*time.Microsecond))
}

// each makes a check at every master and tells the worst finding.
func (s *Store) each(check func(context.Context, redis.Cmdable) checkup.Finding) func(context.Context) checkup.Finding {
	return func(ctx context.Context) checkup.Finding {
		nodes, ok := s.client.(*redis.ClusterClient)
		if !ok {
			return check(ctx, s.client)
		}
		var mu sync.Mutex
		var worst checkup.Finding
		err := nodes.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			f := check(ctx, node)
			f.Found = node.Options().Addr + ": " + f.Found
			mu.Lock()
			defer mu.Unlock()
			if worst.Level == "" || checkup.Worse(worst.Level, f.Level) != worst.Level {
				worst = f
			}
			return nil
		})
		if err != nil {
			return checkup.Bad(cure(err), "%s", cause(err))
		}
		return worst
	}
}

// oldest is the oldest version that this package is for (doc.go).
const oldest = 6

func version(ctx context.Context, c redis.Cmdable) checkup.Finding {
	server, err := info(ctx, c, "server")
	if err != nil {
		return unknown(err, "INFO", "see yourself that it is Redis %d or newer", oldest)
	}
	text := server["redis_version"]
	major, err := strconv.Atoi(strings.Split(text, ".")[0])
	switch {
	case err != nil:
		return checkup.Doubt(fmt.Sprintf("see yourself that it is as good as Redis %d", oldest), "it does not say its version")
	case major < oldest:
		return checkup.Bad(fmt.Sprintf("use Redis %d or newer", oldest), "it is version %s", text)
	}
	return checkup.Good("it is version %s", text)
}

func eviction(ctx context.Context, c redis.Cmdable) checkup.Finding {
	const set = "set maxmemory-policy noeviction: what is evicted are accepted bytes and offsets"
	memory, err := info(ctx, c, "memory")
	if err != nil {
		return unknown(err, "INFO", "%s", set)
	}
	switch policy := memory["maxmemory_policy"]; policy {
	case "noeviction":
		return checkup.Good("maxmemory-policy is noeviction, maxmemory %s", memory["maxmemory_human"])
	case "":
		return checkup.Doubt(set, "it does not say its maxmemory-policy")
	default:
		return checkup.Bad(set, "maxmemory-policy is %s", policy)
	}
}

// live takes a session through its life: with that, everything that requests
// need is allowed.
func (s *Store) live(ctx context.Context) checkup.Finding {
	u := upload.Session{ID: "doctor-" + rand.Text(), Owner: "doctor", Key: "doctor"}
	expires := time.Now().Add(time.Minute)
	tail := []upload.Fragment{{Place: upload.InSessions, Name: "doctor", Size: 4, Piece: 4}}
	var drawn upload.Numbers
	steps := []func() error{
		func() error { return s.Permitted(ctx) },
		func() (err error) { _, drawn, err = s.Open(ctx, u, time.Minute, 1); return err },
		func() error { return s.PutPieces(ctx, u.ID, "doctor", 0, [][]byte{[]byte("tail")}, expires) },
		func() error {
			return s.Advance(ctx, upload.Advance{
				ID: u.ID, Attempt: "doctor", Epoch: drawn.Epoch, To: 5,
				Parts: []upload.Part{{Number: drawn.First, Size: 1}}, Tail: tail,
			})
		},
		func() error { _, err := s.Parts(ctx, u.ID); return err },
		func() error { return s.GetPieces(ctx, u.ID, []upload.Piece{{Name: "doctor", Into: make([]byte, 4)}}) },
		func() error { _, err := s.Bury(ctx, u.ID, u.Owner); return err },
	}
	var failed error
	for _, step := range steps {
		if failed = step(); failed != nil {
			break
		}
	}
	if err := s.Forget(context.WithoutCancel(ctx), u.ID); failed == nil {
		failed = err
	}
	if failed != nil {
		return checkup.Bad(cure(failed), "an upload cannot be kept: %s", cause(failed))
	}
	return checkup.Good("an upload was opened, advanced, buried and forgotten")
}

func clock(ctx context.Context, c redis.Cmdable, now func() time.Time) checkup.Finding {
	sent := now()
	theirs, err := c.Time(ctx).Result()
	if err != nil {
		return unknown(err, "TIME", "see yourself that its clock is right")
	}
	return checkup.Skew(theirs, 0, sent, now())
}

// info reads a section of INFO.
func info(ctx context.Context, c redis.Cmdable, section string) (map[string]string, error) {
	text, err := c.Info(ctx, section).Result()
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all, nil
}

// unknown is the finding of a check whose question is forbidden, as managed
// services do.
func unknown(err error, command, advice string, args ...any) checkup.Finding {
	return checkup.Doubt(fmt.Sprintf(advice, args...), "%s does not tell: %s", command, cause(err))
}

// cause is what Redis or the network said, without our own words about it.
func cause(err error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, upload.ErrUnavailable.Error()+": "); ok {
		text = after
	}
	return text
}

// cure is what to do about an error of Redis.
func cure(err error) string {
	text := cause(err)
	if denied(err) {
		return accessList
	}
	for _, known := range []struct{ begin, advice string }{
		{"DENIED", "give Redis a password and put it into CHUNKGATE_REDIS_URL: in protected mode it lets nobody in from other machines"},
		{"NOAUTH", "put user and password into CHUNKGATE_REDIS_URL"},
		{"WRONGPASS", "put the right user and password into CHUNKGATE_REDIS_URL"},
		{"READONLY", "name the master in CHUNKGATE_REDIS_URL, or the sentinels by redis+sentinel://"},
		{"OOM", "raise maxmemory"},
		{"MISCONF", "look into its log: it cannot write to its disk"},
		{"LOADING", "wait until it has read its files"},
		{"MOVED", "name the Cluster by redis+cluster:// in CHUNKGATE_REDIS_URL"},
		{"CLUSTERDOWN", "repair the Cluster: some slots have no master"},
	} {
		if strings.Contains(text, known.begin+" ") {
			return known.advice
		}
	}
	var said redis.Error
	if errors.As(err, &said) {
		return "allow the command, or use a Redis that has it"
	}
	return "see that Redis runs at CHUNKGATE_REDIS_URL and that the network lets us through"
}
