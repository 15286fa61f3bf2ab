package session

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/upload"
)

// NoteFailure implements upload.Failures.
func (s *Store) NoteFailure(ctx context.Context, id, what string) error {
	_, err := s.run(ctx, noteFailureScript, "note failure", id, s.offset(), what)
	return err
}

// Record is a session as whoever runs the server sees it: of any owner, in any
// state, expired or not.
type Record struct {
	upload.Session // only its ID when Lost

	Parts   int       // listed
	Due     time.Time // when its deadline passes; zero when it has none
	Until   time.Time // when its keys vanish by themselves
	Failure string    // what a store last did not do for it; "" for nothing
	Failed  time.Time // when

	Lost bool  // there is a deadline but no record: Redis has forgotten it
	Err  error // the record makes no sense; of the rest only ID, Due and Parts are set
}

// recordPage is how many records one round trip reads.
const recordPage = 100

// Records yields what is known of every upload, in the order in which they are
// due to be swept. It reads by pages, as far as it is read, along the deadlines
// and never with KEYS or SCAN. Uploads that come or go meanwhile may be missed.
func (s *Store) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		page := deadlinePage{from: "-inf"}
		for {
			due, err := s.deadlinesFrom(ctx, &page)
			if err == nil && len(due) == 0 {
				return
			}
			var records []Record
			if err == nil {
				records, err = s.read(ctx, due)
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// deadlinePage is where the next page begins: behind skip entries of those
// whose score is from.
type deadlinePage struct {
	from string
	last float64
	skip int64
}

func (s *Store) deadlinesFrom(ctx context.Context, p *deadlinePage) ([]redis.Z, error) {
	due, err := s.client.ZRangeByScoreWithScores(ctx, s.deadlines(), &redis.ZRangeBy{
		Min: p.from, Max: "+inf", Offset: p.skip, Count: recordPage,
	}).Result()
	if err != nil {
		return nil, unavailable(ctx, "read deadlines", err)
	}
	for _, z := range due {
		if z.Score != p.last {
			p.last, p.skip = z.Score, 0
		}
		p.skip++
	}
	p.from = fmt.Sprintf("%.0f", p.last)
	return due, nil
}

// Deadlines is how many uploads there are deadlines of.
func (s *Store) Deadlines(ctx context.Context) (int, error) {
	n, err := s.client.ZCard(ctx, s.deadlines()).Result()
	return int(n), unavailable(ctx, "count deadlines", err)
}

// Record reads what is known of one upload.
// Errors: upload.ErrNotFound when there is neither record nor deadline.
func (s *Store) Record(ctx context.Context, id string) (Record, error) {
	if !possible(id) {
		return Record{}, upload.ErrNotFound
	}
	score, err := s.client.ZScore(ctx, s.deadlines(), id).Result()
	if err != nil && err != redis.Nil {
		return Record{}, unavailable(ctx, "read deadline", err)
	}
	scheduled := err == nil
	records, err := s.read(ctx, []redis.Z{{Member: id, Score: score}})
	if err != nil {
		return Record{}, err
	}
	r := records[0]
	if !scheduled {
		r.Due = time.Time{}
	}
	if r.Lost && !scheduled {
		return Record{}, upload.ErrNotFound
	}
	return r, nil
}

// read reads the records of some deadlines in one round trip (to each node).
func (s *Store) read(ctx context.Context, due []redis.Z) ([]Record, error) {
	hashes := make([]*redis.MapStringStringCmd, len(due))
	counts := make([]*redis.IntCmd, len(due))
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, z := range due {
			k := s.keys(z.Member.(string))
			hashes[i], counts[i] = p.HGetAll(ctx, k.record), p.LLen(ctx, k.parts)
		}
		return nil
	})
	if err != nil {
		return nil, unavailable(ctx, "read records", err)
	}
	records := make([]Record, len(due))
	for i, z := range due {
		records[i] = described(z.Member.(string), hashes[i].Val())
		records[i].Due = time.UnixMilli(int64(z.Score)).UTC()
		records[i].Parts = int(counts[i].Val())
	}
	return records, nil
}

// described decodes a record as far as it makes sense.
func described(id string, all map[string]string) Record {
	if all["state"] == "" {
		return Record{Session: upload.Session{ID: id}, Lost: true}
	}
	r := &record{fields: all}
	u, err := r.session(id)
	if err != nil {
		return Record{Session: upload.Session{ID: id}, Err: err}
	}
	d := Record{Session: u, Until: r.time("until"), Failure: all["failure"]}
	if d.Failure != "" {
		d.Failed = r.time("failed")
	}
	d.Err = r.err
	return d
}

// TailSizes says how many bytes of each fragment are kept here, in order; of
// those that are kept elsewhere, 0. One round trip.
func (s *Store) TailSizes(ctx context.Context, id string, tail []upload.Fragment) ([]int64, error) {
	sizes := make([]int64, len(tail))
	lengths := make([][]*redis.IntCmd, len(tail))
	key := s.keys(id).tail
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range tail {
			for _, name := range pieceFields(tail[i : i+1]) {
				lengths[i] = append(lengths[i], p.HStrLen(ctx, key, name))
			}
		}
		return nil
	})
	if err != nil {
		return nil, unavailable(ctx, "measure tail", err)
	}
	for i := range tail {
		for _, length := range lengths[i] {
			sizes[i] += length.Val()
		}
	}
	return sizes, nil
}
