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
	Unsummed bool   `json:"unsummed"` // chunkgate computes no checksum, as nginx does not

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
	Unsummed bool
}

// Kind of the cell.
func (c Cell) Kind() Kind {
	return Kind{c.System, c.Chunk, c.Clients, c.Length, c.Hint, c.Parallel, c.Unsummed}
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
