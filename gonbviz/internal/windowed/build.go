package windowed

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
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
			need(r.From)
			for _, u := range r.Uses {
				if l.Ops[u.By].Kind == plan.Sum && l.Windowed[u.By] {
					need(u.By)
				}
			}
		}
	}
	return list
}

// Matches reports whether another recording, for a batch of one, is the same network node by node.
func (n *Network) Matches(one *record.Program) bool {
	return slices.EqualFunc(n.recorded.Nodes, one.Nodes, func(a, b *graph.Node) bool { return a.Type() == b.Type() })
}

// BuildClean computes what Clean lists, on one picture shaped [1, rows, columns, channels]: of a map its places, shaped
// [1, rows, columns, values of a place]; of a sum its value. one is the network recorded for a batch of one, which
// Matches.
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
			made[k] = toPlaces(made[k], s)
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
	d := shape.Dimensions
	return shapes.Make(shape.DType, 1, d[s.rows], d[s.cols], shape.Size()/(d[s.batch]*d[s.rows]*d[s.cols]))
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

// Node is the recorded node of an operation; the last one, who wants the targets, has none.
func (n *Network) Node(i int) *graph.Node { return n.nodes[i] }

// Build computes the targets for a batch of changed inputs, as a layout says. made is what was made of each operation on
// the way there: its window or all of it, of Fixed ones nothing.
func (n *Network) Build(l *plan.Layout, in Inputs) (targets, made []*graph.Node) {
	b := &builder{net: n, layout: l, in: in, g: in.Input.Graph(), uses: map[[2]int]use{}, reads: map[int]*graph.Node{}}
	b.whole, b.windows = map[*graph.Node]*graph.Node{}, map[int]*graph.Node{}
	for k, r := range l.Reads {
		for _, u := range r.Uses {
			by := u.By
			if !l.Windowed[by] {
				by = -1 // once for all
			}
			b.uses[[2]int{by, r.From}] = use{u, k}
		}
	}
	made = make([]*graph.Node, len(n.nodes))
	for i, op := range n.Ops[:len(n.nodes)] {
		switch {
		case op.Kind == plan.Fixed:
			continue
		case i == 0:
			made[i] = in.Input
		case l.Windowed[i]:
			made[i] = b.window(i)
		default:
			made[i] = b.all(n.nodes[i])
		}
		b.put(i, made[i])
	}
	targets = make([]*graph.Node, len(n.targets))
	for k, node := range n.targets {
		targets[k] = b.value(node)
	}
	return targets, made
}

// builder builds one program.
type builder struct {
	net     *Network
	layout  *plan.Layout
	in      Inputs
	g       *graph.Graph
	uses    map[[2]int]use      // by the reader, −1 for whole maps, and what is read
	reads   map[int]*graph.Node // what was put together
	windows map[int]*graph.Node
	whole   map[*graph.Node]*graph.Node
}

// use is a part of the layout's read of some index.
type use struct {
	plan.Use
	read int
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
		made = b.read(-1, i)
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

// read is the part of an operation's map that another sees, laid out as that.
func (b *builder) read(by, from int) *graph.Node {
	u := b.uses[[2]int{by, from}]
	x := b.together(u.read)
	if b.layout.Reads[u.read].Size == u.Size {
		return x
	}
	s, cut := b.net.sides[from], make([]graph.SliceAxisSpec, x.Rank())
	for axis := range cut {
		cut[axis] = graph.AxisRange()
	}
	cut[s.rows], cut[s.cols] = graph.AxisRange(u.At[0], u.At[0]+u.Size[0]), graph.AxisRange(u.At[1], u.At[1]+u.Size[1])
	return graph.Slice(x, cut...)
}

// together puts a read together from the computed window and the unchanged map, once for all that it is for. The choice
// between the two comes last: XLA computes a choice once, and what goes value by value anew for each that reads it.
func (b *builder) together(k int) *graph.Node {
	if b.reads[k] == nil {
		b.reads[k] = b.overlay(k)
	}
	return b.reads[k]
}

func (b *builder) overlay(k int) *graph.Node {
	r, places := b.layout.Reads[k], b.in.Places[k]
	s, like, m := b.net.sides[r.From], b.net.nodes[r.From], b.net.Ops[r.From].Map
	end := m[0] * m[1] // stands for what lies outside; from there on come the computed windows
	number := func(i int) *graph.Node { return graph.Scalar(b.g, dtypes.Int32, i) }
	gather := func(x, places *graph.Node, s sides, like *graph.Node) *graph.Node {
		d := x.Shape().Dimensions
		x = graph.Reshape(x, d[0]*d[1]*d[2], d[3])
		return fromPlaces(graph.Gather(x, graph.InsertAxes(places, -1)), s, like)
	}
	clean := gather(b.in.Clean[r.From], graph.Min(places, number(end-1)), s, like)
	dims := clean.Shape().Dimensions
	if r.Outside {
		edge := graph.BroadcastToDims(graph.Scalar(b.g, clean.DType(), r.Edge), dims...)
		clean = graph.Where(b.inside(k, dims), clean, edge)
	}
	if r.Clean {
		return clean
	}
	source, chain := b.source(r.From)
	first := number(end + 1)
	w := toPlaces(b.windows[source], b.net.sides[source])
	changed := gather(w, graph.Max(graph.Sub(places, first), number(0)), b.net.sides[source], b.net.nodes[source])
	for _, i := range slices.Backward(chain) {
		changed = b.elementwise(i, changed, r.Size)
	}
	return graph.Where(spread(graph.GreaterOrEqual(places, first), s, dims), changed, clean)
}

// source is the operation whose window is read instead of one in the same window that goes value by value through what
// only it and things alike at all places make of the source: those are computed on what was read, in one go with the
// reading. chain are those, the last first.
func (b *builder) source(i int) (source int, chain []int) {
	n := b.net
	for n.Ops[i].Kind == plan.Point && record.Elementwise(n.nodes[i]) && len(n.Ops[i].From) == 1 {
		from := n.Ops[i].From[0]
		if n.nodes[from].Rank() != n.nodes[i].Rank() || n.nodes[from].Shape().Size() != n.nodes[i].Shape().Size() || !b.layout.Same(i, from) {
			break
		}
		chain = append(chain, i)
		i = from
	}
	return i, chain
}

// inside says which places of a read lie in the map, spread to the dimensions of what is read.
func (b *builder) inside(k int, dims []int) *graph.Node {
	from := b.layout.Reads[k].From
	m := b.net.Ops[from].Map
	return spread(graph.NotEqual(b.in.Places[k], graph.Scalar(b.g, dtypes.Int32, m[0]*m[1])), b.net.sides[from], dims)
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
	if a, ok := b.net.recorded.Attributes(b.net.nodes[i]).(record.Conv); ok {
		return b.convolve(i, a)
	}
	switch b.net.Ops[i].Kind {
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
	x := b.read(i, from)
	switch a := b.net.recorded.Attributes(node).(type) {
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

// convolve computes a convolution of what its window sees.
func (b *builder) convolve(i int, a record.Conv) *graph.Node {
	from := b.net.Ops[i].From[0]
	kernel := b.value(b.net.nodes[i].Inputs()[1])
	a.Paddings = nil
	u, reads := b.uses[[2]int{i, from}]
	if !reads {
		return a.Apply(b.windows[from], kernel)
	}
	size := b.layout.Reads[u.read].Size
	if size == u.Size || a.Groups > 1 || b.g.Backend().String() == gobackend.BackendName {
		return a.Apply(b.read(i, from), kernel)
	}
	a.Paddings = make([][2]int, 2) // XLA's convolutions leave out a border themselves
	for k, axis := range []int{b.net.sides[from].rows, b.net.sides[from].cols} {
		a.Paddings[slices.Index(a.Axes.InputSpatial, axis)] = [2]int{-u.At[k], u.At[k] + u.Size[k] - size[k]}
	}
	return a.Apply(b.together(u.read), kernel)
}

// sum adds to the unchanged input's sum what the window's places gained.
func (b *builder) sum(i int) *graph.Node {
	node, from := b.net.nodes[i], b.net.Ops[i].From[0]
	a := b.net.recorded.Attributes(node).(record.Reduce)
	gain := graph.Sub(b.windows[from], b.read(i, from))
	if k := b.uses[[2]int{i, from}].read; b.layout.Reads[k].Outside {
		gain = graph.Where(b.inside(k, gain.Shape().Dimensions), gain, graph.ZerosLike(gain))
	}
	gain = graph.ReduceSum(gain, a.Axes...)
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
	case record.Window:
		a.Paddings = nil
		return a.Apply(x)
	case record.Concat:
		if node.Rank() == 4 && s == (sides{0, 1, 2}) {
			return beside(inputs)
		}
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

// beside puts the channels of maps beside each other, channels last. As rows of a matrix: XLA would compile a loop for
// each side of the window.
func beside(maps []*graph.Node) *graph.Node {
	rows := make([]*graph.Node, len(maps))
	channels := 0
	dims := slices.Clone(maps[0].Shape().Dimensions)
	for k, x := range maps {
		channels += x.Shape().Dimensions[3]
		rows[k] = graph.Reshape(x, dims[0]*dims[1]*dims[2], x.Shape().Dimensions[3])
	}
	dims[3] = channels
	return graph.Reshape(graph.Concatenate(rows, 1), dims...)
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
		return b.read(i, from)
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
