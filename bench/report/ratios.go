package report

import "github.com/chunkgate/chunkgate/bench/meter"

// SpeedByDirect is a cell's throughput by that of the direct one beside it.
func (r *Result) SpeedByDirect(k Kind) (meter.Spread, bool) {
	reference := Kind{System: Direct, Chunk: k.Chunk, Clients: k.Clients, Length: true, Parallel: k.Parallel}
	return r.ratio(k, reference, Round.Throughput, Round.Throughput)
}

// nginxByDirect is the throughput of nginx by direct beside a cell.
func (r *Result) nginxByDirect(k Kind) Reference {
	got, known := r.SpeedByDirect(nginxBeside(k))
	return Reference{Who: "nginx", Got: got, Known: known}
}

// CPUByNginx is what chunkgate itself spent in a cell, by nginx's.
func (r *Result) CPUByNginx(k Kind) (meter.Spread, bool) {
	return r.ratio(k, nginxBeside(k),
		func(r Round) float64 { return r.CPU(Gate) },
		func(r Round) float64 { return r.CPU(Nginx) })
}

// nginxBeside is the cell of nginx in the same group.
func nginxBeside(k Kind) Kind {
	return Kind{System: Nginx, Chunk: k.Chunk, Clients: k.Clients, Length: true, Parallel: k.Parallel}
}

// ratio of two cells' figures, round by round.
func (r *Result) ratio(a, b Kind, ofA, ofB func(Round) float64) (meter.Spread, bool) {
	x, ok := r.Cell(a)
	if !ok {
		return meter.Spread{}, false
	}
	y, ok := r.Cell(b)
	if !ok {
		return meter.Spread{}, false
	}
	ratio := meter.Ratios(x.Each(ofA), y.Each(ofB))
	return ratio, ratio != meter.Spread{}
}
