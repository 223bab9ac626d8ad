package record

import (
	"math"
	"reflect"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// mostSlices bounds the window of a pooling that is lowered: beyond it one operation is quicker than many slices.
const mostSlices = 32

// lower builds what is quicker than a clone of the node, with the same values, or what stands for it on a backend that
// lacks the operation; nil where a clone is best.
func (p *Program) lower(n *graph.Node, inputs []*graph.Node) *graph.Node {
	if chosen := p.bounded(n, inputs); chosen != nil {
		return chosen
	}
	switch a := p.Attributes(n).(type) {
	case Window:
		if a.sliceable() {
			return maxPool(inputs[0], a)
		}
	case Conv:
		return lowerConv(inputs[0], inputs[1], a)
	case Pad:
		if inputs[0].Graph().Backend().String() == gobackend.BackendName {
			return padAndCut(inputs[0], inputs[1], a)
		}
	case Norm:
		if !inputs[0].Graph().Backend().Capabilities().Operations[compute.OpTypeBatchNormForInference] {
			return normalise(inputs, a)
		}
	}
	return nil
}

// bounded builds the larger or the smaller of values and one constant, as of a ReLU, by a choice. XLA's own operations
// forget on CPUs that a value was no number, where they are put together with the sum of a global pooling: a network with
// NaN among its weights would answer with zeros. It is nil for other nodes, and where there is no such constant.
func (p *Program) bounded(n *graph.Node, inputs []*graph.Node) *graph.Node {
	reads := p.Reads(n)
	switch n.Type() {
	case graph.NodeTypeMax, graph.NodeTypeMin:
		beyond := graph.LessOrEqual
		if n.Type() == graph.NodeTypeMin {
			beyond = graph.GreaterOrEqual
		}
		for k := range reads {
			if limit := p.limit(reads[k]); limit != nil && reads[1-k].Shape().Equal(n.Shape()) {
				return within(inputs[1-k], limit, beyond)
			}
		}
	case graph.NodeTypeClamp: // least, value, most
		if least, most := p.limit(reads[0]), p.limit(reads[2]); least != nil && most != nil {
			return within(within(inputs[1], least, graph.LessOrEqual), most, graph.GreaterOrEqual)
		}
	}
	return nil
}

// within is x, or the limit where x is beyond it.
func within(x *graph.Node, limit *tensors.Tensor, beyond func(a, b *graph.Node) *graph.Node) *graph.Node {
	scalar := graph.ConstTensor(x.Graph(), limit)
	return graph.Where(beyond(x, scalar), scalar, x)
}

// limit is the one number that a recorded node is, or is spread from; nil where it is no such constant, or NaN.
func (p *Program) limit(n *graph.Node) *tensors.Tensor {
	if n.Type() == graph.NodeTypeBroadcastInDim {
		n = n.Inputs()[0]
	}
	if n.Type() != graph.NodeTypeConstant || !n.IsScalar() {
		return nil
	}
	constant := p.Constant(n)
	if constant == nil {
		return nil
	}
	if value := reflect.ValueOf(constant.Value()); value.CanFloat() && math.IsNaN(value.Float()) {
		return nil
	}
	return constant
}

// sliceable reports whether a windowed reduction can be built of few slices.
func (w Window) sliceable() bool {
	slices := 0
	for axis, size := range w.Sizes {
		if size > 1 {
			slices += size
		}
		if axis < len(w.InputDilations) && w.InputDilations[axis] > 1 {
			return false
		}
		if axis < len(w.Paddings) && min(w.Paddings[axis][0], w.Paddings[axis][1]) < 0 {
			return false
		}
	}
	return w.Reduction == compute.ReduceOpMax && slices <= mostSlices
}

// maxPool is the largest value in each window, as a maximum over strided slices, one axis after the other. On XLA's CPU
// backend that takes a quarter of the time of a windowed reduction.
func maxPool(x *graph.Node, w Window) *graph.Node {
	if pad := w.pad(); pad != nil {
		x = graph.Pad(x, graph.Infinity(x.Graph(), x.DType(), -1), pad...)
	}
	for axis, size := range w.Sizes {
		stride, dilation := size, 1
		if len(w.Strides) > 0 {
			stride = w.Strides[axis]
		}
		if len(w.WindowDilations) > 0 {
			dilation = max(w.WindowDilations[axis], 1)
		}
		if size > 1 || stride > 1 {
			x = maxAlong(x, axis, size, stride, dilation)
		}
	}
	return x
}

// pad is what the window's paddings add to each axis; nil for nothing.
func (w Window) pad() []compute.PadAxis {
	var pad []compute.PadAxis
	some := false
	for _, p := range w.Paddings {
		pad = append(pad, compute.PadAxis{Start: p[0], End: p[1]})
		some = some || p != [2]int{}
	}
	if !some {
		return nil
	}
	return pad
}

// maxAlong is the largest of size values, dilation apart, at every stride-th place of an axis.
func maxAlong(x *graph.Node, axis, size, stride, dilation int) *graph.Node {
	last := (x.Shape().Dimensions[axis] - (size-1)*dilation - 1) / stride * stride
	specs := make([]graph.SliceAxisSpec, x.Rank())
	for i := range specs {
		specs[i] = graph.AxisRange()
	}
	var largest *graph.Node
	for i := range size {
		specs[axis] = graph.AxisRange(i*dilation, i*dilation+last+1).Stride(stride)
		slice := graph.Slice(x, specs...)
		if largest == nil {
			largest = slice
		} else {
			largest = graph.Max(largest, slice)
		}
	}
	return largest
}

// padAndCut is a padding some of which is negative, and so cuts off: on the pure-Go backend that kills the process. It is
// nil where none is.
func padAndCut(x, fill *graph.Node, p Pad) *graph.Node {
	pads, cuts, some := make([]compute.PadAxis, len(p.Axes)), make([]graph.SliceAxisSpec, x.Rank()), false
	for i := range cuts {
		cuts[i] = graph.AxisRange()
	}
	for i, a := range p.Axes {
		pads[i] = compute.PadAxis{Start: max(a.Start, 0), End: max(a.End, 0), Interior: a.Interior}
		if a.Start >= 0 && a.End >= 0 {
			continue
		}
		some = true
		size := x.Shape().Dimensions[i]
		wide := size + max(size-1, 0)*a.Interior + pads[i].Start + pads[i].End
		cuts[i] = graph.AxisRange(max(-a.Start, 0), wide-max(-a.End, 0))
	}
	if !some {
		return nil
	}
	return graph.Slice(graph.Pad(x, fill, pads...), cuts...)
}

// normalise is (x − mean) / √(variance + epsilon) · scale + offset, each of them a value a channel.
func normalise(inputs []*graph.Node, a Norm) *graph.Node {
	x := inputs[0]
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[a.Axis] = x.Shape().Dimensions[a.Axis]
	channels := func(i int) *graph.Node { return graph.Reshape(inputs[i], dims...) }
	scale, offset, mean, variance := channels(1), channels(2), channels(3), channels(4)
	x = graph.Div(graph.Sub(x, mean), graph.Sqrt(graph.AddScalar(variance, float64(a.Epsilon))))
	return graph.Add(graph.Mul(x, scale), offset)
}
