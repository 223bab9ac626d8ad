// Package windowed computes a recorded network for many changes of one input, each confined to a window: where a
// window's change reaches only a window of a map, that window alone is computed, and the rest taken from the maps of
// the unchanged input. The answers are those of the whole network, up to the rounding of sums in another order.
package windowed

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/internal/windowed/plan"
)

// Network is a recorded network as a plan sees it.
type Network struct {
	// Ops depend on the input; the first is the input.
	Ops []plan.Op

	recorded *record.Program
	targets  []*graph.Node
	nodes    []*graph.Node // of Ops
	sides    []sides
	index    map[*graph.Node]int // of those that depend on the input
	fixed    map[*graph.Node]int // of those that do not
}

// sides are the axes of a node's value that hold the batch and the rows and columns of a map; rows and columns are −1
// where it has no map.
type sides struct{ batch, rows, cols int }

var noMap = sides{0, -1, -1}

// Read reads a network, recorded for whatever batch, as far as targets depend on its picture. The last operation is
// none of the network's: it stands for who wants all of the targets.
func Read(p *record.Program, targets []*graph.Node, costs Costs) *Network {
	n := &Network{recorded: p, targets: targets, index: map[*graph.Node]int{}, fixed: map[*graph.Node]int{}}
	n.index[p.Picture] = n.add(p.Picture, plan.Op{Kind: plan.Input}, sides{0, 1, 2})
	for _, node := range p.Reach(targets) {
		r := reader{n, p, node, n.dependent(p.Reads(node))}
		if node == p.Picture || len(r.from) == 0 {
			continue
		}
		op, s := r.rule()
		op.From = r.from
		if op.Kind == plan.Point && placewise(p, node) {
			op.From = append(op.From, r.varying(s)...)
		}
		n.index[node] = n.add(node, op, s)
	}
	costs.fill(n)
	n.Ops = append(n.Ops, plan.Op{Kind: plan.Whole, From: n.dependent(targets)})
	return n
}

// dependent are the operations among nodes, each once.
func (n *Network) dependent(nodes []*graph.Node) []int {
	var list []int
	for _, node := range nodes {
		if i, found := n.index[node]; found && !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	return list
}

func (n *Network) add(node *graph.Node, op plan.Op, s sides) int {
	if s.rows >= 0 {
		dims := node.Shape().Dimensions
		op.Map = [2]int{dims[s.rows], dims[s.cols]}
	}
	n.Ops = append(n.Ops, op)
	n.nodes = append(n.nodes, node)
	n.sides = append(n.sides, s)
	return len(n.Ops) - 1
}

// reader reads one node.
type reader struct {
	net  *Network
	p    *record.Program
	node *graph.Node
	from []int
}

var whole = plan.Op{Kind: plan.Whole}

func (r reader) rule() (plan.Op, sides) {
	s := r.net.sides[r.from[0]]
	if s.rows < 0 || r.node.NumOutputs() != 1 || record.IsControlFlow(r.node) {
		return whole, noMap
	}
	switch a := r.p.Attributes(r.node).(type) {
	case record.Conv:
		return r.conv(a, s)
	case record.Window:
		return r.pool(a, s)
	case record.Norm:
		return r.point(s, a.Axis != s.rows && a.Axis != s.cols && r.first())
	case record.Concat:
		return r.point(s, a.Axis != s.rows && a.Axis != s.cols && a.Axis != s.batch && r.alike(s))
	case record.Reduce:
		return r.reduce(a, s)
	case record.Transpose:
		to := func(axis int) int { return slices.Index(a.Permutation, axis) }
		return r.point(sides{to(s.batch), to(s.rows), to(s.cols)}, true)
	case record.Broadcast:
		return r.broadcast(a, s)
	case record.Dot:
		return r.dot(a, s)
	case record.Pad:
		return r.pad(a, s)
	case record.Slice:
		return r.slice(a, s)
	}
	switch {
	case r.node.Type() == graph.NodeTypeReshape:
		return r.reshape(s)
	case record.Elementwise(r.node):
		return r.point(s, r.alike(s))
	}
	return whole, noMap
}

// varying are operands of a Point that do not depend on the picture but differ from place to place.
func (r reader) varying(s sides) []int {
	var list []int
	for _, in := range r.node.Inputs() {
		if _, found := r.net.index[in]; found || in.Rank() != r.node.Rank() || uniform(in, s, r.p) {
			continue
		}
		i, found := r.net.fixed[in]
		if !found {
			i = r.net.add(in, plan.Op{Kind: plan.Fixed}, s)
			r.net.fixed[in] = i
		}
		list = append(list, i)
	}
	return list
}

// placewise reports whether all of an operation's inputs are laid out like its output.
func placewise(p *record.Program, n *graph.Node) bool {
	_, concat := p.Attributes(n).(record.Concat)
	return concat || record.Elementwise(n)
}

// uniform reports whether a value that does not depend on the picture is the same at all places of a map.
func uniform(n *graph.Node, s sides, p *record.Program) bool {
	dims := n.Shape().Dimensions
	if dims[s.rows] == 1 && dims[s.cols] == 1 {
		return true
	}
	a, ok := p.Attributes(n).(record.Broadcast)
	if !ok {
		return false
	}
	from := n.Inputs()[0].Shape().Dimensions
	for k, axis := range a.Axes {
		if (axis == s.rows || axis == s.cols || axis == s.batch) && from[k] != 1 {
			return false
		}
	}
	return true
}

// first reports whether the node depends on the picture by its first input alone.
func (r reader) first() bool {
	for _, in := range r.node.Inputs()[1:] {
		if _, found := r.net.index[in]; found {
			return false
		}
	}
	return true
}

// alike reports whether all inputs that depend on the picture have maps of the node's size, on the same axes, and the
// others of its rank have such maps as well, or one place for all.
func (r reader) alike(s sides) bool {
	for _, in := range r.node.Inputs() {
		i, depends := r.net.index[in]
		if !depends && in.Rank() != r.node.Rank() {
			continue
		}
		d := in.Shape().Dimensions
		if depends && (r.net.sides[i] != s || len(d) != r.node.Rank()) {
			return false
		}
		same, one := d[s.rows] == r.dim(s.rows) && d[s.cols] == r.dim(s.cols), d[s.rows] == 1 && d[s.cols] == 1
		if !same && (depends || !one) {
			return false // it grows along one side alone
		}
	}
	return true
}

func (r reader) dim(axis int) int { return r.node.Shape().Dimensions[axis] }

// point is an operation that goes place by place, if it is one.
func (r reader) point(s sides, is bool) (plan.Op, sides) {
	if !is || s.batch < 0 || s.rows < 0 || s.cols < 0 {
		return whole, noMap
	}
	return plan.Op{Kind: plan.Point}, s
}

func (r reader) conv(a record.Conv, s sides) (plan.Op, sides) {
	row, col := slices.Index(a.Axes.InputSpatial, s.rows), slices.Index(a.Axes.InputSpatial, s.cols)
	if !r.first() || row < 0 || col < 0 || len(a.Axes.InputSpatial) != 2 || a.Axes.InputBatch != s.batch || a.BatchGroups > 1 ||
		slices.ContainsFunc(a.InputDilations, func(d int) bool { return d > 1 }) {
		return whole, noMap
	}
	kernel := r.node.Inputs()[1].Shape().Dimensions
	along := func(k int) plan.Slide {
		w := plan.Slide{Size: kernel[a.Axes.KernelSpatial[k]], Stride: record.OrOne(a.Strides, k), Dilation: record.OrOne(a.KernelDilations, k)}
		if len(a.Paddings) > 0 {
			w.Before = a.Paddings[k][0]
		}
		return w
	}
	to := sides{a.Axes.OutputBatch, a.Axes.OutputSpatial[row], a.Axes.OutputSpatial[col]}
	return r.sliding([2]plan.Slide{along(row), along(col)}, to)
}

// sliding is a Point where each place is taken from the same place alone.
func (r reader) sliding(w [2]plan.Slide, s sides) (plan.Op, sides) {
	if w == ([2]plan.Slide{{Size: 1, Stride: 1, Dilation: 1}, {Size: 1, Stride: 1, Dilation: 1}}) {
		m := r.net.Ops[r.from[0]].Map
		if m == ([2]int{r.dim(s.rows), r.dim(s.cols)}) {
			return plan.Op{Kind: plan.Point}, s
		}
	}
	return plan.Op{Kind: plan.Sliding, Slide: w}, s
}

func (r reader) pool(a record.Window, s sides) (plan.Op, sides) {
	if !r.first() || slices.ContainsFunc(a.InputDilations, func(d int) bool { return d > 1 }) || !r.node.DType().IsFloat() {
		return whole, noMap // whole numbers have no infinity to lie outside
	}
	for axis, size := range a.Sizes {
		if axis != s.rows && axis != s.cols && (size != 1 || axis < len(a.Strides) && a.Strides[axis] != 1 || axis < len(a.Paddings) && a.Paddings[axis] != [2]int{}) {
			return whole, noMap
		}
	}
	along := func(axis int) plan.Slide {
		w := plan.Slide{Size: a.Sizes[axis], Stride: a.Sizes[axis], Dilation: record.OrOne(a.WindowDilations, axis)}
		if axis < len(a.Strides) {
			w.Stride = max(a.Strides[axis], 1)
		}
		if axis < len(a.Paddings) {
			w.Before = a.Paddings[axis][0]
		}
		return w
	}
	op, s := r.sliding([2]plan.Slide{along(s.rows), along(s.cols)}, s)
	op.Edge = a.Outside()
	return op, s
}

func (r reader) reduce(a record.Reduce, s sides) (plan.Op, sides) {
	rows, cols := slices.Contains(a.Axes, s.rows), slices.Contains(a.Axes, s.cols)
	switch {
	case len(a.Axes) == 0 || slices.Contains(a.Axes, s.batch):
		return whole, noMap
	case rows && cols && r.node.Type() == graph.NodeTypeReduceSum && !r.node.DType().IsHalfPrecision(): // which would round twice
		return plan.Op{Kind: plan.Sum}, noMap
	case rows || cols:
		return whole, noMap
	}
	to := func(axis int) int {
		gone := 0
		for _, a := range a.Axes {
			if a < axis {
				gone++
			}
		}
		return axis - gone
	}
	return r.point(sides{to(s.batch), to(s.rows), to(s.cols)}, true)
}

// broadcast keeps a map that only gains axes, or grows along others than its own.
func (r reader) broadcast(a record.Broadcast, s sides) (plan.Op, sides) {
	from := r.node.Inputs()[0].Shape().Dimensions
	to := sides{a.Axes[s.batch], a.Axes[s.rows], a.Axes[s.cols]}
	same := r.dim(to.batch) == from[s.batch] && r.dim(to.rows) == from[s.rows] && r.dim(to.cols) == from[s.cols]
	return r.point(to, same)
}

// dot keeps a map whose places are multiplied, each for itself, with what does not depend on the picture.
func (r reader) dot(a record.Dot, s sides) (plan.Op, sides) {
	if len(a.LeftBatch) > 0 || len(r.from) != 1 {
		return whole, noMap
	}
	left, right := r.node.Inputs()[0], r.node.Inputs()[1]
	_, isLeft := r.net.index[left]
	if _, isRight := r.net.index[right]; isLeft && isRight {
		return whole, noMap
	}
	contracting, before := a.LeftContracting, 0
	if !isLeft {
		contracting, before = a.RightContracting, left.Rank()-len(a.LeftContracting)
	}
	to := func(axis int) int {
		if slices.Contains(contracting, axis) {
			return -1
		}
		place := before
		for k := range axis {
			if !slices.Contains(contracting, k) {
				place++
			}
		}
		return place
	}
	return r.point(sides{to(s.batch), to(s.rows), to(s.cols)}, true)
}

// pad moves a map, or leaves it where it is.
func (r reader) pad(a record.Pad, s sides) (plan.Op, sides) {
	if !r.p.IsZero(r.node.Inputs()[1]) {
		return whole, noMap
	}
	for axis, p := range a.Axes {
		if p.Interior != 0 || min(p.Start, p.End) < 0 || axis != s.rows && axis != s.cols && p != (compute.PadAxis{}) {
			return whole, noMap
		}
	}
	along := func(axis int) plan.Slide {
		w := plan.Slide{Size: 1, Stride: 1, Dilation: 1}
		if axis < len(a.Axes) {
			w.Before = a.Axes[axis].Start
		}
		return w
	}
	return r.sliding([2]plan.Slide{along(s.rows), along(s.cols)}, s)
}

// slice cuts a map, or its channels.
func (r reader) slice(a record.Slice, s sides) (plan.Op, sides) {
	along := func(axis int) plan.Slide {
		return plan.Slide{Size: 1, Stride: record.OrOne(a.Strides, axis), Dilation: 1, Before: -a.Starts[axis]}
	}
	from := r.node.Inputs()[0].Shape().Dimensions
	if r.dim(s.batch) != from[s.batch] {
		return whole, noMap
	}
	if r.dim(s.rows) == from[s.rows] && r.dim(s.cols) == from[s.cols] {
		return r.point(s, true)
	}
	for axis, n := range from {
		if axis != s.rows && axis != s.cols && r.dim(axis) != n {
			return whole, noMap // rows and channels cut at once
		}
	}
	return r.sliding([2]plan.Slide{along(s.rows), along(s.cols)}, s)
}

// reshape keeps a map whose axes stand in the output with the same number of values before them and in them.
func (r reader) reshape(s sides) (plan.Op, sides) {
	from, to := r.node.Inputs()[0].Shape().Dimensions, r.node.Shape().Dimensions
	find := func(axis, after int) int {
		before := product(from[:axis])
		for k := max(after, 0); k < len(to); k++ {
			if to[k] == from[axis] && product(to[:k]) == before {
				return k
			}
		}
		return -1
	}
	order := []int{s.batch, s.rows, s.cols}
	slices.Sort(order)
	place := map[int]int{}
	last := -1
	for _, axis := range order {
		place[axis] = find(axis, last+1)
		if last = place[axis]; last < 0 {
			return whole, noMap
		}
	}
	return r.point(sides{place[s.batch], place[s.rows], place[s.cols]}, true)
}

func product(list []int) int {
	p := 1
	for _, n := range list {
		p *= n
	}
	return p
}
