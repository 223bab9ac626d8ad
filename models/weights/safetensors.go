// Package weights reads the numbers of networks from files: safetensors into a GoMLX store, npy into a plain array.
// What a file says about itself is checked against the data that is really there before memory is taken for it.
package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Tensor is a named array of numbers.
type Tensor struct {
	// Name is the tensor's name in the file.
	Name string
	// Shape is the length of each axis; empty for a single number.
	Shape []int
	// Values are all finite, the last axis running fastest.
	Values []float32
}

// maxHeader is the largest header that the format's own reader accepts.
const maxHeader = 100_000_000

// chunk is how many bytes are converted at a time.
const chunk = 1 << 16

// entry is what a safetensors header says of one tensor.
type entry struct {
	name        string
	Dtype       string   `json:"dtype"`
	Shape       []int64  `json:"shape"`
	DataOffsets []uint64 `json:"data_offsets"`
}

// OpenSafetensors reads the safetensors file at path; its errors name the file.
func OpenSafetensors(path string) ([]Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	list, err := ReadSafetensors(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// ReadSafetensors reads the size bytes of a safetensors file from r, its tensors in the order of their data. It takes
// F64, F32, F16, BF16, the integers and BOOL; what float32 can't hold exactly is rounded. A header that does not
// describe the data byte for byte, a name that occurs twice, and a value that is not finite or too large for float32
// are errors, in one line that names the tensor.
func ReadSafetensors(r io.ReaderAt, size int64) ([]Tensor, error) {
	entries, start, err := header(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	list := make([]Tensor, 0, len(entries))
	for _, e := range entries {
		begin, end := int64(e.DataOffsets[0]), int64(e.DataOffsets[1])
		k := kinds[e.Dtype]
		values := make([]float32, 0, (end-begin)/int64(k.size)) // the data are there: header has compared with size
		values, err := convert(values, io.NewSectionReader(r, start+begin, end-begin), k, end-begin)
		if err != nil {
			return nil, fmt.Errorf("safetensors: tensor %q: %w", e.name, err)
		}
		shape := make([]int, len(e.Shape))
		for i, d := range e.Shape {
			shape[i] = int(d)
		}
		list = append(list, Tensor{e.name, shape, values})
	}
	return list, nil
}

// header reads and checks the header; start is where the data begins.
func header(r io.ReaderAt, size int64) (entries []entry, start int64, err error) {
	var head [8]byte
	if size < int64(len(head)) {
		return nil, 0, fmt.Errorf("%d bytes are too few for a header", size)
	}
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, 0, err
	}
	n := binary.LittleEndian.Uint64(head[:])
	if n > maxHeader || int64(n) > size-int64(len(head)) {
		return nil, 0, fmt.Errorf("header of %d bytes in a file of %d", n, size)
	}
	text := make([]byte, n)
	if _, err := r.ReadAt(text, int64(len(head))); err != nil {
		return nil, 0, err
	}
	if entries, err = parse(text); err != nil {
		return nil, 0, err
	}
	start = int64(len(head)) + int64(n)
	return entries, start, place(entries, uint64(size-start))
}

// parse reads the header's JSON. It goes token by token because a name that occurs twice would otherwise pass unseen.
func parse(text []byte) ([]entry, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("the header is not a JSON object")
	}
	var entries []entry
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
		name := key.(string) // in an object the tokens before a value are its names
		if seen[name] {
			return nil, fmt.Errorf("tensor %q occurs twice", name)
		}
		seen[name] = true
		if name == "__metadata__" {
			var ignored json.RawMessage
			if err := dec.Decode(&ignored); err != nil {
				return nil, fmt.Errorf("header: %w", err)
			}
			continue
		}
		e := entry{name: name}
		if err := dec.Decode(&e); err != nil {
			return nil, fmt.Errorf("tensor %q: header: %w", name, err)
		}
		entries = append(entries, e)
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if rest := bytes.TrimSpace(text[dec.InputOffset():]); len(rest) > 0 {
		return nil, fmt.Errorf("the header goes on after its end: %.20q", rest)
	}
	return entries, nil
}

// place sorts the entries by their offsets and checks that they fill the data without a gap or an overlap.
func place(entries []entry, size uint64) error {
	for _, e := range entries {
		if err := e.check(size); err != nil {
			return fmt.Errorf("tensor %q: %w", e.name, err)
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.DataOffsets[0], b.DataOffsets[0]), cmp.Compare(a.DataOffsets[1], b.DataOffsets[1]))
	})
	var end uint64
	for _, e := range entries {
		switch begin := e.DataOffsets[0]; {
		case begin < end:
			return fmt.Errorf("tensor %q overlaps the one before it", e.name)
		case begin > end:
			return fmt.Errorf("tensor %q leaves %d bytes unused before it", e.name, begin-end)
		}
		end = e.DataOffsets[1]
	}
	if end != size {
		return fmt.Errorf("the tensors end at byte %d of %d", end, size)
	}
	return nil
}

// check compares one entry with itself and with the size of the data.
func (e entry) check(size uint64) error {
	k, ok := kinds[e.Dtype]
	if !ok {
		return fmt.Errorf("type %q; F64, F32, F16, BF16, integers and BOOL can be read", e.Dtype)
	}
	if len(e.DataOffsets) != 2 {
		return fmt.Errorf("%d data_offsets instead of 2", len(e.DataOffsets))
	}
	begin, end := e.DataOffsets[0], e.DataOffsets[1]
	if begin > end || end > size {
		return fmt.Errorf("bytes %d to %d of %d", begin, end, size)
	}
	n, err := volume(e.Shape, k.size)
	if err != nil {
		return err
	}
	if n != end-begin {
		return fmt.Errorf("shape %v of %s needs %d bytes, has %d", e.Shape, e.Dtype, n, end-begin)
	}
	return nil
}

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

// Load puts tensors into the store as variables. path gives the variable's path for a tensor's name
// ("conv1.weight" → "/conv1/weights"), or "" to leave the tensor out. A variable that is there already gets the value
// if it has the shape. Two tensors for one variable, another shape and a tensor without values are errors.
func Load(store *model.Store, list []Tensor, path func(name string) string) error {
	from := map[string]string{}
	for _, t := range list {
		p := path(t.Name)
		if p == "" {
			continue
		}
		if first, taken := from[p]; taken {
			return fmt.Errorf("weights: tensors %q and %q are both for variable %s", first, t.Name, p)
		}
		from[p] = t.Name
		if err := set(store, t, p); err != nil {
			return fmt.Errorf("weights: tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// set gives one variable its value.
func set(store *model.Store, t Tensor, path string) error {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	if n != len(t.Values) || n == 0 {
		return fmt.Errorf("%d values for shape %v", len(t.Values), t.Shape)
	}
	value := tensors.FromFlatDataAndDimensions(t.Values, t.Shape...)
	v := store.GetVariable(path)
	if v == nil {
		_, err := store.CreateVariable(path, value)
		return err
	}
	if !v.Shape().Equal(value.Shape()) {
		return fmt.Errorf("shape %s, but variable %s has %s", value.Shape(), path, v.Shape())
	}
	return v.SetValue(value)
}
