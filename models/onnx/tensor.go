package onnx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"

	"github.com/convlens/convlens/models/onnx/internal/pb"
)

var le = binary.LittleEndian

// element is a type of number in a file: its size in bytes, how it is read, and what it becomes.
type element struct {
	name  string
	size  int
	kind  kind
	float func(b []byte) float64
	int   func(b []byte) int64
}

// elements are the types that can be read. Quantised, complex and text tensors have no place in these networks.
var elements = map[int32]element{
	int32(pb.TensorProto_FLOAT):    {"float", 4, float, func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }, nil},
	int32(pb.TensorProto_DOUBLE):   {"double", 8, float, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }, nil},
	int32(pb.TensorProto_FLOAT16):  {"float16", 2, float, func(b []byte) float64 { return float64(float16.FromBits(le.Uint16(b)).Float32()) }, nil},
	int32(pb.TensorProto_BFLOAT16): {"bfloat16", 2, float, func(b []byte) float64 { return float64(bfloat16.FromBits(le.Uint16(b)).Float32()) }, nil},
	int32(pb.TensorProto_INT64):    {"int64", 8, integer, nil, func(b []byte) int64 { return int64(le.Uint64(b)) }},
	int32(pb.TensorProto_INT32):    {"int32", 4, integer, nil, func(b []byte) int64 { return int64(int32(le.Uint32(b))) }},
	int32(pb.TensorProto_INT16):    {"int16", 2, integer, nil, func(b []byte) int64 { return int64(int16(le.Uint16(b))) }},
	int32(pb.TensorProto_INT8):     {"int8", 1, integer, nil, func(b []byte) int64 { return int64(int8(b[0])) }},
	int32(pb.TensorProto_UINT64):   {"uint64", 8, integer, nil, func(b []byte) int64 { return int64(le.Uint64(b)) }},
	int32(pb.TensorProto_UINT32):   {"uint32", 4, integer, nil, func(b []byte) int64 { return int64(le.Uint32(b)) }},
	int32(pb.TensorProto_UINT16):   {"uint16", 2, integer, nil, func(b []byte) int64 { return int64(le.Uint16(b)) }},
	int32(pb.TensorProto_UINT8):    {"uint8", 1, integer, nil, func(b []byte) int64 { return int64(b[0]) }},
	int32(pb.TensorProto_BOOL):     {"bool", 1, boolean, nil, func(b []byte) int64 { return int64(min(b[0], 1)) }},
}

// elementName is an element type's name in errors.
func elementName(t int32) string {
	if name, known := pb.TensorProto_DataType_name[t]; known {
		return name
	}
	return fmt.Sprint(t)
}

// elementOf is the element type with a number.
func elementOf(t int32) (element, error) {
	e, known := elements[t]
	if !known {
		return e, fmt.Errorf("elements of type %s can't be read; floating-point, integer and boolean ones can", elementName(t))
	}
	return e, nil
}

// decode reads a tensor of a file in the folder. The length of its data must be what its shape says, before anything
// is allocated for it.
func decode(t *pb.TensorProto, folder string) (*array, error) {
	e, err := elementOf(t.GetDataType())
	if err != nil {
		return nil, err
	}
	if t.Segment != nil {
		return nil, errors.New("a tensor in segments can't be read")
	}
	dims := make([]int, len(t.Dims))
	for i, d := range t.Dims {
		if d < 0 || d > math.MaxInt32 {
			return nil, fmt.Errorf("shape %v", t.Dims)
		}
		dims[i] = int(d)
	}
	n, err := volume(dims)
	if err != nil {
		return nil, err
	}
	switch {
	case t.GetDataLocation() == pb.TensorProto_EXTERNAL:
		data, err := external(t, folder, int64(n)*int64(e.size))
		if err != nil {
			return nil, err
		}
		return e.decodeRaw(dims, n, data)
	case t.RawData != nil:
		return e.decodeRaw(dims, n, t.RawData)
	}
	return e.decodeTyped(t, dims, n)
}

// decodeRaw reads n little-endian numbers.
func (e element) decodeRaw(dims []int, n int, data []byte) (*array, error) {
	if len(data) != n*e.size {
		return nil, fmt.Errorf("shape %v of %s needs %d bytes, there are %d", dims, e.name, n*e.size, len(data))
	}
	a := (&array{kind: e.kind}).like(dims)
	for i := range n {
		b := data[i*e.size:]
		if e.kind != float {
			a.ints[i] = e.int(b)
		} else if err := a.setFloat(i, e.float(b)); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// setFloat stores a number that must be finite in float32.
func (a *array) setFloat(i int, x float64) error {
	v := float32(x)
	if math.IsNaN(x) || math.IsInf(float64(v), 0) {
		return fmt.Errorf("value %d is %v, which is not a finite float32", i, x)
	}
	a.floats[i] = v
	return nil
}

// decodeTyped reads numbers from the field that belongs to the element type: half floats and small integers share one
// with int32.
func (e element) decodeTyped(t *pb.TensorProto, dims []int, n int) (*array, error) {
	var count int
	var raw func(i int) uint64
	switch e.name {
	case "float":
		count, raw = len(t.FloatData), func(i int) uint64 { return uint64(math.Float32bits(t.FloatData[i])) }
	case "double":
		count, raw = len(t.DoubleData), func(i int) uint64 { return math.Float64bits(t.DoubleData[i]) }
	case "int64":
		count, raw = len(t.Int64Data), func(i int) uint64 { return uint64(t.Int64Data[i]) }
	case "uint64", "uint32":
		count, raw = len(t.Uint64Data), func(i int) uint64 { return t.Uint64Data[i] }
	default:
		count, raw = len(t.Int32Data), func(i int) uint64 { return uint64(uint32(t.Int32Data[i])) }
	}
	if count != n {
		return nil, fmt.Errorf("shape %v of %s needs %d values, there are %d", dims, e.name, n, count)
	}
	var data bytes.Buffer
	data.Grow(n * e.size)
	var word [8]byte
	for i := range n {
		le.PutUint64(word[:], raw(i))
		data.Write(word[:e.size])
	}
	return e.decodeRaw(dims, n, data.Bytes())
}
