package attrib_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/models"
)

// random draws a network of some convolutions with kernels and strides that are not square, rectified and pooled between
// them unless it is affine, that ends in sums over all places, on grey pictures of some size. All numbers in it are
// whole, and small enough to be exact. The transposed network does to a transposed picture what the other does to the picture.
func random(seed uint64, affine, transposed bool) *models.Network {
	r := rand.New(rand.NewPCG(seed, 11))
	turn := func(a, b int) (int, int) {
		if transposed {
			return b, a
		}
		return a, b
	}
	store := model.NewStore()
	var steps []func(scope *model.Scope, x *graph.Node) *graph.Node
	height, width := turn(13+r.IntN(12), 13+r.IntN(12))
	channels := 1
	for _, name := range []string{"one", "two", "three"}[:1+r.IntN(3)] {
		kernel, step, out := [2]int{1 + r.IntN(3), 1 + r.IntN(4)}, [2]int{1 + r.IntN(2), 1 + r.IntN(2)}, 1+r.IntN(3)
		same, pooled := r.IntN(2) == 0, r.IntN(2) == 0
		plain := make([]float32, kernel[0]*kernel[1]*channels*out)
		for i := range plain {
			plain[i] = float32(r.IntN(3) - 1)
		}
		kh, kw := turn(kernel[0], kernel[1])
		sh, sw := turn(step[0], step[1])
		weights := make([]float32, len(plain))
		for y := range kernel[0] {
			for x := range kernel[1] {
				v, u := turn(y, x)
				copy(weights[(v*kw+u)*channels*out:(v*kw+u+1)*channels*out], plain[(y*kernel[1]+x)*channels*out:])
			}
		}
		testnet.Set(store, "/"+name+"/weights", weights, kh, kw, channels, out)
		testnet.Random(store, r, "/"+name+"/biases", out)
		channels = out
		ph, pw := turn(1, 2)
		steps = append(steps, func(scope *model.Scope, x *graph.Node) *graph.Node {
			scope = scope.In("%s", name)
			c := graph.Convolve(x, scope.GetVariable("weights").NodeValue(x)).StridePerAxis(sh, sw)
			if same {
				c = c.PadSame()
			} else {
				c = c.NoPadding()
			}
			y := c.Done()
			y = graph.Add(y, graph.ExpandAndBroadcast(scope.GetVariable("biases").NodeValue(x), y.Shape().Dimensions, []int{0, 1, 2}))
			if affine {
				return y
			}
			if y = testnet.Relu(y); pooled {
				y = graph.MaxPool(y).WindowPerAxis(ph, pw).StridePerAxis(1, 1).NoPadding().Done()
			}
			return y
		})
	}
	testnet.Random(store, r, "/head", channels, 3)
	return &models.Network{
		Name: "random", Store: store, Input: testnet.Input(height, width, models.Gray),
		Logits: func(scope *model.Scope, x *graph.Node) *graph.Node {
			for _, step := range steps {
				x = step(scope, x)
			}
			return graph.Dot(graph.ReduceSum(x, 1, 2), scope.GetVariable("head").NodeValue(x)).Product()
		},
	}
}

// few is a picture of the numbers 0 to 3 for a network.
func few(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 12))
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(r.IntN(4))
	}
	return values
}

const someNetworks = 5

// TestAffine: what windows that leave nothing out and share nothing drop is, of an affine network, what all of them
// together drop; and what they gain by themselves is the same.
func TestAffine(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for seed := range uint64(someNetworks) {
			net := random(seed, true, false)
			p := open(t, backend, net)
			picture := array(t, net, few(seed, net.Input.Height*net.Input.Width))
			o := attrib.Occlusion{Class: "1", Score: attrib.Logit, Window: attrib.Size{H: 3, W: 4}, Stride: attrib.Size{H: 3, W: 4}, Fill: attrib.Constant(2)}
			all := o
			all.Window, all.Stride = attrib.Size{H: net.Input.Height, W: net.Input.Width}, attrib.Size{}
			total := attribute(t, p, picture, all)
			sum := func(a *attrib.Attribution) (sum float32) {
				for _, d := range a.Grid.Drop.Values {
					sum += d
				}
				return sum
			}
			want := total.Grid.Drop.Values[0]
			if got := sum(attribute(t, p, picture, o)); got != want {
				t.Errorf("network %d: the windows drop %v, all at once %v", seed, got, want)
			}
			if got := sum(attribute(t, p, picture, attrib.Reveal(o))); got != want {
				t.Errorf("network %d: the windows gain %v, all at once %v", seed, got, want)
			}
			if got := sum(attribute(t, p, picture, attrib.Ablation{Class: "1", Score: attrib.Logit, Superpixels: 9, Fill: attrib.Constant(2)})); got != want {
				t.Errorf("network %d: the superpixels drop %v, all at once %v", seed, got, want)
			}
			for _, v := range total.Map.Values {
				if v != want {
					t.Fatalf("network %d: a window as large as the input gives %v and %v", seed, v, want)
				}
			}
		}
	})
}

// TestTransposed turns picture and kernels over: the map turns with them.
func TestTransposed(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		changing := 0
		for seed := range uint64(someNetworks) {
			net, turned := random(seed, false, false), random(seed, false, true)
			h, w := net.Input.Height, net.Input.Width
			values := few(seed, h*w)
			over := make([]float32, h*w)
			for y := range h {
				for x := range w {
					over[x*h+y] = values[y*w+x]
				}
			}
			o := attrib.Occlusion{Class: "0", Score: attrib.Logit, Window: attrib.Size{H: 5, W: 3}, Stride: attrib.Size{H: 2, W: 3}, Fill: attrib.Constant(3), Overlap: attrib.OverlapSum}
			a := attribute(t, open(t, backend, net), array(t, net, values), o)
			o.Window, o.Stride = attrib.Size{H: 3, W: 5}, attrib.Size{H: 3, W: 2}
			b := attribute(t, open(t, backend, turned), array(t, turned, over), o)
			for y := range h {
				for x := range w {
					if a.Map.At(y, x) != b.Map.At(x, y) {
						t.Fatalf("network %d: %v at %d,%d, turned over it is %v", seed, a.Map.At(y, x), y, x, b.Map.At(x, y))
					}
				}
			}
			if slices.Max(a.Map.Values) != slices.Min(a.Map.Values) {
				changing++
			}
		}
		if changing < someNetworks/2 {
			t.Errorf("%d of %d networks see anything", changing, someNetworks)
		}
	})
}

// TestWhole hides all of the picture at once: one position, and a map of one value.
func TestWhole(t *testing.T) {
	for seed := range uint64(someNetworks) {
		net := random(seed, false, false)
		p := open(t, testbackend.Go(), net)
		picture := array(t, net, few(seed, net.Input.Height*net.Input.Width))
		a := attribute(t, p, picture, attrib.Occlusion{Score: attrib.Logit, Window: attrib.Size{H: net.Input.Height, W: net.Input.Width}, Fill: attrib.Zero})
		nothing, err := p.Classify(t.Context(), array(t, net, make([]float32, len(picture.Values))))
		if err != nil {
			t.Fatal(err)
		}
		want := float32(a.Clean - float64(nothing.Logits[a.Class]))
		for _, v := range a.Map.Values {
			if v != want {
				t.Fatalf("network %d: the map is %v, want %v everywhere", seed, v, want)
			}
		}
	}
}
