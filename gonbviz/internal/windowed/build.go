package windowed

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/internal/windowed/plan"
)

// Clean says what of the unchanged input's maps a layout needs, as indices of operations, in order.
func (n *Network) Clean(layouts ...*plan.Layout) []int {
	var list []int
	seen := map[int]bool{}
	need := func(i int) {
		if !seen[i] {
			seen[i] = true
			list = append(list, i)
		}
	}
	for _, l := range layouts {
		for _, r := range l.Reads {
			need(n.source(r.From))
			if l.Ops[r.By].Kind == plan.Sum && l.Windowed[r.By] {
				need(r.By)
			}
		}
	}
	return list
}

// source is the operation whose output is read instead of one that goes value by value through what only it and
// things alike at all places make of the source: those are computed on what was read, in one go with the reading.
func (n *Network) source(i int) int {
	for n.Ops[i].Kind == plan.Point && record.Elementwise(n.nodes[i]) && len(n.Ops[i].From) == 1 {
		from := n.Ops[i].From[0]
		if n.nodes[from].Rank() != n.nodes[i].Rank() || n.nodes[from].Shape().Size() != n.nodes[i].Shape().Size() {
			break
		}
		i = from
	}
	return i
}

// Matches reports whether another recording, for a batch of one, is the same network node by node.
func (n *Network) Matches(one *record.Program) bool {
	return slices.EqualFunc(n.recorded.Nodes, one.Nodes, func(a, b *graph.Node) bool { return a.Type() == b.Type() })
}

// BuildClean computes what Clean lists, on one picture shaped [1, rows, columns, channels]: of a map its places, one
// after the other, shaped [places, values of a place]; of a sum its value. one is the network recorded for a batch of
// one, which Matches.
func (n *Network) BuildClean(one *record.Program, picture *graph.Node, ops []int) []*graph.Node {
	same := map[*graph.Node]*graph.Node{}
	for i, node := range n.recorded.Nodes {
		same[node] = one.Nodes[i]
	}
	wanted := make([]*graph.Node, len(ops))
	for k, i := range ops {
		wanted[k] = same[n.nodes[i]]
	}
	made := one.Replay(picture, wanted, nil)
	for k, i := range ops {
		if s := n.sides[i]; s.rows >= 0 {
			made[k] = table(made[k], s)
		}
	}
	return made
}

// CleanShape is the shape of what BuildClean makes of an operation.
func (n *Network) CleanShape(i int) shapes.Shape {
	shape := n.nodes[i].Shape().Clone()
	s := n.sides[i]
	if s.rows < 0 {
		shape.Dimensions[0] = 1 // of the batch
		return shape
	}
	places := shape.Dimensions[s.rows] * shape.Dimensions[s.cols]
	return shapes.Make(shape.DType, places, shape.Size()/shape.Dimensions[s.batch]/places)
}

// table lists the places of a map, of the first picture of the batch.
func table(x *graph.Node, s sides) *graph.Node {
	x = toPlaces(x, s)
	dims := x.Shape().Dimensions
	if dims[0] > 1 {
		x = graph.Slice(x, graph.AxisRange(0, 1))
	}
	return graph.Reshape(x, dims[1]*dims[2], dims[3])
}

// toPlaces brings a map to [batch, rows, columns, all else].
func toPlaces(x *graph.Node, s sides) *graph.Node {
	order := []int{s.batch, s.rows, s.cols}
	for axis := range x.Rank() {
		if axis != s.batch && axis != s.rows && axis != s.cols {
			order = append(order, axis)
		}
	}
	x = transpose(x, order)
	d := x.Shape().Dimensions
	if len(d) == 4 {
		return x
	}
	return graph.Reshape(x, d[0], d[1], d[2], x.Shape().Size()/(d[0]*d[1]*d[2]))
}

// fromPlaces undoes toPlaces, for a map like that of a node but with other numbers of rows and columns.
func fromPlaces(x *graph.Node, s sides, like *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	back := make([]int, like.Rank())
	back[s.batch], back[s.rows], back[s.cols] = 0, 1, 2
	dims := []int{d[0], d[1], d[2]}
	for axis := range back {
		if axis != s.batch && axis != s.rows && axis != s.cols {
			back[axis] = len(dims)
			dims = append(dims, like.Shape().Dimensions[axis])
		}
	}
	if len(dims) != 4 {
		x = graph.Reshape(x, dims...)
	}
	return transpose(x, back)
}

func transpose(x *graph.Node, order []int) *graph.Node {
	for i, axis := range order {
		if i != axis {
			return graph.TransposeAllAxes(x, order...)
		}
	}
	return x
}

// Inputs are what a program that follows a layout is given.
type Inputs struct {
	// Clean is by operation what BuildClean made.
	Clean map[int]*graph.Node
	// Places is by the layout's reads where each place comes from, as Layout.Places tells it: int32 of [batch, rows,
	// columns] of the read.
	Places []*graph.Node
	// Input is the changed input's window, or all of it where the layout has no window for it: [batch, rows, columns,
	// channels].
	Input *graph.Node
}

// Build computes the targets for a batch of changed inputs, as a layout says.
func (n *Network) Build(l *plan.Layout, in Inputs) []*graph.Node {
	b := &builder{net: n, layout: l, in: in, g: in.Input.Graph(), reads: map[[2]int]int{}}
	b.whole, b.windows = map[*graph.Node]*graph.Node{}, map[int]*graph.Node{}
	for k, r := range l.Reads {
		by := r.By
		if !l.Windowed[by] {
			by = -1 // once for all
		}
		b.reads[[2]int{by, r.From}] = k
	}
	b.put(0, in.Input)
	for i := 1; i < len(n.nodes); i++ {
		if n.Ops[i].Kind == plan.Fixed {
			continue
		}
		if l.Windowed[i] {
			b.put(i, b.window(i))
		} else {
			b.put(i, b.all(n.nodes[i]))
		}
	}
	made := make([]*graph.Node, len(n.targets))
	for k, node := range n.targets {
		made[k] = b.value(node)
	}
	return made
}

// builder builds one program.
type builder struct {
	net     *Network
	layout  *plan.Layout
	in      Inputs
	g       *graph.Graph
	reads   map[[2]int]int // by the reader, −1 for whole maps, and what is read
	windows map[int]*graph.Node
	whole   map[*graph.Node]*graph.Node
}

// put keeps what was made of an operation.
func (b *builder) put(i int, made *graph.Node) {
	if b.layout.Windowed[i] && b.net.Ops[i].Kind != plan.Sum {
		b.windows[i] = made
	} else {
		b.whole[b.net.nodes[i]] = made
	}
}

// value is the whole of a node's output.
func (b *builder) value(node *graph.Node) *graph.Node {
	if made := b.whole[node]; made != nil {
		return made
	}
	made := (*graph.Node)(nil)
	if i, found := b.net.index[node]; found && b.windows[i] != nil {
		made = b.read(-1, i, 0)
	} else {
		made = b.all(node)
	}
	b.whole[node] = made
	return made
}

// all builds a node as it was recorded.
func (b *builder) all(node *graph.Node) *graph.Node {
	for _, in := range b.net.recorded.Reads(node) {
		b.value(in)
	}
	return b.net.recorded.Build(b.g, node, b.whole)
}

// read puts together a part of an operation's map, laid out as that, from the computed window and the unchanged map.
// Places outside the map hold outside.
func (b *builder) read(by, from int, outside float64) *graph.Node {
	k := b.reads[[2]int{by, from}]
	r, places, source := b.layout.Reads[k], b.in.Places[k], b.net.source(from)
	made := fromPlaces(b.gather(r, places, source), b.net.sides[source], b.net.nodes[source])
	var chain []int
	for i := from; i != source; i = b.net.Ops[i].From[0] {
		chain = append(chain, i)
	}
	for _, i := range slices.Backward(chain) {
		made = b.elementwise(i, made, r.Size)
	}
	if r.Outside {
		end := b.net.Ops[from].Map[0] * b.net.Ops[from].Map[1]
		s, dims := b.net.sides[from], made.Shape().Dimensions
		in := graph.NotEqual(places, graph.Scalar(b.g, dtypes.Int32, end))
		value := graph.BroadcastToDims(graph.Scalar(b.g, made.DType(), outside), dims...)
		made = graph.Where(spread(in, s, dims), made, value)
	}
	return made
}

// gather reads places of a map, [batch, rows, columns, all else].
func (b *builder) gather(r plan.Read, places *graph.Node, source int) *graph.Node {
	table := b.in.Clean[source]
	d := places.Shape().Dimensions
	end := table.Shape().Dimensions[0] // stands for what lies outside; there the computed windows begin
	number := func(i int) *graph.Node { return graph.Scalar(b.g, dtypes.Int32, i) }
	clean := graph.Gather(table, graph.InsertAxes(graph.Min(places, number(end-1)), -1))
	if r.Clean {
		return clean
	}
	w := toPlaces(b.windows[source], b.net.sides[source])
	size := w.Shape().Dimensions
	w = graph.Reshape(w, size[0]*size[1]*size[2], size[3])
	first := number(end + 1)
	changed := graph.Gather(w, graph.InsertAxes(graph.Max(graph.Sub(places, first), number(0)), -1))
	isChanged := spread(graph.GreaterOrEqual(places, first), sides{0, 1, 2}, []int{d[0], d[1], d[2], size[3]})
	return graph.Where(isChanged, changed, clean)
}

// spread repeats [batch, rows, columns] along the other axes of a map.
func spread(x *graph.Node, s sides, dims []int) *graph.Node {
	axes := []int{s.batch, s.rows, s.cols}
	order := slices.Sorted(slices.Values(axes))
	from := make([]int, len(order))
	for i, axis := range order {
		from[i] = slices.Index(axes, axis)
	}
	x = transpose(x, from)
	return broadcast(x, order, dims)
}

// elementwise computes an operation that goes value by value on a part of its one input that depends on the picture.
func (b *builder) elementwise(i int, x *graph.Node, size [2]int) *graph.Node {
	node := b.net.nodes[i]
	made := map[*graph.Node]*graph.Node{}
	for _, in := range node.Inputs() {
		if _, depends := b.net.index[in]; depends {
			made[in] = x
		} else {
			made[in] = b.uniform(in, b.net.sides[i], node.Rank(), size)
		}
	}
	return b.net.recorded.Build(b.g, node, made)
}

// uniform is what an operation with a map of some size reads of a value that is the same at all places.
func (b *builder) uniform(in *graph.Node, s sides, rank int, size [2]int) *graph.Node {
	if in.Rank() != rank || in.Shape().Dimensions[s.rows] == 1 && in.Shape().Dimensions[s.cols] == 1 {
		return b.value(in)
	}
	a := b.net.recorded.Attributes(in).(record.Broadcast) // or it would be fixed
	dims := slices.Clone(in.Shape().Dimensions)
	dims[s.rows], dims[s.cols] = size[0], size[1]
	return broadcast(b.value(in.Inputs()[0]), a.Axes, dims)
}

// window computes an operation in its window.
func (b *builder) window(i int) *graph.Node {
	switch op := b.net.Ops[i]; op.Kind {
	case plan.Sliding:
		return b.sliding(i)
	case plan.Sum:
		return b.sum(i)
	}
	return b.point(i)
}

// sliding computes a convolution, a pooling, a padding or a cut of what its window sees.
func (b *builder) sliding(i int) *graph.Node {
	node, from := b.net.nodes[i], b.net.Ops[i].From[0]
	attributes := b.net.recorded.Attributes(node)
	outside := 0.0
	if w, ok := attributes.(record.Window); ok {
		outside = w.Outside()
	}
	x := b.read(i, from, outside)
	switch a := attributes.(type) {
	case record.Conv:
		a.Paddings = nil
		return a.Apply(x, b.value(node.Inputs()[1]))
	case record.Window:
		a.Paddings = nil
		if len(a.Strides) == 0 {
			a.Strides = a.Sizes
		}
		return a.Apply(x)
	case record.Slice:
		s := b.net.sides[i]
		specs := make([]graph.SliceAxisSpec, x.Rank())
		for axis := range specs {
			specs[axis] = graph.AxisRange()
			if axis == s.rows || axis == s.cols {
				specs[axis] = specs[axis].Stride(record.OrOne(a.Strides, axis))
			}
		}
		return graph.Slice(x, specs...)
	}
	return x // padding moves what it reads
}

// sum adds to the unchanged input's sum what the window's places gained.
func (b *builder) sum(i int) *graph.Node {
	node, from := b.net.nodes[i], b.net.Ops[i].From[0]
	a := b.net.recorded.Attributes(node).(record.Reduce)
	gain := graph.ReduceSum(graph.Sub(b.windows[from], b.read(i, from, 0)), a.Axes...)
	return graph.Add(graph.BroadcastToDims(b.in.Clean[i], gain.Shape().Dimensions...), gain)
}

// point computes an operation that goes place by place.
func (b *builder) point(i int) *graph.Node {
	node, s := b.net.nodes[i], b.net.sides[i]
	inputs := make([]*graph.Node, len(node.Inputs()))
	for k, in := range node.Inputs() {
		if _, depends := b.net.index[in]; depends || placewise(b.net.recorded, node) {
			inputs[k] = b.operand(i, in)
		} else {
			inputs[k] = b.value(in)
		}
	}
	x := inputs[0]
	switch a := b.net.recorded.Attributes(node).(type) {
	case record.Conv:
		a.Paddings = nil
		return a.Apply(x, inputs[1])
	case record.Window:
		a.Paddings = nil
		return a.Apply(x)
	case record.Broadcast:
		return broadcast(x, a.Axes, b.sized(i, node, s))
	case record.Slice:
		specs := make([]graph.SliceAxisSpec, x.Rank())
		for axis := range specs {
			specs[axis] = graph.AxisRange()
			if axis != s.rows && axis != s.cols && axis != s.batch {
				specs[axis] = graph.AxisRange(a.Starts[axis], a.Limits[axis]).Stride(record.OrOne(a.Strides, axis))
			}
		}
		return graph.Slice(x, specs...)
	}
	if node.Type() == graph.NodeTypeReshape {
		return graph.Reshape(x, b.sized(i, node, s)...)
	}
	made := map[*graph.Node]*graph.Node{}
	for k, in := range node.Inputs() {
		made[in] = inputs[k]
	}
	return b.net.recorded.Build(b.g, node, made)
}

// sized are the dimensions of a node's output with the rows and columns of an operation's window.
func (b *builder) sized(i int, node *graph.Node, s sides) []int {
	dims := slices.Clone(node.Shape().Dimensions)
	dims[s.rows], dims[s.cols] = b.layout.Size[i][0], b.layout.Size[i][1]
	return dims
}

// operand is what an operation that goes place by place reads of an input.
func (b *builder) operand(i int, in *graph.Node) *graph.Node {
	from, found := b.net.index[in]
	if !found {
		from, found = b.net.fixed[in]
	}
	if found {
		if b.windows[from] != nil && b.layout.Same(i, from) {
			return b.windows[from]
		}
		return b.read(i, from, 0)
	}
	return b.uniform(in, b.net.sides[i], b.net.nodes[i].Rank(), b.layout.Size[i])
}

// broadcast puts the axes of x at those of dims, and repeats it along the others.
func broadcast(x *graph.Node, axes, dims []int) *graph.Node {
	shape := make([]int, len(dims))
	for axis := range shape {
		shape[axis] = 1
	}
	for k, axis := range axes {
		shape[axis] = x.Shape().Dimensions[k]
	}
	return graph.BroadcastToDims(graph.Reshape(x, shape...), dims...)
}
