package onnx_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/models/onnx"
	"github.com/convlens/convlens/models/weights"
)

// pythonEnv names a Python that has what testdata/requirements.txt lists.
const pythonEnv = "CONVLENS_ONNX_PYTHON"

// TestAgainstONNXRuntimeItself lets ONNX Runtime run the test networks anew and compares every value of every tensor.
// TestAgreesWithONNXRuntime compares some values of each, which were kept.
func TestAgainstONNXRuntimeItself(t *testing.T) {
	python := os.Getenv(pythonEnv)
	if python == "" {
		if os.Getenv("CONVLENS_REQUIRE") != "" {
			t.Fatalf("%s names no Python with ONNX Runtime (required by CONVLENS_REQUIRE)", pythonEnv)
		}
		t.Skipf("%s names no Python with ONNX Runtime", pythonEnv)
	}
	folder := t.TempDir()
	for _, script := range [][]string{{"testdata/make.py", "--all", folder}, {"testdata/exporters.py", "answer", folder}} {
		if out, err := exec.Command(python, script...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	worst, at := 0.0, ""
	for name, want := range expectations(t) {
		net, err := onnx.Open(filepath.Join(folder, name+".onnx"))
		if err != nil {
			t.Error(err)
			continue
		}
		all := everything(t, net, picture(want.Shape[0], net.Input, want.Shape))
		for tensor := range want.Tensors {
			array, err := weights.OpenNPY(filepath.Join(folder, name, strings.ReplaceAll(tensor, "/", "%")+".npy"), 1<<24)
			if err != nil || all[tensor] == nil {
				t.Errorf("%s: %s: %v", name, tensor, err)
				continue
			}
			wide, largest := make([]float64, len(array.Values)), float32(0)
			for i, v := range array.Values {
				wide[i], largest = float64(v), max(largest, v, -v)
			}
			got := tensors.MustCopyFlatData[float32](all[tensor])
			if len(got) != len(wide) {
				t.Errorf("%s: %s has %d values, want %d", name, tensor, len(got), len(wide))
				continue
			}
			d := deviation(got, wide, float64(largest))
			if !(d <= tolerance) {
				t.Errorf("%s: %s differs by %.2g", name, tensor, d)
			}
			if d > worst {
				worst, at = d, name+" "+tensor
			}
		}
	}
	t.Logf("largest deviation %.2g, in %s", worst, at)
}
