package onnx

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

var _ = register(map[string]operator{
	"BatchNormalization":        {build: batchNorm, attributes: "epsilon momentum spatial training_mode"},
	"InstanceNormalization":     {build: instanceNorm, attributes: "epsilon"},
	"LayerNormalization":        {build: layerNorm, attributes: "axis epsilon stash_type"},
	"GroupNormalization":        {build: groupNorm, attributes: "epsilon num_groups stash_type"},
	"MeanVarianceNormalization": {build: meanVarianceNorm, attributes: "axes"},
	"LRN":                       {build: lrn, attributes: "alpha beta bias size"},
})

// channels is input i, one number for each of n channels, ready to be broadcast over a map of some rank whose channels
// are axis at of the node.
func (c *call) channels(i int, role string, n, at, rank int) *graph.Node {
	if dims := c.arg(i).dims(); len(dims) != 1 || dims[0] != n {
		c.fail("input %d has shape %v; %d numbers are needed", i+1, dims, n)
	}
	dims := ones(rank)
	dims[at] = n
	return graph.Reshape(c.weights(i, role, []int{0}), dims...)
}

// batchNorm scales and shifts each channel by stored numbers. It is written as arithmetic, which every backend has and
// which has gradients.
func batchNorm(c *call) *value {
	if c.oneOf("training_mode", 0, 1) == 1 || c.oneOf("spatial", 1) != 1 {
		c.fail("batch normalisation is supported in inference mode only")
	}
	x := c.x(0)
	if len(x.axes) < 2 {
		c.fail("a tensor of shape %v has no channels", x.dims())
	}
	rank, at, n := len(x.axes), x.axes[1], x.dims()[1]
	scale, offset := c.channels(1, "scale", n, at, rank), c.channels(2, "offset", n, at, rank)
	mean, variance := c.channels(3, "mean", n, at, rank), c.channels(4, "variance", n, at, rank)
	factor := graph.Div(scale, graph.Sqrt(graph.AddScalar(variance, c.float("epsilon", 1e-5))))
	return x.with(graph.Add(graph.Mul(graph.Sub(x.node, mean), factor), offset))
}

// centred takes the mean along some axes of a node away and divides by the standard deviation.
func centred(x *graph.Node, epsilon float64, axes ...int) *graph.Node {
	x = graph.Sub(x, graph.ReduceAndKeep(x, graph.ReduceMean, axes...))
	variance := graph.ReduceAndKeep(graph.Mul(x, x), graph.ReduceMean, axes...)
	return graph.Div(x, graph.Sqrt(graph.AddScalar(variance, epsilon)))
}

func instanceNorm(c *call) *value {
	x := c.x(0)
	rank := len(x.axes)
	if rank < 3 {
		c.fail("a map of shape %v has no places", x.dims())
	}
	y := centred(x.node, c.float("epsilon", 1e-5), x.places(identity(rank)[2:])...)
	n, at := x.dims()[1], x.axes[1]
	return x.with(graph.Add(graph.Mul(y, c.channels(1, "scale", n, at, rank)), c.channels(2, "offset", n, at, rank)))
}

// layerNorm is over the last axes, from one on.
func layerNorm(c *call) *value {
	x := c.x(0)
	rank := len(x.axes)
	from := c.axis(c.int("axis", -1), rank)
	if from == 0 {
		c.fail("it mixes the pictures of a batch (axis 0 of shape %v)", x.dims())
	}
	y := x.with(centred(x.node, c.float("epsilon", 1e-5), x.places(identity(rank)[from:])...))
	nodes, _ := align([]*value{y, c.onGraph(c.arg(1), "scale")})
	out := graph.Mul(nodes[0], nodes[1])
	if c.has(2) {
		nodes, _ = align([]*value{y.with(out), c.onGraph(c.arg(2), "offset")})
		out = graph.Add(nodes[0], nodes[1])
	}
	return y.with(out)
}

// groupNorm is over groups of channels. Scale and offset are one a group up to operator set 20, then one a channel.
func groupNorm(c *call) *value {
	x := c.x(0)
	dims, groups := x.dims(), c.int("num_groups", 0)
	rank := len(dims)
	if rank < 3 || groups < 1 || dims[1]%groups != 0 {
		c.fail("%d groups for a map of shape %v", groups, dims)
	}
	split := x.reshape(slices.Concat(dims[:1], []int{groups, dims[1] / groups}, dims[2:]))
	y := split.with(centred(split.node, c.float("epsilon", 1e-5), split.places(identity(rank + 1)[2:])...))
	n := groups
	if c.opset >= 21 {
		y, n = y.reshape(dims), dims[1]
	}
	at := y.axes[1]
	y = y.with(graph.Add(graph.Mul(y.node, c.channels(1, "scale", n, at, y.node.Rank())), c.channels(2, "offset", n, at, y.node.Rank())))
	return y.reshape(dims)
}

// meanVarianceNorm is over the places by default. A batch of one picture is what its files are made for, so the batch
// axis, over which it also takes the mean, does not count.
func meanVarianceNorm(c *call) *value {
	x := c.x(0)
	axes := c.ints("axes")
	if axes == nil {
		axes = []int{0, 2, 3}
	}
	axes = slices.DeleteFunc(c.axes(axes, len(x.axes)), func(axis int) bool { return axis == 0 })
	if len(axes) == 0 {
		c.fail("it mixes the pictures of a batch")
	}
	return x.with(centred(x.node, 1e-9, x.places(axes)...))
}

// lrn divides by a norm over neighbouring channels (AlexNet, GoogLeNet).
func lrn(c *call) *value {
	x, size := c.x(0), c.int("size", 0)
	if size < 1 || size > 1<<20 || len(x.axes) < 2 {
		c.fail("size %d for a map of shape %v", size, x.dims())
	}
	at, rank := x.axes[1], len(x.axes)
	around, pads := ones(rank), make([][2]int, rank)
	around[at], pads[at] = size, [2]int{(size - 1) / 2, size / 2}
	sum := graph.BackendReduceWindow(graph.Mul(x.node, x.node), compute.ReduceOpSum, around, ones(rank), nil, nil, pads)
	base := graph.AddScalar(graph.MulScalar(sum, c.float("alpha", 1e-4)/float64(size)), c.float("bias", 1))
	return x.with(c.named(graph.Div(x.node, graph.PowScalar(base, c.float("beta", 0.75)))))
}
