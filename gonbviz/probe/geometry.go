package probe

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/record"
)

// sight says what the values of a node see of the picture along one of its sides. Where axis ≥ 0 the value at index i
// of that axis sees the pixels from start+i·stride on, size of them; where it is negative every value sees the same
// pixels. Pixels outside the picture count: they are what padding stands for.
type sight struct {
	axis, stride, start, size int
	// fixed is set where a value's place along axis says nothing about what it sees.
	fixed bool
}

// view is what a node sees of the picture, downwards and across; nil for a node that sees nothing of it.
type view [2]sight

// geometry finds the view of every node that depends on the picture (shaped [batch, height, width, channels]).
func geometry(p *record.Program) map[*graph.Node]*view {
	whole := [2]int{p.Picture.Shape().Dimensions[1], p.Picture.Shape().Dimensions[2]}
	views := map[*graph.Node]*view{p.Picture: {{axis: 1, stride: 1, size: 1}, {axis: 2, stride: 1, size: 1}}}
	for _, n := range p.Nodes {
		if n == p.Picture {
			continue
		}
		var v *view
		for i, in := range n.Inputs() {
			from := views[in]
			if from == nil {
				continue
			}
			through := &view{}
			for side := range through {
				through[side] = from[side].through(p.Attributes(n), n, i, whole[side])
			}
			v = unite(v, through, n, whole)
		}
		if v != nil {
			views[n] = v
		}
	}
	return views
}

// through is what n sees by way of its i-th input, which sees s, along a side of whole pixels.
func (s sight) through(attributes any, n *graph.Node, i, whole int) sight {
	in := n.Inputs()[i]
	if s.axis < 0 {
		return s
	}
	switch a := attributes.(type) {
	case record.Conv:
		if i == 1 {
			return s.lost(in, whole)
		}
		k := slices.Index(a.Axes.InputSpatial, s.axis)
		if k < 0 {
			return s.lost(in, whole)
		}
		if at(a.InputDilations, k, 1) > 1 {
			return s.spread(in, whole, a.Axes.OutputSpatial[k])
		}
		size := n.Inputs()[1].Shape().Dimensions[a.Axes.KernelSpatial[k]]
		return s.window(a.Axes.OutputSpatial[k], size, at(a.Strides, k, 1), at(a.KernelDilations, k, 1), low(a.Paddings, k))
	case record.Window:
		if at(a.InputDilations, s.axis, 1) > 1 {
			return s.spread(in, whole, s.axis)
		}
		size := at(a.Sizes, s.axis, 1)
		return s.window(s.axis, size, at(a.Strides, s.axis, size), at(a.WindowDilations, s.axis, 1), low(a.Paddings, s.axis))
	case record.Pad:
		pad := a.Axes
		if s.axis >= len(pad) {
			return s
		}
		if pad[s.axis].Interior != 0 {
			return s.spread(in, whole, s.axis)
		}
		return s.shifted(-pad[s.axis].Start)
	case record.Slice:
		s = s.shifted(at(a.Starts, s.axis, 0))
		s.stride *= at(a.Strides, s.axis, 1)
		return s
	case record.Transpose:
		s.axis = slices.Index(a.Permutation, s.axis)
		return s
	case record.Broadcast:
		if in.Shape().IsScalar() {
			return s.lost(in, whole)
		}
		if in.Shape().Dimensions[s.axis] != n.Shape().Dimensions[a.Axes[s.axis]] {
			return s.spread(in, whole, a.Axes[s.axis])
		}
		s.axis = a.Axes[s.axis]
		return s
	case record.Reduce:
		if len(a.Axes) == 0 || slices.Contains(a.Axes, s.axis) {
			return s.lost(in, whole)
		}
		for _, gone := range a.Axes {
			if gone < s.axis {
				s.axis--
			}
		}
		return s
	case record.Concat:
		if a.Axis == s.axis {
			return s.spread(in, whole, s.axis)
		}
		return s
	case record.Dot:
		return s.throughDot(a, n, i, whole)
	}
	if n.Type() == graph.NodeTypeReverse {
		return s.spread(in, whole, s.axis)
	}
	if n.Type() == graph.NodeTypeReshape {
		return s.throughReshape(in.Shape().Dimensions, n.Shape().Dimensions, in, whole)
	}
	if elementwise(n) || n.Type() == graph.NodeTypeBatchNormForInference {
		return s
	}
	return s.lost(in, whole)
}

// window is what a sliding window of size values, dilated and padded, sees of values that see s.
func (s sight) window(axis, size, stride, dilation, padding int) sight {
	w := s.shifted(-padding)
	w.axis, w.stride = axis, s.stride*stride
	if !s.fixed {
		w.size += (size - 1) * dilation * s.stride
	}
	return w
}

// shifted is what values see that stand where those stood n places further on.
func (s sight) shifted(n int) sight {
	if !s.fixed {
		s.start += n * s.stride
	}
	return s
}

// spread is what values along the axis of the output see where each may depend on any of in's.
func (s sight) spread(in *graph.Node, whole, axis int) sight {
	lost := s.lost(in, whole)
	lost.axis, lost.stride, lost.fixed = axis, s.stride, true
	return lost
}

// lost is what a value sees that depends on in along the whole of the axis.
func (s sight) lost(in *graph.Node, whole int) sight {
	if s.axis < 0 {
		return s
	}
	first, last := s.start, s.start+s.size
	if !s.fixed {
		last += (in.Shape().Dimensions[s.axis] - 1) * s.stride
	}
	first, last = max(first, 0), min(last, whole)
	return sight{axis: -1, start: first, size: max(last-first, 0)}
}

// throughDot keeps an axis that the product neither sums over nor moves out of the picture's operand.
func (s sight) throughDot(a record.Dot, n *graph.Node, i, whole int) sight {
	in := n.Inputs()[i]
	contracting, batch, other := a.LeftContracting, a.LeftBatch, n.Inputs()[1-i].Shape().Rank()
	otherContracting, otherBatch := len(a.RightContracting), len(a.RightBatch)
	if i == 1 {
		contracting, batch = a.RightContracting, a.RightBatch
		otherContracting, otherBatch = len(a.LeftContracting), len(a.LeftBatch)
	}
	if slices.Contains(contracting, s.axis) {
		return s.lost(in, whole)
	}
	if k := slices.Index(batch, s.axis); k >= 0 {
		s.axis = k
		return s
	}
	// The output's axes are the batch axes, then the left operand's others, then the right's.
	place := len(batch)
	if i == 1 {
		place += other - otherContracting - otherBatch
	}
	for axis := range s.axis {
		if !slices.Contains(contracting, axis) && !slices.Contains(batch, axis) {
			place++
		}
	}
	s.axis = place
	return s
}

// throughReshape keeps an axis that stands in the output with the same number of values before it and in it. One of a
// single value can't be told from others like it, and is kept where the number of axes stays.
func (s sight) throughReshape(from, to []int, in *graph.Node, whole int) sight {
	if from[s.axis] == 1 {
		if len(to) == len(from) && to[s.axis] == 1 {
			return s
		}
		return s.lost(in, whole)
	}
	before, count := 1, 1
	for _, d := range from[:s.axis] {
		before *= d
	}
	for axis, d := range to {
		if axis > 0 && count == before && d == from[s.axis] {
			s.axis = axis
			return s
		}
		count *= d
	}
	return s.lost(in, whole)
}

// unite is what the values of n see that depend on both a and b: the bounding interval on each side. a may be nil.
func unite(a, b *view, n *graph.Node, whole [2]int) *view {
	if a == nil {
		return b
	}
	u := &view{}
	for side := range u {
		u[side] = a[side].unite(b[side], n, whole[side])
	}
	return u
}

func (s sight) unite(o sight, n *graph.Node, whole int) sight {
	if s.axis < 0 {
		s, o = o, s
	}
	axis, stride := s.axis, max(s.stride, o.stride)
	together := s.axis == o.axis && s.fixed == o.fixed && s.stride == o.stride
	if !together {
		// Places that move at different speeds, or beside one that does not move: all see what any of them sees.
		s, o = s.lost(n, whole), o.lost(n, whole)
		s.fixed = true
	}
	first, last := min(s.start, o.start), max(s.start+s.size, o.start+o.size)
	return sight{axis: axis, stride: stride, start: first, size: last - first, fixed: s.fixed && axis >= 0}
}

// at is list[i], or what a missing list stands for.
func at(list []int, i, missing int) int {
	if i < len(list) {
		return list[i]
	}
	return missing
}

func low(paddings [][2]int, i int) int {
	if i < len(paddings) {
		return paddings[i][0]
	}
	return 0
}

// elementwiseTypes are the node types whose output value depends on the input values at its own place alone.
var elementwiseTypes = map[graph.NodeType]bool{
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
}

func elementwise(n *graph.Node) bool { return elementwiseTypes[n.Type()] }
