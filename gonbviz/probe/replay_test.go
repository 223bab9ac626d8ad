package probe_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

// replayed runs a network as it is recorded and built again.
func replayed(t *testing.T, backend compute.Backend, net *models.Network, pictures *tensors.Tensor) []float32 {
	t.Helper()
	program, err := open(t, backend, net).Program("test", pictures.Shape().Dimensions[0], []shapes.Shape{pictures.Shape()},
		func(network probe.Forward, in []*Node) []*Node { return []*Node{network(in[0])} })
	if err != nil {
		t.Fatal(err)
	}
	out, err := program.Run(context.Background(), pictures)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// direct runs the network's own function.
func direct(t *testing.T, backend compute.Backend, net *models.Network, pictures *tensors.Tensor) []float32 {
	t.Helper()
	exec, err := model.NewExec(backend, net.Store, func(scope *model.Scope, x *Node) *Node { return net.Logits(scope, x) })
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(pictures)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](out[0])
}

// pictures are whole numbers from 0 to 9, from a seed.
func pictures(net *models.Network, batch int) *tensors.Tensor {
	in, random := net.Input, rand.New(rand.NewPCG(5, 5))
	values := make([]float32, batch*in.Height*in.Width*in.Channels())
	for i := range values {
		values[i] = float32(random.IntN(10))
	}
	return tensors.FromFlatDataAndDimensions(values, batch, in.Height, in.Width, in.Channels())
}

// TestReplay holds the one promise that all else rests on: what is built again answers as the network itself.
func TestReplay(t *testing.T) {
	nets := map[string]func() *models.Network{
		"exact":        testnet.Exact,
		"branches":     func() *models.Network { return testnet.Branches(23, 31, 1) },
		"branches, 2":  func() *models.Network { return testnet.Branches(30, 19, 2) },
		"max poolings": pooled,
		"leaky": func() *models.Network {
			return after(func(get func(string) *Node, x *Node) *Node {
				return activation.LeakyRelu(Mul(x, channels(get("/bn/scale"), x)))
			})
		},
		"limits": func() *models.Network {
			return after(func(get func(string) *Node, x *Node) *Node {
				g, spread := x.Graph(), BroadcastToDims(Const(x.Graph(), float32(1)), x.Shape().Dimensions...)
				slope := Reshape(get("/bn/scale"), 1, 1, 1, 2)
				x = Add(x, ReduceAndKeep(Max(spread, slope), ReduceSum, 1, 2)) // the limit is larger than what it limits
				x = Add(MaxScalar(x, -2), Min(Const(g, float32(3)), x))
				return Add(x, Clamp(Const(g, float32(-1)), x, Const(g, float32(5))))
			})
		},
		"nodes without inputs": func() *models.Network {
			return after(func(_ func(string) *Node, x *Node) *Node {
				return Add(x, Mul(Iota(x.Graph(), x.Shape(), 2), IotaFull(x.Graph(), x.Shape())))
			})
		},
	}
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for name, net := range nets {
			for _, batch := range []int{1, 2, 5} {
				t.Run(fmt.Sprintf("%s, batch %d", name, batch), func(t *testing.T) {
					checkReplay(t, backend, net(), batch)
				})
			}
		}
	})
}

// TestNegativePadding pads by less than nothing, which kills the pure-Go backend where it is run as it is.
func TestNegativePadding(t *testing.T) {
	padded := func(cut bool) *models.Network {
		return after(func(_ func(string) *Node, x *Node) *Node {
			three := Const(x.Graph(), float32(3))
			if cut {
				x = Pad(x, three, compute.PadAxis{}, compute.PadAxis{End: 2}, compute.PadAxis{Start: 1, Interior: 1}, compute.PadAxis{})
				return Slice(x, AxisRange(), AxisRange(1), AxisRange(0, 4), AxisRange())
			}
			return Pad(x, three, compute.PadAxis{}, compute.PadAxis{Start: -1, End: 2}, compute.PadAxis{Start: 1, End: -2, Interior: 1}, compute.PadAxis{})
		})
	}
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		in := pictures(padded(true), 2)
		got, want := replayed(t, backend, padded(false), in), replayed(t, backend, padded(true), in)
		if !slices.Equal(got, want) {
			t.Errorf("logits %v, those of padding and cutting %v", got, want)
		}
	})
}

func checkReplay(t *testing.T, backend compute.Backend, net *models.Network, batch int) {
	t.Helper()
	in := pictures(net, batch)
	got, want := replayed(t, backend, net, in), direct(t, backend, net, in)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("logit %d is %v, the network's own %v", i, got[i], want[i])
		}
	}
}

// pooled has max poolings of many forms.
func pooled() *models.Network {
	return testnet.Make("pooled", testnet.Input(19, 24, models.RGB), testnet.Weights{"/w": {3, 3, 3, 4}}, func(get func(string) *Node, x *Node) *Node {
		x = AddScalar(Neg(Convolve(x, get("/w")).NoPadding().Done()), -1) // all below 0, so that padding shows
		parts := []*Node{
			MaxPool(x).Window(2).Done(),
			MaxPool(x).Window(3).Strides(2).PadSame().Done(),
			MaxPool(x).WindowPerAxis(5, 1).StridePerAxis(1, 3).PaddingPerDim([][2]int{{2, 1}, {0, 0}}).Done(),
			MaxPool(x).WindowPerAxis(1, 4).StridePerAxis(3, 2).PaddingPerDim([][2]int{{0, 0}, {0, 3}}).Done(),
			MaxPool(x).WindowPerAxis(17, 22).Done(),
			MinPool(x).Window(3).Strides(2).PadSame().Done(),
			BackendReduceWindow(x, compute.ReduceOpMax, []int{1, 3, 2, 1}, []int{1, 1, 2, 1}, nil, []int{1, 2, 3, 1}, [][2]int{{}, {1, 1}, {}, {}}),
		}
		for i, p := range parts {
			parts[i] = ReduceMean(p, 1)
			parts[i] = Reshape(parts[i], p.Shape().Dimensions[0], -1)
		}
		return Concatenate(parts, -1)
	})
}

// TestReplayNorm has the batch normalisation that pure Go lacks, which is built of arithmetic there.
func TestReplayNorm(t *testing.T) {
	net := func() *models.Network {
		return after(func(get func(string) *Node, x *Node) *Node {
			return InternalBatchNormForInference(x, get("/bn/scale"), get("/bn/offset"), get("/bn/mean"), get("/bn/variance"), 1e-3, -1)
		})
	}
	backend := testbackend.XLA(t)
	checkReplay(t, backend, net(), 2)
	onGo, onXLA := net(), net()
	got := replayed(t, testbackend.Go(), onGo, pictures(onGo, 2))
	for i, want := range direct(t, backend, onXLA, pictures(onXLA, 2)) {
		if math.Abs(float64(got[i]-want)) > 1e-6*math.Abs(float64(want)) {
			t.Errorf("logit %d is %v on pure Go, %v on XLA", i, got[i], want)
		}
	}
}

// TestReplaySqueezeNet has sums that round, whose order XLA chooses by what stands around them.
func TestReplaySqueezeNet(t *testing.T) {
	backend := testbackend.XLA(t)
	for _, batch := range []int{1, 2, 5} {
		net := squeezenet.Network()
		in := pictures(net, batch)
		got, want := replayed(t, backend, net, in), direct(t, backend, net, in)
		largest := slices.Max(want)
		for i := range want {
			if math.Abs(float64(got[i]-want[i])) > 1e-6*float64(largest) {
				t.Fatalf("batch %d: logit %d is %v, the network's own %v", batch, i, got[i], want[i])
			}
		}
	}
}

// TestPlace asks about one picture at every place of a batch: XLA's answers must not differ, by no bit. On that rests
// that what changes nothing drops a score by exactly 0. The second network's rows are short, and its weights no whole
// numbers.
func TestPlace(t *testing.T) {
	narrow := testnet.Make("narrow", testnet.Input(7, 7, models.RGB),
		testnet.Weights{"/a": {1, 1, 3, 40}, "/b": {3, 3, 40, 70}, "/c": {3, 3, 70, 9}},
		func(get func(string) *Node, x *Node) *Node {
			x = Tanh(MulScalar(Convolve(x, get("/a")).Done(), 0.013))
			x = Tanh(MulScalar(Convolve(x, get("/b")).PadSame().Done(), 0.017))
			x = Convolve(x, get("/c")).PadSame().Strides(2).Done()
			return Reshape(x, x.Shape().Dimensions[0], -1)
		})
	for _, net := range []*models.Network{squeezenet.Network(), narrow} {
		for _, batch := range []int{2, 5, 8, 32} {
			one := tensors.MustCopyFlatData[float32](pictures(net, 1))
			in := net.Input
			same := tensors.FromFlatDataAndDimensions(slices.Repeat(one, batch), batch, in.Height, in.Width, in.Channels())
			logits := replayed(t, testbackend.XLA(t), net, same)
			for first := range slices.Chunk(logits, len(logits)/batch) {
				if !slices.Equal(first, logits[:len(first)]) {
					t.Errorf("%s: the answer depends on the place in a batch of %d", net.Name, batch)
					break
				}
			}
		}
	}
}

// TestTogether uses one Probe from several goroutines.
func TestTogether(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(15, 17, 4)
		p := open(t, backend, net)
		picture := raw(net, tensors.MustCopyFlatData[float32](pictures(net, 1))...)
		want, err := p.Classify(context.Background(), picture)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				answer, err := p.Classify(context.Background(), picture)
				if err != nil || !slices.Equal(answer.Logits, want.Logits) {
					t.Errorf("logits %v (%v), want %v", answer, err, want.Logits)
				}
				if _, err := p.Maps(context.Background(), picture, probe.Maps{Layers: []string{"stem", "fire"}}); err != nil {
					t.Error(err)
				}
				if _, err := p.Filters(probe.Filters{Layer: "stem"}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	})
}

// TestProgram compiles once for a key, a batch and shapes.
func TestProgram(t *testing.T) {
	p := open(t, testbackend.Go(), testnet.Exact())
	compiled := func(key string, batch int) *probe.Program {
		t.Helper()
		program, err := p.Program(key, batch, []shapes.Shape{shapes.Make(dtypes.Float32, batch, 4, 4, 1)},
			func(network probe.Forward, in []*Node) []*Node { return []*Node{network(in[0])} })
		if err != nil {
			t.Fatal(err)
		}
		return program
	}
	first := compiled("a", 1)
	if compiled("a", 1) != first || compiled("b", 1) == first || compiled("a", 2) == first {
		t.Error("programs are not told apart by key and batch")
	}
	if first.Compiling <= 0 {
		t.Error("compiling took no time")
	}
}

// TestLargeConstant replays a constant of many values: GoMLX itself keeps those of small ones only.
func TestLargeConstant(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Exact()
		logits := net.Logits
		net.Logits = func(scope *model.Scope, x *Node) *Node {
			table := Reshape(Const(x.Graph(), testnet.Counting(8*8)), 8, 8)
			return Add(logits(scope, x), Reshape(ReduceAllSum(table), 1, 1))
		}
		answer, err := open(t, backend, net).Classify(t.Context(), raw(net, testnet.Counting(16)...))
		if err != nil {
			t.Fatal(err)
		}
		if want := float32(54 + 63*64/2); answer.Logits[0] != want {
			t.Errorf("logit %v, want %v", answer.Logits[0], want)
		}
	})
}

// TestConvolutions holds convolutions that are built another way against the backend's own: whole numbers, so that the
// order of a sum changes nothing.
func TestConvolutions(t *testing.T) {
	for name, conv := range map[string]struct {
		kernel []int
		build  func(c *ConvolutionBuilder) *ConvolutionBuilder
	}{
		"valid":              {[]int{3, 2, 3, 4}, func(c *ConvolutionBuilder) *ConvolutionBuilder { return c.NoPadding() }},
		"1×1":                {[]int{1, 1, 3, 5}, func(c *ConvolutionBuilder) *ConvolutionBuilder { return c.Strides(2) }},
		"same, strided":      {[]int{4, 3, 3, 2}, func(c *ConvolutionBuilder) *ConvolutionBuilder { return c.PadSame().Strides(2) }},
		"dilated":            {[]int{3, 3, 3, 2}, func(c *ConvolutionBuilder) *ConvolutionBuilder { return c.PadSame().DilationPerAxis(2, 3) }},
		"uneven padding":     {[]int{3, 3, 3, 2}, func(c *ConvolutionBuilder) *ConvolutionBuilder { return c.PaddingPerDim([][2]int{{0, 2}, {3, 1}}) }},
		"depthwise":          {[]int{3, 3, 1, 3}, func(c *ConvolutionBuilder) *ConvolutionBuilder { return c.PadSame().ChannelGroupCount(3) }},
		"depthwise, strided": {[]int{5, 4, 1, 3}, func(c *ConvolutionBuilder) *ConvolutionBuilder { return c.PadSame().ChannelGroupCount(3).Strides(2) }},
		"depthwise, doubled": {[]int{3, 3, 1, 6}, func(c *ConvolutionBuilder) *ConvolutionBuilder { return c.NoPadding().ChannelGroupCount(3) }},
		"depthwise, dilated": {[]int{3, 3, 1, 3}, func(c *ConvolutionBuilder) *ConvolutionBuilder {
			return c.NoPadding().ChannelGroupCount(3).Dilations(2)
		}},
		"large and depthwise": {[]int{9, 9, 1, 3}, func(c *ConvolutionBuilder) *ConvolutionBuilder { return c.PadSame().ChannelGroupCount(3) }},
	} {
		t.Run(name, func(t *testing.T) {
			testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
				net := testnet.Make("convolution", testnet.Input(11, 14, models.RGB), testnet.Weights{"/w": conv.kernel},
					func(get func(string) *Node, x *Node) *Node {
						y := conv.build(Convolve(x, get("/w"))).Done()
						return Reshape(y, y.Shape().Dimensions[0], y.Shape().Size()/y.Shape().Dimensions[0])
					})
				p := pictures(net, 2)
				if got, want := replayed(t, backend, net, p), direct(t, backend, net, p); !slices.Equal(got, want) {
					t.Errorf("%v, want %v", got, want)
				}
			})
		})
	}
}
