package record

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// The builder underneath lacks some operations. A network that uses one is recorded all the same, and runs where there
// is a backend for it.

// standIn is a value for an operation that is missing: a parameter of its shape, since nothing recorded is ever run. It
// lies in the main function, because a closure's parameters are its signature. The builder has no parameters that are
// complex numbers, but converts to them.
func (f *function) standIn(shape shapes.Shape, err error) (compute.Value, error) {
	if err != nil {
		return nil, err
	}
	f.builder.standIns++
	name, main := fmt.Sprintf("stand-in %d", f.builder.standIns), f.builder.Builder.Main()
	if !shape.DType.IsComplex() {
		return main.Parameter(name, shape, nil)
	}
	real := shape.Clone()
	real.DType = shape.DType.RealDType()
	v, err := main.Parameter(name, real, nil)
	if err != nil {
		return nil, err
	}
	return main.ConvertDType(v, shape.DType)
}

// like is a stand-in of another value's shape, of type dtype.
func (f *function) like(x compute.Value, dtype func(dtypes.DType) dtypes.DType) (compute.Value, error) {
	shape, err := f.builder.OpShape(x)
	shape = shape.Clone()
	if dtype != nil {
		shape.DType = dtype(shape.DType)
	}
	return f.standIn(shape, err)
}

func (f *function) BatchNormForInference(x, _, _, _, _ compute.Value, epsilon float32, axis int) (compute.Value, error) {
	v, err := f.like(x, nil)
	return f.note(v, err, Norm{epsilon, axis})
}

func (f *function) BatchNormForTraining(x, scale, _ compute.Value, _ float32, _ int) (y, mean, variance compute.Value, err error) {
	if y, err = f.like(x, nil); err == nil {
		mean, err = f.like(scale, nil)
	}
	if err == nil {
		variance, err = f.like(scale, nil)
	}
	return y, mean, variance, err
}

func (f *function) DynamicSlice(x compute.Value, _ []compute.Value, sizes []int) (compute.Value, error) {
	shape, err := f.builder.OpShape(x)
	if err == nil {
		shape, err = shapeinference.DynamicSlice(shape, sizes)
	}
	return f.standIn(shape, err)
}

func (f *function) DynamicUpdateSlice(x, _ compute.Value, _ []compute.Value) (compute.Value, error) {
	return f.like(x, nil)
}

func (f *function) Complex(x, y compute.Value) (compute.Value, error) {
	re, err := f.builder.OpShape(x)
	if err != nil {
		return nil, err
	}
	im, err := f.builder.OpShape(y)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.BinaryOp(compute.OpTypeAdd, re, im)
	shape = shape.Clone()
	shape.DType = complexOf(shape.DType)
	return f.standIn(shape, err)
}

func (f *function) Real(x compute.Value) (compute.Value, error) {
	return f.like(x, dtypes.DType.RealDType)
}
func (f *function) Imag(x compute.Value) (compute.Value, error) {
	return f.like(x, dtypes.DType.RealDType)
}
func (f *function) Conj(x compute.Value) (compute.Value, error) { return f.like(x, nil) }

func complexOf(real dtypes.DType) dtypes.DType {
	if real == dtypes.Float64 {
		return dtypes.Complex128
	}
	return dtypes.Complex64
}

// FFT goes over the last axes, as many as there are lengths. A transform of real numbers keeps half of the last axis.
func (f *function) FFT(x compute.Value, kind compute.FFTType, lengths []int) (compute.Value, error) {
	shape, err := f.builder.OpShape(x)
	if err != nil {
		return nil, err
	}
	shape = shape.Clone()
	last := len(shape.Dimensions) - 1
	switch kind {
	case compute.FFTForwardReal:
		shape.DType = complexOf(shape.DType)
		shape.Dimensions[last] = shape.Dimensions[last]/2 + 1
	case compute.FFTInverseReal:
		shape.DType = shape.DType.RealDType()
		shape.Dimensions[last] = lengths[len(lengths)-1]
	}
	return f.standIn(shape, nil)
}

func (f *function) SelectAndScatterMax(x, _ compute.Value, _, _ []int, _ [][2]int) (compute.Value, error) {
	return f.like(x, nil)
}

func (f *function) SelectAndScatterMin(x, _ compute.Value, _, _ []int, _ [][2]int) (compute.Value, error) {
	return f.like(x, nil)
}

// compare is a stand-in for a comparison in total order.
func (f *function) compare(x, y compute.Value) (compute.Value, error) {
	left, err := f.builder.OpShape(x)
	if err != nil {
		return nil, err
	}
	right, err := f.builder.OpShape(y)
	if err != nil {
		return nil, err
	}
	return f.standIn(shapeinference.ComparisonOp(compute.OpTypeEqual, left, right))
}

func (f *function) EqualTotalOrder(x, y compute.Value) (compute.Value, error) { return f.compare(x, y) }

func (f *function) NotEqualTotalOrder(x, y compute.Value) (compute.Value, error) {
	return f.compare(x, y)
}

func (f *function) GreaterOrEqualTotalOrder(x, y compute.Value) (compute.Value, error) {
	return f.compare(x, y)
}

func (f *function) GreaterThanTotalOrder(x, y compute.Value) (compute.Value, error) {
	return f.compare(x, y)
}

func (f *function) LessOrEqualTotalOrder(x, y compute.Value) (compute.Value, error) {
	return f.compare(x, y)
}

func (f *function) LessThanTotalOrder(x, y compute.Value) (compute.Value, error) {
	return f.compare(x, y)
}
