package record

import (
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// The attributes that GoMLX keeps private on a graph's nodes. Node kinds that have none, or whose inputs and shape say
// all, have no entry here.
type (
	// Conv is a convolution's.
	Conv struct {
		Axes                            compute.ConvolveAxesConfig
		Strides                         []int
		Paddings                        [][2]int
		InputDilations, KernelDilations []int
		Groups, BatchGroups             int
	}
	// Window is a windowed reduction's (a pooling's).
	Window struct {
		Reduction                                       compute.ReduceOpType
		Sizes, Strides, InputDilations, WindowDilations []int
		Paddings                                        [][2]int
	}
	// Norm is a batch normalisation's, in inference mode: Axis holds the channels.
	Norm struct {
		Epsilon float32
		Axis    int
	}
	// Dot is a general matrix product's.
	Dot struct{ LeftContracting, LeftBatch, RightContracting, RightBatch []int }
	// Broadcast says which output axis each input axis becomes.
	Broadcast struct{ Axes []int }
	// Transpose says which input axis each output axis was.
	Transpose struct{ Permutation []int }
	// Reduce lists the axes that vanish.
	Reduce struct{ Axes []int }
	// Reverse lists the axes that are turned round.
	Reverse struct{ Axes []int }
	// Concat names the axis that grows.
	Concat struct{ Axis int }
	// Pad has one entry an axis.
	Pad struct{ Axes []compute.PadAxis }
	// Slice has one entry an axis.
	Slice struct{ Starts, Limits, Strides []int }
	// Constant holds the values, a slice, of a constant. GoMLX keeps only those of small ones.
	Constant struct{ Flat any }
	// Sort names the axis that is put in order.
	Sort struct {
		Axis   int
		Stable bool
	}
	// Iota names the axis that counts.
	Iota struct {
		Shape shapes.Shape
		Axis  int
	}
)

// backend hands out builders that note attributes. What it builds is never compiled or run.
type backend struct {
	compute.Backend
	attributes map[compute.Value]any
	closures   map[compute.Value][]*function // what control flow runs, under its first output
	graph      *graph.Graph
}

// next is the number that the graph will give to its next node.
func (b *backend) next() int { return len(b.graph.Nodes()) }

func (b *backend) Builder(name string) compute.Builder {
	return &builder{Builder: b.Backend.Builder(name), b: b}
}

type builder struct {
	compute.Builder
	b        *backend
	main     *function
	standIns int
}

func (b *builder) Main() compute.Function {
	if b.main == nil {
		b.main = &function{Function: b.Builder.Main(), builder: b}
	}
	return b.main
}

func (b *builder) NewFunction(name string) (compute.Function, error) {
	f, err := b.Builder.NewFunction(name)
	if err != nil {
		return nil, err
	}
	return &function{Function: f, builder: b, first: b.b.next()}, nil
}

// function delegates every operation; those with private attributes are noted on the way.
type function struct {
	compute.Function
	builder             *builder
	parent              *function
	parameters, outputs []compute.Value
	first, end          int // the numbers of the graph's nodes that were made in it
}

func (f *function) Builder() compute.Builder { return f.builder }

func (f *function) Parent() compute.Function {
	if f.parent == nil {
		return nil
	}
	return f.parent
}

func (f *function) Closure() (compute.Function, error) {
	c, err := f.Function.Closure()
	if err != nil {
		return nil, err
	}
	return &function{Function: c, builder: f.builder, parent: f, first: f.builder.b.next()}, nil
}

// note keeps an operation's attributes under its value.
func (f *function) note(v compute.Value, err error, attributes any) (compute.Value, error) {
	if err == nil {
		f.builder.b.attributes[v] = attributes
	}
	return v, err
}

func (f *function) ConvGeneral(input, kernel compute.Value, axes compute.ConvolveAxesConfig, strides []int,
	paddings [][2]int, inputDilations, kernelDilations []int, groups, batchGroups int) (compute.Value, error) {
	v, err := f.Function.ConvGeneral(input, kernel, axes, strides, paddings, inputDilations, kernelDilations, groups, batchGroups)
	return f.note(v, err, Conv{axes.Clone(), slices.Clone(strides), slices.Clone(paddings),
		slices.Clone(inputDilations), slices.Clone(kernelDilations), groups, batchGroups})
}

func (f *function) ReduceWindow(input compute.Value, reduction compute.ReduceOpType, sizes, strides, inputDilations,
	windowDilations []int, paddings [][2]int) (compute.Value, error) {
	v, err := f.Function.ReduceWindow(input, reduction, sizes, strides, inputDilations, windowDilations, paddings)
	return f.note(v, err, Window{reduction, slices.Clone(sizes), slices.Clone(strides),
		slices.Clone(inputDilations), slices.Clone(windowDilations), slices.Clone(paddings)})
}

func (f *function) DotGeneral(left compute.Value, leftContracting, leftBatch []int, right compute.Value,
	rightContracting, rightBatch []int, config compute.DotGeneralConfig) (compute.Value, error) {
	v, err := f.Function.DotGeneral(left, leftContracting, leftBatch, right, rightContracting, rightBatch, config)
	return f.note(v, err, Dot{slices.Clone(leftContracting), slices.Clone(leftBatch),
		slices.Clone(rightContracting), slices.Clone(rightBatch)})
}

func (f *function) BroadcastInDim(x compute.Value, output shapes.Shape, axes []int) (compute.Value, error) {
	v, err := f.Function.BroadcastInDim(x, output, axes)
	return f.note(v, err, Broadcast{slices.Clone(axes)})
}

func (f *function) Transpose(x compute.Value, permutation ...int) (compute.Value, error) {
	v, err := f.Function.Transpose(x, permutation...)
	return f.note(v, err, Transpose{slices.Clone(permutation)})
}

func (f *function) ReduceSum(x compute.Value, axes ...int) (compute.Value, error) {
	v, err := f.Function.ReduceSum(x, axes...)
	return f.note(v, err, Reduce{slices.Clone(axes)})
}

func (f *function) ReduceMax(x compute.Value, axes ...int) (compute.Value, error) {
	v, err := f.Function.ReduceMax(x, axes...)
	return f.note(v, err, Reduce{slices.Clone(axes)})
}

func (f *function) ReduceMin(x compute.Value, axes ...int) (compute.Value, error) {
	v, err := f.Function.ReduceMin(x, axes...)
	return f.note(v, err, Reduce{slices.Clone(axes)})
}

func (f *function) ReduceProduct(x compute.Value, axes ...int) (compute.Value, error) {
	v, err := f.Function.ReduceProduct(x, axes...)
	return f.note(v, err, Reduce{slices.Clone(axes)})
}

func (f *function) Reverse(x compute.Value, axes ...int) (compute.Value, error) {
	v, err := f.Function.Reverse(x, axes...)
	return f.note(v, err, Reverse{slices.Clone(axes)})
}

func (f *function) Concatenate(axis int, operands ...compute.Value) (compute.Value, error) {
	v, err := f.Function.Concatenate(axis, operands...)
	return f.note(v, err, Concat{axis})
}

func (f *function) Pad(x, fill compute.Value, axes ...compute.PadAxis) (compute.Value, error) {
	v, err := f.Function.Pad(x, fill, axes...)
	return f.note(v, err, Pad{slices.Clone(axes)})
}

func (f *function) Slice(x compute.Value, starts, limits, strides []int) (compute.Value, error) {
	v, err := f.Function.Slice(x, starts, limits, strides)
	return f.note(v, err, Slice{slices.Clone(starts), slices.Clone(limits), slices.Clone(strides)})
}

func (f *function) Iota(shape shapes.Shape, axis int) (compute.Value, error) {
	v, err := f.Function.Iota(shape, axis)
	return f.note(v, err, Iota{shape.Clone(), axis})
}

func (f *function) Constant(flat any, dims ...int) (compute.Value, error) {
	from := reflect.ValueOf(flat)
	var v compute.Value
	var err error
	if dtype := dtypes.FromGoType(from.Type().Elem()); dtype.IsComplex() {
		v, err = f.standIn(shapes.Make(dtype, dims...), nil)
	} else {
		v, err = f.Function.Constant(flat, dims...)
	}
	kept := reflect.MakeSlice(from.Type(), from.Len(), from.Len())
	reflect.Copy(kept, from)
	return f.note(v, err, Constant{kept.Interface()})
}

// Fused operations are refused, so that a graph arrives as the plain operations that layers are found in.

func (f *function) FusedSoftmax(compute.Value, int) (compute.Value, error) {
	return nil, compute.ErrNotImplemented
}

func (f *function) FusedGelu(compute.Value, bool) (compute.Value, error) {
	return nil, compute.ErrNotImplemented
}

func (f *function) FusedLayerNorm(compute.Value, []int, float64, compute.Value, compute.Value) (compute.Value, error) {
	return nil, compute.ErrNotImplemented
}

func (f *function) FusedDense(_, _, _ compute.Value, _ compute.DenseConfig) (compute.Value, error) {
	return nil, compute.ErrNotImplemented
}
