// Package report says what was measured: as JSON, as tables, as a picture and
// as the generated parts of docs/performance.md.
package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/chunkgate/chunkgate/bench/meter"
)

// The systems that are compared, and the names of the processes.
const (
	Direct = "direct" // to MinIO, by multipart upload
	Nginx  = "nginx"  // the same through nginx
	Gate   = "chunkgate"

	MinIO     = "minio"
	Redis     = "redis"
	Generator = "load"
)

const (
	KiB = 1 << 10
	MiB = 1 << 20
	GiB = 1 << 30
)

// Result is all that one run of the benchmark measured.
type Result struct {
	Mode     string    `json:"mode"` // full, quick or smoke
	Revision string    `json:"revision"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"`
	Machine  Machine   `json:"machine"`

	Cells  []Cell  `json:"cells"`
	Counts []Count `json:"counts"`
	Slow   Slow    `json:"slow"`
	Long   Long    `json:"long"`
	Idle   Idle    `json:"idle"`
	Staged Staged  `json:"staged"`
}

// Machine is where it ran.
type Machine struct {
	Cores  int    `json:"cores"`
	CPU    string `json:"cpu"`
	Memory int64  `json:"memory_bytes"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	MinIO  string `json:"minio"`
	Redis  string `json:"redis"`
	Nginx  string `json:"nginx"`
	Data   string `json:"data"` // where MinIO's lies: in memory or on disk; "" in results before this was told
}

// Cell is one system under one load, measured in rounds that took turns with
// the other systems'.
type Cell struct {
	System   string `json:"system"`
	Chunk    int64  `json:"chunk_bytes"`
	Clients  int    `json:"clients"`
	Chunks   int    `json:"chunks"`   // of each client, one after the other
	Length   bool   `json:"length"`   // bodies carry a Content-Length
	Hint     bool   `json:"hint"`     // the first chunk names the path
	Parallel int    `json:"parallel"` // parts of one chunk at once; 0: a setting that is off

	Rounds []Round `json:"rounds"`
	// Latency of a chunk over all rounds, in seconds.
	P50 float64 `json:"p50_s"`
	P99 float64 `json:"p99_s"`
	// Verified is how many objects were read back and had the right SHA-256.
	Verified int `json:"verified"`
}

// Round is one measurement of a cell.
type Round struct {
	Bytes   int64                `json:"bytes"`
	Seconds float64              `json:"seconds"`  // from the first byte to the last answer to a chunk
	Commit  float64              `json:"commit_s"` // median of the clients' commits
	Use     map[string]meter.Use `json:"use"`      // by process
}

// Throughput is in bytes a second.
func (r Round) Throughput() float64 { return float64(r.Bytes) / r.Seconds }

// CPU is what a process spent on a GiB of content, in seconds.
func (r Round) CPU(process string) float64 { return r.Use[process].CPU / (float64(r.Bytes) / GiB) }

// Each is one figure of every round.
func (c Cell) Each(figure func(Round) float64) []float64 {
	values := make([]float64, len(c.Rounds))
	for i, r := range c.Rounds {
		values[i] = figure(r)
	}
	return values
}

// Throughput is in bytes a second.
func (c Cell) Throughput() meter.Spread { return meter.Of(c.Each(Round.Throughput)) }

// CPU is what a process spent on a GiB, in seconds.
func (c Cell) CPU(process string) meter.Spread {
	return meter.Of(c.Each(func(r Round) float64 { return r.CPU(process) }))
}

// Peak is the most memory that a process had in any round, in bytes.
func (c Cell) Peak(process string) int64 {
	var peak int64
	for _, r := range c.Rounds {
		peak = max(peak, r.Use[process].Peak)
	}
	return peak
}

// Kind is what tells cells of one result apart.
type Kind struct {
	System   string
	Chunk    int64
	Clients  int
	Length   bool
	Hint     bool
	Parallel int
}

// Kind of the cell.
func (c Cell) Kind() Kind {
	return Kind{c.System, c.Chunk, c.Clients, c.Length, c.Hint, c.Parallel}
}

// Cell finds one.
func (r *Result) Cell(k Kind) (Cell, bool) {
	i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Kind() == k })
	if i < 0 {
		return Cell{}, false
	}
	return r.Cells[i], true
}

// Count is what an upload cost the stores, counted on the wire in a round that
// was not timed.
type Count struct {
	Chunk    int64          `json:"chunk_bytes"`
	Chunks   int            `json:"chunks"`
	Length   bool           `json:"length"`
	Hint     bool           `json:"hint"`
	Opening  map[string]int `json:"opening"`   // S3 requests of the first chunk
	Chunked  map[string]int `json:"chunked"`   // and of the further ones
	Steady   int            `json:"steady"`    // how many these were
	Trips    int64          `json:"trips"`     // Redis round trips of those
	Commands int64          `json:"commands"`  // and commands
	Sent     int64          `json:"sent"`      // bytes to S3 in all, up to the commit's end
	Commit   map[string]int `json:"commit"`    // S3 requests of the commit
	TripsEnd int64          `json:"trips_end"` // Redis round trips of the commit
}

// Requests adds calls up.
func Requests(calls map[string]int) int {
	n := 0
	for _, count := range calls {
		n += count
	}
	return n
}

// Amplification is bytes sent to S3 a byte received.
func (c Count) Amplification() float64 {
	return float64(c.Sent) / float64(c.Chunk*int64(c.Chunks))
}

// Tail says whether bytes were left that filled no part, and the commit had to
// store them.
func (c Count) Tail() bool {
	return c.Commit["UploadPart"] > 0 || c.Commit["PutObject"] > 0
}

// Slow is many uploads at once from slow clients.
type Slow struct {
	Uploads int     `json:"uploads"`
	Chunk   int64   `json:"chunk_bytes"`
	Chunks  int     `json:"chunks"` // of each upload
	Rate    int     `json:"rate"`   // bytes a second of each
	Seconds float64 `json:"seconds"`
	Refused int64   `json:"refused"`      // chunks that clients had to send again
	Before  int64   `json:"before_bytes"` // chunkgate's memory
	Peak    int64   `json:"peak_bytes"`
	CPU     float64 `json:"cpu_s"` // of chunkgate
	Redis   int64   `json:"redis_peak_bytes"`
}

// Long compares chunks far into an upload with those near its start, in blocks
// that took turns.
type Long struct {
	Chunk  int64   `json:"chunk_bytes"`
	Early  int     `json:"early"` // number of the chunk around which a block lies
	Late   int     `json:"late"`
	Blocks []Block `json:"blocks"`
	Record int64   `json:"record_bytes"` // of the late upload in Redis, without the tail
	Parts  int     `json:"parts"`        // that are listed there
}

// Block is the cost of the same number of early and late chunks, in seconds.
type Block struct {
	EarlyTime float64 `json:"early_s"`
	LateTime  float64 `json:"late_s"`
	EarlyCPU  float64 `json:"early_cpu_s"` // of chunkgate and Redis
	LateCPU   float64 `json:"late_cpu_s"`
}

// Time and CPU are what late chunks cost by early ones. The median of the
// blocks' ratios says it of the time; CPU time comes in ticks, of which a block
// has too few, and is added up.
func (l Long) Time() meter.Spread {
	var early, late []float64
	for _, b := range l.Blocks {
		early, late = append(early, b.EarlyTime), append(late, b.LateTime)
	}
	return meter.Ratios(late, early)
}

// CPU: see Time.
func (l Long) CPU() float64 {
	var early, late float64
	for _, b := range l.Blocks {
		early += b.EarlyCPU
		late += b.LateCPU
	}
	if early == 0 {
		return 0
	}
	return late / early
}

// Idle is many uploads that are open while nobody sends.
type Idle struct {
	Uploads   int     `json:"uploads"`
	Tail      int64   `json:"tail_bytes"` // of each
	Window    float64 `json:"window_s"`   // how long CPU was watched, before and after
	CPUBefore float64 `json:"cpu_before_s"`
	CPUAfter  float64 `json:"cpu_after_s"`
	RSSBefore int64   `json:"rss_before_bytes"`
	RSSAfter  int64   `json:"rss_after_bytes"`
	FDBefore  int     `json:"files_before"`
	FDAfter   int     `json:"files_after"`
	Redis     int64   `json:"redis_bytes"` // more than before
}

// PerUpload is what Redis holds of each besides its tail, in bytes.
func (i Idle) PerUpload() float64 {
	if i.Uploads == 0 {
		return 0
	}
	return float64(i.Redis)/float64(i.Uploads) - float64(i.Tail)
}

// MoreCPU is what the proxy used more than before, in cores.
func (i Idle) MoreCPU() float64 {
	if i.Window == 0 {
		return 0
	}
	return (i.CPUAfter - i.CPUBefore) / i.Window
}

// MoreMemory is what the proxy grew by for each, in bytes.
func (i Idle) MoreMemory() float64 {
	if i.Uploads == 0 {
		return 0
	}
	return float64(i.RSSAfter-i.RSSBefore) / float64(i.Uploads)
}

// Staged is a large file by one client without a path hint.
type Staged struct {
	Bytes  int64     `json:"bytes"`
	Upload []float64 `json:"upload_s"`
	Commit []float64 `json:"commit_s"`
}

// Ratio is the commit's time by the upload's.
func (s Staged) Ratio() meter.Spread { return meter.Ratios(s.Commit, s.Upload) }

// Save writes r as JSON.
func (r *Result) Save(file string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// Load reads what Save wrote.
func Load(file string) (*Result, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &Result{}
	return r, json.Unmarshal(text, r)
}
