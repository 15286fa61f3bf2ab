package session

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/checkup"
)

// telling is a Redis that says of itself what it is told to.
type telling struct {
	redis.Cmdable
	info string
	time time.Time
}

func (s telling) Info(context.Context, ...string) *redis.StringCmd {
	return redis.NewStringResult(s.info, nil)
}

func (s telling) Time(context.Context) *redis.TimeCmd {
	return redis.NewTimeCmdResult(s.time, nil)
}

// What no Redis on this machine would say.
func TestExamineAnswers(t *testing.T) {
	ctx, now := t.Context(), time.Now()
	for _, c := range []struct {
		name string
		got  checkup.Finding
		want checkup.Level
	}{
		{"old", version(ctx, telling{info: "# Server\r\nredis_version:5.0.14\r\n"}), checkup.Fail},
		{"oldest", version(ctx, telling{info: "redis_version:6.0.0\r\n"}), checkup.OK},
		{"newest", version(ctx, telling{info: "redis_version:10.1.0\r\n"}), checkup.OK},
		{"no version", version(ctx, telling{}), checkup.Warn},
		{"no policy", eviction(ctx, telling{}), checkup.Warn},
		{"half full", fullness(ctx, telling{info: "maxmemory:1000\r\nused_memory:500\r\n"}), checkup.OK},
		{"not yet full", fullness(ctx, telling{info: "maxmemory:1000\r\nused_memory:899\r\n"}), checkup.OK},
		{"nearly full", fullness(ctx, telling{info: "maxmemory:1000\r\nused_memory:900\r\n"}), checkup.Fail},
		{"clock ahead", clock(ctx, telling{time: now.Add(time.Minute)}, time.Now), checkup.Fail},
		{"clock behind", clock(ctx, telling{time: now.Add(-10 * time.Second)}, time.Now), checkup.Warn},
	} {
		if c.got.Level != c.want || (c.got.Advice == "") != (c.want == checkup.OK) {
			t.Errorf("%s: got %+v, want %s", c.name, c.got, c.want)
		}
	}
}

// What the settings count on, against what there is.
func TestExamineMemory(t *testing.T) {
	for _, c := range []struct {
		memory   memory
		replicas int
		durable  bool
		want     checkup.Level
	}{
		{memory{replicas: 1}, 2, true, checkup.Fail},
		{memory{replicas: 2}, 2, true, checkup.OK},
		{memory{replicas: 2}, 1, true, checkup.Fail},
		{memory{replicas: 3}, 2, false, checkup.Fail},
		{memory{}, 0, true, checkup.Fail},
		{memory{log: true, fsync: "everysec"}, 0, true, checkup.Fail},
		{memory{log: true, fsync: "always"}, 0, true, checkup.OK},
		{memory{log: true}, 0, true, checkup.Warn},
		{memory{log: true, fsync: "no", replicas: 1}, 0, false, checkup.OK},
	} {
		if got := c.memory.judge(c.replicas, c.durable); got.Level != c.want || (got.Advice == "") != (c.want == checkup.OK) {
			t.Errorf("%+v for %d replicas, durable %t: got %+v, want %s", c.memory, c.replicas, c.durable, got, c.want)
		}
	}
}
