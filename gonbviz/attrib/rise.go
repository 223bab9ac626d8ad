package attrib

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/progress"
)

// RISE shows the network the picture through many random masks and asks which pixels' being visible goes with a high
// score (V. Petsiuk, A. Das and K. Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, 2018).
//
// A mask M is a grid of Cells × Cells values, each 1 with probability p = Keep and 0 otherwise, enlarged bilinearly to
// (Cells + 1)·c pixels a side, where c is the input's side divided by Cells, rounded up, and cut to the input at a random
// shift of 0 to c − 1 pixels on each axis. The network gets M·picture + (1 − M)·fill and answers with a score s. The paper's
// map is the expected score where a pixel shows, E[s | M = 1], estimated as its equation 6 does by 1/(N·p) · Σ s·M, in
// which what matters for nothing has the mean score. Here that mean is taken off, and with it most of the noise:
//
//	value(pixel) = 1/((N−1)·p) · Σ (s_i − mean of s)·M_i(pixel)
//
// is 0 for what matters for nothing, positive for what supports the class, and in units of the score. Its standard error,
// the deviation of the sum's terms divided by √N, is Attribution.Error.
type RISE struct {
	// Class is explained: a label that matches exactly, else an index. Empty stands for the network's best class, of
	// equals the one with the lowest index.
	Class string
	// Score is what is measured of the class: Probability as a default.
	Score Score
	// Masks is their number N: 1000 as a default, at least 2. The paper has 4000 for VGG-16 and 8000 for ResNet-50.
	Masks int
	// Cells is the side of a mask before it is enlarged: 7 as a default.
	Cells int
	// Keep is the probability p that a cell shows the picture, above 0 and below 1: 0.5 as a default.
	Keep float64
	// Fill is what shows where the picture doesn't: Gray as a default. The paper's is Zero. It is neither PatchMean nor
	// Inpaint nor OtherPicture; Blur takes half a cell as its deviation.
	Fill Fill
	// Batch is how many pictures are run at once, as Occlusion's.
	Batch int
	// Seed makes the masks, and the noise of Fill Noise. A mask depends on it and on its own number alone.
	Seed uint64
}

// complete fills in the defaults and refuses what can't be.
func (r RISE) complete(height, width int) (RISE, error) {
	if err := r.Check(); err != nil {
		return r, err
	}
	r.Score, _ = r.Score.check()
	if r.Masks == 0 {
		r.Masks = 1000
	}
	if r.Cells == 0 {
		r.Cells = min(7, height, width)
	}
	if r.Keep == 0 {
		r.Keep = 0.5
	}
	if r.Fill == "" {
		r.Fill = Gray
	}
	if r.Cells > min(height, width) {
		return r, wrong("cells", "masks of %d cells a side for an input of %d×%d", r.Cells, height, width)
	}
	return r, nil
}

// Settled fills in the defaults and chooses the batch.
func (r RISE) Settled(network *probe.Probe) (settled Method, batch int, err error) {
	in := network.Network().Input
	if r, err = r.complete(in.Height, in.Width); err != nil {
		return nil, 0, err
	}
	r.Batch = chooseBatch(network, r.Batch, Full)
	return r, r.Batch, nil
}

// Attribute runs the network once for each mask. When ctx is cancelled, what the masks up to then say is returned beside
// the error, or nil where those are less than two.
func (r RISE) Attribute(ctx context.Context, network *probe.Probe, picture *pixel.Prepared) (*Attribution, error) {
	start := time.Now()
	net := network.Network()
	in := net.Input
	r, err := r.complete(in.Height, in.Width)
	if err != nil {
		return nil, err
	}
	if err := network.CheckPicture(picture); err != nil {
		return nil, err
	}
	class, err := classOf(network, r.Class)
	if err != nil {
		return nil, err
	}
	r.Batch = chooseBatch(network, r.Batch, Full)
	v := veils{r, in.Height, in.Width}
	height, width := v.cell()
	fill, err := r.Fill.picture(picture.Values, in, Size{H: height, W: width}, r.Seed)
	if err != nil {
		return nil, err
	}
	progress.Report(ctx, progress.Update{Name: "RISE", Stage: fmt.Sprintf("compiling for %d masks at once", r.Batch)})
	h := hiding{height: in.Height, width: in.Width, channels: in.Channels(), picture: picture.Values, fill: fill, masks: v}
	e, err := newEngine(network, h, r.Batch, Full, Unit{})
	if err != nil {
		return nil, err
	}
	a := &Attribution{
		Method: "RISE", Options: r.options(), Network: net.Name, Backend: network.BackendName(), Guessed: net.Guessed, Notice: net.Notice, Picture: picture,
		Class: class, Score: r.Score, Batch: r.Batch, Engine: Full, Seed: r.Seed,
	}
	scores, err := v.ask(ctx, e, a, net.Label)
	if err != nil && (ctx.Err() == nil || len(scores) < 2) {
		return nil, err
	}
	a = v.so(a, scores)
	a.CompileSeconds, a.Seconds, a.PeakMemory = e.compiling.Seconds(), time.Since(start).Seconds(), peakMemory()
	return a, err
}

// so is what some masks' scores say: a with its maps, of as many masks.
func (v veils) so(a *Attribution, scores []float64) *Attribution {
	b := *a
	v.Masks = len(scores)
	b.Options = v.options()
	b.Map, b.Error = v.estimate(scores)
	return &b
}

func (r RISE) options() []Option {
	return []Option{
		{"masks", fmt.Sprint(r.Masks)}, {"cells", fmt.Sprint(r.Cells)}, {"keep", fmt.Sprint(r.Keep)},
		{"fill", string(r.Fill)}, {"seed", fmt.Sprint(r.Seed)},
	}
}

// ask is the score behind each mask, and fills in what the network says to the picture as it is.
func (v veils) ask(ctx context.Context, e *engine, a *Attribution, label func(int) string) ([]float64, error) {
	var scores []float64
	score := func(logits []float32) float64 { return v.Score.of(a.Class, logits, probe.Probabilities(logits)) }
	err := e.run(ctx, count(v.Masks), func(some []answer) error {
		for _, x := range some {
			if x.position >= 0 {
				scores = append(scores, score(x.at))
				continue
			}
			if a.Class < 0 {
				a.Class = probe.Best(x.at)
			}
			a.Label = label(a.Class)
			a.Clean, a.CleanProbability = score(x.at), probe.Probabilities(x.at)[a.Class]
		}
		u := progress.Update{Name: "RISE", Done: len(scores), Total: v.Masks, Unit: "masks"}
		if len(scores) > 1 {
			u.Preview = func() any { return v.so(a, scores) }
		}
		progress.Report(ctx, u)
		return nil
	})
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("RISE stopped at %d of %d masks: %w", len(scores), v.Masks, ctx.Err())
	}
	return scores, err
}

// count is 0, 1, … n−1.
func count(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// veils are RISE's masks, of a given input.
type veils struct {
	RISE
	height, width int
}

// cell is the size of an enlarged cell.
func (v veils) cell() (height, width int) {
	return (v.height + v.Cells - 1) / v.Cells, (v.width + v.Cells - 1) / v.Cells
}

// draw is the grid of a mask, row by row, and the shift of its origin.
func (v veils) draw(position int) (grid []float32, y, x int) {
	random := rand.New(rand.NewPCG(v.Seed, uint64(position)))
	grid = make([]float32, v.Cells*v.Cells)
	for i := range grid {
		if random.Float64() < v.Keep {
			grid[i] = 1
		}
	}
	height, width := v.cell()
	return grid, random.IntN(height), random.IntN(width)
}

func (v veils) key() string                  { return fmt.Sprint("veils ", v.Cells) }
func (v veils) count() int                   { return v.Masks }
func (v veils) bounds(int) image.Rectangle   { return image.Rect(0, 0, v.width, v.height) }
func (v veils) constants() []*tensors.Tensor { return nil }
func (v veils) weights(position int) []float32 {
	shown := v.shown(position)
	for i, s := range shown {
		shown[i] = 1 - s
	}
	return shown
}

// shown is how much of each pixel a mask shows.
func (v veils) shown(position int) []float32 {
	grid, y0, x0 := v.draw(position)
	cellHeight, cellWidth := v.cell()
	wide := make([]float32, v.Cells*v.width) // enlarged across alone
	for x := range v.width {
		left, part := v.between(x+x0, cellWidth)
		right := min(left+1, v.Cells-1)
		for k := range v.Cells {
			wide[k*v.width+x] = (1-part)*grid[k*v.Cells+left] + part*grid[k*v.Cells+right]
		}
	}
	out := make([]float32, v.height*v.width)
	for y := range v.height {
		upper, part := v.between(y+y0, cellHeight)
		lower := min(upper+1, v.Cells-1)
		for x := range v.width {
			out[y*v.width+x] = (1-part)*wide[upper*v.width+x] + part*wide[lower*v.width+x]
		}
	}
	return out
}

// between is the cell before the middle of a pixel of the enlarged mask, and how far on the way to the next it lies.
func (v veils) between(pixel, cell int) (before int, part float32) {
	at := (float64(pixel)+0.5)*float64(v.Cells)/float64((v.Cells+1)*cell) - 0.5
	at = min(max(at, 0), float64(v.Cells-1))
	return int(at), float32(at - math.Floor(at))
}

func (v veils) shapes(batch int) []shapes.Shape {
	side := func(n int) shapes.Shape { return shapes.Make(dtypes.Float32, batch, n, v.Cells) }
	return []shapes.Shape{side(v.Cells), shapes.Make(dtypes.Int32, batch, 2), shapes.Make(dtypes.Float32, batch)}
}

func (v veils) values(positions []int) []*tensors.Tensor {
	n := v.Cells * v.Cells
	grids, shifts, there := make([]float32, len(positions)*n), make([]int32, 2*len(positions)), make([]float32, len(positions))
	for i, p := range positions {
		if p < 0 {
			continue
		}
		grid, y, x := v.draw(p)
		copy(grids[i*n:], grid)
		shifts[2*i], shifts[2*i+1], there[i] = int32(y), int32(x), 1
	}
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(grids, len(positions), v.Cells, v.Cells),
		tensors.FromFlatDataAndDimensions(shifts, len(positions), 2), tensors.FromFlatDataAndDimensions(there, len(positions)),
	}
}

func (v veils) build(_, values []*graph.Node, origin *graph.Node, h, w int) *graph.Node {
	batch := origin.Shape().Dimensions[0]
	cellHeight, cellWidth := v.cell()
	rows, cols := v.along(graph.Add(origin, values[1]), 0, h, cellHeight), v.along(graph.Add(origin, values[1]), 1, w, cellWidth)
	shown := graph.Einsum("byj,bxj->byx", graph.Einsum("byi,bij->byj", rows, values[0]), cols)
	there := graph.BroadcastToDims(graph.Reshape(values[2], batch, 1, 1), batch, h, w)
	return graph.InsertAxes(graph.Mul(there, graph.OneMinus(shown)), -1)
}

// along is how much each cell counts for the n places of an axis from first on: [batch, n, cells].
func (v veils) along(first *graph.Node, axis, n, cell int) *graph.Node {
	batch := first.Shape().Dimensions[0]
	at := graph.AddScalar(graph.ConvertDType(places(first, axis, n), dtypes.Float32), 0.5)
	at = graph.AddScalar(graph.MulScalar(at, float64(v.Cells)/float64((v.Cells+1)*cell)), -0.5)
	at = graph.MinScalar(graph.MaxScalar(at, 0), float64(v.Cells-1))
	dims := []int{batch, n, v.Cells}
	cells := graph.Iota(first.Graph(), shapes.Make(dtypes.Float32, dims...), 2)
	return graph.MaxScalar(graph.OneMinus(graph.Abs(graph.Sub(graph.BroadcastToDims(graph.InsertAxes(at, -1), dims...), cells))), 0)
}

// estimate is the map and its standard error, of the scores behind the first masks.
func (v veils) estimate(scores []float64) (value, deviation *field.Plane) {
	n, mean := float64(len(scores)), 0.0
	for _, s := range scores {
		mean += s / n
	}
	sums, squares := make([]float64, v.height*v.width), make([]float64, v.height*v.width)
	for i, s := range scores {
		for p, shown := range v.shown(i) {
			x := (s - mean) * float64(shown) / v.Keep
			sums[p] += x
			squares[p] += x * x
		}
	}
	m, e := field.New(v.height, v.width), field.New(v.height, v.width)
	for p := range sums {
		m.Values[p] = float32(sums[p] / (n - 1))
		e.Values[p] = float32(math.Sqrt(max(squares[p]-sums[p]*sums[p]/n, 0) / (n - 1) / n))
	}
	return &m, &e
}
