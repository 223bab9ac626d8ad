package onnx_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/convlens/convlens/models/onnx"
	"github.com/convlens/convlens/models/onnx/internal/pb"
)

// shaped declares a floating-point tensor.
func shaped(name string, dims ...int64) *pb.ValueInfoProto {
	shape := &pb.TensorShapeProto{}
	for _, d := range dims {
		shape.Dim = append(shape.Dim, &pb.TensorShapeProto_Dimension{Value: &pb.TensorShapeProto_Dimension_DimValue{DimValue: d}})
	}
	tensor := &pb.TypeProto_Tensor{ElemType: proto.Int32(int32(pb.TensorProto_FLOAT)), Shape: shape}
	return &pb.ValueInfoProto{Name: &name, Type: &pb.TypeProto{Value: &pb.TypeProto_TensorType{TensorType: tensor}}}
}

// floats is a tensor of as many floating-point numbers as its shape says.
func floats(name string, dims ...int64) *pb.TensorProto {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	return &pb.TensorProto{Name: &name, DataType: proto.Int32(int32(pb.TensorProto_FLOAT)), Dims: dims, RawData: make([]byte, 4*n)}
}

func operation(op, out string, inputs ...string) *pb.NodeProto {
	return &pb.NodeProto{OpType: &op, Name: proto.String("the " + op), Input: inputs, Output: []string{out}}
}

// sound is a small network that opens: a convolution and a mean.
func sound() *pb.ModelProto {
	return &pb.ModelProto{
		OpsetImport: []*pb.OperatorSetIdProto{{Version: proto.Int64(13)}},
		Graph: &pb.GraphProto{
			Input:       []*pb.ValueInfoProto{shaped("x", 1, 3, 8, 8)},
			Output:      []*pb.ValueInfoProto{shaped("y", 1, 4, 1, 1)},
			Node:        []*pb.NodeProto{operation("Conv", "c", "x", "w"), operation("GlobalAveragePool", "y", "c")},
			Initializer: []*pb.TensorProto{floats("w", 4, 3, 3, 3)},
		},
	}
}

// write saves a model in a folder of its own.
func write(t testing.TB, m *pb.ModelProto) string {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// outside makes the weights external data at a location.
func outside(location, offset, length string) func(g *pb.GraphProto) {
	return func(g *pb.GraphProto) {
		w := g.Initializer[0]
		w.RawData, w.DataLocation = nil, pb.TensorProto_EXTERNAL.Enum()
		for key, value := range map[string]string{"location": location, "offset": offset, "length": length} {
			if value != "" {
				w.ExternalData = append(w.ExternalData, &pb.StringStringEntryProto{Key: &key, Value: &value})
			}
		}
	}
}

// refused are changes that make the sound network unsound, and what the error must say.
var refused = map[string]struct {
	change func(g *pb.GraphProto)
	words  string
}{
	"cycle":            {func(g *pb.GraphProto) { g.Node[0].Input[0] = "y" }, "circle"},
	"self":             {func(g *pb.GraphProto) { g.Node[0].Input[0] = "c" }, "circle"},
	"two origins":      {func(g *pb.GraphProto) { g.Node = append(g.Node, operation("Relu", "c", "x")) }, `"c" comes from Relu`},
	"origin and input": {func(g *pb.GraphProto) { g.Node[0].Output[0] = "x" }, "the graph's input"},
	"weight made":      {func(g *pb.GraphProto) { g.Node[0].Output[0] = "w" }, "a weight"},
	"weight twice":     {func(g *pb.GraphProto) { g.Initializer = append(g.Initializer, floats("w", 1)) }, `"w" is a weight and also`},
	"dangling":         {func(g *pb.GraphProto) { g.Node[0].Input[1] = "v" }, `"v" that nothing makes`},
	"no output":        {func(g *pb.GraphProto) { g.Output = nil }, "no output"},
	"unmade output":    {func(g *pb.GraphProto) { g.Output[0].Name = proto.String("z") }, `nothing makes the output "z"`},
	"two inputs":       {func(g *pb.GraphProto) { g.Input = append(g.Input, shaped("v", 1)) }, "2 inputs"},
	"operator":         {func(g *pb.GraphProto) { *g.Node[1].OpType = "Resize" }, `Resize (Resize node "the GlobalAveragePool") is not supported; supported are Abs, Add`},
	"domain":           {func(g *pb.GraphProto) { g.Node[1].Domain = proto.String("com.other") }, "com.other.GlobalAveragePool"},
	"attribute": {func(g *pb.GraphProto) {
		g.Node[0].Attribute = []*pb.AttributeProto{{Name: proto.String("bogus"), Type: pb.AttributeProto_INT.Enum()}}
	}, `attribute "bogus"`},
	"attribute's type": {func(g *pb.GraphProto) {
		g.Node[0].Attribute = []*pb.AttributeProto{{Name: proto.String("strides"), Type: pb.AttributeProto_INT.Enum()}}
	}, "INTS is needed"},
	"huge weights":     {func(g *pb.GraphProto) { g.Initializer[0].Dims = []int64{1 << 30, 1 << 30, 3, 3} }, "shape"},
	"large weights":    {func(g *pb.GraphProto) { g.Initializer[0].Dims = []int64{1 << 20, 1 << 10, 3, 3} }, "bytes, there are 432"},
	"negative weights": {func(g *pb.GraphProto) { g.Initializer[0].Dims[0] = -4 }, "shape"},
	"short weights":    {func(g *pb.GraphProto) { g.Initializer[0].RawData = make([]byte, 12) }, "needs 432 bytes, there are 12"},
	"empty weights":    {func(g *pb.GraphProto) { g.Initializer[0] = floats("w", 0, 3, 3, 3) }, "the Conv"},
	"other weights":    {func(g *pb.GraphProto) { g.Initializer[0] = floats("w", 4, 2, 3, 3) }, "kernel of shape [4 2 3 3]"},
	"no number": {func(g *pb.GraphProto) {
		copy(g.Initializer[0].RawData, []byte{0, 0, 0xc0, 0x7f})
	}, "not a finite"},
	"texts":          {func(g *pb.GraphProto) { *g.Initializer[0].DataType = int32(pb.TensorProto_STRING) }, "type STRING"},
	"unknown type":   {func(g *pb.GraphProto) { *g.Initializer[0].DataType = 99 }, "type 99"},
	"huge input":     {func(g *pb.GraphProto) { g.Input[0] = shaped("x", 1, 3, 1<<40, 8) }, "the shape [1 3 1099511627776 8]"},
	"large input":    {func(g *pb.GraphProto) { g.Input[0] = shaped("x", 1, 3, 1<<14, 8) }, "the shape [1 3 16384 8]"},
	"channels":       {func(g *pb.GraphProto) { g.Input[0] = shaped("x", 1, 7, 8, 8) }, "1 or 3 channels"},
	"flat input":     {func(g *pb.GraphProto) { g.Input[0] = shaped("x", 1, 192) }, "a batch of pictures"},
	"maps":           {func(g *pb.GraphProto) { g.Output[0].Name = proto.String("c") }, "one number a class"},
	"upwards":        {outside("../data", "", ""), "not in the model's folder"},
	"absolute":       {outside("/etc/passwd", "", ""), "not in the model's folder"},
	"a link":         {outside("link", "", ""), "leads out of the model's folder"},
	"a folder":       {outside(".", "", ""), "is a folder"},
	"absent":         {outside("absent", "", ""), `external data at "absent": no such file`},
	"no place":       {outside("", "", ""), "without a location"},
	"short data":     {outside("data", "100", "432"), "has 500 bytes"},
	"beyond":         {outside("data", "9223372036854775807", "432"), "has 500 bytes"},
	"before":         {outside("data", "-1", "432"), "has 500 bytes"},
	"other length":   {outside("data", "0", "431"), "external data has 431"},
	"no length":      {outside("data", "0", "1e3"), `length "1e3"`},
	"huge and apart": {func(g *pb.GraphProto) { outside("data", "", "")(g); g.Initializer[0].Dims[0] = 1 << 28 }, "has 500 bytes"},
	"claims": {func(g *pb.GraphProto) {
		shape := &pb.TensorProto{Name: proto.String("s"), DataType: proto.Int32(int32(pb.TensorProto_INT64)), Dims: []int64{2}, Int64Data: []int64{1<<31 - 1, 1<<31 - 1}}
		g.Initializer = append(g.Initializer, shape)
		g.Node = append([]*pb.NodeProto{operation("ConstantOfShape", "k", "s"), operation("Add", "d", "c", "k")}, g.Node...)
		*g.Output[0].Name = "d"
	}, "too large"},
	"many claims": {func(g *pb.GraphProto) {
		shape := &pb.TensorProto{Name: proto.String("s"), DataType: proto.Int32(int32(pb.TensorProto_INT64)), Dims: []int64{1}, Int64Data: []int64{1 << 23}}
		g.Initializer = append(g.Initializer, shape)
		last := "y"
		for _, k := range []string{"k1", "k2", "k3", "k4", "k5"} {
			g.Node = append(g.Node, operation("ConstantOfShape", k, "s"), operation("Add", "a"+k, last, k))
			last = "a" + k
		}
		*g.Output[0].Name = last
	}, "too large"},
	"expansion": {func(g *pb.GraphProto) {
		shape := &pb.TensorProto{Name: proto.String("s"), DataType: proto.Int32(int32(pb.TensorProto_INT64)), Dims: []int64{4}, Int64Data: []int64{1, 4, 1 << 20, 1 << 20}}
		g.Initializer = append(g.Initializer, shape)
		g.Node = append(g.Node, operation("Expand", "e", "y", "s"), operation("GlobalMaxPool", "p", "e"))
		*g.Output[0].Name = "p"
	}, "a result of shape"},
}

// TestRefused opens unsound networks: one line that names the file and the reason, quickly, without the memory that the
// file asks for.
func TestRefused(t *testing.T) {
	for name, c := range refused {
		t.Run(name, func(t *testing.T) {
			m := sound()
			c.change(m.Graph)
			path := write(t, m)
			folder := filepath.Dir(path)
			for file, size := range map[string]int{"data": 500, "../apart": 500} {
				if err := os.WriteFile(filepath.Join(folder, file), make([]byte, size), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("../apart", filepath.Join(folder, "link")); err != nil {
				t.Fatal(err)
			}
			fails(t, path, c.words)
		})
	}
}

// fails opens a file that must be refused.
func fails(t *testing.T, path, words string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	_, err := onnx.Open(path)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), words) || !strings.HasPrefix(err.Error(), path) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want %q and the file in one line", err, words)
	}
	if used := after.TotalAlloc - before.TotalAlloc; took > time.Second || used > 300<<20 {
		t.Errorf("%v and %d MB", took, used>>20)
	}
}

func TestDamagedFiles(t *testing.T) {
	whole, err := os.ReadFile("testdata/families/squeezenet.onnx")
	if err != nil {
		t.Fatal(err)
	}
	bomb := []byte{0x3a, 0xfe, 0xff, 0xff, 0x0f} // a graph of 33 million empty nodes
	bomb = append(bomb, strings.Repeat("\x0a\x00", (1<<25)-1)...)
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("no network at all, just words"), "half": whole[:len(whole)/2], "short": whole[:len(whole)-1],
		"zeros": make([]byte, 1000), "graph bomb": bomb,
	} {
		path := filepath.Join(t.TempDir(), name+".onnx")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		fails(t, path, "")
	}
	if _, err := onnx.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
	if _, err := onnx.Open("absent.onnx"); err == nil || !strings.Contains(err.Error(), "absent.onnx") {
		t.Error(err)
	}
}

func TestOperatorSets(t *testing.T) {
	for version, want := range map[int64]bool{6: false, 7: true, 22: true, 23: false, math.MaxInt64: false} {
		m := sound()
		m.OpsetImport[0].Version = &version
		if _, err := onnx.Open(write(t, m)); (err == nil) != want {
			t.Errorf("operator set %d: %v", version, err)
		}
	}
	m := sound()
	m.OpsetImport = nil
	if _, err := onnx.Open(write(t, m)); err == nil {
		t.Error("a file without operator sets opened")
	}
}

func TestExternalData(t *testing.T) {
	m := sound()
	outside("data/weights", "4096", "432")(m.Graph)
	path := write(t, m)
	if err := os.Mkdir(filepath.Join(filepath.Dir(path), "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 5000)
	data[4096+2], data[4096+3] = 0x80, 0x3f // 1
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "data", "weights"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	net, err := onnx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	values := net.Store.GetVariable("/the_Conv/weights").MustValue().Value().([][][][]float32)
	if values[0][0][0][0] != 1 || values[0][0][0][1] != 0 {
		t.Error(values[0])
	}
	weights, beside := filepath.Join(filepath.Dir(path), "data", "weights"), onnx.SidecarPath(path)
	if !slices.Equal(net.Files, []string{weights}) {
		t.Errorf("files %q", net.Files)
	}
	if err := os.WriteFile(beside, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if net, err := onnx.Open(path); err != nil || !slices.Equal(net.Files, []string{weights, beside}) {
		t.Errorf("with a file beside it: %+v, %v", net, err)
	}
}

// FuzzOpen opens whatever bytes there are: it may refuse them, no more.
func FuzzOpen(f *testing.F) {
	for _, name := range []string{"squeezenet", "shufflenet", "half", "convnext"} {
		data, err := os.ReadFile("testdata/families/" + name + ".onnx")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for name, c := range refused {
		m := sound()
		c.change(m.Graph)
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(name, err)
		}
		f.Add(data)
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(folder, "m.onnx")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		net, err := onnx.Open(path)
		if err == nil && net.Check() != nil {
			t.Error(net.Check())
		}
		if err != nil && strings.Contains(err.Error(), "runtime error") {
			t.Error(err)
		}
	})
}

// bits is the floating-point number that a file begins with.
func bits(raw []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(raw)) }
