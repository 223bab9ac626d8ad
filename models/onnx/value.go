package onnx

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// value is what a tensor of the file is while the network is built: numbers that are known (host), or a node of the
// graph. The node's axes may lie in any order; that of the picture's maps is channels-last. So a Transpose of the file
// costs nothing until an operation needs a certain order.
type value struct {
	host *array
	node *graph.Node
	// axes says for each axis of the file's tensor which axis of the node it is.
	axes []int
}

// identity is 0, 1, …, n−1.
func identity(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// inverse is the permutation that undoes order.
func inverse(order []int) []int {
	inv := make([]int, len(order))
	for i, o := range order {
		inv[o] = i
	}
	return inv
}

// channelsLast is the order of a map's axes in the graph: batch, places, channels.
func channelsLast(rank int) []int {
	order := []int{0}
	for i := 2; i < rank; i++ {
		order = append(order, i)
	}
	return append(order, 1)
}

// made is a value whose node has the file's axis order[i] as its axis i.
func made(node *graph.Node, order []int) *value {
	return &value{node: node, axes: inverse(order)}
}

// plain is a value whose node has the file's order of axes.
func plain(node *graph.Node) *value { return made(node, identity(node.Rank())) }

// with is a value of v's order and shape, or of v's with some lengths changed.
func (v *value) with(node *graph.Node) *value { return &value{node: node, axes: v.axes} }

// order is the file's axis that each axis of the node is.
func (v *value) order() []int { return inverse(v.axes) }

// dims is the shape in the file's order.
func (v *value) dims() []int {
	if v.node == nil {
		return v.host.dims
	}
	dims := make([]int, len(v.axes))
	for i, axis := range v.axes {
		dims[i] = v.node.Shape().Dimensions[axis]
	}
	return dims
}

// kind is that of the value's numbers.
func (v *value) kind() kind {
	switch {
	case v.node == nil:
		return v.host.kind
	case v.node.DType().IsFloat():
		return float
	case v.node.DType() == dtypes.Bool:
		return boolean
	}
	return integer
}

// nothing reports whether a value is zeros that the graph makes up, as PyTorch's exporter writes a bias that a layer does
// not have.
func (v *value) nothing() bool {
	if v.host == nil || v.host.kind != float || !v.host.traced {
		return false
	}
	return !slices.ContainsFunc(v.host.floats, func(x float32) bool { return x != 0 })
}

func (v *value) rank() int { return len(v.dims()) }

// in is the value's node with its axes in another order.
func (v *value) in(order []int) *graph.Node { return reorder(v.node, v.order(), order) }

// reorder puts the axes of a node in another order. Where only axes of length 1 move, the numbers stay where they are.
func reorder(x *graph.Node, from, to []int) *graph.Node {
	if slices.Equal(from, to) {
		return x
	}
	place := inverse(from)
	permutation, dims := make([]int, len(to)), make([]int, len(to))
	last, moves := -1, false
	for i, axis := range to {
		permutation[i] = place[axis]
		dims[i] = x.Shape().Dimensions[place[axis]]
		if dims[i] > 1 {
			moves = moves || place[axis] < last
			last = place[axis]
		}
	}
	if !moves {
		return graph.Reshape(x, dims...)
	}
	return graph.TransposeAllAxes(x, permutation...)
}

// group is a run of axes that a reshaping turns into another run of as many values.
type group struct{ from, to []int }

// groups splits a reshaping into the smallest runs of axes that change by themselves. Axes of length 1 that are left
// over belong to the last run.
func groups(from, to []int) []group {
	var list []group
	i, j := 0, 0
	for i < len(from) && j < len(to) {
		g := group{[]int{i}, []int{j}}
		a, b := from[i], to[j]
		i, j = i+1, j+1
		for a != b {
			if a < b {
				a *= from[i]
				g.from = append(g.from, i)
				i++
			} else {
				b *= to[j]
				g.to = append(g.to, j)
				j++
			}
		}
		list = append(list, g)
	}
	if len(list) == 0 {
		list = []group{{}}
	}
	last := &list[len(list)-1]
	for ; i < len(from); i++ {
		last.from = append(last.from, i)
	}
	for ; j < len(to); j++ {
		last.to = append(last.to, j)
	}
	return list
}

// reshape gives a value another shape of as many values, as the file's order of axes has it. What a run of axes
// becomes stays where the run was in the node, so that channels can be split, shuffled and joined in place.
func (v *value) reshape(to []int) *value {
	from := v.dims()
	if slices.Equal(from, to) {
		return v
	}
	list := groups(from, to)
	first := func(g group) int { // where the run is in the node; axes of length 1 are anywhere
		at := -1
		for _, axis := range g.from {
			if p := v.axes[axis]; from[axis] > 1 && (at < 0 || p < at) {
				at = p
			}
		}
		if at < 0 && len(g.from) > 0 {
			at = v.axes[g.from[0]]
		}
		return at
	}
	slices.SortStableFunc(list, func(a, b group) int { return first(a) - first(b) })
	var before, after, dims []int
	for _, g := range list {
		before = append(before, g.from...)
		after = append(after, g.to...)
		for _, axis := range g.to {
			dims = append(dims, to[axis])
		}
	}
	return made(graph.Reshape(v.in(before), dims...), after)
}
