package attrib

import (
	"fmt"
	"image"
	"math"
	"slices"

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
func (r *occluder) note(x answer) error {
	g, o := r.found.Grid, r.options
	if r.clean == nil {
		r.begin(x.clean)
	}
	if r.clean == nil || &r.clean[0] != &x.clean[0] {
		r.clean, r.score = x.clean, o.measure(r.found.Class, x.clean, probe.Probabilities(o.logits(x.clean)))
	}
	i, logits := x.position, o.logits(x.at)
	p := probe.Probabilities(logits)
	score := o.measure(r.found.Class, x.at, p)
	switch {
	case math.IsNaN(score) || math.IsInf(score, 0):
		return fmt.Errorf("attrib: what is measured is %v for logits of the network; a Measure must give finite numbers", score)
	case i < 0:
		return nil
	}
	if i == len(g.Windows) { // nothing shows
		g.Bare = score
		if o.AllClasses {
			g.BareLogits = slices.Clone(logits)
		}
		return nil
	}
	value := r.score - score
	if g.Revealed {
		value = score - g.Bare
	}
	best := probe.Best(logits)
	g.Drop.Values[i] = float32(value) + 0 // no −0
	g.Probability.Values[i], g.BestProbability.Values[i] = float32(p[r.found.Class]), float32(p[best])
	g.Best[i] = best
	if _, named := g.Labels[best]; !named {
		g.Labels[best] = r.network.Network().Label(best)
	}
	if o.AllClasses {
		// So that where nothing changes the logits are those of the picture as it is, whichever program answered.
		for k, l := range logits {
			g.Logits[i*len(logits)+k] = g.CleanLogits[k] + (l - x.clean[k])
		}
	}
	g.Unasked--
	return nil
}

// begin takes down the first answer to the picture as it is.
func (r *occluder) begin(answer []float32) {
	a, g, net := r.found, r.found.Grid, r.network.Network()
	logits := r.options.logits(answer)
	if a.Class < 0 {
		a.Class = probe.Best(logits)
	}
	a.Label = net.Label(a.Class)
	g.Labels[a.Class] = a.Label
	probabilities := probe.Probabilities(logits)
	a.Clean, a.CleanProbability = r.options.measure(a.Class, answer, probabilities), probabilities[a.Class]
	if r.options.AllClasses {
		g.CleanLogits = slices.Clone(logits)
		g.Logits = slices.Repeat([]float32{float32(math.NaN())}, len(logits)*len(g.Windows))
		for class := range logits {
			g.Labels[class] = net.Label(class)
		}
	}
}

// reckon makes the grid's numbers for the class from the logits that were kept.
func (a *Attribution) reckon() {
	g := a.Grid
	score := func(logits []float32) float64 { return a.Score.of(a.Class, logits, probe.Probabilities(logits)) }
	a.Clean, a.CleanProbability = score(g.CleanLogits), probe.Probabilities(g.CleanLogits)[a.Class]
	if g.Revealed {
		g.Bare = score(g.BareLogits)
	}
	n := len(g.CleanLogits)
	for i := range g.Windows {
		if g.Best[i] < 0 {
			g.Drop.Values[i], g.Probability.Values[i] = float32(math.NaN()), float32(math.NaN())
			continue
		}
		logits := g.Logits[i*n : (i+1)*n]
		value := a.Clean - score(logits)
		if g.Revealed {
			value = score(logits) - g.Bare
		}
		g.Drop.Values[i], g.Probability.Values[i] = float32(value)+0, float32(probe.Probabilities(logits)[a.Class])
	}
}

// spread makes the pixel map: it gives each pixel the sum, or the mean, of the drops of g's positions that hide it,
// weighed by how much of it they hide.
func (a *Attribution) spread(g *Grid) {
	overlap := g.Settings.Overlap
	if overlap == OverlapNone {
		return
	}
	height, width := a.Picture.Input.Height, a.Picture.Input.Width
	sum, count, unasked := make([]float64, height*width), make([]float64, height*width), make([]bool, height*width)
	masks := g.masks(height, width)
	for i := range g.Windows {
		drop, b, weights := float64(g.Drop.Values[i]), masks.bounds(i), masks.weights(i)
		for k, w := range weights {
			p := (b.Min.Y+k/b.Dx())*width + b.Min.X + k%b.Dx()
			if g.Best[i] < 0 {
				unasked[p] = unasked[p] || w > 0
				continue
			}
			sum[p] += float64(w) * drop
			count[p] += float64(w)
		}
	}
	m := field.New(height, width)
	for p := range sum {
		switch {
		case count[p] == 0 && unasked[p]:
			sum[p] = math.NaN()
		case overlap == OverlapMean && count[p] > 0:
			sum[p] /= count[p]
		}
		m.Values[p] = float32(sum[p])
	}
	a.Map = &m
}

// preview is a copy of a in which each position that was not asked yet shows what the nearest one shows that was.
func (a *Attribution) preview() *Attribution {
	filled, known := *a, a.Grid
	g := *known
	if !known.Settings.windowed() { // what lies near is not known there
		filled.Grid = &g
		filled.spread(&g)
		return &filled
	}
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
