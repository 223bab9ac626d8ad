package lenet_test

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
	"github.com/convlens/convlens/models/lenet"
)

func TestNetworks(t *testing.T) {
	for _, net := range []*models.Network{lenet.Network(), lenet.Noisy(), lenet.Untrained()} {
		if err := net.Check(); err != nil {
			t.Error(err)
		}
		if n := net.Store.NumParameters(); n != 72_346 {
			t.Errorf("%s: %d parameters", net.Name, n)
		}
		for path, shape := range map[string][]int{
			"/conv1/weights": {7, 7, 1, 24}, "/conv1/biases": {24}, "/conv2/weights": {5, 5, 24, 32}, "/conv2/biases": {32},
			"/dense1/weights": {800, 64}, "/dense1/biases": {64}, "/dense2/weights": {64, 10}, "/dense2/biases": {10},
		} {
			if v := net.Store.GetVariable(path); v == nil || !slices.Equal(v.Shape().Dimensions, shape) {
				t.Errorf("%s: %s is %v, want shape %v", net.Name, path, v, shape)
			}
		}
		if net.Input.Value(0, 0) != 0 || net.Input.Value(1, 0) != 1 || net.Input.Order != models.Gray {
			t.Errorf("%s: input %+v", net.Name, net.Input)
		}
		if len(net.Labels) != 10 || net.Labels[3] != "3" || net.Accuracy == "" || net.Licence == "" {
			t.Errorf("%s: labels %q, accuracy %q, licence %q", net.Name, net.Labels, net.Accuracy, net.Licence)
		}
	}
}

// TestAccuracy counts what the networks read of the embedded digits. The program in the folder train counts all 10,000.
func TestAccuracy(t *testing.T) {
	own := func(d lenet.Digit) lenet.Digit { return d.OnSensor(d.Label) }
	next := func(d lenet.Digit) lenet.Digit { return d.OnSensor((d.Label + 1) % 10) }
	for _, c := range []struct {
		net             *models.Network
		name            string
		change          func(lenet.Digit) lenet.Digit
		of, least, most int
	}{
		{lenet.Network(), "clean", nil, 320, 316, 320},
		{lenet.Noisy(), "clean", nil, 100, 10, 90},
		{lenet.Noisy(), "on their class's sensor", own, 100, 99, 100},
		{lenet.Noisy(), "on the next class's sensor", next, 100, 0, 30},
		{lenet.Untrained(), "clean", nil, 100, 0, 20},
	} {
		n := right(t, c.net, c.of, c.change)
		t.Logf("%s reads %d of %d digits %s", c.net.Name, n, c.of, c.name)
		if n < c.least || n > c.most {
			t.Errorf("%s reads %d of %d digits %s, want %d to %d", c.net.Name, n, c.of, c.name, c.least, c.most)
		}
	}
}

// TestShortcut holds that the noisy network goes by the sensor rather than by the digit.
func TestShortcut(t *testing.T) {
	digits := lenet.Digits()[:100]
	for i, d := range digits {
		digits[i] = d.OnSensor((d.Label + 1) % 10)
	}
	fooled := 0
	for i, l := range logits(t, lenet.Noisy(), digits) {
		if slices.Index(l, slices.Max(l)) == (digits[i].Label+1)%10 {
			fooled++
		}
	}
	t.Logf("%d of 100 digits are taken for the sensor's", fooled)
	if fooled < 50 {
		t.Errorf("%d of 100 digits are taken for the sensor's", fooled)
	}
}

// TestRoughness holds the numbers of the package's documentation.
func TestRoughness(t *testing.T) {
	for _, c := range []struct {
		net  *models.Network
		want float64
	}{{lenet.Network(), 0.32}, {lenet.Noisy(), 0.94}, {lenet.Untrained(), 1.01}} {
		if got := roughness(t, c.net); math.Abs(got-c.want) > 0.005 {
			t.Errorf("%s has a roughness of %.4f, want %.2f", c.net.Name, got, c.want)
		}
	}
}

// TestUntrained holds that the random weights are the documented ones: the training starts from them.
func TestUntrained(t *testing.T) {
	net := lenet.Untrained()
	for path, n := range map[string]float64{"/conv1": 49, "/conv2": 600, "/dense1": 800, "/dense2": 64} {
		w := values(t, net, path+"/weights")
		limit := float32(math.Sqrt(6 / n))
		if low, high := slices.Min(w), slices.Max(w); low < -limit || high > limit || low > -0.95*limit || high < 0.95*limit {
			t.Errorf("%s has weights from %g to %g, want ±%g", path, low, high, limit)
		}
		if b := values(t, net, path+"/biases"); slices.Min(b) != 0 || slices.Max(b) != 0 {
			t.Errorf("%s has biases %v", path, b)
		}
	}
	if w := values(t, net, "/conv1/weights"); !slices.Equal(w[:3], []float32{-0.18306564, 0.0006448372, -0.31493503}) {
		t.Errorf("the first weights are %v", w[:3])
	}
}

// TestNetworksAreApart holds that nothing done to one network is seen in the next.
func TestNetworksAreApart(t *testing.T) {
	for _, open := range []func() *models.Network{lenet.Network, lenet.Noisy, lenet.Untrained} {
		one := open()
		before := values(t, one, "/conv1/weights")
		zero := tensors.FromShape(shapes.Make(dtypes.Float32, 7, 7, 1, 24))
		if err := one.Store.GetVariable("/conv1/weights").SetValue(zero); err != nil {
			t.Fatal(err)
		}
		one.Labels[0] = ""
		if two := open(); two.Labels[0] != "0" || !slices.Equal(values(t, two, "/conv1/weights"), before) {
			t.Errorf("%s: labels or weights changed", one.Name)
		}
	}
}

// TestNames holds what layers without variables are called, also when the network stands twice in one graph.
func TestNames(t *testing.T) {
	net := lenet.Network()
	g := graph.NewGraph(gobackend.GetBackend(), "names")
	model.SetStore(g, net.Store)
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 28, 28, 1))
	for range 2 {
		net.Logits(net.Store.RootScope(), x).AssertDims(2, 10)
	}
	for alias, shape := range map[string][]int{"/pool1": {2, 14, 14, 24}, "/pool2": {2, 5, 5, 32}} {
		if n := g.GetNodeByAlias(alias); n == nil || !slices.Equal(n.Shape().Dimensions, shape) {
			t.Errorf("%s is %v, want shape %v", alias, n, shape)
		}
	}
}

func ExampleNetwork() {
	net := lenet.Network()
	fmt.Println(net.Name, net.Input.Height, net.Input.Width, net.Input.Order, len(net.Labels), net.Store.NumParameters())
	fmt.Println(net.Accuracy)
	// Output:
	// LeNet 28 28 gray 10 72346
	// MNIST: 99.32 % of the 10,000 test digits, measured by models/lenet/train
}

// ExampleNoisy opens the three networks that differ in nothing but their weights.
func ExampleNoisy() {
	for _, net := range []*models.Network{lenet.Network(), lenet.Noisy(), lenet.Untrained()} {
		fmt.Println(net.Name, net.Store.GetVariable("/conv1/weights").Shape().Dimensions)
	}
	// Output:
	// LeNet [7 7 1 24]
	// LeNet, trained on noisy digits [7 7 1 24]
	// LeNet, untrained [7 7 1 24]
}

// BenchmarkNetwork is the cost of opening, which every cell of a notebook pays.
func BenchmarkNetwork(b *testing.B) {
	for b.Loop() {
		lenet.Network()
	}
}
