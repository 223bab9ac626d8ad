package record

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
)

// mostSlices bounds the window of a pooling that is lowered: beyond it one operation is quicker than many slices.
const mostSlices = 32

// lower builds what is quicker than a clone of the node, with the same values, or what stands for it on a backend that
// lacks the operation; nil where a clone is best.
func (p *Program) lower(n *graph.Node, inputs []*graph.Node) *graph.Node {
	switch a := p.Attributes(n).(type) {
	case Window:
		if a.sliceable() {
			return maxPool(inputs[0], a)
		}
	case Conv:
		if a.multipliable() && inputs[0].Graph().Backend().String() == gobackend.BackendName {
			return convolve(inputs[0], inputs[1], a)
		}
	case Norm:
		if !inputs[0].Graph().Backend().Capabilities().Operations[compute.OpTypeBatchNormForInference] {
			return normalise(inputs, a)
		}
	}
	return nil
}

// multipliable reports whether a convolution can be built as one matrix product: channels last, two axes, one group.
func (c Conv) multipliable() bool {
	a := c.Axes
	return c.Groups <= 1 && c.BatchGroups <= 1 && slices.Equal(a.InputSpatial, []int{1, 2}) && slices.Equal(a.OutputSpatial, []int{1, 2}) &&
		slices.Equal(a.KernelSpatial, []int{0, 1}) && a.InputBatch == 0 && a.OutputBatch == 0 && a.InputChannels == 3 && a.OutputChannels == 3 &&
		a.KernelInputChannels == 2 && a.KernelOutputChannels == 3 && !slices.ContainsFunc(c.InputDilations, func(d int) bool { return d > 1 }) &&
		!slices.ContainsFunc(c.Paddings, func(p [2]int) bool { return min(p[0], p[1]) < 0 })
}

// convolve is a convolution as the product of a matrix that has the window of each place as a row with the kernels. On
// the pure-Go backend that takes a fraction of the time of its convolution.
func convolve(x, kernel *graph.Node, c Conv) *graph.Node {
	if len(c.Paddings) == 2 && (c.Paddings[0] != [2]int{} || c.Paddings[1] != [2]int{}) {
		pad := []compute.PadAxis{{}, {Start: c.Paddings[0][0], End: c.Paddings[0][1]}, {Start: c.Paddings[1][0], End: c.Paddings[1][1]}, {}}
		x = graph.Pad(x, graph.ScalarZero(x.Graph(), x.DType()), pad...)
	}
	dims := kernel.Shape().Dimensions
	of := func(list []int, axis int) int {
		if axis < len(list) {
			return max(list[axis], 1)
		}
		return 1
	}
	places := func(axis int) int {
		span := (dims[axis]-1)*of(c.KernelDilations, axis) + 1
		return (x.Shape().Dimensions[axis+1]-span)/of(c.Strides, axis) + 1
	}
	h, w := places(0), places(1)
	var windows []*graph.Node
	for i := range dims[0] {
		for j := range dims[1] {
			top, left := i*of(c.KernelDilations, 0), j*of(c.KernelDilations, 1)
			windows = append(windows, graph.Slice(x, graph.AxisRange(),
				graph.AxisRange(top, top+(h-1)*of(c.Strides, 0)+1).Stride(of(c.Strides, 0)),
				graph.AxisRange(left, left+(w-1)*of(c.Strides, 1)+1).Stride(of(c.Strides, 1)), graph.AxisRange()))
		}
	}
	rows := windows[0]
	if len(windows) > 1 {
		rows = graph.Concatenate(windows, 3)
	}
	batch := x.Shape().Dimensions[0]
	y := graph.Dot(graph.Reshape(rows, batch*h*w, dims[0]*dims[1]*dims[2]), graph.Reshape(kernel, dims[0]*dims[1]*dims[2], dims[3])).Product()
	return graph.Reshape(y, batch, h, w, dims[3])
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
