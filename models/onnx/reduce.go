package onnx

import (
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

type reduction func(x *graph.Node, axes ...int) *graph.Node

// reduce makes an operator of a reduction over some axes, which are an attribute up to an operator set.
func reduce(f reduction, since int64, fold func(c *call) *array) operator {
	return operator{
		attributes: "axes keepdims noop_with_empty_axes", fold: fold,
		build: func(c *call) *value { return c.reduce(f, since) },
	}
}

var _ = register(map[string]operator{
	"ReduceMean": reduce(graph.ReduceMean, 18, nil),
	"ReduceSum":  reduce(graph.ReduceSum, 13, nil),
	"ReduceMax":  reduce(graph.ReduceMax, 18, nil),
	"ReduceMin":  reduce(graph.ReduceMin, 18, nil),
	"ReduceProd": reduce(graph.ReduceMultiply, 18, foldProduct),
	"ReduceL1": reduce(func(x *graph.Node, axes ...int) *graph.Node {
		return graph.ReduceSum(graph.Abs(x), axes...)
	}, 18, nil),
	"ReduceL2": reduce(func(x *graph.Node, axes ...int) *graph.Node {
		return graph.Sqrt(graph.ReduceSum(graph.Mul(x, x), axes...))
	}, 18, nil),
	"Softmax":         {build: softmax, attributes: "axis"},
	"LogSoftmax":      {build: logSoftmax, attributes: "axis"},
	"LpNormalization": {build: lpNormalization, attributes: "axis p"},
})

func (c *call) reduce(f reduction, since int64) *value {
	x := c.x(0)
	rank := len(x.axes)
	axes := c.axesFrom("axes", 1, since, rank)
	if len(axes) == 0 {
		if c.oneOf("noop_with_empty_axes", 0, 1) == 1 {
			return x
		}
		axes = identity(rank)
	}
	c.separate(x, axes)
	y := f(x.node, x.places(axes)...)
	kept := slices.DeleteFunc(x.order(), func(axis int) bool { return slices.Contains(axes, axis) })
	if c.oneOf("keepdims", 1, 0) == 1 {
		dims := slices.Clone(x.node.Shape().Dimensions)
		for _, place := range x.places(axes) {
			dims[place] = 1
		}
		return x.with(graph.Reshape(y, dims...))
	}
	// The axes that stay move up.
	for i, axis := range kept {
		for _, gone := range axes {
			if gone < axis {
				kept[i]--
			}
		}
	}
	return made(y, kept)
}

// separate refuses to mix the pictures of a batch.
func (c *call) separate(x *value, axes []int) {
	if slices.Contains(axes, 0) && x.dims()[0] > 1 {
		c.fail("it mixes the pictures of a batch (axis 0 of shape %v)", x.dims())
	}
}

// places are the axes of the node that some axes of the file are.
func (v *value) places(axes []int) []int {
	list := make([]int, len(axes))
	for i, axis := range axes {
		list[i] = v.axes[axis]
	}
	slices.Sort(list)
	return list
}

// softmaxAxes are those over which a softmax sums: all from one on up to operator set 12, then that one.
func (c *call) softmaxAxes(x *value) []int {
	rank := len(x.axes)
	if c.opset >= 13 {
		return x.places([]int{c.axis(c.int("axis", -1), rank)})
	}
	return x.places(identity(rank)[c.axis(c.int("axis", 1), rank):])
}

func softmax(c *call) *value {
	x := c.x(0)
	return x.with(graph.Softmax(x.node, c.softmaxAxes(x)...))
}

func logSoftmax(c *call) *value {
	x := c.x(0)
	return x.with(graph.LogSoftmax(x.node, c.softmaxAxes(x)...))
}

// lpNormalization divides by the norm along an axis; where that is 0 the values are, too.
func lpNormalization(c *call) *value {
	x, p := c.x(0), float64(c.oneOf("p", 2, 1))
	at := x.axes[c.axis(c.int("axis", -1), len(x.axes))]
	norm := graph.ReduceAndKeep(power(x.node, p), graph.ReduceSum, at)
	return x.with(graph.Div(x.node, graph.MaxScalar(root(norm, p), math.SmallestNonzeroFloat32)))
}
