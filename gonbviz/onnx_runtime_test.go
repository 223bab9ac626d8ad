package gonbviz_test

import (
	"archive/zip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/onnx"
)

// answer is what ONNX Runtime answers: see make.py in models/onnx/testdata.
type answer struct {
	Shape   []int
	Tensors map[string]struct {
		Largest float64
		Values  []float64
	}
}

// TestONNXRuntimeOnXLA compares every inner tensor of the test networks of models/onnx, which compares them on the
// pure-Go backend, with ONNX Runtime's on XLA.
func TestONNXRuntimeOnXLA(t *testing.T) {
	backend := testbackend.XLA(t)
	const testdata = "../models/onnx/testdata"
	folders := map[string]string{"families": filepath.Join(testdata, "families")}
	for _, name := range []string{"operators", "exporters"} {
		z := must(zip.OpenReader(filepath.Join(testdata, name+".zip")))(t)
		defer z.Close()
		folders[name] = t.TempDir()
		if err := os.CopyFS(folders[name], z); err != nil {
			t.Fatal(err)
		}
	}
	answers := map[string]answer{}
	for _, folder := range []string{testdata, folders["exporters"]} {
		if err := json.Unmarshal(must(os.ReadFile(filepath.Join(folder, "expected.json")))(t), &answers); err != nil {
			t.Fatal(err)
		}
	}
	worst, where := 0.0, ""
	for name, want := range answers {
		if testing.Short() && filepath.Dir(name) != "families" {
			continue
		}
		path := filepath.Join(folders[filepath.Dir(name)], filepath.Base(name)+".onnx")
		net := must(onnx.Open(path))(t)
		var names []string
		exec := must(model.NewExec(backend, net.Store, func(scope *model.Scope, x *graph.Node) []*graph.Node {
			_, named := net.Tensors(scope, x)
			var out []*graph.Node
			for name := range want.Tensors {
				names, out = append(names, name), append(out, named[name])
			}
			return out
		}))(t)
		got := must(exec.Call(fileInput(net, want.Shape)))(t)
		for i, tensor := range names {
			d := apart(tensors.MustCopyFlatData[float32](got[i]), want.Tensors[tensor].Values) / max(want.Tensors[tensor].Largest, 1e-30)
			if !(d <= 1e-4) {
				t.Errorf("%s: %s differs by %.2g", name, tensor, d)
			}
			if d > worst {
				worst, where = d, name+" "+tensor
			}
		}
	}
	t.Logf("largest deviation %.2g, in %s", worst, where)
}

// fileInput is make.py's picture for a file whose input has a shape, channels-last.
func fileInput(net *models.Network, shape []int) *tensors.Tensor {
	in := net.Input
	channels, places := in.Channels(), in.Height*in.Width
	values := make([]float32, shape[0]*places*channels)
	for i := range values {
		picture, rest := i/(places*channels), i%(places*channels)
		if shape[1] == channels {
			rest = rest%channels*places + rest/channels
		}
		values[i] = float32(float64((picture*places*channels+rest)*7919%1009)/504.5 - 1)
	}
	return tensors.FromFlatDataAndDimensions(values, shape[0], in.Height, in.Width, channels)
}

// apart is the largest difference of evenly spread values from those that are wanted.
func apart(got []float32, wanted []float64) float64 {
	worst := 0.0
	for i, want := range wanted {
		at := 0
		if len(wanted) > 1 {
			at = int(math.RoundToEven(float64(i) * float64(len(got)-1) / float64(len(wanted)-1)))
		}
		worst = max(worst, math.Abs(float64(got[at])-want))
	}
	return worst
}
