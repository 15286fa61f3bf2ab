package redistest

import (
	"bytes"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// TestIdleUploadsCostTheirRecord leaves uploads with tails of 4 MiB alone: what
// Redis still holds of each is its record, and no byte of the tail. UPLOADS says
// how many there are; at 1,000 the tables of keys and deadlines have their full
// size as well.
func TestIdleUploadsCostTheirRecord(t *testing.T) {
	const most = 2 << 10 // bytes; a record, and its places among deadlines and open uploads
	uploads := 100
	if s := os.Getenv("UPLOADS"); s != "" {
		var err error
		if uploads, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	// Without what Redis keeps of slow commands, and of each command's times.
	url := testserver.StartRedis(t, "--slowlog-max-len", "0", "--latency-tracking", "no").URL
	client := mustConnect(t, url)
	var ahead atomic.Int64
	store := session.New(client, session.Options{Ahead: func() time.Duration { return time.Duration(ahead.Load()) }})
	c := teststore.Config(store, teststore.Open(t, testserver.MinIO(t)))
	c.TTL, c.Tails, c.TailIdle = 48*time.Hour, store, 10*time.Minute
	e := upload.New(c)
	settle := func() {
		for _, wait := range []time.Duration{10 * time.Minute, time.Minute} {
			ahead.Add(int64(wait))
			for range 2 {
				if _, err := e.MoveTails(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	chunk := make([]byte, 4*mib)
	send := func(uploads int) {
		for n := range uploads {
			if _, err := e.Append(t.Context(), upload.Chunk{Owner: owner, Length: 4 * mib, Body: bytes.NewReader(chunk)}); err != nil {
				t.Fatal(err)
			}
			if n%100 == 99 {
				settle()
			}
		}
		settle()
	}
	send(1) // from here on Redis knows the scripts
	before := footprint(t, url)
	send(uploads)
	if keys := client.Keys(t.Context(), "*:tail").Val(); len(keys) > 0 {
		t.Errorf("%d of %d tails are still in Redis", len(keys), uploads)
	}
	each := (footprint(t, url) - before) / int64(uploads)
	t.Logf("%d idle uploads cost Redis %d bytes each", uploads, each)
	if each > most {
		t.Errorf("an idle upload costs Redis %d bytes, want at most %d", each, most)
	}
}

// footprint is what Redis has allocated, without the buffers of connections: it
// closes all but its own.
func footprint(t *testing.T, url string) int64 {
	t.Helper()
	client := mustConnect(t, url)
	if err := client.Do(t.Context(), "client", "kill", "type", "normal", "skipme", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	memory, err := client.InfoMap(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	used, err := strconv.ParseInt(memory["Memory"]["used_memory"], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return used
}
