package onnx

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

var _ = register(map[string]operator{
	"Slice":  {build: slice, fold: foldSlice, attributes: "starts ends axes"},
	"Split":  {split: split, attributes: "axis split num_outputs"},
	"Gather": {build: gather, fold: foldGather, attributes: "axis"},
	"Pad":    {build: pad, attributes: "mode pads value"},
})

// cutout is a part of one axis: count values from start on, step apart.
type cutout struct{ start, step, count int }

// cutouts are what a Slice leaves of each axis. Up to operator set 9 its numbers are attributes, then inputs.
func (c *call) cutouts(dims []int) []cutout {
	var starts, ends, axes, steps []int
	if c.opset < 10 {
		starts, ends, axes = c.ints("starts"), c.ints("ends"), c.ints("axes")
	} else {
		starts, ends = c.knownInts(1), c.knownInts(2)
		if c.has(3) {
			axes = c.knownInts(3)
		}
		if c.has(4) {
			steps = c.knownInts(4)
		}
	}
	if axes == nil {
		axes = identity(len(starts))
	}
	if steps == nil {
		steps = ones(len(starts))
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		c.fail("%d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	list := make([]cutout, len(dims))
	for i, d := range dims {
		list[i] = cutout{0, 1, d}
	}
	for i, axis := range axes {
		axis = c.axis(axis, len(dims))
		list[axis] = c.cutout(starts[i], ends[i], steps[i], dims[axis])
	}
	return list
}

// cutout resolves one axis of length n, whose ends may count from behind and lie outside.
func (c *call) cutout(start, end, step, n int) cutout {
	if step == 0 || step > math.MaxInt32 || step < -math.MaxInt32 {
		c.fail("a step of %d", step)
	}
	if start < 0 {
		start += n
	}
	if end < 0 && end >= -n {
		end += n
	} else if end < 0 {
		end = -1
	}
	if step > 0 {
		start, end = max(0, min(start, n)), max(0, min(end, n))
		return cutout{start, step, max(0, (end-start+step-1)/step)}
	}
	start, end = max(-1, min(start, n-1)), max(-1, min(end, n-1))
	return cutout{start, step, max(0, (start-end-step-1)/-step)}
}

func slice(c *call) *value {
	x := c.x(0)
	node := x.node
	for axis, cut := range c.cutouts(x.dims()) {
		if cut.count == 0 {
			c.fail("it leaves nothing of axis %d of shape %v", axis, x.dims())
		}
		node = take(node, x.axes[axis], cut)
	}
	return x.with(node)
}

// take is a part of one axis of a node.
func take(x *graph.Node, axis int, cut cutout) *graph.Node {
	n := x.Shape().Dimensions[axis]
	if cut == (cutout{0, 1, n}) {
		return x
	}
	if cut.step < 0 {
		x = graph.Reverse(x, axis)
		cut.start, cut.step = n-1-cut.start, -cut.step
	}
	specs := make([]graph.SliceAxisSpec, x.Rank())
	for i := range specs {
		specs[i] = graph.AxisRange()
	}
	specs[axis] = graph.AxisRange(cut.start, cut.start+(cut.count-1)*cut.step+1).Stride(cut.step)
	return graph.Slice(x, specs...)
}

func foldSlice(c *call) *array {
	a := c.known(0)
	from := strides(a.dims)
	dims, step, start := make([]int, len(a.dims)), make([]int, len(a.dims)), 0
	for axis, cut := range c.cutouts(a.dims) {
		dims[axis], step[axis] = cut.count, cut.step*from[axis]
		start += cut.start * from[axis]
	}
	c.spend(dims)
	return a.gathered(dims, start, step)
}

// split cuts an axis into parts: of lengths that are given, or of the same length, the last one maybe shorter.
func split(c *call) []*value {
	x, parts := c.x(0), len(c.node.outputs)
	axis := c.axis(c.int("axis", 0), len(x.axes))
	n := x.dims()[axis]
	lengths := c.ints("split")
	if c.opset >= 13 && c.has(1) {
		lengths = c.knownInts(1)
	}
	if lengths == nil {
		length := (n + parts - 1) / parts
		for i := range parts {
			lengths = append(lengths, min(length, n-i*length))
		}
	}
	if len(lengths) != parts {
		c.fail("%d lengths for %d parts", len(lengths), parts)
	}
	var list []*value
	start := 0
	for _, length := range lengths {
		if length < 1 || length > n-start {
			c.fail("parts of %v from an axis of length %d", lengths, n)
		}
		list = append(list, x.with(take(x.node, x.axes[axis], cutout{start, 1, length})))
		start += length
	}
	if start != n {
		c.fail("parts of %v from an axis of length %d", lengths, n)
	}
	return list
}

// gather picks slices of an axis by known indices.
func gather(c *call) *value {
	x := c.x(0)
	axis := c.axis(c.int("axis", 0), len(x.axes))
	if y := c.gatherEach(x); y != nil {
		return y
	}
	indices := c.indices(x.dims()[axis])
	dims := x.dims()
	return x.with(c.picked(x.node, x.axes[axis], indices)).reshape(slices.Concat(dims[:axis], c.known(1).dims, dims[axis+1:]))
}

// maxRuns bounds the number of slices that a Gather is put together of.
const maxRuns = 1 << 12

// picked are the values of a node's axis at some indices, neighbours taken together.
func (c *call) picked(x *graph.Node, axis int, indices []int) *graph.Node {
	var parts []*graph.Node
	for i := 0; i < len(indices); {
		run := 1
		for i+run < len(indices) && indices[i+run] == indices[i]+run {
			run++
		}
		if parts = append(parts, take(x, axis, cutout{indices[i], 1, run})); len(parts) > maxRuns {
			break
		}
		i += run
	}
	switch {
	case len(parts) == 0 || len(parts) > maxRuns:
		c.fail("%d indices", len(indices))
	case len(parts) == 1:
		return parts[0]
	}
	return graph.Concatenate(parts, axis)
}

// gatherEach is a Gather from all values of a whole batch in one row, whose indices are written for the file's batch, as
// PyTorch exports as_strided: each picture's values are picked as the first one's. It is nil where that is not asked for.
func (c *call) gatherEach(x *value) *value {
	if c.batch == c.fixed || len(x.axes) != 1 || c.arg(1).host == nil || c.arg(1).host.traced {
		return nil
	}
	list, shape := c.knownInts(1), c.known(1).dims
	if len(shape) == 0 || shape[0] != c.fixed || len(list) == 0 || x.dims()[0]%c.batch != 0 {
		return nil
	}
	each, values := len(list)/c.fixed, x.dims()[0]/c.batch
	for i, at := range list {
		if at != list[i%each]+i/each*values || list[i%each] >= values {
			c.fail("it mixes the pictures of a batch")
		}
	}
	rows := x.reshape([]int{c.batch, values})
	picked := c.picked(rows.node, rows.axes[1], list[:each])
	return rows.with(picked).reshape(slices.Concat([]int{c.batch}, shape[1:]))
}

// indices are those of a Gather in an axis of length n, counted from the front.
func (c *call) indices(n int) []int {
	list := c.knownInts(1)
	for i, at := range list {
		list[i] = c.axis(at, n)
	}
	return list
}

func foldGather(c *call) *array {
	a := c.known(0)
	axis := c.axis(c.int("axis", 0), len(a.dims))
	indices := c.indices(a.dims[axis])
	dims := slices.Concat(a.dims[:axis], c.known(1).dims, a.dims[axis+1:])
	c.spend(dims)
	out := a.like(dims)
	inner := 1
	for _, d := range a.dims[axis+1:] {
		inner *= d
	}
	if len(indices) == 0 {
		return out
	}
	for i := range out.size() {
		before, at := i/inner/len(indices), indices[i/inner%len(indices)]
		out.copyFrom(i, a, (before*a.dims[axis]+at)*inner+i%inner)
	}
	return out
}

// pad adds a border of a number, of the values mirrored at the edge, or of the edge itself.
func pad(c *call) *value {
	x := c.x(0)
	rank := len(x.axes)
	pads, fill := c.ints("pads"), c.float("value", 0)
	axes := identity(rank)
	if c.opset >= 11 {
		pads, fill = c.knownInts(1), c.knownFloat(2, 0)
		if c.has(3) {
			axes = c.knownInts(3)
		}
	}
	if len(pads) != 2*len(axes) {
		c.fail("%d pads for %d axes", len(pads), len(axes))
	}
	around := make([][2]int, rank)
	for i, axis := range axes {
		axis = c.axis(axis, rank)
		around[x.axes[axis]] = [2]int{pads[i], pads[len(axes)+i]}
	}
	node, around := c.crop(x.node, around)
	switch mode := c.text("mode", "constant"); mode {
	case "constant":
		return x.with(padConstant(node, around, fill))
	case "reflect", "edge":
		for axis, p := range around {
			node = c.padAxis(node, axis, p, mode)
		}
		return x.with(node)
	default:
		c.fail("mode %q; it may be constant, reflect or edge", mode)
	}
	return nil
}

// crop takes away what negative paddings ask for.
func (c *call) crop(x *graph.Node, pads [][2]int) (*graph.Node, [][2]int) {
	for axis, p := range pads {
		n := x.Shape().Dimensions[axis]
		if max(p[0], p[1]) > 1<<20 || min(p[0], p[1]) < -n || n+min(p[0], 0)+min(p[1], 0) < 1 {
			c.fail("paddings %v of an axis of length %d", p, n)
		}
		x = take(x, axis, cutout{-min(p[0], 0), 1, n + min(p[0], 0) + min(p[1], 0)})
		pads[axis] = [2]int{max(p[0], 0), max(p[1], 0)}
	}
	return x, pads
}

func padConstant(x *graph.Node, pads [][2]int, fill float64) *graph.Node {
	config, some := make([]compute.PadAxis, len(pads)), false
	for axis, p := range pads {
		config[axis] = compute.PadAxis{Start: p[0], End: p[1]}
		some = some || p != [2]int{}
	}
	if !some {
		return x
	}
	return graph.Pad(x, graph.Scalar(x.Graph(), x.DType(), fill), config...)
}

// padAxis pads one axis with its own values.
func (c *call) padAxis(x *graph.Node, axis int, pads [2]int, mode string) *graph.Node {
	if pads == [2]int{} {
		return x
	}
	n := x.Shape().Dimensions[axis]
	if mode == "reflect" && max(pads[0], pads[1]) >= n {
		c.fail("paddings %v mirrored in an axis of length %d", pads, n)
	}
	var parts []*graph.Node
	border := func(count, start int, edge int) {
		if count == 0 {
			return
		}
		if mode == "reflect" {
			parts = append(parts, take(x, axis, cutout{start, -1, count}))
			return
		}
		dims := slices.Clone(x.Shape().Dimensions)
		dims[axis] = count
		parts = append(parts, graph.BroadcastToDims(take(x, axis, cutout{edge, 1, 1}), dims...))
	}
	border(pads[0], pads[0], 0)
	parts = append(parts, x)
	border(pads[1], n-2, n-1)
	return graph.Concatenate(parts, axis)
}
