package attrib

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/internal/windowed"
	"github.com/convlens/convlens/gonbviz/internal/windowed/plan"
	"github.com/convlens/convlens/gonbviz/probe"
)

// Exact says how the network's answers are computed. They are the same up to rounding: to 1e-5 of the largest logit, or to
// what its type holds in a network of half precision.
type Exact string

// The ways to compute. An empty Exact is Auto.
const (
	// Auto takes what is done sooner, compilation included, by what work is known to take on the backend. Where another
	// machine might change that, it measures a pass first.
	Auto Exact = "auto"
	// Full runs the whole network at each position.
	Full Exact = "full"
	// Incremental computes of each of the network's maps only the window that a position changes, as long as that costs
	// less than all of the map.
	Incremental Exact = "incremental"
)

func (e Exact) check() (Exact, error) {
	switch e {
	case "":
		return Auto, nil
	case Auto, Full, Incremental:
		return e, nil
	}
	return e, wrong("exact", "unknown way to compute %q; there are auto, incremental and full", e)
}

// engine asks the network at the positions of a hiding.
type engine struct {
	network   *probe.Probe
	hiding    hiding
	batch     int
	positions [][2]int // of the hiding, as the plan counts them
	groups    []*askers
	needs     []int          // the maps of the unchanged picture that any group is given, as operations
	clean     *probe.Outputs // those maps
	constants []*tensors.Tensor
	compiling time.Duration
	verify    func(pass, compiling time.Duration) // of the unchanged picture; nil where what was chosen is sure
	unit      Unit                                // also asked for, where it names a layer
	point     probe.Point
}

// askers is a group of positions with the program that asks for them.
type askers struct {
	plan.Group
	net     *windowed.Network
	program *probe.Program
	needs   []int // the maps of the unchanged picture that the program is given
	clean   []float32
}

// newEngine plans how to ask for the logits and, where unit names a layer, for that unit's value.
func newEngine(network *probe.Probe, h hiding, batch int, exact Exact, unit Unit) (*engine, error) {
	recorded, err := network.Recorded(batch)
	if err != nil {
		return nil, err
	}
	e := &engine{network: network, hiding: h, batch: batch, constants: h.constants(), unit: unit}
	if unit.Layer != "" {
		if e.point, err = network.Point(unit.Layer, batch); err != nil {
			return nil, err
		}
		if err := unit.check(e.point); err != nil {
			return nil, err
		}
	}
	e.plan(recorded, exact)
	return e, nil
}

// plan chooses between windows and whole passes, and puts the positions into groups.
func (e *engine) plan(recorded *record.Program, exact Exact) {
	costs := windowed.CostsOn(e.network.BackendName())
	net := windowed.Read(recorded, e.targets(recorded), costs)
	problem := net.Problem(costs, e.batch)
	problem.Windows = exact == Incremental
	for i := range e.hiding.masks.count() {
		b := e.hiding.masks.bounds(i)
		problem.Add(plan.Span{Lo: b.Min.Y, Hi: b.Max.Y}, plan.Span{Lo: b.Min.X, Hi: b.Max.X})
	}
	e.positions = problem.Positions
	full := []plan.Group{problem.Full()}
	e.take(net, full)
	if exact == Full || costs.Groups == 0 || !e.sameForOne(net) {
		return
	}
	windows := problem.Solve()
	c := choice{
		full: problem.Cost(full), windows: problem.Cost(windows),
		compileFull: costs.Whole * float64(len(net.Ops)), compileWindows: problem.Compile * float64(len(windows)),
	}
	if exact == Incremental || c.pays() {
		e.take(net, windows)
	}
	if exact == Auto && !c.sure() {
		cost, operations := problem.Pass(e.needs)
		e.verify = func(pass, compiling time.Duration) {
			if !c.holds(float64(pass)/cost, float64(compiling)/(costs.Whole*float64(operations))) {
				e.take(net, full)
			}
		}
	}
}

// take settles on groups of positions.
func (e *engine) take(net *windowed.Network, groups []plan.Group) {
	e.groups = nil
	layouts := make([]*plan.Layout, len(groups))
	for i, g := range groups {
		layouts[i] = g.Layout
		e.groups = append(e.groups, &askers{Group: g, net: net, needs: net.Clean(g.Layout)})
	}
	e.needs = net.Clean(layouts...)
}

// targets are what is asked for.
func (e *engine) targets(recorded *record.Program) []*graph.Node {
	if e.unit.Layer == "" {
		return []*graph.Node{recorded.Logits}
	}
	return []*graph.Node{recorded.Logits, e.point.Node}
}

// join makes one answer of what became of the targets, [batch, classes] or, with a unit, [batch, classes + 1].
func (e *engine) join(made []*graph.Node) *graph.Node {
	logits := graph.ConvertDType(made[0], dtypes.Float32)
	if e.unit.Layer == "" {
		return logits
	}
	return graph.Concatenate([]*graph.Node{logits, e.unit.read(e.point, made[1])}, 1)
}

// sameForOne reports whether the network is built in the same way for one picture, whose maps windows lie in.
func (e *engine) sameForOne(net *windowed.Network) bool {
	one, err := e.network.Recorded(1)
	return err == nil && net.Matches(one)
}

// shapes are those of a program's inputs: the constants, what is made for each batch, then, for a windowed program, the
// origins of the input's windows, the unchanged picture's maps and the places that are read.
func (e *engine) shapes(a *askers) []shapes.Shape {
	list := slices.Concat(e.hiding.constantShapes(), e.hiding.shapes(e.batch))
	if !a.Windowed[0] {
		return list
	}
	list = append(list, shapes.Make(dtypes.Int32, e.batch, 2))
	for _, i := range a.needs {
		list = append(list, a.net.CleanShape(i))
	}
	for _, r := range a.Reads {
		list = append(list, shapes.Make(dtypes.Int32, e.batch, r.Size[0], r.Size[1]))
	}
	return list
}

// prepare compiles a group's program and, beside it, that of the unchanged picture's maps, which it runs.
func (e *engine) prepare(ctx context.Context, a *askers) error {
	if a.program != nil {
		return nil
	}
	start := time.Now()
	var clean *probe.Program
	var failed error
	var beside sync.WaitGroup
	if e.clean == nil && len(e.needs) > 0 {
		beside.Go(func() { clean, failed = e.compileClean() })
	}
	err := e.compile(a)
	beside.Wait()
	e.compiling += time.Since(start)
	if err = cmp.Or(err, failed); err != nil || clean == nil {
		return err
	}
	e.clean, err = clean.Again(ctx, e.constants[0])
	return err
}

func (e *engine) compile(a *askers) error {
	key := fmt.Sprintf("hide %s %v", e.hiding.key(), e.unit)
	if a.Windowed[0] {
		key += fmt.Sprint(" ", a.Key())
	}
	var err error
	a.program, err = e.network.Rewrite(key, e.batch, e.shapes(a), func(recorded *record.Program, in []*graph.Node) []*graph.Node {
		return e.build(a, recorded, in)
	})
	return err
}

// build is the program of a group: hidden pictures through the network.
func (e *engine) build(a *askers, recorded *record.Program, in []*graph.Node) []*graph.Node {
	take := func(n int) []*graph.Node {
		some := in[:n]
		in = in[n:]
		return some
	}
	constants, values := take(len(e.constants)), take(len(e.hiding.shapes(e.batch)))
	var made []*graph.Node
	if !a.Windowed[0] {
		origin := graph.Zeros(constants[0].Graph(), shapes.Make(dtypes.Int32, e.batch, 2))
		pictures := e.hiding.build(constants, values, origin, e.hiding.height, e.hiding.width)
		made = recorded.Replay(pictures, e.targets(recorded), nil)
	} else {
		origin := take(1)[0]
		w := windowed.Inputs{Input: e.hiding.build(constants, values, origin, a.Size[0][0], a.Size[0][1]), Clean: map[int]*graph.Node{}}
		for k, map_ := range take(len(a.needs)) {
			w.Clean[a.needs[k]] = map_
		}
		w.Places = in
		made, _ = a.net.Build(a.Layout, w)
	}
	return []*graph.Node{e.join(made)}
}

func (e *engine) compileClean() (*probe.Program, error) {
	whole := e.hiding.constantShapes()[0]
	return e.network.Rewrite(fmt.Sprint("clean ", e.needs), 1, []shapes.Shape{whole}, func(one *record.Program, in []*graph.Node) []*graph.Node {
		return e.groups[0].net.BuildClean(one, graph.InsertAxes(in[0], 0), e.needs)
	})
}

// keepClean leaves the unchanged picture's maps for the next analysis of the picture.
func (e *engine) keepClean() {
	if e.clean != nil {
		e.clean.Keep()
		e.clean = nil
	}
}

// ask runs a group's program on as many positions as fit; a negative one leaves the picture as it is. It returns one
// answer a position.
func (e *engine) ask(ctx context.Context, a *askers, positions []int) ([][]float32, error) {
	if err := e.prepare(ctx, a); err != nil {
		return nil, err
	}
	all := slices.Repeat([]int{-1}, e.batch)
	copy(all, positions)
	once := e.hiding.values(all)
	inputs := slices.Concat(e.constants, once)
	if a.Windowed[0] {
		origins, places := e.windows(a, all)
		once = append(append(once, origins), places...)
		inputs = append(inputs, origins)
		for _, i := range a.needs {
			inputs = append(inputs, e.clean.Tensors[slices.Index(e.needs, i)])
		}
		inputs = append(inputs, places...)
	}
	out, err := a.program.Run(ctx, inputs...)
	probe.Free(once)
	if err != nil {
		return nil, err
	}
	size := len(out[0]) / e.batch
	answers := make([][]float32, len(positions))
	for i := range answers {
		answers[i] = out[0][i*size : (i+1)*size]
	}
	return answers, nil
}

// windows are where the windows of a batch begin, and the places of each read.
func (e *engine) windows(a *askers, positions []int) (origin *tensors.Tensor, places []*tensors.Tensor) {
	origins := make([]int32, 2*e.batch)
	values := make([][]int32, len(a.Reads))
	for k, r := range a.Reads {
		values[k] = make([]int32, e.batch*r.Size[0]*r.Size[1])
	}
	for i, p := range positions {
		if p < 0 {
			p = a.Positions[0] // any window will do where nothing changes
		}
		row, col := e.positions[p][0], e.positions[p][1]
		y, x := a.Origin(0, row, col)
		origins[2*i], origins[2*i+1] = int32(y), int32(x)
		for k, r := range a.Reads {
			n := r.Size[0] * r.Size[1]
			a.Places(k, row, col, i, values[k][i*n:(i+1)*n])
		}
	}
	for k, r := range a.Reads {
		places = append(places, tensors.FromFlatDataAndDimensions(values[k], e.batch, r.Size[0], r.Size[1]))
	}
	return tensors.FromFlatDataAndDimensions(origins, e.batch, 2), places
}

// answer is what the network says at a position, beside what the same program says to the picture as it is: where
// nothing changes the two are equal to the last bit.
type answer struct {
	position int
	at       []float32
	clean    []float32
}

// run asks for all positions in the order given and hands the answers to each, batch by batch. It begins with the
// picture as it is, of position −1.
func (e *engine) run(ctx context.Context, order []int, each func(some []answer) error) error {
	defer e.keepClean()
	group := make([]int, e.hiding.masks.count())
	for g, a := range e.groups {
		for _, p := range a.Positions {
			group[p] = g
		}
	}
	waiting := make([][]int, len(e.groups))
	flush := func(g int) error {
		some, err := e.askGroup(ctx, e.groups[g], waiting[g])
		waiting[g] = waiting[g][:0]
		if err != nil {
			return err
		}
		return each(some)
	}
	push := func(g, p int) error {
		waiting[g] = append(waiting[g], p)
		if len(waiting[g]) < e.batch {
			return nil
		}
		return flush(g)
	}
	begun := make([]bool, len(e.groups))
	begin := func(g int) error {
		if begun[g] {
			return nil
		}
		begun[g] = true
		return push(g, -1)
	}
	if err := begin(0); err != nil {
		return err
	}
	var untouched []int
	for _, p := range order {
		if e.hiding.untouched(p) {
			untouched = append(untouched, p)
			continue
		}
		g := group[p]
		if err := begin(g); err != nil {
			return err
		}
		if err := push(g, p); err != nil {
			return err
		}
	}
	for g := range waiting {
		if len(waiting[g]) > 0 {
			if err := flush(g); err != nil {
				return err
			}
		}
	}
	if len(untouched) == 0 {
		return nil
	}
	clean := e.groups[0].clean
	same := make([]answer, len(untouched))
	for i, p := range untouched {
		same[i] = answer{p, clean, clean}
	}
	return each(same)
}

// askGroup asks for positions of one group.
func (e *engine) askGroup(ctx context.Context, a *askers, positions []int) ([]answer, error) {
	answers, err := e.ask(ctx, a, positions)
	if err != nil {
		return nil, err
	}
	if a.clean == nil {
		a.clean = answers[0] // its first is the picture as it is
	}
	some := make([]answer, len(positions))
	for i, p := range positions {
		some[i] = answer{p, answers[i], a.clean}
	}
	return some, nil
}
