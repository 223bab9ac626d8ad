// Package torchtest compares networks that read PyTorch's checkpoints with plain loops over PyTorch's own layout.
package torchtest

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/internal/torch"
	"github.com/convlens/convlens/models/weights"
	"github.com/convlens/convlens/models/weights/weightstest"
)

// Names compares the tensors that layers need with a listing of what torchvision saves for 1000 classes.
func Names(t *testing.T, layers []torch.Layer, listing string) {
	t.Helper()
	need, want := Tensors(layers, 1000), weightstest.Listing(t, listing)
	if len(need) != len(want) {
		t.Errorf("%s: %d tensors, want %d", listing, len(need), len(want))
	}
	for i := range min(len(need), len(want)) {
		if need[i].Name != want[i].Name || !slices.Equal(need[i].Shape, want[i].Shape) {
			t.Fatalf("%s: %s %v, want %s %v", listing, need[i].Name, need[i].Shape, want[i].Name, want[i].Shape)
		}
	}
}

// Tensors are the names and shapes of what a checkpoint with so many classes holds, without values.
func Tensors(layers []torch.Layer, classes int) []weights.Tensor {
	var list []weights.Tensor
	for _, t := range torch.Tensors(layers) {
		shape := slices.Clone(t.Shape)
		if shape[0] == torch.Classes {
			shape[0] = classes
		}
		list = append(list, weights.Tensor{Name: t.Name, Shape: shape})
	}
	return list
}

// Narrow gives layers a 16th of their channels, and has those that read a map larger than one place read one of 2×2.
func Narrow(layers []torch.Layer) []torch.Layer {
	const by = 16
	layers = slices.Clone(layers)
	for i := range layers {
		l := &layers[i]
		l.Out /= by
		if l.In > 3 { // the colours stay
			l.In /= by
		}
		if l.Flat && l.Side > 1 {
			l.Side = 2
		}
	}
	return layers
}

// Open writes tensors to a file and makes a network of it.
func Open(t testing.TB, layers []torch.Layer, list []weights.Tensor, logits func(*model.Scope, *graph.Node) *graph.Node) *models.Network {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	weightstest.Write(t, path, list)
	net, err := torch.Open(path, "test", layers, logits)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// Logits runs a network on a map in pure Go.
func Logits(t testing.TB, net *models.Network, x Map) []float32 {
	t.Helper()
	exec, err := model.NewExec(gobackend.GetBackend(), net.Store, net.Logits)
	if err != nil {
		t.Fatal(err)
	}
	in := make([]float32, len(x.V))
	for i := range in {
		in[i] = float32(x.V[i%x.C*x.H*x.W+i/x.C])
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(in, 1, x.H, x.W, x.C))
	if err != nil {
		t.Fatal(err)
	}
	return out.Value().([][]float32)[0]
}

// Random is a picture of random pixels, the same ones in every call.
func Random(height, width int) Map {
	x, random := Map{C: 3, H: height, W: width}, rand.New(rand.NewPCG(1, 1))
	for range x.C * x.H * x.W {
		x.V = append(x.V, float64(float32(random.NormFloat64())))
	}
	return x
}

// Compare makes up weights for layers, after they are made narrow, and compares the network with plain loops on random
// pixels.
func Compare(t *testing.T, layers []torch.Layer, height, width int, logits func(*model.Scope, *graph.Node) *graph.Node, plain func(Weights, Map) Map) {
	t.Helper()
	const classes = 7
	layers = Narrow(layers)
	list := Tensors(layers, classes)
	weightstest.Fill(list)
	x := Random(height, width)
	got, want := Logits(t, Open(t, layers, list, logits), x), plain(NewWeights(list), x).V
	largest := max(slices.Max(want), -slices.Min(want))
	if len(got) != classes || len(want) != classes || largest < 1e-3 {
		t.Fatalf("%d logits, want %d, the largest %g", len(got), len(want), largest)
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= 1e-5*largest) {
			t.Fatalf("logit %d is %g, want %g", i, got[i], want[i])
		}
	}
}
