package onnx

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

var _ = register(map[string]operator{
	"Conv": {build: conv, attributes: "auto_pad dilations group kernel_shape pads strides"},
})

// conv is a convolution with its bias. The kernel is turned once, on import, so that the channels come last.
func conv(c *call) *value {
	x, kernel := c.x(0), c.arg(1).dims()
	rank := len(x.axes)
	if rank < 3 || len(kernel) != rank {
		c.fail("kernel of shape %v for a map of shape %v", kernel, x.dims())
	}
	group, channels := c.int("group", 1), x.dims()[1]
	if group < 1 || channels != kernel[1]*group || kernel[0]%group != 0 {
		c.fail("kernel of shape %v in %d groups for a map of %d channels", kernel, group, channels)
	}
	if given := c.ints("kernel_shape"); given != nil && !slices.Equal(given, kernel[2:]) {
		c.fail("kernel_shape %v, but its weights have shape %v", given, kernel)
	}
	w := c.window(kernel[2:], x.dims()[2:])
	order := append(identity(rank)[2:], 1, 0)
	places := rank - 2
	axes := compute.ConvolveAxesConfig{
		InputBatch: 0, InputSpatial: identity(rank - 1)[1:], InputChannels: rank - 1,
		KernelSpatial: identity(places), KernelInputChannels: rank - 2, KernelOutputChannels: rank - 1,
		OutputBatch: 0, OutputSpatial: identity(rank - 1)[1:], OutputChannels: rank - 1,
	}
	y := graph.ConvGeneral(x.in(channelsLast(rank)), c.weights(1, "weights", order), axes,
		w.strides, w.pads, nil, w.dilations, group, 1)
	if c.has(2) && !c.arg(2).nothing() {
		if !slices.Equal(c.arg(2).dims(), kernel[:1]) {
			c.fail("bias of shape %v for %d channels", c.arg(2).dims(), kernel[0])
		}
		y = graph.Add(y, graph.ExpandLeftToRank(c.weights(2, "biases", []int{0}), rank))
	}
	return made(y, channelsLast(rank))
}
