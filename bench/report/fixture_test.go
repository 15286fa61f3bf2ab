package report

import (
	"github.com/chunkgate/chunkgate/bench/meter"
)

// cell has two rounds of one GiB each that took so many seconds, and in which
// processes used so much CPU.
func cell(k Kind, seconds [2]float64, cpu map[string][2]float64) Cell {
	c := Cell{
		System: k.System, Chunk: k.Chunk, Clients: k.Clients, Length: k.Length, Hint: k.Hint, Parallel: k.Parallel, Unsummed: k.Unsummed,
		P50: 0.010, P99: 0.020,
	}
	for i, s := range seconds {
		use := map[string]meter.Use{}
		for name, values := range cpu {
			use[name] = meter.Use{CPU: values[i], Peak: int64(i+1) * 10 * MiB}
		}
		c.Rounds = append(c.Rounds, Round{Bytes: GiB, Seconds: s, Commit: 0.5, Use: use})
	}
	return c
}

// fixture is a result whose figures are easily divided.
func fixture() *Result {
	r := &Result{Mode: "full", Machine: Machine{Cores: 2}}
	for _, chunk := range []int64{4 * MiB, 8 * MiB} {
		r.Cells = append(r.Cells,
			cell(Kind{System: Direct, Chunk: chunk, Clients: 4, Length: true}, [2]float64{2, 4}, nil),
			cell(Kind{System: Nginx, Chunk: chunk, Clients: 4, Length: true}, [2]float64{2, 4}, map[string][2]float64{Nginx: {1, 2}}),
			cell(Kind{System: Gate, Chunk: chunk, Clients: 4, Length: true, Hint: true}, [2]float64{4, 5}, map[string][2]float64{Gate: {1.2, 2.4}, Redis: {0.6, 0.6}}),
			cell(Kind{System: Gate, Chunk: chunk, Clients: 4, Hint: true}, [2]float64{8, 10}, map[string][2]float64{Gate: {2.4, 4.8}}),
			cell(Kind{System: Gate, Chunk: chunk, Clients: 4, Length: true, Hint: true, Unsummed: true}, [2]float64{4, 5}, map[string][2]float64{Gate: {0.9, 1.8}}),
		)
	}
	part := map[string]int{"UploadPart": 1}
	complete := map[string]int{"CompleteMultipartUpload": 1}
	r.Counts = []Count{
		{Chunk: 4 * MiB, Chunks: 6, Length: true, Hint: true, Steady: 4, Chunked: map[string]int{"UploadPart": 2}, Trips: 12, Commands: 18, Sent: 24 * MiB, Commit: complete, TripsEnd: 3},
		{Chunk: 4 * MiB, Chunks: 5, Length: true, Hint: true, Steady: 3, Chunked: map[string]int{"UploadPart": 2}, Trips: 12, Commit: map[string]int{"CompleteMultipartUpload": 1, "UploadPart": 1}},
		{Chunk: 1 * MiB, Chunks: 1, Length: true, Hint: true, Commit: map[string]int{"PutObject": 1, "HeadObject": 1, "ListObjects": 1}},
		{Chunk: 8 * MiB, Chunks: 4, Length: true, Hint: true, Steady: 2, Chunked: map[string]int{"UploadPart": 2}, Trips: 4, Commit: complete},
		{Chunk: 8 * MiB, Chunks: 1, Length: true, Hint: true, Opening: part, Commit: complete},
	}
	r.Slow = Slow{Uploads: 1000, Chunk: 2 * MiB, Chunks: 1, Rate: 128 * KiB, Before: 28 * MiB, Peak: 128 * MiB, Nginx: 64 * MiB}
	r.Long = Long{Chunk: 256 * KiB, Early: 70, Late: 5000, Record: 5000, Parts: 40, Blocks: []Block{
		{EarlyTime: 1, LateTime: 1.02, EarlyCPU: 0.1, LateCPU: 0.2}, {EarlyTime: 2, LateTime: 2.08, EarlyCPU: 0.3, LateCPU: 0.2},
	}, Store: []Block{{EarlyTime: 1, LateTime: 1.01}, {EarlyTime: 1, LateTime: 1.03}}}
	r.Idle = Idle{Uploads: 100, Tail: 1000, Window: 10, CPUBefore: 0.01, CPUAfter: 0.11, RSSBefore: 10 * MiB, RSSAfter: 10*MiB + 51200, Redis: 200_000}
	r.Staged = Staged{Bytes: GiB, Upload: []float64{4, 4, 5}, Commit: []float64{2, 3, 2}, Copy: []float64{1, 1, 1}}
	return r
}
