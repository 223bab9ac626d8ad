package attrib

import (
	"context"
	"fmt"
	"image"
	"strings"
	"time"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/internal/windowed"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/progress"
)

// Border says what becomes of a window that runs over the border.
type Border string

// The borders. An empty Border is Cut.
const (
	// Cut leaves the window's part that lies inside.
	Cut Border = "cut"
	// Inside shifts the window back inside.
	Inside Border = "inside"
)

// Overlap says how the windows that hide a pixel make its value.
type Overlap string

// The overlaps. An empty Overlap is OverlapMean.
const (
	// OverlapMean is the mean of their drops.
	OverlapMean Overlap = "mean"
	// OverlapSum is the sum of their drops.
	OverlapSum Overlap = "sum"
	// OverlapNone makes no pixel map.
	OverlapNone Overlap = "none"
)

// Occlusion hides one window of the picture after the other, all channels together, and asks the network each time:
// the value of a position is the score of the whole picture less the score with that window hidden (Zeiler and Fergus,
// Visualizing and Understanding Convolutional Networks, 2014, section 4.2; the grid of windows is Captum's).
type Occlusion struct {
	// Class is explained: a label that matches exactly, else an index. Empty stands for the network's best class, of
	// equals the one with the lowest index.
	Class string
	// Score is what is measured of the class: Probability as a default.
	Score Score
	// Measure, where it is set, is measured in place of Score: a function of all logits, of which it must not keep or
	// change the slice. What it finds is never kept on disk, as nothing tells when its code changes.
	Measure func(logits []float32) float64
	// Unit, where it names a layer, is explained in place of a class; it is measured as it is, whatever Score says. The
	// grid still tells what the network says to the class meanwhile.
	Unit Unit
	// AllClasses keeps the logits of all classes at each position, 4 bytes each, for Attribution.For.
	AllClasses bool
	// Window is the size of the hidden window: 15 % of the input's shorter side, rounded half up, as a default.
	Window Size
	// Stride is the step from window to window, at most the window: a quarter of it, rounded down, as a default.
	Stride Size
	// Soft makes the windows' edges ramps of so many pixels: along each axis, the k-th pixel from the window's nearer edge,
	// from 1 on, is hidden by min(1, k/(Soft+1)), and the two axes are multiplied. Edges are those of the window as it lies
	// in the picture, cut off or not. There must be a pixel between the ramps. In the map a pixel's value is weighed by how
	// much of the pixel is hidden.
	Soft int
	// Regions are hidden one after the other in place of windows, in pixels of the network's input. With them, as with
	// Superpixels and Segments, the settings Window, Stride, Border and Region say nothing.
	Regions []image.Rectangle
	// Superpixels is about how many parts of alike pixels are hidden one after the other in place of windows (see Segment).
	Superpixels int
	// Segments is a label for each pixel, row by row, in place of windows: the pixels of each distinct label are hidden
	// together, in the labels' ascending order. Those of a negative label are never hidden.
	Segments []int
	// Fill is what a window shows: Gray as a default.
	Fill Fill
	// FillPicture is what windows show with Fill OtherPicture, which it makes the default: a picture that was prepared for
	// the network's input, as its Values.
	FillPicture []float32
	// Channels are those of the input that are hidden, from 0 on in the network's order; all of them as a default.
	Channels []int
	// Border is what becomes of windows that run over the border: they are Cut as a default.
	Border Border
	// Overlap makes the pixel map: the mean over the windows that hide a pixel as a default; 0 where none does.
	Overlap Overlap
	// Region bounds the windows, in pixels of the network's input; the whole input where it is empty. Pixels outside
	// it are 0 in the map, and a window larger than it is cut to it.
	Region image.Rectangle
	// Batch is how many pictures are run at once, rounded down to one of probe.Batches; 0 chooses by the memory at
	// hand. On the pure-Go backend it is always 1, where the place in a batch would change the last bits, and so it is for
	// a network that mixes the pictures of a batch (see probe.Probe.Mixes).
	Batch int
	// Exact is how the answers are computed: Auto as a default.
	Exact Exact
	// Seed makes the noise of Fill Noise.
	Seed uint64
}

// Grid is what the network answered at positions.
type Grid struct {
	Rows, Cols int
	// Windows are the hidden pixels of each position, row by row.
	Windows []image.Rectangle
	// Settings are those of the method with defaults filled in; they say what the windows show.
	Settings Occlusion
	// Unasked is how many positions the network was not asked at because the work was stopped: 0 where it was not. There,
	// Drop, Probability and BestProbability are NaN, and Best is −1.
	Unasked int
	// Drop is the clean score less the score at each position: positive where the hidden window supported the class.
	Drop field.Plane
	// Probability of the class at each position.
	Probability field.Plane
	// Best is the most probable class at each position, row by row, and Labels names those classes and the explained one.
	Best   []int
	Labels map[int]string
	// BestProbability is the probability of the most probable class at each position.
	BestProbability field.Plane
	// Segments is for each pixel, row by row, the position that hides it, −1 for none; nil where positions are rectangles.
	Segments []int
	// Revealed says that Windows are all that shows at their positions, and Drop what each gains: see Reveal.
	Revealed bool
	// Bare is the score where nothing shows, of a Reveal.
	Bare float64
	// Logits are those of all classes at each position, and CleanLogits those of the picture as it is, where AllClasses
	// asked for them.
	Logits, CleanLogits []float32
	// BareLogits are those with all hidden, of a Reveal.
	BareLogits []float32
}

// The batches that are chosen without being asked for, where memory allows. A processor is quickest while a batch's maps
// stay in its cache (SqueezeNet's heatmap on two cores, by whole passes: 2.0 s in batches of 8, 2.9 s in batches of 32),
// unless weights outweigh the maps by far, as those of dense layers do, and reading them is what must be shared among
// many pictures. Of windows, which are smaller, twice as many fit.
const (
	smallBatch = 8
	largeBatch = 32
	windowsFit = 2
	heavy      = 8
)

// Attribute runs the network at every position. Settings that can't be (a window larger than the input, a stride longer
// than the window, a region outside the input, an unknown class or word) are errors, as is a picture of another size.
//
// When ctx is cancelled, what was found so far is returned beside the error, or nil where nothing was. Its Grid.Unasked
// says how many positions are missing. Pixels that only those would have hidden are NaN in its Map; the others are the
// mean, or the sum, over the windows that were asked about.
func (o Occlusion) Attribute(ctx context.Context, network *probe.Probe, picture *pixel.Prepared) (*Attribution, error) {
	return o.explain(ctx, network, picture, "occlusion")
}

// explain is what Attribute does, under the name of a method that asks at positions.
func (o Occlusion) explain(ctx context.Context, network *probe.Probe, picture *pixel.Prepared, method string) (*Attribution, error) {
	start := time.Now()
	in := network.Network().Input
	o, err := o.complete(in.Height, in.Width)
	if err != nil {
		return nil, err
	}
	class, err := classOf(network, o.Class)
	if err != nil {
		return nil, err
	}
	o.Batch = chooseBatch(network, o.Batch, o.Exact)
	if err := network.CheckPicture(picture); err != nil {
		return nil, err
	}
	grid := o.lay(picture)
	grid.Revealed = method == revealing
	run, err := o.start(ctx, network, picture, grid, method)
	if err != nil {
		return nil, err
	}
	run.found = &Attribution{
		Method: method, Options: o.options(image.Pt(in.Width, in.Height)), Network: network.Network().Name, Backend: network.BackendName(),
		Guessed: network.Network().Guessed, Notice: network.Network().Notice,
		Picture: picture, Class: class, Score: o.Score, Batch: o.Batch, Seed: o.Seed, Engine: run.engine.exact(),
		Grid: grid,
	}
	err = run.all(ctx)
	a := run.found
	if err != nil && (ctx.Err() == nil || a.Grid.Unasked == len(grid.Windows)) {
		return nil, err
	}
	a.spread(a.Grid)
	a.CompileSeconds = run.engine.compiling.Seconds()
	a.Seconds = time.Since(start).Seconds()
	a.PeakMemory = peakMemory()
	return a, err
}

// complete fills in the defaults and refuses what can't be, for an input of height × width.
func (o Occlusion) complete(height, width int) (Occlusion, error) {
	err := o.Check()
	if err != nil {
		return o, err
	}
	if o, err = o.completeMore(height, width); err != nil {
		return o, err
	}
	if !o.windowed() {
		o.Window, o.Stride, o.Region, o.Border = Size{}, Size{}, image.Rectangle{}, ""
	}
	whole := image.Rect(0, 0, width, height)
	if o.Region.Empty() {
		if o.Region != (image.Rectangle{}) {
			return o, wrong("region", "region %v is empty", o.Region)
		}
		o.Region = whole
	}
	if !o.Region.In(whole) {
		return o, wrong("region", "region %d,%d,%d,%d does not lie inside the input of %d×%d", o.Region.Min.X, o.Region.Min.Y, o.Region.Dx(), o.Region.Dy(), width, height)
	}
	o.Window, o.Stride = o.Window.in(height, width), o.Stride.in(height, width)
	if o.Window == (Size{}) {
		o.Window = Pixels(max((15*min(height, width)+50)/100, 1))
	}
	if o.Window.H > height || o.Window.W > width {
		return o, wrong("window", "a window of %d×%d pixels is larger than the input of %d×%d", o.Window.H, o.Window.W, height, width)
	}
	o.Window = Size{H: min(o.Window.H, o.Region.Dy()), W: min(o.Window.W, o.Region.Dx())}
	if o.Stride == (Size{}) {
		o.Stride = Size{H: max(o.Window.H/4, 1), W: max(o.Window.W/4, 1)}
	}
	if o.Stride.H > o.Window.H && o.Region.Dy() > o.Window.H || o.Stride.W > o.Window.W && o.Region.Dx() > o.Window.W {
		return o, wrong("stride", "a stride of %s is longer than the window of %s and would leave pixels out", o.Stride, o.Window)
	}
	return o.completeWords()
}

// completeWords fills in the settings that are words.
func (o Occlusion) completeWords() (Occlusion, error) {
	switch {
	case o.Fill == "" && o.FillPicture != nil:
		o.Fill = OtherPicture
	case o.Fill == "":
		o.Fill = Gray
	}
	if o.Border == "" {
		o.Border = Cut
	}
	if o.Overlap == "" {
		o.Overlap = OverlapMean
	}
	var err error
	o.Exact, err = o.Exact.check()
	return o, err
}

// options are the settings as the command line writes them, for an input of size whole.
func (o Occlusion) options(whole image.Point) []Option {
	list := o.where()
	list = append(list, Option{"fill", string(o.Fill)})
	if len(o.Channels) > 0 {
		list = append(list, Option{"channels", strings.Trim(strings.ReplaceAll(fmt.Sprint(o.Channels), " ", ","), "[]")})
	}
	if o.windowed() {
		list = append(list, Option{"border", string(o.Border)})
	}
	list = append(list, Option{"overlap", string(o.Overlap)})
	if o.Fill == Noise {
		list = append(list, Option{"seed", fmt.Sprint(o.Seed)})
	}
	if r := o.Region; o.windowed() && r.Size() != whole {
		list = append(list, Option{"region", fmt.Sprintf("%d,%d,%d,%d", r.Min.X, r.Min.Y, r.Dx(), r.Dy())})
	}
	return list
}

// chooseBatch picks the batch that a program is compiled for: at most the one that is asked for, where one is.
func chooseBatch(network *probe.Probe, most int, exact Exact) int {
	if !network.Vectorised() {
		return 1
	}
	if most == 0 {
		maps := max(network.ActivationBytes(), 1)
		most = largeBatch
		if strings.Contains(network.BackendName(), "cpu") && network.Network().Store.ByteSize() < heavy*maps {
			most = smallBatch
		}
		if exact != Full && windowed.CostsOn(network.BackendName()).Groups > 0 {
			most *= windowsFit
		}
		most = int(min(freeMemory()/4/maps, int64(most)))
	}
	batch := probe.Batches[0]
	for _, b := range probe.Batches {
		if b <= most {
			batch = b
		}
	}
	if network.Mixes(batch) {
		return 1
	}
	return batch
}

// occluder asks at all windows, and reports on it.
type occluder struct {
	name    string
	options Occlusion
	network *probe.Probe
	engine  *engine
	found   *Attribution // what is known so far
	slow    bool
	clean   []float32 // of the last answer, and its score
	score   float64
}

// start plans how to ask at a grid's positions.
func (o Occlusion) start(ctx context.Context, network *probe.Probe, picture *pixel.Prepared, grid *Grid, method string) (*occluder, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := grid.hiding(picture)
	if err != nil {
		return nil, err
	}
	name := strings.ToUpper(method[:1]) + method[1:]
	progress.Report(ctx, progress.Update{Name: name, Stage: fmt.Sprintf("compiling for %d positions at once", o.Batch)})
	e, err := newEngine(network, h, o.Batch, o.Exact, o.Unit)
	if err == nil {
		err = e.calibrate(ctx)
	}
	return &occluder{name: name, options: o, network: network, engine: e, slow: !network.Vectorised()}, err
}

// all asks at each window. The score there is compared with the one that the same program gives for the picture as it
// is, so that a window that changes nothing drops the score by exactly 0.
func (r *occluder) all(ctx context.Context) error {
	begin, g := time.Now(), r.found.Grid
	count := len(g.Windows)
	order := spreadOrder(g.Rows, g.Cols)
	if g.Revealed {
		order = append([]int{count}, order...) // where nothing shows: what the others are compared with
	}
	err := r.engine.run(ctx, order, func(some []answer) error {
		note := ""
		if r.clean == nil && r.slow {
			note = r.options.estimate(time.Since(begin), count)
		}
		for _, a := range some {
			if err := r.note(a); err != nil {
				return err
			}
		}
		r.report(ctx, note)
		return nil
	})
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%s stopped at %d of %d positions: %w", strings.ToLower(r.name), count-g.Unasked, count, ctx.Err())
	}
	return err
}

func (r *occluder) report(ctx context.Context, note string) {
	count := len(r.found.Grid.Windows)
	u := progress.Update{Name: r.name, Done: count - r.found.Grid.Unasked, Total: count, Unit: "positions", Note: note}
	if u.Done > 0 {
		u.Preview = func() any { return r.found.preview() }
	}
	if r.slow {
		u.Detail = "pure Go backend"
	}
	progress.Report(ctx, u)
}

// estimate says how long n positions take if a picture takes one, and what would be quicker: the longest stride that
// leaves no pixel out, where that saves much. It is empty where the wait is short.
func (o Occlusion) estimate(one time.Duration, n int) string {
	total := one * time.Duration(n)
	if total < 20*time.Second {
		return ""
	}
	note := fmt.Sprintf("about %s for %d positions on the pure-Go backend", total.Round(time.Second), n)
	if !o.windowed() {
		return note
	}
	few := positions(o.Region.Dy(), o.Window.H, o.Window.H) * positions(o.Region.Dx(), o.Window.W, o.Window.W)
	if few <= n/2 {
		note += fmt.Sprintf("; a stride of %s takes about %s", o.Window, (one * time.Duration(few)).Round(time.Second))
	}
	return note
}

// Occluded is the picture as the network got it at a position: Input.Height × Input.Width × channels values.
func (g *Grid) Occluded(picture *pixel.Prepared, position int) ([]float32, error) {
	if position < 0 || position >= len(g.Windows) {
		return nil, fmt.Errorf("attrib: no position %d; there are %d, from 0 on", position, len(g.Windows))
	}
	h, err := g.hiding(picture)
	if err != nil {
		return nil, err
	}
	return h.shown(position), nil
}
