package record

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
)

// leastProduct is the number of weights from which on a convolution of one pixel is a matrix product on XLA's CPU backend:
// that takes two thirds of the time, but 20 ms more to compile. One of more pixels takes 0.2 s more, for little.
const leastProduct = 1 << 14

// lowerConv builds a convolution where that is quicker than the backend's own: a depthwise one as shifted products
// everywhere (on XLA's CPU backend in a tenth of the time and less), any other without groups as a matrix product on
// the pure-Go backend (in a tenth of the time), and on others where each place sees one pixel; nil where a clone is
// best.
func lowerConv(x, kernel *graph.Node, c Conv) *graph.Node {
	if !c.plain() {
		return nil
	}
	channels, places := x.Shape().Dimensions[3], kernel.Shape().Dimensions[0]*kernel.Shape().Dimensions[1]
	switch {
	case c.Groups > 1:
		if c.Groups == channels && places <= mostSlices*2 {
			return depthwise(c.taps(x, kernel), kernel)
		}
	case x.Graph().Backend().String() == gobackend.BackendName || places == 1 && kernel.Shape().Size() >= leastProduct:
		return multiply(c.taps(x, kernel), kernel)
	}
	return nil
}

// plain reports whether a convolution goes over two axes, channels last, and only ever adds to its input's border.
func (c Conv) plain() bool {
	last := compute.ConvolveAxesConfig{
		InputSpatial: []int{1, 2}, OutputSpatial: []int{1, 2}, KernelSpatial: []int{0, 1},
		InputChannels: 3, OutputChannels: 3, KernelInputChannels: 2, KernelOutputChannels: 3,
	}
	a := c.Axes
	return slices.Equal(a.InputSpatial, last.InputSpatial) && slices.Equal(a.OutputSpatial, last.OutputSpatial) &&
		slices.Equal(a.KernelSpatial, last.KernelSpatial) && a.InputBatch == 0 && a.OutputBatch == 0 &&
		a.InputChannels == last.InputChannels && a.OutputChannels == last.OutputChannels &&
		a.KernelInputChannels == last.KernelInputChannels && a.KernelOutputChannels == last.KernelOutputChannels &&
		c.BatchGroups <= 1 &&
		!slices.ContainsFunc(c.InputDilations, func(d int) bool { return d > 1 }) &&
		!slices.ContainsFunc(c.Paddings, func(p [2]int) bool { return min(p[0], p[1]) < 0 })
}

// taps are what each of the kernel's places sees, row by row: the input's values that it is multiplied with, shaped
// [batch, height, width, channels] with the output's height and width.
func (c Conv) taps(x, kernel *graph.Node) []*graph.Node {
	if slices.ContainsFunc(c.Paddings, func(p [2]int) bool { return p != [2]int{} }) {
		x = graph.Pad(x, graph.ScalarZero(x.Graph(), x.DType()), compute.PadAxis{},
			compute.PadAxis{Start: c.Paddings[0][0], End: c.Paddings[0][1]},
			compute.PadAxis{Start: c.Paddings[1][0], End: c.Paddings[1][1]}, compute.PadAxis{})
	}
	along := func(axis int) []graph.SliceAxisSpec {
		size, stride, dilation := kernel.Shape().Dimensions[axis], OrOne(c.Strides, axis), OrOne(c.KernelDilations, axis)
		last := (x.Shape().Dimensions[axis+1] - (size-1)*dilation - 1) / stride * stride
		specs := make([]graph.SliceAxisSpec, size)
		for i := range specs {
			specs[i] = graph.AxisRange(i*dilation, i*dilation+last+1).Stride(stride)
		}
		return specs
	}
	var taps []*graph.Node
	for _, rows := range along(0) {
		for _, columns := range along(1) {
			taps = append(taps, graph.Slice(x, graph.AxisRange(), rows, columns, graph.AxisRange()))
		}
	}
	return taps
}

// OrOne is an attribute along the i-th axis: strides and dilations are 1 where they are not given.
func OrOne(list []int, i int) int {
	if i < len(list) {
		return max(list[i], 1)
	}
	return 1
}

// multiply is the product of a matrix that has the window of each place as a row with the kernels.
func multiply(taps []*graph.Node, kernel *graph.Node) *graph.Node {
	windows := taps[0]
	if len(taps) > 1 {
		windows = graph.Concatenate(taps, 3)
	}
	to := windows.Shape().Dimensions
	out := kernel.Shape().Dimensions[3]
	y := graph.Dot(graph.Reshape(windows, to[0]*to[1]*to[2], to[3]), graph.Reshape(kernel, to[3], out)).Product()
	return graph.Reshape(y, to[0], to[1], to[2], out)
}

// depthwise is the sum over the kernel's places of what each sees times its weights. The kernel is shaped [height,
// width, 1, channels × multiplier]; a channel's outputs lie side by side.
func depthwise(taps []*graph.Node, kernel *graph.Node) *graph.Node {
	to := taps[0].Shape().Dimensions
	channels, out := to[3], kernel.Shape().Dimensions[3]
	weights := graph.Reshape(kernel, len(taps), 1, 1, 1, channels, out/channels)
	var sum *graph.Node
	for i, tap := range taps {
		weight := graph.Reshape(graph.Slice(weights, graph.AxisElem(i)), 1, 1, 1, channels, out/channels)
		product := graph.Mul(graph.Reshape(tap, to[0], to[1], to[2], channels, 1), weight)
		if sum == nil {
			sum = product
		} else {
			sum = graph.Add(sum, product)
		}
	}
	return graph.Reshape(sum, to[0], to[1], to[2], out)
}
