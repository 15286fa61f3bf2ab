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
// how many there are.
func TestIdleUploadsCostTheirRecord(t *testing.T) {
	const most = 2 << 10 // bytes; a record, and its places among deadlines and open uploads
	uploads := 50
	if s := os.Getenv("UPLOADS"); s != "" {
		var err error
		if uploads, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	client, err := session.Connect(testserver.StartRedis(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
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
	for n := range uploads {
		if _, err := e.Append(t.Context(), upload.Chunk{Owner: owner, Length: 4 * mib, Body: bytes.NewReader(chunk)}); err != nil {
			t.Fatal(err)
		}
		if n%200 == 199 {
			settle()
		}
	}
	settle()
	if keys := client.Keys(t.Context(), "*:tail").Val(); len(keys) > 0 {
		t.Errorf("%d of %d tails are still in Redis", len(keys), uploads)
	}
	var all int64
	for _, key := range client.Keys(t.Context(), "*").Val() {
		n, err := client.MemoryUsage(t.Context(), key, 0).Result()
		if err != nil {
			t.Fatal(err)
		}
		all += n
	}
	each := all / int64(uploads)
	t.Logf("%d idle uploads cost Redis %d bytes each", uploads, each)
	if each > most {
		t.Errorf("an idle upload costs Redis %d bytes, want at most %d", each, most)
	}
}
