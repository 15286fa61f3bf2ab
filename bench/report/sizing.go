package report

import (
	"fmt"
	"math"
)

// constants are what sizing on paper starts from, all measured.
type constants struct {
	chunk   float64 // bytes
	proxy   float64 // CPU seconds a GiB
	redis   float64 // CPU seconds a GiB
	memory  float64 // of the proxy, bytes a request under way
	record  float64 // in Redis, bytes an upload
	tail    float64 // in Redis, bytes an upload in the mean
	calls   float64 // S3 requests a chunk
	trips   float64 // Redis round trips a chunk
	perPart float64 // in Redis, bytes a listed part
}

// What sizing supposes of the world, and that the page says.
const (
	clientRate = 128 * KiB // bytes a second that one client sends
	busy       = 0.6       // of a core that should be in use
)

// constantsOf reads them off for chunks of a size; false if something was not
// measured.
func (r *Result) constantsOf(chunk int64) (constants, bool) {
	cell, ok := r.Cell(Kind{System: Gate, Chunk: chunk, Clients: 4, Length: true, Hint: true})
	if !ok || r.Slow.Uploads == 0 || r.Idle.Uploads == 0 {
		return constants{}, false
	}
	c := constants{
		chunk:  float64(chunk),
		proxy:  cell.CPU(Gate).Median,
		redis:  cell.CPU(Redis).Median,
		memory: float64(r.Slow.Peak-r.Slow.Before) / float64(r.Slow.Uploads),
		record: r.Idle.PerUpload(),
		tail:   meanTail(chunk),
	}
	if r.Long.Parts > 0 {
		c.perPart = (float64(r.Long.Record) - c.record) / float64(r.Long.Parts)
	}
	for _, n := range r.Counts {
		if n.Chunk == chunk && n.Hint && n.Length && n.Steady > 0 && n.Steady%2 == 0 {
			c.calls, c.trips = float64(Requests(n.Chunked))/float64(n.Steady), float64(n.Trips)/float64(n.Steady)
			return c, true
		}
	}
	return c, false
}

// meanTail is how many bytes of an upload wait in Redis between its chunks, in
// the mean: parts have at least 5 MiB, and what fills none waits.
func meanTail(chunk int64) float64 {
	const part = 5 * MiB
	chunks := (part + chunk - 1) / chunk // that make a part
	return float64(chunk*(chunks-1)) / 2
}

// demand is what so many uploads at once ask for.
type demand struct {
	traffic     float64 // bytes a second
	proxyCores  float64
	proxyMemory float64 // bytes
	redisCores  float64
	redisMemory float64 // bytes
	trips       float64 // a second
	calls       float64 // a second
}

// of so many uploads, each of whose clients sends at clientRate.
func (c constants) of(uploads float64) demand {
	traffic := uploads * clientRate
	chunks := traffic / c.chunk
	return demand{
		traffic:     traffic,
		proxyCores:  math.Ceil(traffic / GiB * c.proxy / busy),
		proxyMemory: uploads * c.memory,
		redisCores:  math.Ceil(traffic / GiB * c.redis / busy),
		redisMemory: uploads * (c.record + c.tail),
		trips:       chunks * c.trips,
		calls:       chunks * c.calls,
	}
}

// measuredConstants is the table that sizing starts from.
func (r *Result) measuredConstants() *table {
	t := &table{head: []string{"Constant", "4 MiB chunks", "8 MiB chunks"}}
	four, ok4 := r.constantsOf(4 * MiB)
	eight, ok8 := r.constantsOf(8 * MiB)
	if !ok4 || !ok8 {
		return t
	}
	add := func(name string, say func(constants) string) { t.add(name, say(four), say(eight)) }
	add("`p` CPU of chunkgate, s a GiB", func(c constants) string { return fmt.Sprintf("%.2f", c.proxy) })
	add("`r` CPU of Redis, s a GiB", func(c constants) string { return fmt.Sprintf("%.2f", c.redis) })
	add("`m` memory of chunkgate a request under way", func(c constants) string { return sayBytes(c.memory) })
	add("`k` memory of Redis an upload", func(c constants) string { return sayBytes(c.record) })
	add("`q` and a listed part", func(c constants) string { return sayBytes(c.perPart) })
	add("`t` mean tail in Redis (0 to the last byte before 5 MiB)", func(c constants) string { return sayBytes(c.tail) })
	add("`s` S3 requests a chunk", func(c constants) string { return fmt.Sprintf("%.2f", c.calls) })
	add("`w` Redis round trips a chunk", func(c constants) string { return fmt.Sprintf("%.2f", c.trips) })
	return t
}

// sizing is what uploads at once ask for, on paper.
func (r *Result) sizing() *table {
	t := &table{head: []string{
		"Uploads at once", "Chunks", "Traffic", "chunkgate: cores", "memory", "Redis: cores", "memory", "round trips/s", "S3 requests/s",
	}}
	for _, uploads := range []int{1000, 100_000, 1_000_000} {
		for _, chunk := range []int64{4 * MiB, 8 * MiB} {
			c, ok := r.constantsOf(chunk)
			if !ok {
				continue
			}
			d := c.of(float64(uploads))
			t.add(grouped(uploads), megs(chunk), sayBytes(d.traffic)+"/s",
				fmt.Sprintf("%.0f", d.proxyCores), sayBytes(d.proxyMemory),
				fmt.Sprintf("%.0f", d.redisCores), sayBytes(d.redisMemory),
				grouped(int(math.Round(d.trips))), grouped(int(math.Round(d.calls))))
		}
	}
	return t
}

// grouped writes a number with commas.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
