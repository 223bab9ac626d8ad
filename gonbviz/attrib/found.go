package attrib

import (
	"image"
	"math"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/probe"
)

// exact is the way in which the engine computes: Incremental where it does so at any position.
func (e *engine) exact() Exact {
	for _, g := range e.groups {
		if g.Windowed[0] {
			return Incremental
		}
	}
	return Full
}

// newGrid is a grid of which nothing is known yet.
func newGrid(rows, cols int, windows []image.Rectangle, settings Occlusion) *Grid {
	unknown := func() field.Plane {
		p := field.New(rows, cols)
		for i := range p.Values {
			p.Values[i] = float32(math.NaN())
		}
		return p
	}
	g := &Grid{
		Rows: rows, Cols: cols, Windows: windows, Settings: settings, Unasked: len(windows),
		Drop: unknown(), Probability: unknown(), BestProbability: unknown(), Best: make([]int, len(windows)), Labels: map[int]string{},
	}
	for i := range g.Best {
		g.Best[i] = -1
	}
	return g
}

// note takes down an answer.
func (r *occluder) note(x answer) {
	a, g, net := r.found, r.found.Grid, r.network.Network()
	if r.clean == nil { // the first answer
		if a.Class < 0 {
			a.Class = probe.Best(x.clean)
		}
		a.Label = net.Label(a.Class)
		g.Labels[a.Class] = a.Label
		probabilities := probe.Probabilities(x.clean)
		a.Clean, a.CleanProbability = a.Score.of(a.Class, x.clean, probabilities), probabilities[a.Class]
	}
	if r.clean == nil || &r.clean[0] != &x.clean[0] {
		r.clean, r.score = x.clean, a.Score.of(a.Class, x.clean, probe.Probabilities(x.clean))
	}
	i := x.position
	if i < 0 {
		return
	}
	p, best := probe.Probabilities(x.at), probe.Best(x.at)
	g.Drop.Values[i] = float32(r.score-a.Score.of(a.Class, x.at, p)) + 0 // no −0
	g.Probability.Values[i], g.BestProbability.Values[i] = float32(p[a.Class]), float32(p[best])
	g.Best[i] = best
	if _, named := g.Labels[best]; !named {
		g.Labels[best] = net.Label(best)
	}
	g.Unasked--
}

// spread makes the pixel map: it gives each pixel the sum, or the mean, of the drops of g's windows that hide it.
func (a *Attribution) spread(g *Grid) {
	overlap := g.Settings.Overlap
	if overlap == OverlapNone {
		return
	}
	height, width := a.Picture.Input.Height, a.Picture.Input.Width
	sum, count, unasked := make([]float64, height*width), make([]float64, height*width), make([]bool, height*width)
	for i, w := range g.Windows {
		drop := float64(g.Drop.Values[i])
		for y := w.Min.Y; y < w.Max.Y; y++ {
			for p := y*width + w.Min.X; p < y*width+w.Max.X; p++ {
				if g.Best[i] < 0 {
					unasked[p] = true
					continue
				}
				sum[p] += drop
				count[p]++
			}
		}
	}
	m := field.New(height, width)
	for p := range sum {
		switch {
		case count[p] == 0 && unasked[p]:
			sum[p] = math.NaN()
		case overlap == OverlapMean:
			sum[p] /= math.Max(count[p], 1)
		}
		m.Values[p] = float32(sum[p])
	}
	a.Map = &m
}

// preview is a copy of a in which each position that was not asked yet shows what the nearest one shows that was.
func (a *Attribution) preview() *Attribution {
	filled, known := *a, a.Grid
	g := *known
	nearest := known.nearest()
	fill := func(p field.Plane) field.Plane {
		whole := field.New(p.H, p.W)
		for i, from := range nearest {
			whole.Values[i] = p.Values[from]
		}
		return whole
	}
	g.Drop, g.Probability, g.BestProbability = fill(known.Drop), fill(known.Probability), fill(known.BestProbability)
	g.Best = make([]int, len(nearest))
	for i, from := range nearest {
		g.Best[i] = known.Best[from]
	}
	filled.Grid = &g
	filled.spread(&g)
	return &filled
}

// nearest is for each position the nearest one that was asked, itself where it was; of equally near ones any. At least
// one was.
func (g *Grid) nearest() []int {
	from, reached := make([]int, len(g.Best)), make([]int, 0, len(g.Best))
	for i, best := range g.Best {
		from[i] = -1
		if best >= 0 {
			from[i], reached = i, append(reached, i)
		}
	}
	for k := 0; k < len(reached); k++ {
		i := reached[k]
		y, x := i/g.Cols, i%g.Cols
		for v := max(y-1, 0); v <= min(y+1, g.Rows-1); v++ {
			for u := max(x-1, 0); u <= min(x+1, g.Cols-1); u++ {
				if j := v*g.Cols + u; from[j] < 0 {
					from[j], reached = from[i], append(reached, j)
				}
			}
		}
	}
	return from
}
