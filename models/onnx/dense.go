package onnx

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

var _ = register(map[string]operator{
	"Gemm":   {build: gemm, attributes: "alpha beta transA transB broadcast"},
	"MatMul": {build: matMul},
})

// gemm is alpha·A·B + beta·C. Weights are turned once, on import.
func gemm(c *call) *value {
	a := c.x(0)
	if len(a.axes) != 2 || c.arg(1).rank() != 2 {
		c.fail("matrices of shapes %v and %v", a.dims(), c.arg(1).dims())
	}
	orderA, orderB := []int{0, 1}, []int{0, 1}
	if c.oneOf("transA", 0, 1) == 1 {
		orderA = []int{1, 0}
	}
	if c.oneOf("transB", 0, 1) == 1 {
		orderB = []int{1, 0}
	}
	left, right := a.in(orderA), c.weights(1, "weights", orderB)
	if left.Shape().Dimensions[1] != right.Shape().Dimensions[0] {
		c.fail("matrices of shapes %v and %v", left.Shape().Dimensions, right.Shape().Dimensions)
	}
	y := graph.DotGeneral(left, []int{1}, nil, right, []int{0}, nil)
	if alpha := c.float("alpha", 1); alpha != 1 {
		y = graph.MulScalar(y, alpha)
	}
	beta := c.float("beta", 1)
	if !c.has(2) || beta == 0 {
		return plain(y)
	}
	bias := c.weights(2, "biases", identity(c.arg(2).rank()))
	if bias.Rank() > 2 {
		c.fail("bias of shape %v", bias.Shape().Dimensions)
	}
	if beta != 1 {
		bias = graph.MulScalar(bias, beta)
	}
	return plain(graph.Add(y, graph.ExpandLeftToRank(bias, 2)))
}

// matMul multiplies matrices, and stacks of them.
func matMul(c *call) *value {
	a := c.x(0)
	rankA, rankB := len(a.axes), c.arg(1).rank()
	if rankA < 2 || rankB < 2 {
		c.fail("factors of shapes %v and %v; each needs two axes", a.dims(), c.arg(1).dims())
	}
	if inner := c.arg(1).dims()[rankB-2]; a.dims()[rankA-1] != inner {
		c.fail("factors of shapes %v and %v", a.dims(), c.arg(1).dims())
	}
	if rankB == 2 {
		return c.timesMatrix(a)
	}
	return c.timesStack(a, c.x(1))
}

// timesMatrix multiplies along the last axis, wherever that lies.
func (c *call) timesMatrix(a *value) *value {
	last := len(a.axes) - 1
	order := a.order()
	order = slices.DeleteFunc(order, func(axis int) bool { return axis == last })
	w := c.weights(1, "weights", []int{0, 1})
	return made(graph.DotGeneral(a.node, []int{a.axes[last]}, nil, w, []int{0}, nil), append(order, last))
}

// timesStack multiplies stacks of matrices whose leading axes are broadcast together.
func (c *call) timesStack(a, b *value) *value {
	left, right := a.in(identity(len(a.axes))), b.in(identity(len(b.axes)))
	dimsA, dimsB := left.Shape().Dimensions, right.Shape().Dimensions
	stack, err := broadcastDims(dimsA[:len(dimsA)-2], dimsB[:len(dimsB)-2])
	if err != nil {
		panic(err)
	}
	rank := len(stack) + 2
	left = graph.BroadcastToDims(graph.ExpandLeftToRank(left, rank), slices.Concat(stack, dimsA[len(dimsA)-2:])...)
	right = graph.BroadcastToDims(graph.ExpandLeftToRank(right, rank), slices.Concat(stack, dimsB[len(dimsB)-2:])...)
	batch := identity(len(stack))
	return plain(graph.DotGeneral(left, []int{rank - 1}, batch, right, []int{rank - 2}, batch))
}
