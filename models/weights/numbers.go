package weights

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// chunk is how many bytes are converted at a time.
const chunk = 1 << 16

// volume is the number of bytes of an array; an error where an axis is negative or the number too large for memory.
func volume(shape []int64, size int) (uint64, error) {
	n := uint64(size)
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative axis", shape)
		}
		// An axis must fit an int even where another one is 0, so the product can't tell.
		if d > math.MaxInt/8 || d > 0 && n > math.MaxInt/uint64(d) {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		n *= uint64(d)
	}
	return n, nil
}

// kind is a type of number in a file: its size in bytes and how it is read.
type kind struct {
	size int
	read func(b []byte) float64
}

var le = binary.LittleEndian

// kinds are the types by their safetensors names.
var kinds = map[string]kind{
	"F64":  {8, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }},
	"F32":  {4, func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }},
	"F16":  {2, func(b []byte) float64 { return float64(float16.FromBits(le.Uint16(b)).Float32()) }},
	"BF16": {2, func(b []byte) float64 { return float64(bfloat16.FromBits(le.Uint16(b)).Float32()) }},
	"I64":  {8, func(b []byte) float64 { return float64(int64(le.Uint64(b))) }},
	"I32":  {4, func(b []byte) float64 { return float64(int32(le.Uint32(b))) }},
	"I16":  {2, func(b []byte) float64 { return float64(int16(le.Uint16(b))) }},
	"I8":   {1, func(b []byte) float64 { return float64(int8(b[0])) }},
	"U64":  {8, func(b []byte) float64 { return float64(le.Uint64(b)) }},
	"U32":  {4, func(b []byte) float64 { return float64(le.Uint32(b)) }},
	"U16":  {2, func(b []byte) float64 { return float64(le.Uint16(b)) }},
	"U8":   {1, func(b []byte) float64 { return float64(b[0]) }},
	"BOOL": {1, func(b []byte) float64 { return float64(b[0]) }},
}

// convert appends n bytes of numbers to values, so that memory grows with the data that arrives, not with what was
// announced.
func convert(values []float32, r io.Reader, k kind, n int64) ([]float32, error) {
	buf := make([]byte, min(n, chunk))
	for n > 0 {
		b := buf[:min(n, int64(len(buf)))]
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, fmt.Errorf("the data ends early: %w", err)
		}
		n -= int64(len(b))
		for ; len(b) > 0; b = b[k.size:] {
			x := k.read(b)
			v := float32(x)
			if math.IsNaN(x) || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("value %d is %v, which is not a finite float32", len(values), x)
			}
			values = append(values, v)
		}
	}
	return values, nil
}
