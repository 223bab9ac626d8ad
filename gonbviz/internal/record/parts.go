package record

import (
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

// What follows is for whoever builds parts of a network in other shapes than the recorded ones.

// Reach lists the nodes that some depend on, themselves included, inputs before users.
func (p *Program) Reach(some []*graph.Node) []*graph.Node { return p.reachable(p.all, some) }

// Build makes a node again in g, on what was made of the nodes that it Reads, shaped as recorded.
func (p *Program) Build(g *graph.Graph, n *graph.Node, made map[*graph.Node]*graph.Node) *graph.Node {
	return p.build(g, n, through(made, p.Reads(n)))
}

// IsZero reports whether a node is a constant of nothing but zeros.
func (p *Program) IsZero(n *graph.Node) bool {
	for n.Type() == graph.NodeTypeBroadcastInDim || n.Type() == graph.NodeTypeReshape || n.Type() == graph.NodeTypeConvertDType {
		n = n.Inputs()[0]
	}
	if n.Type() != graph.NodeTypeConstant || n.Shape().Size() != 1 || !n.DType().IsFloat() {
		return false
	}
	a, ok := p.Attributes(n).(Constant)
	if !ok {
		return false
	}
	switch flat := a.Flat.(type) {
	case []float32:
		return flat[0] == 0
	case []float64:
		return flat[0] == 0
	}
	return false
}

// Apply is a convolution with these attributes, whatever the size of x, built as a recorded one would be.
func (c Conv) Apply(x, kernel *graph.Node) *graph.Node {
	if y := lowerConv(x, kernel, c); y != nil {
		return y
	}
	return graph.ConvGeneral(x, kernel, c.Axes, c.Strides, c.Paddings, c.InputDilations, c.KernelDilations, c.Groups, c.BatchGroups)
}

// Apply is a windowed reduction with these attributes, whatever the size of x, built as a recorded one would be.
func (w Window) Apply(x *graph.Node) *graph.Node {
	if w.sliceable() {
		return maxPool(x, w)
	}
	return graph.BackendReduceWindow(x, w.Reduction, w.Sizes, w.Strides, w.InputDilations, w.WindowDilations, w.Paddings)
}

// Outside is the value that a windowed reduction takes the places outside its input to hold.
func (w Window) Outside() float64 {
	switch w.Reduction {
	case compute.ReduceOpMax:
		return math.Inf(-1)
	case compute.ReduceOpMin:
		return math.Inf(1)
	case compute.ReduceOpProduct:
		return 1
	}
	return 0
}

// Elementwise reports whether each value of a node's output depends on the values at its own place alone.
func Elementwise(n *graph.Node) bool { return elementwise[n.Type()] }

var elementwise = map[graph.NodeType]bool{
	graph.NodeTypeAbs: true, graph.NodeTypeAdd: true, graph.NodeTypeAtan2: true, graph.NodeTypeCeil: true,
	graph.NodeTypeClamp: true, graph.NodeTypeConvertDType: true, graph.NodeTypeCos: true, graph.NodeTypeDiv: true,
	graph.NodeTypeEqual: true, graph.NodeTypeErf: true, graph.NodeTypeExp: true, graph.NodeTypeExpm1: true,
	graph.NodeTypeFloor: true, graph.NodeTypeGreaterOrEqual: true, graph.NodeTypeGreaterThan: true,
	graph.NodeTypeIdentity: true, graph.NodeTypeIsFinite: true, graph.NodeTypeIsNaN: true,
	graph.NodeTypeLessOrEqual: true, graph.NodeTypeLessThan: true, graph.NodeTypeLog: true, graph.NodeTypeLog1p: true,
	graph.NodeTypeLogicalAnd: true, graph.NodeTypeLogicalNot: true, graph.NodeTypeLogicalOr: true,
	graph.NodeTypeLogicalXor: true, graph.NodeTypeLogistic: true, graph.NodeTypeMax: true, graph.NodeTypeMin: true,
	graph.NodeTypeMul: true, graph.NodeTypeNeg: true, graph.NodeTypeNotEqual: true, graph.NodeTypePow: true,
	graph.NodeTypeRem: true, graph.NodeTypeRound: true, graph.NodeTypeRsqrt: true, graph.NodeTypeSign: true,
	graph.NodeTypeSin: true, graph.NodeTypeSqrt: true, graph.NodeTypeSub: true, graph.NodeTypeTanh: true,
	graph.NodeTypeWhere: true,

	graph.NodeTypeComplex: true, graph.NodeTypeConj: true, graph.NodeTypeImag: true, graph.NodeTypeReal: true,
	graph.NodeTypeEqualTotalOrder: true, graph.NodeTypeNotEqualTotalOrder: true,
	graph.NodeTypeGreaterOrEqualTotalOrder: true, graph.NodeTypeGreaterThanTotalOrder: true,
	graph.NodeTypeLessOrEqualTotalOrder: true, graph.NodeTypeLessThanTotalOrder: true,
}
