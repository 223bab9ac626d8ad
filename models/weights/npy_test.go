package weights_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/convlens/convlens/models/weights"
)

// npy puts an npy file together.
func npy(version byte, header string, data ...byte) []byte {
	b := []byte("\x93NUMPY" + string(rune(version)) + "\x00")
	if version == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return append(append(b, header...), data...)
}

func dict(descr, shape string) string {
	return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }"
}

const limit = 1 << 20

func TestReadNPY(t *testing.T) {
	f64 := binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1))
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"version 1": {npy(1, dict("<f4", "(1, 2)")+"  \n", 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0), "{[1 2] [1 -2]}"},
		"version 2": {npy(2, dict("|u1", "(2, 1, 1)"), 3, 255), "{[2 1 1] [3 255]}"},
		"number":    {npy(1, dict("<f8", "()"), f64...), "{[] [0.1]}"},
		"signed":    {npy(1, dict("<i8", "(1,)"), bytes.Repeat([]byte{255}, 8)...), "{[1] [-1]}"},
		"bytes":     {npy(1, dict("|i1", "( 2 , )"), 128, 127), "{[2] [-128 127]}"},
		"last":      {npy(1, `{"shape": (1, 1,), "fortran_order": False, "descr": "<u2"}`, 1, 2), "{[1 1] [513]}"},
	} {
		a, err := weights.ReadNPY(bytes.NewReader(c.file), limit)
		if got := fmt.Sprint(a); err != nil || got != c.want {
			t.Errorf("%s: %s (%v), want %s", name, got, err, c.want)
		}
	}
}

var badNPY = map[string]struct {
	file []byte
	want string
}{
	"empty":         {nil, "ends early"},
	"a picture":     {[]byte("\x89PNG\r\n\x1a\n"), "not an npy file"},
	"version 3":     {npy(3, dict("<f4", "(1,)"), zero8[:4]...), "format version 3; 1 and 2 can be read"},
	"half a header": {npy(1, dict("<f4", "(1,)"))[:30], "ends early"},
	"header huge":   {append([]byte("\x93NUMPY\x02\x00"), 255, 255, 255, 255), "a header of 4294967295 bytes"},
	"no dictionary": {npy(1, "(1,)"), "not a dictionary"},
	"no shape":      {npy(1, "{'descr': '<f4', 'fortran_order': False}"), `lacks "shape"`},
	"key twice":     {npy(1, "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}"), `"descr" twice`},
	"more keys":     {npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': True}"), "other than"},
	"code":          {npy(1, "{'descr': f(), 'fortran_order': False, 'shape': (1,)}"), "can't be read at"},
	"objects":       {npy(1, dict("|O", "(1,)"), zero8...), `type "|O"`},
	"records":       {npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"), "values of type"},
	"big-endian":    {npy(1, dict(">f4", "(1,)"), zero8[:4]...), "little-endian"},
	"half floats":   {npy(1, dict("<f2", "(1,)"), zero8[:2]...), "values of type"},
	"complex":       {npy(1, dict("<c8", "(1,)"), zero8...), "values of type"},
	"Fortran":       {npy(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", zero8[:4]...), "Fortran order"},
	"no order":      {npy(1, "{'descr': '<f4', 'fortran_order': '', 'shape': (1, 1), }"), "fortran_order is"},
	"shape a word":  {npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': 'big', }"), "shape is"},
	"no tuple":      {npy(1, dict("<f4", "(4)"), zero8...), "can't be read at"},
	"negative":      {npy(1, dict("<f4", "(-1,)"), zero8...), "can't be read at"},
	"axis too long": {npy(1, dict("<f4", "(99999999999999999999,)"), zero8...), "too large"},
	"overflow":      {npy(1, dict("<f4", "(4294967296, 4294967296, 4)"), zero8...), "too large"},
	"no values":     {npy(1, dict("<f4", "(0, 5)")), "no values"},
	"above limit":   {npy(1, dict("<f4", "(1000000,)"), zero8...), "more than the limit of 1048576"},
	"data missing":  {npy(1, dict("<f4", "(2,)"), zero8[:7]...), "ends early"},
	"data too long": {npy(1, dict("<f4", "(2,)"), append(zero8, 0)...), "goes on after the 8 bytes"},
	"NaN":           {npy(1, dict("<f4", "(1,)"), 0, 0, 0xc0, 0x7f), "value 0 is NaN"},
	"infinite":      {npy(1, dict("<f8", "(1,)"), 0, 0, 0, 0, 0, 0, 0xf0, 0x7f), "value 0 is +Inf"},
}

func TestBadNPY(t *testing.T) {
	for name, c := range badNPY {
		_, err := weights.ReadNPY(bytes.NewReader(c.file), limit)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestWriteNPY(t *testing.T) {
	for _, c := range []struct {
		shape  []int
		header string
	}{
		{nil, "'shape': (), }"}, {[]int{1}, "'shape': (1,), }"}, {[]int{1, 1, 1}, "'shape': (1, 1, 1), }"},
	} {
		var b bytes.Buffer
		if err := weights.WriteNPY(&b, c.shape, []float32{-0.1}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.header) {
			t.Errorf("header %q lacks %q", b.String(), c.header)
		}
		if start := b.Len() - 4; start%64 != 0 || b.Bytes()[start-1] != '\n' {
			t.Errorf("shape %v: data start at %d", c.shape, start)
		}
		a, err := weights.ReadNPY(&b, 4)
		if err != nil || !slices.Equal(a.Shape, c.shape) || a.Values[0] != -0.1 {
			t.Errorf("shape %v comes back as %v (%v)", c.shape, a, err)
		}
	}
	for want, shape := range map[string][]int{"1 values for shape [2]": {2}, "shape [-1 -1]": {-1, -1}} {
		if err := weights.WriteNPY(&bytes.Buffer{}, shape, []float32{1}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestOpenNPY(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	if err := os.WriteFile(path, npy(1, dict("<f4", "(2,)"), zero8...), 0o600); err != nil {
		t.Fatal(err)
	}
	if a, err := weights.OpenNPY(path, limit); err != nil || len(a.Values) != 2 {
		t.Errorf("%v, %v", a, err)
	}
	for _, limit := range []int64{7, -1} {
		if _, err := weights.OpenNPY(path, limit); err == nil || !strings.HasPrefix(err.Error(), path+": npy: ") {
			t.Errorf("limit %d: error %v", limit, err)
		}
	}
}

func ExampleWriteNPY() {
	var b bytes.Buffer
	err := weights.WriteNPY(&b, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
	fmt.Printf("%v %.30q\n", err, b.String()[10:])
	a, err := weights.ReadNPY(&b, 1<<20)
	fmt.Println(a.Shape, a.Values, err)
	// Output:
	// <nil> "{'descr': '<f4', 'fortran_orde"
	// [2 3] [1 2 3 4 5 6] <nil>
}

func FuzzReadNPY(f *testing.F) {
	f.Add(npy(1, dict("<f4", "(1, 2)"), zero8...))
	f.Add(npy(2, dict("|u1", "(2, 2)"), 1, 2, 3, 4))
	for _, c := range badNPY {
		f.Add(c.file)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := weights.ReadNPY(bytes.NewReader(data), limit)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		var b bytes.Buffer
		if err := weights.WriteNPY(&b, a.Shape, a.Values); err != nil {
			t.Fatal(err)
		}
		back, err := weights.ReadNPY(&b, 8*limit)
		if err != nil || !slices.Equal(back.Shape, a.Shape) || !slices.Equal(back.Values, a.Values) {
			t.Errorf("%v is written and read as %v (%v)", a, back, err)
		}
	})
}
