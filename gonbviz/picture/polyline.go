package picture

import (
	"fmt"
	"math"

	"golang.org/x/image/vector"
)

// polyline is lines from point to point, with round ends. A run of one point is a dot.
type polyline struct {
	runs   [][]point
	width  float64
	stroke paint
	dashed bool
}

func (p polyline) svg(w *svgWriter) {
	d := ""
	for _, run := range p.runs {
		d += fmt.Sprintf("M%s %s", tenth(run[0].x), tenth(run[0].y))
		if len(run) == 1 {
			d += "h0"
			continue
		}
		d += "L"
		for i, at := range run[1:] {
			if i > 0 {
				d += " "
			}
			d += tenth(at.x) + " " + tenth(at.y)
		}
	}
	extra := ""
	if p.dashed {
		extra = ` stroke-dasharray="5 4"`
	}
	if w.cell { // keeps its width where the picture is stretched
		extra += ` vector-effect="non-scaling-stroke"`
	}
	fmt.Fprintf(w, `<path d="%s"%s stroke-width="%s" stroke-linecap="round" stroke-linejoin="round"%s/>`,
		d, w.paint("stroke", strokeClass, p.stroke), num(p.width), extra)
}

// tenth writes a coordinate with one decimal: a line has many.
func tenth(v float64) string { return num(math.Round(v*10) / 10) }

func (p polyline) draw(c *canvas) {
	colour := p.stroke.in(c.theme)
	r := p.width / 2 * c.density
	for _, run := range p.dashes() {
		x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
		at := make([]point, len(run))
		for i, q := range run {
			at[i] = point{(q.x + c.x) * c.density, (q.y + c.y) * c.density}
			x0, y0, x1, y1 = min(x0, at[i].x), min(y0, at[i].y), max(x1, at[i].x), max(y1, at[i].y)
		}
		c.fillPath(x0-r, y0-r, x1+r, y1+r, colour, func(path *vector.Rasterizer, ox, oy float64) {
			for i, q := range at {
				q = point{q.x - ox, q.y - oy}
				disc(path, q, r)
				if i > 0 {
					bridge(path, point{at[i-1].x - ox, at[i-1].y - oy}, q, r)
				}
			}
		})
	}
}

// dashes are the runs cut into dashes where the line has them: 5 on, 4 off, along its length.
func (p polyline) dashes() [][]point {
	if !p.dashed {
		return p.runs
	}
	const on, period = 5.0, 9.0
	var all [][]point
	for _, run := range p.runs {
		travelled := 0.0
		dash := []point{run[0]}
		for i := 1; i < len(run); i++ {
			a, b := run[i-1], run[i]
			length := math.Hypot(b.x-a.x, b.y-a.y)
			for at := 0.0; at < length; {
				phase := math.Mod(travelled, period)
				drawn := phase < on
				step := period - phase
				if drawn {
					step = on - phase
				}
				step = max(min(step, length-at), 1e-6)
				at, travelled = at+step, travelled+step
				q := point{a.x + (b.x-a.x)*at/length, a.y + (b.y-a.y)*at/length}
				if drawn {
					dash = append(dash, q)
				} else {
					if len(dash) > 1 {
						all = append(all, dash)
					}
					dash = []point{q}
				}
			}
		}
		all = append(all, dash)
	}
	return all
}

// disc traces a circle, near enough. It turns the way that bridge does: parts that overlap must not cancel.
func disc(path *vector.Rasterizer, at point, r float64) {
	x, y, s, k := float32(at.x), float32(at.y), float32(r), float32(r*0.5523)
	path.MoveTo(x+s, y)
	path.CubeTo(x+s, y+k, x+k, y+s, x, y+s)
	path.CubeTo(x-k, y+s, x-s, y+k, x-s, y)
	path.CubeTo(x-s, y-k, x-k, y-s, x, y-s)
	path.CubeTo(x+k, y-s, x+s, y-k, x+s, y)
	path.ClosePath()
}

// bridge traces the rectangle between two discs.
func bridge(path *vector.Rasterizer, a, b point, r float64) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	if length == 0 {
		return
	}
	nx, ny := -(b.y-a.y)/length*r, (b.x-a.x)/length*r
	path.MoveTo(float32(a.x-nx), float32(a.y-ny))
	path.LineTo(float32(b.x-nx), float32(b.y-ny))
	path.LineTo(float32(b.x+nx), float32(b.y+ny))
	path.LineTo(float32(a.x+nx), float32(a.y+ny))
	path.ClosePath()
}
