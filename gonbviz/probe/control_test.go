package probe_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
)

// branched are the layers that an If below reads.
const branched = "conv/activation activation [2 3 2] 0 [1 1] [1 1], global_pool pool [] 0 [2 3] [0 0], " +
	"global_pool/scale activation [] 0 [2 3] [0 0], "

// controlled are functions with control flow that follow a convolution's ReLU, with the layers that they are.
var controlled = map[string]struct {
	follow func(get func(string) *Node, x *Node) *Node
	layers string
	// instead is the same without control flow, where a backend can't run the function itself: XLA's closures can't read
	// the network around them, and the pure-Go backend's If spoils buffers that are in use.
	instead func(get func(string) *Node, x *Node) *Node
}{
	"While": {
		func(_ func(string) *Node, x *Node) *Node {
			return loop(x, 3, func(x *Node) *Node { return Abs(AddScalar(MulScalar(x, 0.5), -1.5)) })
		},
		"while1 other [2 3 2] 0 [2 3] [1 1]", nil,
	},
	"a While that reads what is around it": {
		func(get func(string) *Node, x *Node) *Node {
			shift := channels(get("/bn/offset"), x)
			y := MulScalar(x, 2)
			return loop(x, 2, func(x *Node) *Node { return Sub(Add(x, shift), Mul(y, y)) })
		},
		"conv/activation activation [2 3 2] 0 [1 1] [1 1], while1 other [2 3 2] 2 [2 3] [1 1]", nil,
	},
	"If": {
		func(get func(string) *Node, x *Node) *Node {
			scale, y, g := channels(get("/bn/scale"), x), MulScalar(x, 0.5), x.Graph()
			return If(many(x),
				NewClosure(g, func(*Graph) []*Node { return []*Node{Mul(y, scale)} }),
				NewClosure(g, func(*Graph) []*Node { return []*Node{Neg(y)} }))[0]
		},
		branched + "if1 other [2 3 2] 2 [2 3] [1 1]",
		func(get func(string) *Node, x *Node) *Node {
			y := MulScalar(x, 0.5)
			return Where(many(x), Mul(y, channels(get("/bn/scale"), x)), Neg(y))
		},
	},
	"If with two results": {
		func(_ func(string) *Node, x *Node) *Node {
			y, g := MulScalar(x, 0.5), x.Graph()
			both := If(many(x),
				NewClosure(g, func(*Graph) []*Node { return []*Node{Mul(y, y), x} }),
				NewClosure(g, func(*Graph) []*Node { return []*Node{Sub(x, y), y} }))
			return Add(both[0], both[1])
		},
		branched + "if1 other [2 3 2] 0 [2 3] [1 1]",
		func(_ func(string) *Node, x *Node) *Node {
			y := MulScalar(x, 0.5)
			return Where(many(x), Add(Mul(y, y), x), Add(Sub(x, y), y))
		},
	},
	"Sort along the channels": {
		func(_ func(string) *Node, x *Node) *Node { return Sort(x, -1, false) },
		"sort1 other [2 3 2] 0 [1 1] [1 1]", nil,
	},
	"Sort along a side": {
		func(_ func(string) *Node, x *Node) *Node { return Sort(x, 2, true) },
		"sort1 other [2 3 2] 0 [1 3] [1 1]", nil,
	},
	"TopK": {
		func(_ func(string) *Node, x *Node) *Node {
			values, indices := TopK(x, 2, 2)
			return Add(values, ConvertDType(indices, dtypes.Float32))
		},
		"sort1 other [2 3 2] 0 [1 3] [1 1]", nil,
	},
	"Call": {
		func(_ func(string) *Node, x *Node) *Node {
			f := NewFunction(x.Graph(), "halve", func(g *Graph) []*Node {
				a := Parameter(g, "a", x.Shape())
				return []*Node{MulScalar(a, 0.5)}
			})
			return f.Call(f.Call(x)[0])[0]
		},
		"call1 other [2 3 2] 0 [2 3] [1 1], call2 other [2 3 2] 0 [2 3] [1 1]", nil,
	},
}

// many asks whether a sum is large, as some of the pictures' are.
func many(x *Node) *Node { return GreaterThan(ReduceAllSum(x), Scalar(x.Graph(), x.DType(), 150)) }

// loop runs step some times.
func loop(x *Node, times int, step func(x *Node) *Node) *Node {
	g := x.Graph()
	state := func(g *Graph) (i, v *Node) {
		return Parameter(g, "i", shapes.Make(dtypes.Int32)), Parameter(g, "v", x.Shape())
	}
	more := NewClosure(g, func(g *Graph) []*Node {
		i, _ := state(g)
		return []*Node{LessThan(i, Const(g, int32(times)))}
	})
	body := NewClosure(g, func(g *Graph) []*Node {
		i, v := state(g)
		return []*Node{Add(i, Const(g, int32(1))), step(v)}
	})
	return While(more, body, Const(g, int32(0)), x)[1]
}

// controlledNetwork has something between a convolution's ReLU and another ReLU.
func controlledNetwork(follow func(get func(string) *Node, x *Node) *Node) *models.Network {
	return after(func(get func(string) *Node, x *Node) *Node {
		x = follow(get, activation.Relu(x))
		return activation.Relu(AddScalar(x, -1))
	})
}

func TestControlFlow(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for name, test := range controlled {
			if strings.Contains(name, "around") && backend != testbackend.Go() {
				continue // TestClosureOnXLA
			}
			t.Run(name, func(t *testing.T) {
				for _, batch := range []int{1, 3} {
					checkControl(t, backend, test.follow, test.instead, batch)
				}
				checkInside(t, backend, controlledNetwork(test.follow))
			})
		}
	})
}

// TestClosureOnXLA has XLA refuse, in one line, a loop that reads what is around it.
func TestClosureOnXLA(t *testing.T) {
	net := controlledNetwork(controlled["a While that reads what is around it"].follow)
	in := raw(net, tensors.MustCopyFlatData[float32](pictures(net, 1))...)
	_, err := open(t, testbackend.XLA(t), net).Classify(t.Context(), in)
	if err == nil || !strings.Contains(err.Error(), "compiling after") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

// checkControl is checkReplay with a function that stands for the network's own.
func checkControl(t *testing.T, backend compute.Backend, follow, instead func(get func(string) *Node, x *Node) *Node, batch int) {
	t.Helper()
	if instead == nil {
		instead = follow
	}
	net, own := controlledNetwork(follow), controlledNetwork(instead)
	got, want := replayed(t, backend, net, pictures(net, batch)), direct(t, backend, own, pictures(own, batch))
	if !slices.Equal(got, want) {
		t.Errorf("batch of %d: logits %v, the network's own %v", batch, got, want)
	}
}

// checkInside reads the last layer before the mean, and holds the mean of its values against the logits.
func checkInside(t *testing.T, backend compute.Backend, net *models.Network) {
	t.Helper()
	p := open(t, backend, net)
	picture := raw(net, tensors.MustCopyFlatData[float32](pictures(net, 1))...)
	answer, err := p.Classify(t.Context(), picture)
	if err != nil {
		t.Fatal(err)
	}
	all := p.Layers()
	set := maps(t, p, picture, probe.Maps{Layers: []string{"conv", all[2].Name, all[len(all)-2].Name}})
	for c, plane := range set.Layers[2].Planes {
		var sum float32
		for _, v := range plane.Values {
			sum += v
		}
		if mean, want := sum/float32(len(plane.Values)), answer.Logits[c]; mean < want-1e-4 || mean > want+1e-4 {
			t.Errorf("channel %d of %s has the mean %v, logit %v", c, set.Layers[2].Layer.Name, mean, want)
		}
	}
}

func TestControlFlowLayers(t *testing.T) {
	for name, test := range controlled {
		t.Run(name, func(t *testing.T) {
			var want strings.Builder
			want.WriteString("conv conv [2 3 2] 4 [1 1] [1 1]\nconv/relu activation [2 3 2] 0 [1 1] [1 1]\n")
			for _, l := range strings.Split(test.layers, ", ") {
				want.WriteString(l + "\n")
			}
			got := table(t, controlledNetwork(test.follow))
			if !strings.HasPrefix(got, want.String()) || !strings.Contains(got, "global_pool") {
				t.Errorf("layers:\n%swant:\n%s", got, want.String())
			}
		})
	}
}

// TestClosures tells networks apart that differ in a closure alone.
func TestClosures(t *testing.T) {
	halves := func(by float64) *models.Network {
		return controlledNetwork(func(_ func(string) *Node, x *Node) *Node {
			return loop(x, 3, func(x *Node) *Node { return Mul(x, Const(x.Graph(), float32(by))) })
		})
	}
	var prints [][32]byte
	for _, net := range []*models.Network{halves(0.5), halves(0.5), halves(0.25)} {
		print, err := open(t, testbackend.Go(), net).Fingerprint(1)
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, print)
	}
	if prints[0] != prints[1] || prints[0] == prints[2] {
		t.Errorf("fingerprints %x", prints)
	}
}

// TestRandom has a network that draws numbers from a fixed seed.
func TestRandom(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		checkReplay(t, backend, controlledNetwork(func(_ func(string) *Node, x *Node) *Node {
			_, noise := RandomUniform(RNGStateFromSeedForGraph(x.Graph(), 42), x.Shape())
			return Add(x, noise)
		}), 2)
	})
}

// TestMissing opens networks with operations that the recording's builder lacks, and runs them where they can be run.
func TestMissing(t *testing.T) {
	for name, follow := range map[string]func(get func(string) *Node, x *Node) *Node{
		"DynamicSlice": func(_ func(string) *Node, x *Node) *Node {
			at := Const(x.Graph(), int32(0))
			one := ConvertDType(GreaterThan(ReduceAllSum(x), ScalarOne(x.Graph(), x.DType())), dtypes.Int32)
			return DynamicSlice(x, []*Node{at, one, one, at}, []int{x.Shape().Dimensions[0], 1, 2, 2})
		},
		"DynamicUpdateSlice": func(_ func(string) *Node, x *Node) *Node {
			at := Const(x.Graph(), int32(0))
			return DynamicUpdateSlice(x, OnesLike(Slice(x, AxisRange(), AxisElem(0))), []*Node{at, OnesLike(at), at, at})
		},
		"Clamp": func(_ func(string) *Node, x *Node) *Node {
			return Clamp(Scalar(x.Graph(), x.DType(), 1), x, Scalar(x.Graph(), x.DType(), 20))
		},
		"FFT":     func(_ func(string) *Node, x *Node) *Node { return Real(FFT(Complex(x, Neg(x)))) },
		"RealFFT": func(_ func(string) *Node, x *Node) *Node { return Imag(Conj(RealFFT(x))) },
		"InverseRealFFT": func(_ func(string) *Node, x *Node) *Node {
			return InverseRealFFT(MulScalar(RealFFT(x), 2))
		},
		"batch norm of a training": func(get func(string) *Node, x *Node) *Node {
			y, mean, variance := InternalBatchNormForTraining(x, get("/bn/scale"), get("/bn/offset"), 1e-3, -1)
			return Add(Add(y, channels(mean, y)), channels(variance, y))
		},
		"total order": func(_ func(string) *Node, x *Node) *Node {
			both := LogicalAnd(GreaterThanTotalOrder(x, ScalarZero(x.Graph(), x.DType())), NotEqualTotalOrder(x, ScalarOne(x.Graph(), x.DType())))
			return Where(both, x, Neg(x))
		},
	} {
		t.Run(name, func(t *testing.T) {
			net := controlledNetwork(follow)
			if layers := open(t, testbackend.Go(), net).Layers(); layers[0].Name != "conv" || layers[1].Kind != probe.Activation {
				t.Errorf("layers %v", layers)
			}
			for _, l := range open(t, testbackend.Go(), net).Layers() {
				if name == "total order" && l.Stride[0] > 0 && l.ReceptiveField != [2]int{1, 1} {
					t.Errorf("%s compares values one by one and sees %v", l.Name, l.ReceptiveField)
				}
			}
			in := pictures(net, 1)
			_, err := open(t, testbackend.Go(), net).Classify(t.Context(), raw(net, tensors.MustCopyFlatData[float32](in)...))
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has several lines", err)
			}
			checkReplay(t, testbackend.XLA(t), controlledNetwork(follow), 2)
		})
	}
}
