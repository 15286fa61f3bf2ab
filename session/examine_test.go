package session_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// TestExamine has each check of a real Redis pass and fail.
func TestExamine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		args    []string // of redis-server
		prepare func(*testing.T, redis.UniversalClient)
		user    string // user:password@
		check   string
		level   checkup.Level
		found   string
		advice  string
	}{
		{name: "reached", check: "redis", level: checkup.OK, found: "it answers and takes writes"},
		{name: "password", prepare: withPassword, check: "redis", level: checkup.Fail, found: "NOAUTH", advice: "put user and password"},
		{name: "wrong password", prepare: withPassword, user: "default:hunter2@", check: "redis", level: checkup.Fail, found: "WRONGPASS", advice: "put the right"},
		{name: "replica", args: []string{"--replicaof", "127.0.0.1", "1"}, check: "redis", level: checkup.Fail, found: "READONLY", advice: "name the master"},
		{name: "version", check: "redis version", level: checkup.OK, found: "it is version "},
		{name: "noeviction", args: []string{"--maxmemory", "100mb"}, check: "redis eviction", level: checkup.OK, found: "maxmemory-policy is noeviction, maxmemory 100.00M"},
		{name: "no limit", check: "redis memory", level: checkup.OK, found: "maxmemory is 0: tails do not leave Redis by themselves when it fills up (CHUNKGATE_TAIL_REDIS_SHARE)"},
		{name: "eviction", args: []string{"--maxmemory-policy", "allkeys-lru"}, check: "redis eviction", level: checkup.Fail, found: "maxmemory-policy is allkeys-lru", advice: "set maxmemory-policy noeviction"},
		{name: "no disk", check: "redis persistence", level: checkup.Warn, found: "neither append-only file nor replica", advice: "set appendonly yes"},
		{name: "always", args: []string{"--appendonly", "yes", "--appendfsync", "always"}, check: "redis persistence", level: checkup.OK, found: "written through always"},
		{name: "everysec", args: []string{"--appendonly", "yes"}, check: "redis persistence", level: checkup.OK, found: "written through everysec"},
		{name: "never", args: []string{"--appendonly", "yes", "--appendfsync", "no"}, check: "redis persistence", level: checkup.Warn, found: "when the system pleases", advice: "set appendonly yes"},
		{name: "no CONFIG", args: []string{"--appendonly", "yes", "--rename-command", "CONFIG", ""}, check: "redis persistence", level: checkup.Warn, found: "CONFIG is forbidden here", advice: "see yourself"},
		{name: "with a replica", prepare: withReplica, check: "redis persistence", level: checkup.OK, found: "but 1 replicas"},
		{name: "scripts", check: "redis scripts", level: checkup.OK, found: "an upload was opened"},
		{name: "no scripts", prepare: withUser("-@scripting"), user: "limited:hunter2@", check: "redis", level: checkup.Fail, found: "NOPERM", advice: "let the user's ACL have"},
		{name: "no TIME in scripts", prepare: withUser("-time"), user: "limited:hunter2@", check: "redis", level: checkup.Fail, found: "run this command", advice: "+info +time"},
		{name: "no INFO in scripts", prepare: withUser("-info"), user: "limited:hunter2@", check: "redis", level: checkup.Fail, found: "run this command", advice: "+info +time"},
		{name: "other keys", prepare: withUser("resetkeys", "~chunkgate:ping"), user: "limited:hunter2@", check: "redis scripts", level: checkup.Fail, found: "an upload cannot be kept", advice: "let the user's ACL have"},
		{name: "no HGET", prepare: withUser("-hget"), user: "limited:hunter2@", check: "redis scripts", level: checkup.Fail, found: "an upload cannot be kept", advice: "let the user's ACL have"},
		{name: "clock", check: "redis clock", level: checkup.OK, found: "its clock and ours agree"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := testserver.StartRedis(t, c.args...)
			if c.prepare != nil {
				c.prepare(t, mustConnect(t, server.URL))
			}
			url := strings.Replace(server.URL, "//", "//"+c.user, 1)
			found := examined(t, session.New(mustConnect(t, url), session.Options{}))
			f, ok := found[c.check]
			if !ok || f.Level != c.level || !strings.Contains(f.Found, c.found) || !strings.Contains(f.Advice, c.advice) || (f.Advice == "") != (c.advice == "") {
				t.Errorf("got %+v, want %s: %s: %s", f, c.level, c.found, c.advice)
			}
			for _, f := range found {
				if strings.Contains(f.Found+f.Advice, "hunter2") {
					t.Errorf("a secret is told: %+v", f)
				}
			}
		})
	}
}

// examined makes all checks.
func examined(t *testing.T, s *session.Store) map[string]checkup.Finding {
	t.Helper()
	found := map[string]checkup.Finding{}
	for f := range s.Examine(t.Context(), time.Now) {
		if _, again := found[f.Check]; again {
			t.Errorf("%s is checked twice", f.Check)
		}
		found[f.Check] = f
	}
	return found
}

// TestRecommendedACL does everything as a user who may do exactly what doctor
// recommends, and not without a part of it.
func TestRecommendedACL(t *testing.T) {
	t.Parallel()
	server := testserver.StartRedis(t)
	admin := mustConnect(t, server.URL)
	recommended := []string{"+@read", "+@write", "+@scripting", "+@connection", "+@transaction", "+info", "+time"}
	as := func(t *testing.T, name string, rules ...string) string {
		args := []any{"ACL", "SETUSER", name, "on", ">hunter2", "~chunkgate:*"}
		for _, rule := range rules {
			args = append(args, rule)
		}
		if err := admin.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
		return strings.Replace(server.URL, "//", "//"+name+":hunter2@", 1)
	}
	url := as(t, "recommended", recommended...)
	t.Run("sessions", func(t *testing.T) {
		uploadtest.TestSessions(t, func(t *testing.T, ahead func() time.Duration) upload.Sessions {
			return session.New(mustConnect(t, url), session.Options{Prefix: "chunkgate:" + rand.Text() + ":", Ahead: ahead})
		})
	})
	t.Run("quotas", func(t *testing.T) {
		uploadtest.TestQuotas(t, func(t *testing.T, ahead func() time.Duration) upload.Quotas {
			return session.New(mustConnect(t, url), session.Options{Prefix: "chunkgate:" + rand.Text() + ":", Ahead: ahead})
		})
	})
	s := session.New(mustConnect(t, url), session.Options{})
	if _, err := s.Limiter().Allow(t.Context(), "alice", 5); err != nil {
		t.Errorf("rate: %v", err)
	}
	if err := s.Permitted(t.Context()); err != nil {
		t.Errorf("permitted: %v", err)
	}
	for _, f := range examined(t, s) {
		if f.Level == checkup.Fail {
			t.Errorf("doctor: %+v", f)
		}
	}
	for _, without := range []string{"-info", "-time", "-@scripting"} {
		u := mustFill(t, s)
		limited := session.New(mustConnect(t, as(t, "limited", append(recommended, without)...)), session.Options{})
		if err := limited.Permitted(t.Context()); !errors.Is(err, session.ErrDenied) {
			t.Errorf("%s: permitted: got %v, want %v", without, err, session.ErrDenied)
		}
		if err := limited.Ping(t.Context()); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("%s: ping: got %v, want %v", without, err, upload.ErrUnavailable)
		}
		if _, _, err := limited.BeginCommit(t.Context(), u.ID, "alice", upload.Commit{Runner: "r"}, time.Minute); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("%s: begin commit: got %v, want %v", without, err, upload.ErrUnavailable)
		}
	}
}

// withUser lets a user of its own do all but what is named.
func withUser(rules ...any) func(*testing.T, redis.UniversalClient) {
	return func(t *testing.T, client redis.UniversalClient) {
		if err := client.Do(t.Context(), append([]any{"ACL", "SETUSER", "limited", "on", ">hunter2", "~*", "+@all"}, rules...)...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func withPassword(t *testing.T, client redis.UniversalClient) {
	if err := client.ConfigSet(t.Context(), "requirepass", "x").Err(); err != nil {
		t.Fatal(err)
	}
}

func withReplica(t *testing.T, client redis.UniversalClient) {
	host, port, _ := strings.Cut(client.(*redis.Client).Options().Addr, ":")
	testserver.StartRedis(t, "--replicaof", host, port)
	awaitInfo(t, client, "connected_slaves:1")
}

// A Redis that is not there is one failure and no more.
func TestExamineNothing(t *testing.T) {
	found := examined(t, session.New(mustConnect(t, "redis://"+testserver.FreeAddr(t)), session.Options{}))
	f := found["redis"]
	if len(found) != 1 || f.Level != checkup.Fail || !strings.Contains(f.Found, "refused") || !strings.Contains(f.Advice, "CHUNKGATE_REDIS_URL") {
		t.Errorf("got %+v", found)
	}
}

// Checking leaves nothing but the minute's string that every health check
// leaves.
func TestExamineLeavesNothing(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	examined(t, session.New(client, session.Options{}))
	if names := mustKeys(t, client); len(names) != 1 || names[0] != "chunkgate:ping" {
		t.Errorf("there are keys: %q", names)
	}
}
