package report

import "fmt"

// byChunk is how cost grows with the chunk's size, for 4 clients.
func (r *Result) byChunk() *table {
	t := &table{head: []string{"Chunk", "CPU of chunkgate per chunk, ms", "per GiB, s", "of Redis per GiB, s", "p50 ms"}}
	for _, c := range r.Cells {
		if c.Kind() != (Kind{System: Gate, Chunk: c.Chunk, Clients: 4, Length: true, Hint: true}) {
			continue
		}
		per := c.CPU(Gate).Median
		t.add(megs(c.Chunk), fmt.Sprintf("%.2f", 1000*per*float64(c.Chunk)/GiB), fmt.Sprintf("%.2f", per),
			fmt.Sprintf("%.2f", c.CPU(Redis).Median), millis(c.P50))
	}
	return t
}

// byClients is how cost grows with the number of clients.
func (r *Result) byClients() *table {
	t := &table{head: []string{"Chunk", "Clients", "MiB/s", "by direct", "CPU of chunkgate per GiB, s", "its peak memory", "p50 ms", "p99 ms"}}
	for _, size := range []int64{4 * MiB, 8 * MiB, 32 * MiB} {
		for _, clients := range []int{1, 4, 32} {
			k := Kind{System: Gate, Chunk: size, Clients: clients, Length: true, Hint: true}
			c, ok := r.Cell(k)
			if !ok {
				continue
			}
			t.add(megs(size), clients, fmt.Sprintf("%.0f", c.Throughput().Median/MiB), known(r.SpeedByDirect(k)),
				fmt.Sprintf("%.2f", c.CPU(Gate).Median), sayBytes(float64(c.Peak(Gate))), millis(c.P50), millis(c.P99))
		}
	}
	return t
}

// variants is what a missing length and a missing hint cost, and the checksum.
func (r *Result) variants() *table {
	t := &table{head: []string{"Chunk", "Clients", "Way", "throughput by chunkgate with both", "CPU of chunkgate per GiB by the same"}}
	for _, c := range r.Cells {
		if c.System != Gate || c.Parallel > 0 || c.Length && c.Hint && !c.Unsummed {
			continue
		}
		both := Kind{System: Gate, Chunk: c.Chunk, Clients: c.Clients, Length: true, Hint: true}
		cpu := func(r Round) float64 { return r.CPU(Gate) }
		t.add(megs(c.Chunk), c.Clients, c.way(),
			known(r.ratio(c.Kind(), both, Round.Throughput, Round.Throughput)), known(r.ratio(c.Kind(), both, cpu, cpu)))
	}
	return t
}
