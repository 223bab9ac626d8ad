package onnx

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

const windowAttributes = "auto_pad ceil_mode dilations kernel_shape pads strides "

var _ = register(map[string]operator{
	"MaxPool":           {build: maxPool, attributes: windowAttributes + "storage_order"},
	"AveragePool":       {build: averagePool, attributes: windowAttributes + "count_include_pad"},
	"LpPool":            {build: lpPool, attributes: windowAttributes + "p"},
	"GlobalMaxPool":     {build: func(c *call) *value { return c.global(graph.ReduceMax) }},
	"GlobalAveragePool": {build: func(c *call) *value { return c.global(graph.ReduceMean) }},
	"GlobalLpPool":      {build: globalLpPool, attributes: "p"},
})

// global reduces all places of a map to one.
func (c *call) global(reduce func(x *graph.Node, axes ...int) *graph.Node) *value {
	x := c.x(0)
	rank := len(x.axes)
	if rank < 3 {
		c.fail("a map of shape %v has no places", x.dims())
	}
	y := reduce(x.in(channelsLast(rank)), identity(rank - 1)[1:]...)
	dims := y.Shape().Dimensions
	return made(graph.Reshape(y, slices.Concat(dims[:1], ones(rank-2), dims[1:])...), channelsLast(rank))
}

// slide is a pooling's window with its map channels-last.
func (c *call) slide() (*graph.Node, window) {
	x := c.x(0)
	dims := x.dims()
	if len(dims) < 3 {
		c.fail("a map of shape %v has no places", dims)
	}
	size := c.ints("kernel_shape")
	if size == nil {
		c.fail("attribute \"kernel_shape\" is missing")
	}
	return x.in(channelsLast(len(dims))), c.window(size, dims[2:])
}

// reduce slides a window over a channels-last map.
func (w window) reduce(x *graph.Node, how compute.ReduceOpType) *value {
	around := func(list []int) []int { return slices.Concat([]int{1}, list, []int{1}) }
	pads := make([][2]int, x.Rank())
	for i := range w.pads {
		pads[i+1] = [2]int{w.pads[i][0], w.pads[i][1] + w.extra[i]}
	}
	var dilations []int
	if slices.Max(w.dilations) > 1 {
		dilations = around(w.dilations)
	}
	y := graph.BackendReduceWindow(x, how, around(w.size), around(w.strides), nil, dilations, pads)
	return made(y, channelsLast(x.Rank()))
}

func maxPool(c *call) *value {
	x, w := c.slide()
	if w.still() {
		return c.x(0)
	}
	return w.reduce(x, compute.ReduceOpMax)
}

// averagePool is the sum in each window, divided by the number of its places: of those in the map, or of the padding's
// too.
func averagePool(c *call) *value {
	x, w := c.slide()
	if w.still() {
		return c.x(0)
	}
	withPad := c.oneOf("count_include_pad", 0, 1) == 1
	places := x.Shape().Dimensions[1 : x.Rank()-1]
	sum := w.reduce(x, compute.ReduceOpSum)
	counts := []int{1}
	dims := []int{1}
	for i, n := range places {
		counts = outer(counts, w.counts(i, n, withPad))
		dims = append(dims, w.count(i, n))
	}
	return sum.with(graph.Mul(sum.node, inverses(x.Graph(), counts, append(dims, 1))))
}

// counts is how many places each window along an axis covers.
func (w window) counts(i, places int, withPad bool) []int {
	low, high := 0, places
	if withPad {
		low, high = -w.pads[i][0], places+w.pads[i][1]
	}
	list := make([]int, w.count(i, places))
	for k := range list {
		for j := range w.size[i] {
			if at := k*w.strides[i] - w.pads[i][0] + j*w.dilations[i]; at >= low && at < high {
				list[k]++
			}
		}
	}
	return list
}

// outer is the product of each value of a with each of b.
func outer(a, b []int) []int {
	var list []int
	for _, x := range a {
		for _, y := range b {
			list = append(list, x*y)
		}
	}
	return list
}

// inverses are 1 over counts; one number where they are all the same.
func inverses(g *graph.Graph, counts, dims []int) *graph.Node {
	if slices.Min(counts) == slices.Max(counts) {
		return graph.Const(g, 1/float32(counts[0]))
	}
	list := make([]float32, len(counts))
	for i, n := range counts {
		list[i] = 1 / float32(max(n, 1))
	}
	return graph.Reshape(graph.Const(g, list), dims...)
}

// power is |x|^p.
func power(x *graph.Node, p float64) *graph.Node {
	switch p {
	case 1:
		return graph.Abs(x)
	case 2:
		return graph.Mul(x, x)
	}
	return graph.PowScalar(graph.Abs(x), p)
}

// root is the p-th root of x.
func root(x *graph.Node, p float64) *graph.Node {
	switch p {
	case 1:
		return x
	case 2:
		return graph.Sqrt(x)
	}
	return graph.PowScalar(x, 1/p)
}

// p is the exponent of a norm.
func (c *call) p() float64 {
	p := c.int("p", 2)
	if p < 1 || p > math.MaxInt16 {
		c.fail("attribute \"p\" is %d", p)
	}
	return float64(p)
}

func lpPool(c *call) *value {
	x, w := c.slide()
	sum := w.reduce(power(x, c.p()), compute.ReduceOpSum)
	return sum.with(root(sum.node, c.p()))
}

func globalLpPool(c *call) *value {
	p := c.p()
	return c.global(func(x *graph.Node, axes ...int) *graph.Node { return root(graph.ReduceSum(power(x, p), axes...), p) })
}
