package gonbviz_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/onnx"
	"github.com/convlens/convlens/models/weights"
)

// ramp is a picture for a network: numbers that go up and down.
func ramp(t *testing.T, net *models.Network) *pixel.Prepared {
	t.Helper()
	in := net.Input
	values := make([]float32, in.Height*in.Width*in.Channels())
	for i := range values {
		values[i] = float32(math.Sin(float64(i) * 0.7))
	}
	array := must(pixel.NewArray(weights.Array{Shape: []int{in.Height, in.Width, in.Channels()}, Values: values}, pixel.NHWC, "ramp"))(t)
	return must(pixel.Prepare(array, in))(t)
}

// near reports whether two lists differ by no more than a share of the largest value.
func near(a, b []float32, share float64) bool {
	largest, worst := 1e-30, 0.0
	for i := range a {
		largest = max(largest, math.Abs(float64(b[i])))
		worst = max(worst, math.Abs(float64(a[i])-float64(b[i])))
	}
	return len(a) == len(b) && worst <= share*largest
}

// TestONNXFamilies looks into a small network of each family that models/onnx opens: on both backends the same logits
// and layers, and a tensor by the name that the file gives it.
func TestONNXFamilies(t *testing.T) {
	paths, err := filepath.Glob("../models/onnx/testdata/families/*.onnx")
	if err != nil || len(paths) == 0 {
		t.Fatal("no networks", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var logits, tensor []float32
			testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
				net := must(onnx.Open(path))(t) // anew: a store belongs to one backend
				p := must(probe.Open(backend, net))(t)
				picture := ramp(t, net)
				answer := must(p.Classify(t.Context(), picture))(t)
				layers := p.Layers()
				if !slices.ContainsFunc(layers, func(l probe.Layer) bool { return l.Kind == probe.Conv }) {
					t.Fatalf("no convolution among the layers %v", layers)
				}
				maps := must(p.Maps(t.Context(), picture, probe.Maps{Layers: []string{layers[len(layers)/2].Name}}))(t)
				values := slices.Concat(planesOf(maps.Layers[0])...)
				if logits == nil {
					logits, tensor = answer.Logits, values
				}
				if !near(answer.Logits, logits, 1e-5) || !near(values, tensor, 1e-5) {
					t.Error("the backends differ")
				}
				if _, err := (attrib.Occlusion{Window: attrib.Pixels(net.Input.Height / 2), Stride: attrib.Pixels(net.Input.Height / 2)}).Attribute(t.Context(), p, picture); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func planesOf(l probe.LayerMaps) [][]float32 {
	var list [][]float32
	for _, p := range l.Planes {
		list = append(list, p.Values)
	}
	return list
}

// TestONNXTensor captures a tensor that the file computes, channels first as it has it, and before all else by name.
func TestONNXTensor(t *testing.T) {
	net := must(onnx.Open("../models/onnx/testdata/families/squeezenet.onnx"))(t)
	lens := open(t, net)
	picture := ramp(t, net)
	for name, shape := range tensorShapes(t, net) {
		set := must(lens.Probe.Maps(t.Context(), picture, probe.Maps{Layers: []string{name}}))(t)
		if got := set.Layers[0].TensorShape; !slices.Equal(got, shape) {
			t.Errorf("tensor %q has shape %v, want %v", name, got, shape)
		}
		if err := gonbviz.Save(filepath.Join(t.TempDir(), "tensor.npy"), set); err != nil {
			t.Error(err)
		}
		checkFigure(t, must(gonbviz.FigureOf(set))(t))
	}
}

// tensorShapes are the shapes, without the batch axis, of a network's named tensors.
func tensorShapes(t *testing.T, net *models.Network) map[string][]int {
	t.Helper()
	list := map[string][]int{}
	in := net.Input
	g := graph.NewGraph(testbackend.Go(), "shapes")
	model.SetStore(g, net.Store)
	_, named := net.Tensors(net.Store.RootScope(), graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 1, in.Height, in.Width, in.Channels())))
	for name, node := range named {
		list[name] = node.Shape().Dimensions[1:]
	}
	return list
}
