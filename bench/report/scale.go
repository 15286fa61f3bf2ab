package report

import "github.com/chunkgate/chunkgate/bench/meter"

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
	Nginx   int64   `json:"nginx_peak_bytes"` // of nginx, under the same load to the store itself; 0: not measured
}

// Long compares chunks far into an upload with those near its start, in blocks
// that took turns.
type Long struct {
	Chunk  int64   `json:"chunk_bytes"`
	Early  int     `json:"early"` // number of the chunk around which a block lies
	Late   int     `json:"late"`
	Blocks []Block `json:"blocks"`
	Store  []Block `json:"store"`        // the same of parts straight to MinIO, as many as chunkgate makes of the chunks
	Record int64   `json:"record_bytes"` // of the late upload in Redis, without the tail
	Parts  int     `json:"parts"`        // that are listed there
}

// Block is the cost of the same number of early and late chunks, sent in turns,
// in seconds.
type Block struct {
	EarlyTime float64 `json:"early_s"`
	LateTime  float64 `json:"late_s"`
	EarlyCPU  float64 `json:"early_cpu_s"` // of chunkgate and Redis; of MinIO, if parts went there straight
	LateCPU   float64 `json:"late_cpu_s"`
}

// Time and CPU are what late chunks cost by early ones. The median of the
// blocks' ratios says it of the time, which others on the machine disturb; CPU
// time is added up.
func (l Long) Time() meter.Spread { return lateByEarly(l.Blocks) }

// StoreTime is Time of the parts that went to MinIO straight.
func (l Long) StoreTime() meter.Spread { return lateByEarly(l.Store) }

func lateByEarly(blocks []Block) meter.Spread {
	var early, late []float64
	for _, b := range blocks {
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
	Copy   []float64 `json:"store_copy_s"` // the same UploadPartCopy calls and nothing else
}

// Ratio is the commit's time by the upload's.
func (s Staged) Ratio() meter.Spread { return meter.Ratios(s.Commit, s.Upload) }

// CopyRatio is what MinIO alone needs for the commit's copying, by the upload's
// time.
func (s Staged) CopyRatio() meter.Spread { return meter.Ratios(s.Copy, s.Upload) }
