package onnx_test

import (
	"archive/zip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/onnx"
)

// tolerance is the largest difference from ONNX Runtime over the largest value of a tensor.
const tolerance = 1e-4

// expectation is what ONNX Runtime answers: see testdata/make.py and testdata/exporters.py.
type expectation struct {
	Logits  string
	Shape   []int
	Tensors map[string]struct {
		Shape   []int
		Largest float64
		Values  []float64
	}
}

// expectations are those of all networks, by the names that network finds them by.
func expectations(t *testing.T) map[string]expectation {
	t.Helper()
	all := map[string]expectation{}
	for _, path := range []string{"testdata/expected.json", filepath.Join(unpacked(t, "exporters"), "expected.json")} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// unpacked puts the networks of one operator each ("operators"), or those that exporters wrote ("exporters"), into a
// folder.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	z, err := zip.OpenReader("testdata/" + name + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	folder := t.TempDir()
	if err := os.CopyFS(folder, z); err != nil {
		t.Fatal(err)
	}
	return folder
}

// picture is that of make.py, channels-last.
func picture(batch int, in models.Input, fileShape []int) *tensors.Tensor {
	n, channels := in.Height*in.Width*in.Channels(), in.Channels()
	values := make([]float32, 0, batch*n)
	for b := range batch {
		for i := range n {
			at := b*n + i
			if fileShape[1] == channels {
				at = b*n + i%channels*(in.Height*in.Width) + i/channels
			}
			values = append(values, float32(float64(at*7919%1009)/504.5-1))
		}
	}
	return tensors.FromFlatDataAndDimensions(values, batch, in.Height, in.Width, channels)
}

// everything runs a network on the picture and returns all its tensors, the logits as "".
func everything(t *testing.T, net *models.Network, input *tensors.Tensor) map[string]*tensors.Tensor {
	t.Helper()
	var names []string
	exec, err := model.NewExec(gobackend.GetBackend(), net.Store, func(scope *model.Scope, x *graph.Node) []*graph.Node {
		logits, named := net.Tensors(scope, x)
		names = []string{""}
		out := []*graph.Node{logits}
		for name, node := range named {
			names, out = append(names, name), append(out, node)
		}
		return out
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := exec.Call(input)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*tensors.Tensor{}
	for i, name := range names {
		all[name] = got[i]
	}
	return all
}

// deviation is the largest difference from what is expected over the largest expected value.
func deviation(got []float32, values []float64, largest float64) float64 {
	worst := 0.0
	for i, want := range values {
		at := 0
		if len(values) > 1 {
			at = int(math.RoundToEven(float64(i) * float64(len(got)-1) / float64(len(values)-1)))
		}
		if d := math.Abs(float64(got[at]) - want); !(d <= worst) {
			worst = d
		}
	}
	return worst / max(largest, 1e-30)
}

func TestAgreesWithONNXRuntime(t *testing.T) {
	folders := map[string]string{"families": "testdata/families"}
	for _, name := range []string{"operators", "exporters"} {
		folders[name] = unpacked(t, name)
	}
	worst, at := 0.0, ""
	for name, want := range expectations(t) {
		t.Run(name, func(t *testing.T) {
			net, err := onnx.Open(filepath.Join(folders[filepath.Dir(name)], filepath.Base(name)+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			all := everything(t, net, picture(want.Shape[0], net.Input, want.Shape))
			for tensor, expected := range want.Tensors {
				got := all[tensor]
				if got == nil {
					t.Errorf("no tensor %q", tensor)
					continue
				}
				if dims := got.Shape().Dimensions; !slices.Equal(dims, expected.Shape) && len(dims)+len(expected.Shape) > 0 {
					t.Errorf("%s has shape %v, want %v", tensor, dims, expected.Shape)
					continue
				}
				d := deviation(tensors.MustCopyFlatData[float32](got), expected.Values, expected.Largest)
				if !(d <= tolerance) {
					t.Errorf("%s differs by %.2g", tensor, d)
				}
				if d > worst {
					worst, at = d, name+" "+tensor
				}
			}
		})
	}
	t.Logf("largest deviation %.2g, in %s", worst, at)
}
