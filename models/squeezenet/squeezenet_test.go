package squeezenet_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

func TestNetwork(t *testing.T) {
	net := squeezenet.Network()
	if err := net.Check(); err != nil {
		t.Fatal(err)
	}
	if n := net.Store.NumParameters(); n != 1_235_496 {
		t.Errorf("%d parameters", n)
	}
	if n := net.Store.NumVariables(); n != 52 {
		t.Errorf("%d variables", n)
	}
	for v := range net.Store.IterVariables() {
		if !v.HasValue() || v.DType() != dtypes.Float32 {
			t.Errorf("%s: %s, has a value: %t", v.Path(), v.Shape(), v.HasValue())
		}
	}
	// Black is 0 less the mean of blue, not of red.
	if v := net.Input.Value(0, 0); v != -103.939 || net.Input.Order != models.BGR {
		t.Errorf("the first channel is %s, black is %g", net.Input.Order, v)
	}
}

// TestNetworksAreApart holds that nothing done to one network is seen in the next.
func TestNetworksAreApart(t *testing.T) {
	one := squeezenet.Network()
	zero := tensors.FromShape(shapes.Make(dtypes.Float32, 64))
	if err := one.Store.GetVariable("/conv1/biases").SetValue(zero); err != nil {
		t.Fatal(err)
	}
	one.Labels[0], one.Input.Mean[0] = "", 0
	two := squeezenet.Network()
	if two.Labels[0] != "tench" || two.Input.Mean[0] != 103.939 {
		t.Error("labels or mean changed")
	}
	if b := two.Store.GetVariable("/conv1/biases").MustValue().Value().([]float32); slices.Max(b) == 0 {
		t.Error("biases changed")
	}
}

// TestLogits compares with the network computed without GoMLX, on a ramp of numbers.
func TestLogits(t *testing.T) {
	net := squeezenet.Network()
	const side = 227
	in := make([]float32, side*side*3)
	for i := range in {
		in[i] = float32(i*7919%251) - 120
	}
	exec, err := model.NewExec(gobackend.GetBackend(), net.Store, net.Logits)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(in, 1, side, side, 3))
	if err != nil {
		t.Fatal(err)
	}
	got, want := out.Value().([][]float32)[0], byHand(net.Store, volume{side, side, 3, in})
	largest := float64(slices.Max(want))
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-5*largest) {
			t.Fatalf("logit %d is %g, want %g", i, got[i], want[i])
		}
	}
}

// TestNames holds what layers without variables are called, also under a scope of one's own and when the network
// stands twice in one graph.
func TestNames(t *testing.T) {
	net := squeezenet.Network()
	g := graph.NewGraph(gobackend.GetBackend(), "names")
	model.SetStore(g, net.Store)
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 227, 227, 3))
	for range 2 {
		y := net.Logits(net.Store.RootScope(), x)
		y.AssertDims(2, 1000)
	}
	for alias, shape := range map[string][]int{
		"/pool1": {2, 56, 56, 64}, "/fire2/concat": {2, 56, 56, 128}, "/pool3": {2, 27, 27, 128},
		"/fire5/concat": {2, 27, 27, 256}, "/pool5": {2, 13, 13, 256}, "/fire9/concat": {2, 13, 13, 512},
		"/pool10": {2, 1000},
	} {
		if n := g.GetNodeByAlias(alias); n == nil || !slices.Equal(n.Shape().Dimensions, shape) {
			t.Errorf("%s is %v, want shape %v", alias, n, shape)
		}
	}
}

func ExampleNetwork() {
	net := squeezenet.Network()
	fmt.Println(net.Name, net.Input.Height, net.Input.Width, net.Input.Order, len(net.Labels), net.Store.NumParameters())
	// Output: SqueezeNet 1.1 227 227 BGR 1000 1235496
}

func BenchmarkNetwork(b *testing.B) {
	for b.Loop() {
		squeezenet.Network()
	}
}
