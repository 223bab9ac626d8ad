package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Array is an array of numbers as NumPy saves it.
type Array struct {
	// Shape is the length of each axis; empty for a single number.
	Shape []int
	// Values are all finite, the last axis running fastest.
	Values []float32
}

const (
	npyMagic = "\x93NUMPY"
	// maxNPYHeader is far above what any array of numbers needs; NumPy itself stops at 10,000.
	maxNPYHeader = 1 << 16
)

// OpenNPY reads the npy file at path, whose data may be limit bytes long (see ReadNPY); its errors name the file.
func OpenNPY(path string, limit int64) (Array, error) {
	f, err := OpenFile(path)
	if err != nil {
		return Array{}, err
	}
	defer f.Close()
	a, err := ReadNPY(f, limit)
	if err != nil {
		return Array{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// ReadNPY reads an array in NumPy's npy format, versions 1 and 2: float32, float64 or an integer type, little-endian,
// in C order, all values finite. What float32 can't hold exactly is rounded. The data must be as long as the shape
// says, to the byte, and no longer than limit. Errors are one line.
func ReadNPY(r io.Reader, limit int64) (Array, error) {
	a, err := readNPY(r, limit)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file ends early")
	}
	if err != nil {
		return Array{}, fmt.Errorf("npy: %w", err)
	}
	return a, nil
}

func readNPY(r io.Reader, limit int64) (Array, error) {
	text, err := npyHeader(r)
	if err != nil {
		return Array{}, err
	}
	k, shape, err := parseNPY(text)
	if err != nil {
		return Array{}, err
	}
	n, err := volume(shape, k.size)
	if err != nil {
		return Array{}, err
	}
	if n == 0 {
		return Array{}, fmt.Errorf("shape %v has no values", shape)
	}
	if limit < 0 || n > uint64(limit) {
		return Array{}, fmt.Errorf("shape %v needs %d bytes, more than the limit of %d", shape, n, limit)
	}
	a := Array{Shape: make([]int, len(shape))}
	for i, d := range shape {
		a.Shape[i] = int(d)
	}
	if a.Values, err = convert(nil, r, k, int64(n)); err != nil {
		return Array{}, err
	}
	if m, err := io.ReadFull(r, make([]byte, 1)); m > 0 {
		return Array{}, fmt.Errorf("data goes on after the %d bytes of shape %v", n, shape)
	} else if err != io.EOF {
		return Array{}, err
	}
	return a, nil
}

// npyHeader reads up to the data and returns the header's text.
func npyHeader(r io.Reader) (string, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	if string(head[:6]) != npyMagic {
		return "", errors.New("not an npy file")
	}
	var size [4]byte
	switch head[6] {
	case 1:
		if _, err := io.ReadFull(r, size[:2]); err != nil {
			return "", err
		}
	case 2:
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return "", err
		}
	default:
		return "", fmt.Errorf("format version %d; 1 and 2 can be read", head[6])
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n > maxNPYHeader {
		return "", fmt.Errorf("a header of %d bytes", n)
	}
	text := make([]byte, n)
	_, err := io.ReadFull(r, text)
	return string(text), err
}

// npyField is one entry of the header, which is a Python dictionary with three fixed keys. A list stands for records,
// to be named in the error.
var npyField = regexp.MustCompile(`^\s*['"](\w+)['"]\s*:\s*(` + strings.Join([]string{
	`'[^'\\]*'`, `"[^"\\]*"`, `True`, `False`, `\(\s*\)`, `\(\s*\d+\s*,\s*\)`, `\(\s*\d+(?:\s*,\s*\d+)+\s*,?\s*\)`, `\[.*\]`,
}, "|") + `)\s*(,|$)`)

// parseNPY reads the header's text.
func parseNPY(text string) (k kind, shape []int64, err error) {
	body := strings.TrimSpace(text)
	if len(body) < 2 || body[0] != '{' || body[len(body)-1] != '}' {
		return k, nil, errors.New("the header is not a dictionary")
	}
	fields := map[string]string{}
	for rest := strings.TrimSpace(body[1 : len(body)-1]); rest != ""; {
		m := npyField.FindStringSubmatch(rest)
		if m == nil {
			return k, nil, fmt.Errorf("the header can't be read at %.40q", rest)
		}
		if _, twice := fields[m[1]]; twice {
			return k, nil, fmt.Errorf("the header has %q twice", m[1])
		}
		fields[m[1]] = m[2]
		rest = strings.TrimSpace(rest[len(m[0]):])
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if fields[key] == "" {
			return k, nil, fmt.Errorf("the header lacks %q", key)
		}
	}
	if len(fields) != 3 {
		return k, nil, errors.New("the header has keys other than descr, fortran_order and shape")
	}
	if k, err = npyKind(fields["descr"]); err != nil {
		return k, nil, err
	}
	switch fields["fortran_order"] {
	case "False":
	case "True":
		return k, nil, errors.New("the array is in Fortran order; save numpy.ascontiguousarray of it")
	default:
		return k, nil, fmt.Errorf("fortran_order is %.40q", fields["fortran_order"])
	}
	shape, err = npyShape(fields["shape"])
	return k, shape, err
}

// npyKinds are the safetensors names of NumPy's types.
var npyKinds = map[string]string{
	"<f4": "F32", "<f8": "F64", "<i2": "I16", "<i4": "I32", "<i8": "I64", "<u2": "U16", "<u4": "U32", "<u8": "U64",
	"|i1": "I8", "<i1": "I8", "|u1": "U8", "<u1": "U8",
}

func npyKind(descr string) (kind, error) {
	descr = strings.Trim(descr, `'"`)
	name, ok := npyKinds[descr]
	if !ok {
		return kind{}, fmt.Errorf("values of type %.40q; little-endian float32, float64 and integers can be read", descr)
	}
	return kinds[name], nil
}

func npyShape(text string) (shape []int64, err error) {
	if text[0] != '(' {
		return nil, fmt.Errorf("shape is %.40q", text)
	}
	for _, part := range strings.Split(strings.Trim(text, "()"), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue // behind the last comma
		}
		d, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("shape %.40q is too large", text)
		}
		shape = append(shape, d)
	}
	return shape, nil
}

// WriteNPY writes values as an npy file, version 1, float32, C order. The product of the shape must be the number of
// values.
func WriteNPY(w io.Writer, shape []int, values []float32) error {
	n, dims := 1, ""
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt/d {
			return fmt.Errorf("npy: shape %v", shape)
		}
		n *= d
		dims += strconv.Itoa(d) + ", "
	}
	if n != len(values) {
		return fmt.Errorf("npy: %d values for shape %v", len(values), shape)
	}
	if len(shape) > 1 {
		dims = strings.TrimSuffix(dims, ", ")
	} else {
		dims = strings.TrimSuffix(dims, " ") // Python writes one axis as (3,)
	}
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", dims)
	const before = len(npyMagic) + 4 // version and length
	// The format asks for a newline at the end and for data at a multiple of 64.
	text += strings.Repeat(" ", 63-(before+len(text))%64) + "\n"
	if len(text) > math.MaxUint16 {
		return fmt.Errorf("npy: %d axes are too many", len(shape))
	}
	var head bytes.Buffer
	head.WriteString(npyMagic + "\x01\x00")
	head.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(text))))
	head.WriteString(text)
	if _, err := w.Write(head.Bytes()); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, values)
}
