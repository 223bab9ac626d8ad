package probe

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/models"
)

// FilterScale says what the colours of a filter grid span.
type FilterScale int

const (
	// Symmetric is one range for all filters, centred at 0.
	Symmetric FilterScale = iota
	// PerLayer is one range for all filters, from the least weight to the largest.
	PerLayer
	// PerFilter gives each filter its own range.
	PerFilter
)

// String is the scale's name on the command line.
func (s FilterScale) String() string { return [...]string{"symmetric", "layer", "filter"}[s] }

// Filters asks for the filters of a convolution.
type Filters struct {
	// Layer is a convolution's name, or that of the normalisation or activation function behind it.
	Layer string
	// Scale is what the colours span.
	Scale FilterScale
}

// FilterBank is the kernels of a convolution.
type FilterBank struct {
	// Filters is what was asked for; Network, open on Backend, and Layer are what it was asked of.
	Filters          Filters
	Network, Backend string
	Layer            Layer
	// Out filters with In channels each (those of its group, where it has groups) of H×W weights.
	Out, In, H, W int
	// Weights are out × in × H × W, whatever the order in which the network stores them.
	Weights []float32
	// Colour is set where the filters look at the picture itself and it has three channels, in the given Order.
	Colour bool
	Order  models.ChannelOrder
	// Stride of the filters on the layer's input, down and across.
	Stride [2]int
	// Notice is what must be seen beside them; empty where nothing must.
	Notice string
}

// Filters reads the kernels of a convolution over two axes. Nothing is run. The error for a layer that is no convolution
// lists those that are.
func (p *Probe) Filters(f Filters) (*FilterBank, error) {
	if f.Scale < Symmetric || f.Scale > PerFilter {
		return nil, fmt.Errorf("probe: unknown scale %d of filters; there are Symmetric, PerLayer and PerFilter", f.Scale)
	}
	l, err := p.find(f.Layer)
	if err != nil {
		return nil, err
	}
	for (l.Kind == Activation || l.Kind == Norm) && l.source() != nil {
		l = l.source() // "conv1/relu" shows conv1's
	}
	if l.Kind != Conv {
		return nil, fmt.Errorf("layer %q of %s has no filters: it is no convolution; those are: %s", f.Layer, p.network.Name, p.convolutions())
	}
	flat, err := p.kernel(l)
	if err != nil {
		return nil, err
	}
	return p.bank(f, l, flat, l.kernel.Shape().Dimensions)
}

// kernel reads a layer's weights, in the order in which they are stored.
func (p *Probe) kernel(l *Layer) ([]float32, error) {
	variable := l.kernel
	for variable.Type() == graph.NodeTypeConvertDType {
		variable = variable.Inputs()[0]
	}
	v := p.recorded.Variable(variable)
	if v == nil {
		return nil, fmt.Errorf("the kernel of layer %q is computed, not stored: it can't be shown", l.Name)
	}
	value, err := v.Value()
	if err != nil {
		return nil, oneLine("probe: layer "+l.Name, err)
	}
	if value.DType() != dtypes.Float32 {
		return p.toFloat32(value)
	}
	flat, err := tensors.CopyFlatData[float32](value)
	if err != nil {
		return nil, oneLine("probe: layer "+l.Name, err)
	}
	return flat, nil
}

// toFloat32 converts numbers of another type.
func (p *Probe) toFloat32(value *tensors.Tensor) ([]float32, error) {
	converted, err := graph.CallOnce(p.backend, func(x *graph.Node) *graph.Node {
		return graph.ConvertDType(x, dtypes.Float32)
	}, value)
	if err != nil {
		return nil, oneLine("probe", err)
	}
	return tensors.CopyFlatData[float32](converted)
}

// bank puts a kernel's weights in the order out, in, H, W.
func (p *Probe) bank(f Filters, l *Layer, flat []float32, dims []int) (*FilterBank, error) {
	attributes := p.recorded.Attributes(l.op).(record.Conv)
	axes := attributes.Axes
	if len(axes.KernelSpatial) != 2 {
		return nil, fmt.Errorf("layer %q is a convolution over %d axes; only those over two can be shown", l.Name, len(axes.KernelSpatial))
	}
	order := []int{axes.KernelOutputChannels, axes.KernelInputChannels, axes.KernelSpatial[0], axes.KernelSpatial[1]}
	b := &FilterBank{
		Filters: f, Network: p.network.Name, Backend: p.BackendName(), Layer: *l, Order: p.network.Input.Order,
		Out: dims[order[0]], In: dims[order[1]], H: dims[order[2]], W: dims[order[3]],
		Stride: [2]int{at(attributes.Strides, 0, 1), at(attributes.Strides, 1, 1)},
		Notice: p.network.Notice,
	}
	b.Colour = b.In == 3 && p.network.Input.Channels() == 3 && l.source() != nil && l.source().node == p.recorded.Picture
	stride := make([]int, len(dims))
	step := 1
	for axis := len(dims) - 1; axis >= 0; axis-- {
		stride[axis] = step
		step *= dims[axis]
	}
	for o := range b.Out {
		for i := range b.In {
			for y := range b.H {
				for x := range b.W {
					b.Weights = append(b.Weights, flat[o*stride[order[0]]+i*stride[order[1]]+y*stride[order[2]]+x*stride[order[3]]])
				}
			}
		}
	}
	return b, nil
}

// Kernel is what filter out weighs input channel in with: H×W, sharing Weights.
func (b *FilterBank) Kernel(out, in int) field.Plane {
	size := b.H * b.W
	from := (out*b.In + in) * size
	return field.Plane{H: b.H, W: b.W, Values: b.Weights[from : from+size]}
}

// Filter is all weights of one filter, in × H × W, sharing Weights.
func (b *FilterBank) Filter(out int) []float32 {
	size := b.In * b.H * b.W
	return b.Weights[out*size : (out+1)*size]
}

// convolutions names the layers that have filters.
func (p *Probe) convolutions() string {
	names := ""
	for _, l := range p.layers {
		if l.Kind != Conv {
			continue
		}
		if len(names) > 200 {
			return names + ", …"
		}
		if names != "" {
			names += ", "
		}
		names += l.Name
	}
	return names
}
