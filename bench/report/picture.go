package report

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/chunkgate/chunkgate/bench/meter"
)

var (
	gateColor  = color.RGBA{R: 0x1f, G: 0x6f, B: 0xb4, A: 0xff}
	nginxColor = color.RGBA{R: 0xb8, G: 0xb8, B: 0xb8, A: 0xff}
	goalColor  = color.RGBA{R: 0xc0, G: 0x39, B: 0x2b, A: 0xff}
)

const (
	pictureWidth  = 24 * vg.Centimeter
	pictureHeight = 9 * vg.Centimeter

	barWidth = 16
	pictured = 4 // clients
)

// Picture draws the ratios by chunk size as SVG, with the goals as red lines.
func (r *Result) Picture() ([]byte, error) {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	plotter.DefaultFont = plot.DefaultFont
	var sizes []int64
	for _, c := range r.Cells {
		if c.System == Nginx && c.Clients == pictured {
			sizes = append(sizes, c.Chunk)
		}
	}
	speed, err := r.speedPanel(sizes)
	if err != nil {
		return nil, err
	}
	cost, err := r.costPanel(sizes)
	if err != nil {
		return nil, err
	}
	canvas := vgsvg.New(pictureWidth, pictureHeight)
	panels := [][]*plot.Plot{{speed, cost}}
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Centimeter, PadTop: 8, PadBottom: 8, PadLeft: 8, PadRight: 8}
	for i, c := range plot.Align(panels, tiles, draw.New(canvas))[0] {
		panels[0][i].Draw(c)
	}
	var b bytes.Buffer
	_, err = canvas.WriteTo(&b)
	return b.Bytes(), err
}

// speedPanel is throughput by direct.
func (r *Result) speedPanel(sizes []int64) (*plot.Plot, error) {
	p := panel(fmt.Sprintf("Throughput of %d clients ÷ direct to MinIO (more is better)", pictured), sizes)
	ways := []struct {
		name  string
		color color.Color
		hint  bool
	}{{Nginx, nginxColor, false}, {Gate, gateColor, true}}
	for i, way := range ways {
		var heights []meter.Spread
		for _, size := range sizes {
			s, _ := r.SpeedByDirect(Kind{System: way.name, Chunk: size, Clients: pictured, Length: true, Hint: way.hint})
			heights = append(heights, s)
		}
		offset := vg.Length(2*i-1) * barWidth / 2
		if err := bars(p, way.name, heights, way.color, offset); err != nil {
			return nil, err
		}
	}
	return p, goalLines(p, sizes, map[int64]float64{4 * MiB: 0.75, 8 * MiB: 0.85})
}

// costPanel is the proxy's CPU by nginx's.
func (r *Result) costPanel(sizes []int64) (*plot.Plot, error) {
	p := panel("CPU per GiB ÷ nginx's (less is better)", sizes)
	var heights []meter.Spread
	for _, size := range sizes {
		s, _ := r.CPUByNginx(Kind{System: Gate, Chunk: size, Clients: pictured, Length: true, Hint: true})
		heights = append(heights, s)
	}
	if err := bars(p, Gate, heights, gateColor, 0); err != nil {
		return nil, err
	}
	return p, goalLines(p, sizes, map[int64]float64{4 * MiB: 1.5, 8 * MiB: 1, 32 * MiB: 1, 150 * MiB: 1})
}

func panel(title string, sizes []int64) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text = "chunk"
	p.Y.Min = 0
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	names := make([]string, len(sizes))
	for i, size := range sizes {
		names[i] = megs(size)
	}
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.6, float64(len(sizes))-0.4
	return p
}

// spreads are the heights of bars: medians.
type spreads []meter.Spread

func (s spreads) Len() int { return len(s) }

func (s spreads) Value(i int) float64 { return s[i].Median }

func bars(p *plot.Plot, name string, heights spreads, fill color.Color, offset vg.Length) error {
	b, err := plotter.NewBarChart(heights, barWidth)
	if err != nil {
		return err
	}
	b.Color, b.Offset, b.LineStyle.Width = fill, offset, 0
	p.Add(b)
	p.Legend.Add(name, b)
	for _, s := range heights {
		p.Y.Max = max(p.Y.Max, 1.25*s.Median) // room for the legend
	}
	return nil
}

// goalLines draws a goal over each bar that has one.
func goalLines(p *plot.Plot, sizes []int64, goals map[int64]float64) error {
	named := false
	for i, size := range sizes {
		goal, ok := goals[size]
		if !ok {
			continue
		}
		x := float64(i)
		line, err := plotter.NewLine(plotter.XYs{{X: x - 0.4, Y: goal}, {X: x + 0.4, Y: goal}})
		if err != nil {
			return err
		}
		line.Color, line.Width = goalColor, vg.Points(1.5)
		p.Add(line)
		p.Y.Max = max(p.Y.Max, 1.25*goal)
		if !named {
			p.Legend.Add("goal", line)
			named = true
		}
	}
	return nil
}
