package filterbank_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/filterbank"
)

func values(t testing.TB, net *models.Network, path string) []float32 {
	t.Helper()
	v, err := tensors.CopyFlatData[float32](net.Store.GetVariable(path).MustValue())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// answer runs the network on a batch of pictures in pure Go.
func answer(t testing.TB, net *models.Network, batch int, pictures []float32) [][]float32 {
	t.Helper()
	exec, err := model.NewExec(gobackend.GetBackend(), net.Store, net.Logits)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(pictures, batch, 224, 224, 3))
	if err != nil {
		t.Fatal(err)
	}
	return out.Value().([][]float32)
}

func TestNetwork(t *testing.T) {
	net := filterbank.Network()
	if err := net.Check(); err != nil {
		t.Fatal(err)
	}
	if n := net.Store.NumParameters(); n != 64*(7*7*3+1) {
		t.Errorf("%d parameters", n)
	}
	if len(net.Labels) != 64 || net.Labels[63] != "filter 63" {
		t.Errorf("labels %q", net.Labels)
	}
	// Black is 0 less the mean of blue, not of red.
	if v := net.Input.Value(0, 0); v != -104 || net.Input.Order != models.BGR {
		t.Errorf("the first channel is %s, black is %g", net.Input.Order, v)
	}
	if net.Notice != filterbank.Notice {
		t.Errorf("notice %q", net.Notice)
	}
}

// TestWeights holds every bit of the numbers, and the order of a kernel's.
func TestWeights(t *testing.T) {
	net := filterbank.Network()
	if dims := net.Store.GetVariable("/conv1/weights").Shape().Dimensions; !slices.Equal(dims, []int{7, 7, 3, 64}) {
		t.Fatalf("weights are %v", dims)
	}
	for path, want := range map[string]string{
		"/conv1/weights": "293b023e1873b4e2c1578967f399f726b0a9d45ded79c6f2314c831c3f4a4199",
		"/conv1/biases":  "c6aa00a77062747b46d443945c690265a80f59b503f106c027a5553a9426a191",
	} {
		hash := sha256.New()
		if err := binary.Write(hash, binary.LittleEndian, values(t, net, path)); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", hash.Sum(nil)); got != want {
			t.Errorf("%s: checksum %s, want %s", path, got, want)
		}
	}
	w := values(t, net, "/conv1/weights")
	for _, c := range []struct {
		y, x, channel, filter int
		want                  float32
	}{
		{0, 0, 0, 0, -0.000672045280225575},
		{0, 1, 2, 5, 0.00012702308595180511},
		{6, 3, 1, 33, 2.5077124519157223e-05},
		{6, 6, 2, 63, 9.548154775984585e-05},
	} {
		if got := w[((c.y*7+c.x)*3+c.channel)*64+c.filter]; got != c.want {
			t.Errorf("filter %d, row %d, column %d, channel %d is %g, want %g", c.filter, c.y, c.x, c.channel, got, c.want)
		}
	}
}

// TestDead holds that filters 15 and 21, and no others, stay silent on a picture of nothing but extremes.
func TestDead(t *testing.T) {
	net := filterbank.Network()
	w := values(t, net, "/conv1/weights")
	var dead []int
	for f := range 64 {
		norm := 0.0
		for i := f; i < len(w); i += 64 {
			norm += float64(w[i]) * float64(w[i])
		}
		if math.Sqrt(norm) < 1e-9 {
			dead = append(dead, f)
		}
	}
	if !slices.Equal(dead, []int{15, 21}) {
		t.Errorf("dead by their weights: %v", dead)
	}
	random := rand.New(rand.NewPCG(1, 1))
	picture := make([]float32, 224*224*3)
	for i := range picture {
		picture[i] = net.Input.Value(float32(random.IntN(2)), i%3)
	}
	for f, mean := range answer(t, net, 1, picture)[0] {
		if silent := mean == 0; silent != (f == 15 || f == 21) {
			t.Errorf("filter %d answers %g", f, mean)
		}
	}
}

// TestLogits compares with the layer computed by hand, on a ramp of numbers.
func TestLogits(t *testing.T) {
	const side = 224
	net := filterbank.Network()
	in := make([]float32, side*side*3)
	for i := range in {
		in[i] = float32(i*7919%251) - 120
	}
	w, bias := values(t, net, "/conv1/weights"), values(t, net, "/conv1/biases")
	want := make([]float64, 64)
	for place := range 112 * 112 {
		top, left := place/112*2-3, place%112*2-3
		sum := make([]float32, 64)
		copy(sum, bias)
		for k := range 49 {
			y, x := top+k/7, left+k%7
			if y < 0 || y >= side || x < 0 || x >= side {
				continue
			}
			for c, v := range in[(y*side+x)*3:][:3] {
				for f, weight := range w[(k*3+c)*64:][:64] {
					sum[f] += v * weight
				}
			}
		}
		for f, s := range sum {
			want[f] += float64(max(s, 0)) / (112 * 112)
		}
	}
	largest := slices.Max(want)
	for f, got := range answer(t, net, 1, in)[0] {
		if d := math.Abs(float64(got) - want[f]); !(d <= 1e-5*largest) {
			t.Errorf("filter %d answers %g, want %g", f, got, want[f])
		}
	}
}

// TestNetworksAreApart holds that nothing done to one network is seen in the next.
func TestNetworksAreApart(t *testing.T) {
	one := filterbank.Network()
	if err := one.Store.GetVariable("/conv1/biases").SetValue(tensors.FromShape(shapes.Make(dtypes.Float32, 64))); err != nil {
		t.Fatal(err)
	}
	one.Labels[0], one.Input.Mean[0] = "", 0
	two := filterbank.Network()
	if two.Labels[0] != "filter 0" || two.Input.Mean[0] != 104 || values(t, two, "/conv1/biases")[0] == 0 {
		t.Error("labels, mean or biases changed")
	}
}

func ExampleNetwork() {
	net := filterbank.Network()
	fmt.Println(net.Name)
	fmt.Println(net.Notice)
	fmt.Println(net.Store.GetVariable("/conv1/weights").Shape().Dimensions, net.Input.Order)
	// Output:
	// Thin ResNet-50 (Yahoo open_nsfw), first layer
	// First layer of a thin ResNet-50: Yahoo's open_nsfw. © 2016 Yahoo Inc., BSD 2-Clause.
	// [7 7 3 64] BGR
}

// BenchmarkNetwork is the cost of opening, which every cell of a notebook pays.
func BenchmarkNetwork(b *testing.B) {
	for b.Loop() {
		filterbank.Network()
	}
}
