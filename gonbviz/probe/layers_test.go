package probe_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/images"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

// table is a network's layers, a line each: name, kind, shape, parameters, receptive field, stride.
func table(t testing.TB, net *models.Network) string {
	t.Helper()
	var lines strings.Builder
	for _, l := range open(t, testbackend.Go(), net).Layers() {
		fmt.Fprintln(&lines, l.Name, l.Kind, l.Shape, l.Parameters, l.ReceptiveField, l.Stride)
	}
	return lines.String()
}

func checkTable(t *testing.T, net *models.Network, want string) {
	t.Helper()
	if got := table(t, net); got != strings.TrimPrefix(want, "\n") {
		t.Errorf("layers of %s:\n%swant:%s", net.Name, got, want)
	}
}

func TestLayers(t *testing.T) {
	checkTable(t, testnet.Exact(), `
conv conv [2 2 2] 20 [3 3] [1 1]
conv/relu activation [2 2 2] 0 [3 3] [1 1]
head dense [1] 8 [4 4] [0 0]
head/relu activation [1] 0 [4 4] [0 0]
`)
	checkTable(t, testnet.Branches(23, 31, 1), `
stem conv [11 15 4] 112 [3 3] [2 2]
stem/relu activation [11 15 4] 0 [3 3] [2 2]
pool1 pool [5 7 4] 0 [7 7] [4 4]
fire/left conv [5 7 2] 10 [7 7] [4 4]
fire/left/relu activation [5 7 2] 0 [7 7] [4 4]
fire/right conv [5 7 2] 74 [15 15] [4 4]
fire/right/relu activation [5 7 2] 0 [15 15] [4 4]
fire/concat concat [5 7 4] 0 [15 15] [4 4]
block/conv conv [5 7 4] 148 [23 23] [4 4]
block/add add [5 7 4] 0 [23 23] [4 4]
block/add/relu activation [5 7 4] 0 [23 23] [4 4]
global_pool pool [4] 0 [23 31] [0 0]
head dense [3] 15 [23 31] [0 0]
`)
}

// TestEnlarged has a transposed convolution: its output's places lie half as far apart as its input's, and every other
// one meets two of the kernel's three taps. Across, there is at most one tap for each of three places.
func TestEnlarged(t *testing.T) {
	checkTable(t, testnet.Make("enlarged", testnet.Input(16, 16, models.Gray), testnet.Weights{
		"/down/w": {3, 3, 1, 2}, "/up/w": {3, 2, 2, 2}, "/after/w": {3, 3, 2, 1},
	}, func(get func(string) *Node, x *Node) *Node {
		x = Convolve(x, get("/down/w")).Strides(2).PadSame().Done()
		x = Convolve(x, get("/up/w")).InputDilationPerAxis(2, 3).PaddingPerDim([][2]int{{1, 2}, {1, 0}}).Done()
		x = Convolve(x, get("/after/w")).PadSame().Done()
		return ReduceMean(Reverse(x, 1), 1, 2)
	}), `
down conv [8 8 2] 18 [3 3] [2 2]
up conv [16 22 2] 24 [5 3] [1 1]
after conv [16 22 1] 18 [7 5] [1 1]
global_pool pool [1] 0 [16 16] [0 0]
`)
}

// TestSqueezeNetLayers works the table out from the architecture (Iandola et al. 2016, version 1.1).
func TestSqueezeNetLayers(t *testing.T) {
	var want strings.Builder
	parameters := 0
	side, field, stride := 227, 1, 1
	line := func(name, kind string, channels, weights int) {
		parameters += weights
		fmt.Fprintf(&want, "%s %s [%d %d %d] %d [%d %d] [%d %d]\n", name, kind, side, side, channels, weights, field, field, stride, stride)
	}
	window := func(size, step, padding int) {
		side, field, stride = (side+2*padding-size)/step+1, field+(size-1)*stride, stride*step
	}
	convolution := func(name string, in, out, size int) {
		line(name, "conv", out, in*out*size*size+out)
		line(name+"/relu", "activation", out, 0)
	}
	window(3, 2, 0)
	convolution("conv1", 3, 64, 3)
	in := 64
	for i, squeeze := range []int{16, 16, 32, 32, 48, 48, 64, 64} {
		if i%2 == 0 && i < 6 {
			window(3, 2, 0)
			line(fmt.Sprintf("pool%d", []int{1, 3, 5}[i/2]), "pool", in, 0)
		}
		fire := fmt.Sprintf("fire%d", i+2)
		convolution(fire+"/squeeze1x1", in, squeeze, 1)
		convolution(fire+"/expand1x1", squeeze, 4*squeeze, 1)
		window(3, 1, 1)
		convolution(fire+"/expand3x3", squeeze, 4*squeeze, 3)
		in = 8 * squeeze
		line(fire+"/concat", "concat", in, 0)
	}
	convolution("conv10", 512, 1000, 1)
	fmt.Fprintln(&want, "pool10 pool [1000] 0 [227 227] [0 0]")
	if parameters != 1_235_496 {
		t.Errorf("the table has %d parameters", parameters)
	}
	checkTable(t, squeezenet.Network(), "\n"+want.String())
}

// TestActivations follows a convolution by functions as they are really written.
func TestActivations(t *testing.T) {
	zero := func(x *Node) *Node { return ScalarZero(x.Graph(), x.DType()) }
	for name, of := range map[string]func(x *Node) *Node{
		"relu":         activation.Relu,
		"relu6":        func(x *Node) *Node { return MinScalar(MaxScalar(x, 0), 6) },
		"leaky_relu":   activation.LeakyRelu,
		"sigmoid":      Sigmoid,
		"tanh":         Tanh,
		"swish":        activation.Swish,
		"gelu":         activation.Gelu,
		"hard_swish":   activation.HardSwish,
		"hard_sigmoid": activation.HardSigmoid,
		"selu":         activation.Selu,
		"elu":          func(x *Node) *Node { return Where(GreaterThan(x, zero(x)), x, Expm1(x)) },
		"softplus":     func(x *Node) *Node { return Log1P(Exp(x)) },
		"mish":         func(x *Node) *Node { return Mul(x, Tanh(Log(AddScalar(Exp(x), 1)))) },
		"clip":         func(x *Node) *Node { return MaxScalar(MinScalar(x, 1), -1) },
		"scale":        func(x *Node) *Node { return MulScalar(AddScalar(x, 1), 0.5) },
		"activation":   func(x *Node) *Node { return Sin(x) },
	} {
		t.Run(name, func(t *testing.T) {
			checkFunction(t, name, of)
		})
	}
	for name, of := range map[string]func(x *Node) *Node{
		"relu":         func(x *Node) *Node { return Where(GreaterThan(x, zero(x)), x, ZerosLike(x)) },
		"relu6":        func(x *Node) *Node { return MaxScalar(MinScalar(x, 6), 0) },
		"gelu":         activation.GeluApproximate,
		"hard_swish":   func(x *Node) *Node { return DivScalar(Mul(x, ClipScalar(AddScalar(x, 3), 0, 6)), 6) },
		"hard_sigmoid": func(x *Node) *Node { return DivScalar(ClipScalar(AddScalar(x, 3), 0, 6), 6) },
		"leaky_relu":   func(x *Node) *Node { return Max(x, MulScalar(x, 0.01)) },
		"sigmoid":      func(x *Node) *Node { return Inverse(AddScalar(Exp(Neg(x)), 1)) },
	} {
		t.Run(name+" otherwise", func(t *testing.T) {
			checkFunction(t, name, of)
		})
	}
}

// checkFunction expects one layer of that name between the convolution and the mean.
func checkFunction(t *testing.T, name string, of func(x *Node) *Node) {
	t.Helper()
	for _, dtype := range []dtypes.DType{dtypes.Float32, dtypes.Float64, dtypes.Float16, dtypes.BFloat16} {
		checkFunctionIn(t, dtype, name, of)
	}
}

// checkFunctionIn computes the function in numbers of a type.
func checkFunctionIn(t *testing.T, dtype dtypes.DType, name string, of func(x *Node) *Node) {
	t.Helper()
	in := func(x *Node) *Node { return ConvertDType(of(ConvertDType(x, dtype)), dtypes.Float32) }
	checkTable(t, after(func(_ func(string) *Node, x *Node) *Node { return in(x) }), fmt.Sprintf(`
conv conv [2 3 2] 4 [1 1] [1 1]
conv/%s activation [2 3 2] 0 [1 1] [1 1]
global_pool pool [2] 0 [2 3] [0 0]
`, name))
}

// centred takes the mean along some axes away and divides by the standard deviation.
func centred(x *Node, axes ...int) *Node {
	x = Sub(x, ReduceAndKeep(x, ReduceMean, axes...))
	return Div(x, Sqrt(AddScalar(ReduceAndKeep(Square(x), ReduceMean, axes...), 1e-5)))
}

// scaled multiplies each channel by one stored number and adds another.
func scaled(get func(string) *Node, x *Node) *Node {
	return Add(Mul(x, channels(get("/bn/scale"), x)), channels(get("/bn/offset"), x))
}

// TestBlocks has what follows a convolution in real networks.
func TestBlocks(t *testing.T) {
	batchNorm := func(get func(string) *Node, x *Node) *Node {
		x = Div(Sub(x, channels(get("/bn/mean"), x)), channels(Sqrt(AddScalar(get("/bn/variance"), 1e-3)), x))
		return Add(Mul(x, channels(get("/bn/scale"), x)), channels(get("/bn/offset"), x))
	}
	relu := activation.Relu
	for name, test := range map[string]struct {
		follow func(get func(string) *Node, x *Node) *Node
		want   string
	}{
		"batch norm": {
			func(get func(string) *Node, x *Node) *Node { return relu(batchNorm(get, x)) },
			"conv conv 4, bn norm 8, bn/relu activation 0",
		},
		"batch norm after the function": {
			func(get func(string) *Node, x *Node) *Node { return batchNorm(get, relu(x)) },
			"conv conv 4, conv/relu activation 0, bn norm 8",
		},
		"one batch norm in one operation": {
			func(get func(string) *Node, x *Node) *Node {
				return relu(InternalBatchNormForInference(x, get("/bn/scale"), get("/bn/offset"), get("/bn/mean"), get("/bn/variance"), 1e-3, -1))
			},
			"conv conv 4, bn norm 8, bn/relu activation 0",
		},
		"a second shift": {
			func(get func(string) *Node, x *Node) *Node { return relu(Add(x, channels(get("/bn/offset"), x))) },
			"conv conv 4, bn norm 2, bn/relu activation 0",
		},
		"both signs": {
			func(_ func(string) *Node, x *Node) *Node { return Concatenate([]*Node{relu(x), relu(Neg(x))}, -1) },
			"conv conv 4, conv/relu activation 0, conv/activation activation 0, conv/concat concat 0",
		},
		"a function of two things": {
			func(_ func(string) *Node, x *Node) *Node { return Mul(relu(x), Sigmoid(MeanPool(x).Window(1).Done())) },
			"conv conv 4, conv/relu activation 0, conv/sigmoid activation 0, gate1 other 0",
		},
		"named": {
			func(_ func(string) *Node, x *Node) *Node {
				return MaxPool(relu(x.WithAlias("c")).WithAlias("act")).Window(2).Done().WithAlias("/p")
			},
			"c conv 4, act activation 0, p pool 0",
		},
		"a mean with padding": {
			func(_ func(string) *Node, x *Node) *Node { return MeanPool(x).Window(2).Strides(1).PadSame().Done() },
			"conv conv 4, pool1 pool 0",
		},
		"the function used twice": {
			func(_ func(string) *Node, x *Node) *Node {
				x = relu(x)
				return Add(x, MaxPool(x).Window(2).Strides(1).PadSame().Done())
			},
			"conv conv 4, conv/relu activation 0, pool1 pool 0, add1 add 0",
		},
		"a learned slope": {
			func(get func(string) *Node, x *Node) *Node {
				return Where(GreaterOrEqual(x, ZerosLike(x)), x, Mul(x, channels(get("/bn/scale"), x)))
			},
			"conv conv 4, conv/prelu activation 2",
		},
		"a learned slope, otherwise": {
			func(get func(string) *Node, x *Node) *Node {
				return Add(relu(x), Mul(BroadcastToDims(get("/slope"), x.Shape().Dimensions...), MinScalar(x, 0)))
			},
			"conv conv 4, conv/prelu activation 1",
		},
		"layer norm": {
			func(get func(string) *Node, x *Node) *Node { return scaled(get, centred(relu(x), -1)) },
			"conv conv 4, conv/relu activation 0, bn norm 4",
		},
		"layer norm without parameters": {
			func(_ func(string) *Node, x *Node) *Node { return relu(centred(x, -1)) },
			"conv conv 4, conv/norm norm 0, conv/norm/relu activation 0",
		},
		"instance norm": {
			func(get func(string) *Node, x *Node) *Node { return scaled(get, centred(x, 1, 2)) },
			"conv conv 4, bn norm 4",
		},
		"group norm": {
			func(get func(string) *Node, x *Node) *Node {
				y := centred(Reshape(x, -1, 2, 3, 2, 1), 1, 2, 4)
				return relu(scaled(get, Reshape(y, x.Shape().Dimensions...)))
			},
			"conv conv 4, bn norm 4, bn/relu activation 0",
		},
		"batch norm by the batch": {
			func(get func(string) *Node, x *Node) *Node {
				mean := ReduceAndKeep(x, ReduceMean, 0, 1, 2)
				variance := Sub(ReduceAndKeep(Square(x), ReduceMean, 0, 1, 2), Square(mean))
				factor := Mul(channels(get("/bn/scale"), mean), Rsqrt(AddScalar(variance, 1e-3)))
				return Add(Mul(x, factor), Sub(channels(get("/bn/offset"), mean), Mul(mean, factor)))
			},
			"conv conv 4, bn norm 4",
		},
		"root mean square": {
			func(get func(string) *Node, x *Node) *Node {
				y := Mul(x, Rsqrt(AddScalar(ReduceAndKeep(Square(x), ReduceMean, -1), 1e-6)))
				return Mul(y, channels(get("/bn/scale"), y))
			},
			"conv conv 4, bn norm 2",
		},
		"local response norm": {
			func(_ func(string) *Node, x *Node) *Node {
				x = relu(x)
				around, pads := []int{1, 1, 1, 3}, [][2]int{{}, {}, {}, {1, 1}}
				sum := BackendReduceWindow(Square(x), compute.ReduceOpSum, around, []int{1, 1, 1, 1}, nil, nil, pads)
				return Div(x, PowScalar(AddScalar(MulScalar(sum, 1e-4), 2), 0.75))
			},
			"conv conv 4, conv/relu activation 0, conv/relu/norm norm 0",
		},
		"softmax": {
			func(_ func(string) *Node, x *Node) *Node { return Softmax(x, -1) },
			"conv conv 4, conv/softmax activation 0",
		},
		"log softmax": {
			func(_ func(string) *Node, x *Node) *Node { return LogSoftmax(x, -1) },
			"conv conv 4, conv/log_softmax activation 0",
		},
		"softmax without its largest value": {
			func(_ func(string) *Node, x *Node) *Node {
				e := Exp(x)
				return Div(e, ReduceAndKeep(e, ReduceSum, -1))
			},
			"conv conv 4, conv/activation activation 0, conv/activation/softmax activation 0",
		},
		"squeeze and excitation": {
			func(get func(string) *Node, x *Node) *Node {
				x = activation.Swish(x)
				s := activation.Relu(Dot(ReduceMean(x, 1, 2), get("/se/squeeze/weights")).Product())
				s = Sigmoid(Dot(s, get("/se/excite/weights")).Product())
				return relu(Mul(x, BroadcastToDims(Reshape(s, -1, 1, 1, 2), x.Shape().Dimensions...)))
			},
			"conv conv 4, conv/swish activation 0, global_pool pool 0, se/squeeze dense 2, se/squeeze/relu activation 0, " +
				"se/excite dense 2, se/excite/sigmoid activation 0, se/gate other 0, se/gate/relu activation 0",
		},
		"a mean that something else reads": {
			func(_ func(string) *Node, x *Node) *Node {
				mean := ReduceAndKeep(x, ReduceMean, 1, 2)
				return Mul(Sub(x, mean), relu(mean))
			},
			"conv conv 4, global_pool pool 0, other1 other 0, global_pool/relu activation 0, other2 other 0",
		},
		"shuffled on the way": {
			func(_ func(string) *Node, x *Node) *Node {
				return relu(TransposeAllAxes(Reshape(x, -1, 2, 3, 2), 0, 2, 1, 3))
			},
			"conv conv 4, conv/relu activation 0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, l := range open(t, testbackend.Go(), after(test.follow)).Layers() {
				got = append(got, fmt.Sprint(l.Name, " ", l.Kind, " ", l.Parameters))
			}
			got[len(got)-1] = strings.Replace(got[len(got)-1], "global_pool_2", "global_pool", 1)
			if got := strings.Join(got, ", "); got != test.want+", global_pool pool 0" {
				t.Errorf("layers %s; want %s", got, test.want)
			}
		})
	}
}

func TestFindLayer(t *testing.T) {
	p := open(t, testbackend.Go(), testnet.Branches(23, 31, 1))
	for name, want := range map[string]string{
		"stem": "stem", "fire": "fire/concat", "block": "block/add/relu", "fire/left": "fire/left", "fire/left/relu": "fire/left/relu",
	} {
		if l, err := p.Layer(name); err != nil || l.Name != want {
			t.Errorf("%q is layer %q (%v), want %q", name, l.Name, err, want)
		}
	}
	for name, near := range map[string]string{"stom": "nearest: stem,", "fire/lift": "nearest: fire/left,", "": "nearest: ", "fir": "nearest: ", "STEM": "nearest: stem,"} {
		if _, err := p.Layer(name); err == nil || !strings.Contains(err.Error(), near) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want %q", name, err, near)
		}
	}
}

// shared has one kernel in two places and two dense heads, of which the logits are the concatenation.
func shared() *models.Network {
	return testnet.Make("shared", testnet.Input(8, 9, models.RGB), testnet.Weights{
		"/stem/weights": {3, 3, 3, 4}, "/block/weights": {3, 3, 4, 4},
		"/colour/weights": {4, 2}, "/shape/weights": {4, 3}, "/shape/biases": {3},
	}, func(get func(string) *Node, x *Node) *Node {
		x = activation.Relu(Convolve(x, get("/stem/weights")).Done())
		for range 2 {
			x = activation.Relu(Convolve(x, get("/block/weights")).PadSame().Done())
		}
		x = ReduceMean(x, 1, 2)
		shape := Dot(x, get("/shape/weights")).Product()
		shape = Add(shape, BroadcastToDims(Reshape(get("/shape/biases"), 1, 3), shape.Shape().Dimensions...))
		return Concatenate([]*Node{Dot(x, get("/colour/weights")).Product(), shape}, 1)
	})
}

func TestShared(t *testing.T) {
	checkTable(t, shared(), `
stem conv [6 7 4] 108 [3 3] [1 1]
stem/relu activation [6 7 4] 0 [3 3] [1 1]
block conv [6 7 4] 144 [5 5] [1 1]
block/relu activation [6 7 4] 0 [5 5] [1 1]
block_2 conv [6 7 4] 0 [7 7] [1 1]
block_2/relu activation [6 7 4] 0 [7 7] [1 1]
global_pool pool [4] 0 [8 9] [0 0]
shape dense [3] 15 [8 9] [0 0]
colour dense [2] 8 [8 9] [0 0]
concat1 concat [5] 0 [8 9] [0 0]
`)
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for _, batch := range []int{1, 3} {
			checkReplay(t, backend, shared(), batch)
		}
		p := open(t, backend, shared())
		first, err := p.Filters(probe.Filters{Layer: "block"})
		if err != nil {
			t.Fatal(err)
		}
		second, err := p.Filters(probe.Filters{Layer: "block_2/relu"})
		if err != nil || !slices.Equal(first.Weights, second.Weights) || second.Layer.Name != "block_2" {
			t.Errorf("filters of %s: %v (%v), want %v", second.Layer.Name, second.Weights, err, first.Weights)
		}
	})
}

// channelsFirst keeps its maps as [batch, channels, height, width], with kernels as output channels, input channels, height, width.
func channelsFirst() *models.Network {
	return testnet.Make("channels first", testnet.Input(12, 9, models.RGB), testnet.Weights{
		"/conv/weights": {4, 3, 3, 2}, "/conv/biases": {4}, "/norm/scale": {4}, "/norm/offset": {4},
		"/deep/weights": {2, 4, 1, 3}, "/head/weights": {2, 2},
	}, func(get func(string) *Node, x *Node) *Node {
		perChannel := func(v *Node, x *Node) *Node {
			return BroadcastToDims(Reshape(v, 1, v.Shape().Dimensions[0], 1, 1), x.Shape().Dimensions...)
		}
		x = TransposeAllAxes(x, 0, 3, 1, 2)
		x = Convolve(x, get("/conv/weights")).ChannelsAxis(images.ChannelsFirst).Strides(2).PadSame().Done()
		x = Add(x, perChannel(get("/conv/biases"), x))
		x = Add(Mul(x, perChannel(get("/norm/scale"), x)), perChannel(get("/norm/offset"), x))
		x = activation.Relu(x)
		x = MaxPool(x).ChannelsAxis(images.ChannelsFirst).Window(2).Strides(1).Done()
		x = Convolve(x, get("/deep/weights")).ChannelsAxis(images.ChannelsFirst).PadSame().Done()
		return Dot(ReduceMean(x, 2, 3), get("/head/weights")).Product()
	})
}

func TestChannelsFirst(t *testing.T) {
	checkTable(t, channelsFirst(), `
conv conv [6 5 4] 76 [3 2] [2 2]
norm norm [6 5 4] 8 [3 2] [2 2]
norm/relu activation [6 5 4] 0 [3 2] [2 2]
pool1 pool [5 4 4] 0 [5 4] [2 2]
deep conv [5 4 2] 24 [5 8] [2 2]
global_pool pool [2] 0 [12 9] [0 0]
head dense [2] 4 [12 9] [0 0]
`)
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for _, batch := range []int{1, 3} {
			checkReplay(t, backend, channelsFirst(), batch)
		}
		net := channelsFirst()
		p := open(t, backend, net)
		bank, err := p.Filters(probe.Filters{Layer: "conv"})
		stored := tensors.MustCopyFlatData[float32](net.Store.GetVariable("/conv/weights").MustValue())
		if err != nil || bank.Out != 4 || bank.In != 3 || bank.H != 3 || bank.W != 2 || !slices.Equal(bank.Weights, stored) || !bank.Colour {
			t.Errorf("filters %+v (%v), want the weights in their order", bank, err)
		}
		picture := raw(net, tensors.MustCopyFlatData[float32](pictures(net, 1))...)
		answer, err := p.Classify(t.Context(), picture)
		if err != nil {
			t.Fatal(err)
		}
		deep := maps(t, p, picture, probe.Maps{Layers: []string{"deep"}}).Layers[0]
		means := make([]float64, 2) // of the two maps, 5×4 each; the head's weights make logits of them
		for c, plane := range deep.Planes {
			for _, v := range plane.Values {
				means[c] += float64(v) / 20
			}
		}
		head := tensors.MustCopyFlatData[float32](net.Store.GetVariable("/head/weights").MustValue())
		for class, logit := range answer.Logits {
			want := means[0]*float64(head[class]) + means[1]*float64(head[2+class])
			if math.Abs(float64(logit)-want) > 1e-5*math.Abs(want) {
				t.Errorf("logit %d is %v; the maps make %v", class, logit, want)
			}
		}
	})
}

// TestGoMLXLayers has a network written with GoMLX's own layers. A first run gives their variables values.
func TestGoMLXLayers(t *testing.T) {
	net := &models.Network{Name: "own", Store: model.NewStore(), Input: testnet.Input(12, 10, models.RGB)}
	net.Logits = func(scope *model.Scope, x *Node) *Node {
		conv := func(name string, x *Node) *Node {
			return layers.Convolution(scope.In("%s", name), x).Channels(4).KernelSize(3).PadSame().Done()
		}
		x = activation.Gelu(norm.LayerNorm(scope.In("ln"), conv("c1", x), -1).Done())
		x = activation.HardSwish(norm.BatchNorm(scope.In("bn"), conv("c2", x), -1).Done())
		x = activation.Swish(norm.RMSNorm(scope.In("rms"), conv("c3", x)).Done())
		x = ReduceMean(norm.BatchNorm(scope.In("bn2"), conv("c4", x), -1).UseBackendInference(false).Done(), 1, 2)
		x = norm.LayerNorm(scope.In("ln2"), x, -1).LearnedGain(false).LearnedOffset(false).Done()
		return layers.Dense(scope.In("head"), x, true, 3)
	}
	direct(t, testbackend.XLA(t), net, pictures(net, 1))
	checkTable(t, net, `
c1/conv conv [12 10 4] 112 [3 3] [1 1]
ln/layer_normalization norm [12 10 4] 8 [3 3] [1 1]
ln/layer_normalization/gelu activation [12 10 4] 0 [3 3] [1 1]
c2/conv conv [12 10 4] 148 [5 5] [1 1]
bn/batch_normalization norm [12 10 4] 8 [5 5] [1 1]
bn/batch_normalization/hard_swish activation [12 10 4] 0 [5 5] [1 1]
c3/conv conv [12 10 4] 148 [7 7] [1 1]
rms/rms_norm norm [12 10 4] 4 [7 7] [1 1]
rms/rms_norm/swish activation [12 10 4] 0 [7 7] [1 1]
c4/conv conv [12 10 4] 148 [9 9] [1 1]
bn2/batch_normalization norm [12 10 4] 8 [9 9] [1 1]
global_pool pool [4] 0 [12 10] [0 0]
global_pool/norm norm [4] 0 [12 10] [0 0]
head/dense dense [3] 15 [12 10] [0 0]
`)
}
