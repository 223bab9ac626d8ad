package onnx

import (
	"fmt"
	"math"
	"slices"
)

// kind is what an array holds.
type kind int

const (
	float   kind = iota // any floating-point type of the file, as float32
	integer             // any integer type
	boolean
)

// String is the kind's name in errors.
func (k kind) String() string {
	return [...]string{"floating-point", "integer", "boolean"}[k]
}

// array is a tensor whose numbers are known before the network runs, in the file's axis order.
type array struct {
	kind   kind
	dims   []int
	floats []float32 // of a float
	ints   []int64   // of the other kinds; 0 and 1 of a boolean

	// traced is set where the numbers follow from the shape of a value that depends on the picture: they can change
	// with the batch, so they must not be kept.
	traced bool
	// kept is set where an operator has looked at the numbers themselves, which then must stay.
	kept bool
}

// maxFolded is half of how many numbers a file of any size may have computed while it is imported.
const maxFolded = 1 << 24

// volume is the number of values of a shape; an error where an axis is negative or the number too large.
func volume(dims []int) (int, error) {
	n := 1
	for _, d := range dims {
		if d < 0 || d > math.MaxInt32 || d > 0 && n > math.MaxInt/8/d {
			return 0, fmt.Errorf("shape %v", dims)
		}
		n *= d
	}
	return n, nil
}

func newFloats(dims []int, values []float32) *array {
	return &array{kind: float, dims: dims, floats: values}
}

func newInts(dims []int, values []int64) *array {
	return &array{kind: integer, dims: dims, ints: values}
}

// keep marks numbers that must stay. After the import it writes nothing: graphs may be built side by side.
func (a *array) keep() {
	if !a.kept {
		a.kept = true
	}
}

// size is the number of values.
func (a *array) size() int {
	n := 1
	for _, d := range a.dims {
		n *= d
	}
	return n
}

// like is an empty array of a's kind.
func (a *array) like(dims []int) *array {
	n := 1
	for _, d := range dims {
		n *= d
	}
	b := &array{kind: a.kind, dims: dims}
	if a.kind == float {
		b.floats = make([]float32, n)
	} else {
		b.ints = make([]int64, n)
	}
	return b
}

// copyFrom sets value i to value j of another array of the same kind.
func (a *array) copyFrom(i int, b *array, j int) {
	if a.kind == float {
		a.floats[i] = b.floats[j]
	} else {
		a.ints[i] = b.ints[j]
	}
}

// at is value i as a float64.
func (a *array) at(i int) float64 {
	if a.kind == float {
		return float64(a.floats[i])
	}
	return float64(a.ints[i])
}

// reshaped is the same numbers in another shape of the same size.
func (a *array) reshaped(dims []int) *array {
	b := *a
	b.dims = dims
	return &b
}

// strides are the distances of neighbours along each axis, in values.
func strides(dims []int) []int {
	s := make([]int, len(dims))
	n := 1
	for i := len(dims) - 1; i >= 0; i-- {
		s[i] = n
		n *= dims[i]
	}
	return s
}

// gathered is an array of the given shape whose value at an index is a's value at start + Σ index·step.
func (a *array) gathered(dims []int, start int, step []int) *array {
	b := a.like(dims)
	index := make([]int, len(dims))
	from := start
	for i := range b.size() {
		b.copyFrom(i, a, from)
		for axis := len(dims) - 1; axis >= 0; axis-- {
			index[axis]++
			from += step[axis]
			if index[axis] < dims[axis] {
				break
			}
			from -= index[axis] * step[axis]
			index[axis] = 0
		}
	}
	return b
}

// transposed has axis order[i] of a as its axis i.
func (a *array) transposed(order []int) *array {
	dims, step := make([]int, len(order)), make([]int, len(order))
	from := strides(a.dims)
	for i, axis := range order {
		dims[i], step[i] = a.dims[axis], from[axis]
	}
	return a.gathered(dims, 0, step)
}

// broadcast is a repeated to a shape that it can be broadcast to.
func (a *array) broadcast(dims []int) *array {
	if slices.Equal(a.dims, dims) {
		return a
	}
	if a.size() == 1 {
		return a.filled(dims)
	}
	step, from := make([]int, len(dims)), strides(a.dims)
	for i := range a.dims {
		if a.dims[i] > 1 {
			step[len(dims)-len(a.dims)+i] = from[i]
		}
	}
	return a.gathered(dims, 0, step)
}

// filled is a's only number in every place of a shape.
func (a *array) filled(dims []int) *array {
	b := a.like(dims)
	for i := range b.floats {
		b.floats[i] = a.floats[0]
	}
	for i := range b.ints {
		b.ints[i] = a.ints[0]
	}
	return b
}

// broadcastDims is the shape that operands have together.
func broadcastDims(shapes ...[]int) ([]int, error) {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	dims := make([]int, rank)
	for i := range dims {
		dims[i] = 1
		for _, s := range shapes {
			at := i - rank + len(s)
			switch {
			case at < 0 || s[at] == 1 || s[at] == dims[i]:
			case dims[i] == 1:
				dims[i] = s[at]
			default:
				return nil, fmt.Errorf("shapes %v don't go together", shapes)
			}
		}
	}
	return dims, nil
}
