package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// maxHeader is the largest header that the format's own reader accepts.
const maxHeader = 100_000_000

// entry is what a safetensors header says of one tensor.
type entry struct {
	name        string
	Dtype       string   `json:"dtype"`
	Shape       []int64  `json:"shape"`
	DataOffsets []uint64 `json:"data_offsets"`
}

// Safetensors is a safetensors file whose header has been read and checked; its tensors are read one at a time.
type Safetensors struct {
	r       io.ReaderAt
	entries []entry
	start   int64 // where the data begins
}

// NewSafetensors reads the header of a safetensors file of size bytes from r. A header that does not describe the data
// byte for byte, a name that occurs twice and a type that can't be read are errors, in one line that names the tensor.
func NewSafetensors(r io.ReaderAt, size int64) (*Safetensors, error) {
	entries, start, err := header(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return &Safetensors{r, entries, start}, nil
}

// Tensors lists the tensors in the order of their data, without values. None of the data is read for it.
func (s *Safetensors) Tensors() []Tensor {
	list := make([]Tensor, len(s.entries))
	for i, e := range s.entries {
		list[i] = Tensor{Name: e.name, Shape: make([]int, len(e.Shape))}
		for k, d := range e.Shape {
			list[i].Shape[k] = int(d)
		}
	}
	return list
}

// Values reads the values of tensor i of Tensors. One that is not finite or too large for float32 is an error that names
// the tensor; what float32 can't hold exactly is rounded.
func (s *Safetensors) Values(i int) ([]float32, error) {
	e := s.entries[i]
	begin, end := int64(e.DataOffsets[0]), int64(e.DataOffsets[1])
	k := kinds[e.Dtype]
	values := make([]float32, 0, (end-begin)/int64(k.size)) // the data are there: header has compared with size
	values, err := convert(values, io.NewSectionReader(s.r, s.start+begin, end-begin), k, end-begin)
	if err != nil {
		return nil, fmt.Errorf("safetensors: tensor %q: %w", e.name, err)
	}
	return values, nil
}

// OpenSafetensors reads the safetensors file at path; its errors name the file.
func OpenSafetensors(path string) ([]Tensor, error) {
	f, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	list, err := ReadSafetensors(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// ReadSafetensors reads the size bytes of a safetensors file from r, its tensors in the order of their data. It takes
// F64, F32, F16, BF16, the integers and BOOL; errors are those of NewSafetensors and Values.
func ReadSafetensors(r io.ReaderAt, size int64) ([]Tensor, error) {
	s, err := NewSafetensors(r, size)
	if err != nil {
		return nil, err
	}
	list := s.Tensors()
	for i := range list {
		if list[i].Values, err = s.Values(i); err != nil {
			return nil, err
		}
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
