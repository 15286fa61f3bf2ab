package session

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/checkup"
)

// nearlyFull is the percentage of maxmemory from which on what is larger than a
// word may be refused at any moment.
const nearlyFull = 90

// fullness judges how much room there is.
func fullness(ctx context.Context, c redis.Cmdable) checkup.Finding {
	const unseen = "tails do not leave Redis by themselves when it fills up (CHUNKGATE_TAIL_REDIS_SHARE)"
	if _, err := info(ctx, c, "memory"); err != nil {
		return unknown(err, "INFO", "allow it: without it, "+unseen)
	}
	used, limit, err := memoryOf(ctx, c)
	switch {
	case err != nil:
		return checkup.Bad(cure(err), "%s", cause(err))
	case limit == 0:
		return checkup.Good("maxmemory is 0: " + unseen)
	}
	percent := int(100 * float64(used) / float64(limit))
	if percent >= nearlyFull {
		return checkup.Bad("raise maxmemory: chunks get 503", "it uses %d %% of maxmemory", percent)
	}
	return checkup.Good("it uses %d %% of maxmemory", percent)
}

// memory is how Redis keeps what it acknowledged.
type memory struct {
	log      bool   // append-only file
	fsync    string // how often it is written through; "" if that cannot be asked
	replicas int    // connected
}

// persistence judges what a crash of Redis's machine costs.
func (s *Store) persistence(ctx context.Context, c redis.Cmdable) checkup.Finding {
	disk, err := info(ctx, c, "persistence")
	if err != nil {
		return unknown(err, "INFO", setPersistence)
	}
	replication, err := info(ctx, c, "replication")
	if err != nil {
		return unknown(err, "INFO", setPersistence)
	}
	m := memory{log: disk["aof_enabled"] == "1"}
	m.replicas, _ = strconv.Atoi(replication["connected_slaves"]) // 0 if it does not say
	// Only CONFIG, which managed services forbid, tells how often the file is
	// written through.
	if fsync, err := c.ConfigGet(ctx, "appendfsync").Result(); err == nil {
		m.fsync = fsync["appendfsync"]
	}
	return m.judge(s.replicas, s.durable)
}

const setPersistence = "set appendonly yes and appendfsync always, or keep replicas and set CHUNKGATE_REDIS_REPLICAS"

const setReplicas = "set CHUNKGATE_REDIS_REPLICAS to the number of replicas that could be promoted, also those that are away now"

// judge compares what there is with what the settings count on: that many
// replicas, or else a server that forgets nothing.
func (m memory) judge(replicas int, durable bool) checkup.Finding {
	switch {
	case m.replicas < replicas:
		return checkup.Bad("start them, or lower the setting: until then requests get 503",
			"%d replicas are connected, but CHUNKGATE_REDIS_REPLICAS is %d", m.replicas, replicas)
	case replicas > 0 && m.replicas > replicas:
		return checkup.Bad(setReplicas,
			"what is acknowledged is held by %d of %d replicas: one that lacks it could be promoted", replicas, m.replicas)
	case replicas > 0:
		return checkup.Good("what is acknowledged is held by %d of %d replicas", replicas, m.replicas)
	case durable && (!m.log || m.fsync != "" && m.fsync != "always"):
		return checkup.Bad("set appendonly yes and appendfsync always, or do not set CHUNKGATE_REDIS_DURABLE",
			"CHUNKGATE_REDIS_DURABLE is set, but Redis may forget what it acknowledged")
	case !m.log && m.replicas > 0:
		return checkup.Good("no append-only file, but %d replicas; a failover may cost the last writes", m.replicas)
	case !m.log:
		return checkup.Doubt(setPersistence, "neither append-only file nor replica: a restart costs every upload")
	case m.fsync == "":
		return checkup.Doubt("see yourself that appendfsync is always or everysec",
			"it has an append-only file, but does not say how often it is written through: CONFIG is forbidden here")
	case m.fsync == "always":
		return checkup.Good("append-only file, written through always")
	case m.fsync == "no" && m.replicas == 0:
		return checkup.Doubt(setPersistence, "append-only file, written through when the system pleases: a crash of its machine costs acknowledged chunks")
	}
	return checkup.Good("append-only file, written through %s; a crash of its machine may cost that much", m.fsync)
}
