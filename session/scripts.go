package session

import (
	"context"
	"embed"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/upload"
)

//go:embed scripts/*.lua
var sources embed.FS

var (
	openScript         = script("open")
	getScript          = script("get")
	beginScript        = script("begin")
	renewScript        = script("renew")
	drawScript         = script("draw")
	partsScript        = script("parts")
	attachScript       = script("attach")
	detachScript       = script("detach")
	advanceScript      = script("advance")
	beginCommitScript  = script("begin_commit")
	updateCommitScript = script("update_commit")
	endCommitScript    = script("end_commit")
	reopenScript       = script("reopen")
	suspectScript      = script("suspect")
	buryScript         = script("bury")
	noteFailureScript  = script("note_failure")
	deadlineScript     = apart("deadline")
	countScript        = apart("count")
	overdueScript      = apart("overdue")
	dueScript          = apart("due")
	adoptScript        = apart("adopt")
	claimScript        = apart("claim")
	pingScript         = redis.NewScript(source("clock") + source("told") + source("ping"))

	idleTailScript = script("idle_tail")
	moveTailScript = script("move_tail")
)

// script is one over a session's keys, behind the common prelude.
func script(name string) *redis.Script {
	return redis.NewScript(source("clock") + source("told") + source("record") + source(name))
}

// apart is a script over one key that is no session's.
func apart(name string) *redis.Script { return redis.NewScript(source("clock") + source(name)) }

func source(name string) string {
	b, err := sources.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // the file is not in the build
	}
	return string(b)
}

// onEach runs a script over each of some keys in one round trip, two when a
// Redis does not know it yet. In a Cluster the keys may lie on several nodes.
func (s *Store) onEach(ctx context.Context, do *redis.Script, keys []string, args ...any) error {
	all := func(run func(context.Context, redis.Scripter, []string, ...any) *redis.Cmd) error {
		_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				run(ctx, p, []string{key}, args...)
			}
			return nil
		})
		return err
	}
	err := all(do.EvalSha)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		err = all(do.Eval)
	}
	return err
}

// run runs a script over a session's keys in one round trip (two when Redis
// does not know the script yet) and answers what follows the word ok.
func (s *Store) run(ctx context.Context, do *redis.Script, op, id string, args ...any) ([]any, error) {
	if !possible(id) {
		return nil, upload.ErrNotFound
	}
	var answer []any
	var err error
	if s.replicas > 0 {
		answer, err = s.runReplicated(ctx, do, s.keys(id).list(), args)
	} else {
		answer, err = do.Run(ctx, s.client, s.keys(id).list(), args...).Slice()
	}
	if err != nil {
		return nil, unavailable(ctx, op, err)
	}
	return verdict(op, id, answer)
}
