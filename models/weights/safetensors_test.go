package weights_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models/weights"
)

// file puts a safetensors file together.
func file(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func read(b []byte) ([]weights.Tensor, error) {
	return weights.ReadSafetensors(bytes.NewReader(b), int64(len(b)))
}

func TestReadSafetensors(t *testing.T) {
	// The header lists them in another order than the data.
	list, err := read(file(`{"b":{"dtype":"F16","shape":[1,2],"data_offsets":[8,12]},"__metadata__":{"a":"x"},`+
		`"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"s":{"dtype":"BF16","shape":[],"data_offsets":[12,14]},`+
		`"none":{"dtype":"F32","shape":[0,3],"data_offsets":[12,12]}}  `,
		0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0x00, 0x3c, 0x00, 0xb8, 0x40, 0x40))
	if err != nil {
		t.Fatal(err)
	}
	want := "[{a [2] [1 -2]} {b [1 2] [1 -0.5]} {none [0 3] []} {s [] [3]}]"
	if got := fmt.Sprint(list); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTypes(t *testing.T) {
	for dtype, c := range map[string]struct {
		data []byte
		want float32
	}{
		"F64": {binary.LittleEndian.AppendUint64(nil, math.Float64bits(-0.1)), -0.1},
		"F32": {binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.1)), 0.1},
		"F16": {[]byte{1, 0}, 0x1p-24}, // the smallest subnormal number
		"I64": {binary.LittleEndian.AppendUint64(nil, 1<<40), 1 << 40},
		"I32": {[]byte{0xfe, 0xff, 0xff, 0xff}, -2}, "I16": {[]byte{0xfe, 0xff}, -2}, "I8": {[]byte{0xfe}, -2},
		"U64": {binary.LittleEndian.AppendUint64(nil, 1<<63), 1 << 63},
		"U32": {[]byte{0, 0, 0, 0x80}, 1 << 31}, "U16": {[]byte{0xfe, 0xff}, 65534}, "U8": {[]byte{0xfe}, 254},
		"BOOL": {[]byte{1}, 1},
	} {
		header := fmt.Sprintf(`{"x":{"dtype":%q,"shape":[1],"data_offsets":[0,%d]}}`, dtype, len(c.data))
		list, err := read(file(header, c.data...))
		if err != nil {
			t.Errorf("%s: %v", dtype, err)
		} else if list[0].Values[0] != c.want {
			t.Errorf("%s: %g, want %g", dtype, list[0].Values[0], c.want)
		}
	}
}

// TestLongTensor crosses the borders of the pieces in which a tensor is read.
func TestLongTensor(t *testing.T) {
	const n = 100_001
	var data []byte
	for i := range n {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(i)))
	}
	list, err := read(file(fmt.Sprintf(`{"x":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}`, n, 4*n), data...))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range list[0].Values {
		if v != float32(i) {
			t.Fatalf("value %d is %g", i, v)
		}
	}
}

var zero8 = make([]byte, 8)

// one is a header with one tensor that needs 8 bytes of data.
const one = `{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`

// first is an entry for the first 4 bytes; x is a file of 8 bytes of data and one entry.
const first = `"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`

func x(dtype, shape, offsets string) []byte {
	return file(fmt.Sprintf(`{"x":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets), zero8...)
}

var bad = map[string]struct {
	file []byte
	want string
}{
	"empty":            {nil, "0 bytes are too few"},
	"header too long":  {append([]byte{255, 0, 0, 0, 0, 0, 0, 0}, "{}"...), "header of 255 bytes in a file of 10"},
	"header huge":      {bytes.Repeat([]byte{255}, 16), "header of 18446744073709551615 bytes"},
	"not JSON":         {file("hello"), "not a JSON object"},
	"an array":         {file("[]"), "not a JSON object"},
	"half JSON":        {file(`{"x":{"dtype":"F32"`), `tensor "x": header`},
	"no end":           {file(`{"__metadata__":{}`), "header: "},
	"more after":       {file("{} {}"), `goes on after its end: "{}"`},
	"data missing":     {file(one, 0, 0, 0), "bytes 0 to 8 of 3"},
	"data too long":    {file(one, append(zero8, 0)...), "end at byte 8 of 9"},
	"offsets backward": {x("F32", "[2]", "[8,0]"), "bytes 8 to 0"},
	"offset negative":  {x("F32", "[2]", "[-8,0]"), `tensor "x": header`},
	"one offset":       {x("F32", "[2]", "[0]"), "1 data_offsets instead of 2"},
	"shape and size":   {x("F32", "[3]", "[0,8]"), "needs 12 bytes, has 8"},
	"shape negative":   {x("F32", "[-1,-2]", "[0,8]"), "negative axis"},
	"shape fractional": {x("F32", "[1.5]", "[0,8]"), `tensor "x": header`},
	"shape overflows":  {x("F32", "[4294967296,4294967296,2]", "[0,8]"), "too large"},
	"nothing, huge":    {x("F32", "[0,9223372036854775807]", "[0,0]"), "too large"},
	"type":             {x("F8_E4M3", "[8]", "[0,8]"), `type "F8_E4M3"`},
	"twice":            {file("{"+first+","+first+"}", zero8...), `"x" occurs twice`},
	"overlap": {
		file(`{`+first+`,"y":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, zero8...), `"y" overlaps`,
	},
	"gap":      {x("F32", "[1]", "[4,8]"), `"x" leaves 4 bytes unused`},
	"NaN":      {file(one, 0, 0, 0, 0, 0, 0, 0xc0, 0x7f), `tensor "x": value 1 is NaN`},
	"infinite": {file(`{"x":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}`, 0, 0xfc), "value 0 is -Inf"},
	"too large": {
		file(`{"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}`, 0x9c, 0x75, 0, 0x88, 0x3c, 0xe4, 0x37, 0x7e),
		"value 0 is 1e+300, which is not a finite float32",
	},
}

func TestBadSafetensors(t *testing.T) {
	for name, c := range bad {
		_, err := read(c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestOpenSafetensors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.safetensors")
	if err := os.WriteFile(path, file(one, zero8...), 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := weights.OpenSafetensors(path); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if err := os.WriteFile(path, file(one), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, dir, filepath.Join(dir, "none")} {
		if _, err := weights.OpenSafetensors(p); err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("%s: error %v does not name it", p, err)
		}
	}
}

func TestLoad(t *testing.T) {
	store := model.NewStore()
	was := tensors.FromFlatDataAndDimensions([]float32{0, 0}, 2)
	if _, err := store.CreateVariable("/old", was); err != nil {
		t.Fatal(err)
	}
	list := []weights.Tensor{
		{Name: "new", Shape: []int{1, 2}, Values: []float32{1, 2}},
		{Name: "old", Shape: []int{2}, Values: []float32{3, 4}},
		{Name: "extra", Shape: []int{1}, Values: []float32{5}},
	}
	path := func(name string) string {
		if name == "extra" {
			return ""
		}
		return "/" + name
	}
	if err := weights.Load(store, list, path); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"/new": "[[1 2]]", "/old": "[3 4]"} {
		if got := fmt.Sprint(store.GetVariable(name).MustValue().Value()); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if store.NumVariables() != 2 {
		t.Errorf("%d variables, want 2", store.NumVariables())
	}
	for want, list := range map[string][]weights.Tensor{
		"are both for variable /v":         {{"a", []int{1}, []float32{1}}, {"b", []int{1}, []float32{1}}},
		"2 values for shape [3]":           {{"a", []int{3}, []float32{1, 2}}},
		"0 values for shape [0]":           {{"a", []int{0}, nil}},
		"but variable /v has (Float32)[1]": {{"a", []int{1, 1}, []float32{1}}},
	} {
		store := model.NewStore()
		if _, err := store.CreateVariable("/v", tensors.FromFlatDataAndDimensions([]float32{0}, 1)); err != nil {
			t.Fatal(err)
		}
		err := weights.Load(store, list, func(string) string { return "/v" })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func ExampleReadSafetensors() {
	header := `{"conv1.bias":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`
	data := file(header, 0x00, 0x3c, 0x00, 0xc0)
	list, err := weights.ReadSafetensors(bytes.NewReader(data), int64(len(data)))
	fmt.Println(list, err)
	// Output: [{conv1.bias [2] [1 -2]}] <nil>
}

func FuzzReadSafetensors(f *testing.F) {
	f.Add(file(one, zero8...))
	for _, c := range bad {
		f.Add(c.file)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := read(data)
		if err != nil && strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("error of several lines: %q", err)
		}
		used := 0
		for _, tensor := range list {
			n := 1
			for _, d := range tensor.Shape {
				n *= d
			}
			if n != len(tensor.Values) {
				t.Errorf("%d values for shape %v", len(tensor.Values), tensor.Shape)
			}
			if slices.ContainsFunc(tensor.Values, func(v float32) bool { return v-v != 0 }) {
				t.Errorf("tensor %q is not finite", tensor.Name)
			}
			used += n
		}
		if used > len(data) {
			t.Errorf("%d values of %d bytes", used, len(data))
		}
	})
}

// TestHeaderAlone holds that names and shapes cost no data: this file's can't be read, and is too large for memory.
func TestHeaderAlone(t *testing.T) {
	const size = 1 << 45
	head := file(fmt.Sprintf(`{"a":{"dtype":"I8","shape":[2,0],"data_offsets":[0,0]},`+
		`"b":{"dtype":"F16","shape":[%d,2],"data_offsets":[0,%d]}}`, size/4, size))
	s, err := weights.NewSafetensors(bytes.NewReader(head), int64(len(head))+size)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.Tensors()), fmt.Sprintf("[{a [2 0] []} {b [%d 2] []}]", size/4); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if values, err := s.Values(0); err != nil || len(values) != 0 {
		t.Error(values, err)
	}
}

// failing stands for a disk that can't be read.
type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestReadError(t *testing.T) {
	if _, err := weights.ReadSafetensors(failing{}, 100); err == nil || !strings.Contains(err.Error(), "closed pipe") {
		t.Errorf("error %v", err)
	}
}
