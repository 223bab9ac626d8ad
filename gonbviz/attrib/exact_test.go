package attrib_test

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/images"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/models"
)

type getter func(string) *Node

// small keeps whole numbers so small that all sums of them are exact.
func small(x *Node) *Node { return Floor(MulScalar(x, 1.0/4096)) }

// head is a global sum and a dense layer of two classes.
func head(get getter, x *Node) *Node {
	x = ReduceSum(small(x), 1, 2)
	return Dot(x, get("/head")).Product()
}

func conv(get getter, x *Node, name string) *ConvolutionBuilder { return Convolve(x, get(name)) }

// parts are networks that each have another operation on the way from the picture to a head of two classes, with
// positive whole weights, so that sums of any order are equal.
var parts = map[string]struct {
	weights testnet.Weights
	build   func(get getter, x *Node) *Node
}{
	"strided": {testnet.Weights{"/a": {3, 3, 3, 4}, "/b": {3, 2, 4, 3}, "/head": {3, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").Strides(2).PaddingPerDim([][2]int{{1, 0}, {2, 1}}).Done()
		return head(get, conv(get, x, "/b").PaddingPerDim([][2]int{{1, 2}, {0, 1}}).Done())
	}},
	"dilated": {testnet.Weights{"/a": {3, 3, 3, 4}, "/b": {2, 3, 4, 3}, "/head": {3, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").Dilations(2).PadSame().Done()
		return head(get, conv(get, x, "/b").DilationPerAxis(1, 3).NoPadding().Done())
	}},
	"depthwise": {testnet.Weights{"/a": {1, 1, 3, 4}, "/b": {3, 3, 1, 4}, "/head": {4, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").Done()
		return head(get, conv(get, x, "/b").ChannelGroupCount(4).Strides(2).PadSame().Done())
	}},
	"grouped": {testnet.Weights{"/a": {3, 3, 3, 4}, "/b": {3, 3, 2, 6}, "/head": {6, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").PadSame().Done()
		return head(get, conv(get, x, "/b").ChannelGroupCount(2).PadSame().Done())
	}},
	"pooled": {testnet.Weights{"/a": {3, 3, 3, 4}, "/head": {4, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").PadSame().Done()
		x = MaxPool(Neg(x)).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 0}}).Done()
		return head(get, SumPool(x).Window(2).Strides(1).PadSame().Done())
	}},
	"mean pooled": {testnet.Weights{"/a": {3, 3, 3, 4}, "/head": {4, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").PadSame().Done()
		// A padded mean counts the places that it sees: the divisor differs from place to place.
		return head(get, Floor(MeanPool(x).Window(3).Strides(1).PadSame().Done()))
	}},
	"residual": {testnet.Weights{"/a": {3, 3, 3, 4}, "/b": {3, 3, 4, 4}, "/c": {1, 1, 4, 4}, "/head": {4, 2}}, func(get getter, x *Node) *Node {
		x = testnet.Relu(AddScalar(conv(get, x, "/a").PadSame().Done(), -900))
		y := conv(get, small(testnet.Relu(AddScalar(conv(get, x, "/b").Strides(2).PadSame().Done(), -40000))), "/b").PadSame().Done()
		return head(get, Add(y, conv(get, x, "/c").Strides(2).Done()))
	}},
	"value by value first": {testnet.Weights{"/a": {3, 3, 3, 4}, "/head": {4, 2}}, func(get getter, x *Node) *Node {
		return head(get, conv(get, AddScalar(x, 3), "/a").PadSame().Done())
	}},
	"branches of strides": {testnet.Weights{"/a": {3, 3, 3, 4}, "/one": {1, 1, 4, 4}, "/b": {7, 7, 3, 4}, "/head": {4, 2}}, func(get getter, x *Node) *Node {
		y := testnet.Relu(AddScalar(conv(get, x, "/a").PadSame().Done(), -100))
		y = conv(get, y, "/one").Strides(2).Done()
		return head(get, Add(y, small(conv(get, x, "/b").Strides(2).PaddingPerDim([][2]int{{3, 3}, {3, 3}}).Done())))
	}},
	"fire": {testnet.Weights{"/a": {1, 1, 3, 2}, "/one": {1, 1, 2, 8}, "/bias": {8}, "/b": {3, 3, 2, 8}, "/c": {3, 3, 16, 2}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		x = testnet.Relu(AddScalar(conv(get, x, "/a").Done(), -100))
		one := testnet.Relu(Sub(conv(get, x, "/one").Done(), Reshape(get("/bias"), 1, 1, 1, 8)))
		x = Concatenate([]*Node{one, small(testnet.Relu(conv(get, x, "/b").PadSame().Done()))}, 3)
		return head(get, conv(get, x, "/c").PadSame().Done())
	}},
	"fire, channels first": {testnet.Weights{"/a": {2, 3, 1, 1}, "/one": {8, 2, 1, 1}, "/b": {8, 2, 3, 3}, "/c": {2, 16, 3, 3}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		first := func(x *Node, name string) *Node {
			return Convolve(x, get(name)).ChannelsAxis(images.ChannelsFirst).PadSame().Done()
		}
		x = first(TransposeAllAxes(x, 0, 3, 1, 2), "/a")
		x = Concatenate([]*Node{first(x, "/one"), small(testnet.Relu(first(x, "/b")))}, 1)
		return Dot(ReduceSum(small(first(x, "/c")), 2, 3), get("/head")).Product()
	}},
	"concatenated": {testnet.Weights{"/a": {3, 3, 3, 2}, "/b": {5, 1, 3, 3}, "/c": {3, 3, 6, 2}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		shape := x.Shape().Clone()
		shape.Dimensions[3] = 1
		constant := MulScalar(Add(Iota(x.Graph(), shape, 1), Iota(x.Graph(), shape, 2)), 50)
		x = Concatenate([]*Node{conv(get, x, "/a").PadSame().Done(), conv(get, x, "/b").PadSame().Done(), constant}, -1)
		return head(get, conv(get, x, "/c").Done())
	}},
	"normalised": {testnet.Weights{"/a": {3, 3, 3, 4}, "/scale": {4}, "/offset": {4}, "/b": {3, 3, 4, 2}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").PadSame().Done()
		zero := ZerosLike(get("/scale"))
		x = InternalBatchNormForInference(x, get("/scale"), get("/offset"), zero, OnesLike(zero), 0, 3)
		return head(get, conv(get, x, "/b").PadSame().Done())
	}},
	"padded and cut": {testnet.Weights{"/a": {3, 3, 3, 4}, "/b": {3, 3, 4, 2}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").Done()
		x = Pad(x, ScalarZero(x.Graph(), x.DType()), compute.PadAxis{}, compute.PadAxis{Start: 2, End: 1}, compute.PadAxis{End: 3}, compute.PadAxis{})
		x = Slice(x, AxisRange(), AxisRange(1).Stride(2), AxisRange(3, -2), AxisRange())
		return head(get, conv(get, x, "/b").Done())
	}},
	"shuffled": {testnet.Weights{"/a": {3, 3, 3, 6}, "/b": {3, 3, 3, 2}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").PadSame().Done()
		d := x.Shape().Dimensions
		x = Reshape(TransposeAllAxes(Reshape(x, d[0], d[1], d[2], 2, 3), 0, 1, 2, 4, 3), d...)
		x = Slice(x, AxisRange(), AxisRange(), AxisRange(), AxisRange(2, 5))
		return head(get, conv(get, x, "/b").PadSame().Done())
	}},
	"channels first": {testnet.Weights{"/a": {4, 3, 3, 3}, "/b": {3, 4, 3, 2}, "/head": {3, 2}}, func(get getter, x *Node) *Node {
		x = TransposeAllAxes(x, 0, 3, 1, 2)
		first := func(x *Node, name string) *Node {
			return Convolve(x, get(name)).ChannelsAxis(images.ChannelsFirst).PadSame().Done()
		}
		x = MaxPool(first(x, "/a")).ChannelsAxis(images.ChannelsFirst).Window(3).Strides(2).PadSame().Done()
		return Dot(ReduceSum(small(testnet.Relu(AddScalar(first(x, "/b"), -20000))), 2, 3), get("/head")).Product()
	}},
	"weighed by rows": {testnet.Weights{"/a": {3, 3, 3, 4}, "/b": {3, 3, 4, 2}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").PadSame().Done()
		rows := Iota(x.Graph(), shapes.Make(x.DType(), 1, x.Shape().Dimensions[1], 1, 1), 1)
		return head(get, conv(get, Mul(x, rows), "/b").PadSame().Done())
	}},
	"whole numbers": {testnet.Weights{"/a": {3, 3, 3, 4}, "/b": {3, 3, 4, 2}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		x = ConvertDType(Neg(conv(get, x, "/a").PadSame().Done()), dtypes.Int32)
		x = ConvertDType(MaxPool(x).Window(3).Strides(1).PadSame().Done(), dtypes.Float32)
		return head(get, conv(get, x, "/b").PadSame().Done())
	}},
	"dense in places": {testnet.Weights{"/a": {3, 3, 3, 4}, "/b": {4, 5}, "/c": {3, 3, 5, 2}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").PadSame().Done()
		x = small(Einsum("bhwc,cd->bhwd", x, get("/b")))
		x = Sub(x, ExpandAndBroadcast(ReduceMax(x, 3), x.Shape().Dimensions, []int{3}))
		return head(get, conv(get, x, "/c").PadSame().Done())
	}},
	"gated": {testnet.Weights{"/a": {3, 3, 3, 4}, "/gate": {4, 4}, "/b": {3, 3, 4, 2}, "/head": {2, 2}}, func(get getter, x *Node) *Node {
		x = conv(get, x, "/a").PadSame().Done()
		gate := Dot(ReduceMax(x, 1, 2), get("/gate")).Product()
		gate = ConvertDType(GreaterThan(gate, AddScalar(ZerosLike(gate), 900)), dtypes.Float32)
		x = Mul(x, ExpandAndBroadcast(gate, x.Shape().Dimensions, []int{1, 2}))
		return head(get, conv(get, x, "/b").PadSame().Done())
	}},
	"dense": {testnet.Weights{"/head": {17 * 22 * 3, 2}}, func(get getter, x *Node) *Node {
		return Dot(Reshape(x, -1, 17*22*3), get("/head")).Product()
	}},
}

// TestIncremental compares what is computed in windows with the whole network's answers, at windows of several shapes
// over all of a picture that is not square, with windows cut by its border. Whole weights make all sums exact.
func TestIncremental(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for name, part := range parts {
			t.Run(name, func(t *testing.T) {
				net := testnet.Make(name, testnet.Input(17, 22, models.RGB), part.weights, func(get func(string) *Node, x *Node) *Node { return part.build(get, x) })
				p, picture := open(t, backend, net), noisy(t, net)
				for _, window := range []attrib.Size{{H: 3, W: 2}, {H: 1, W: 7}, {H: 17, W: 4}} {
					o := attrib.Occlusion{Class: "1", Score: attrib.Logit, Window: window, Stride: attrib.Size{H: min(window.H, 5), W: min(window.W, 3)}, Fill: attrib.Zero, Batch: 4}
					o.Exact = attrib.Full
					want := attribute(t, p, picture, o)
					o.Exact = attrib.Incremental
					got := attribute(t, p, picture, o)
					// Nothing of a dense network can be told to windows; a window from top to bottom may not pay.
					if whole := name == "dense"; window.H < 17 && (got.Engine == attrib.Full) != whole {
						t.Errorf("window %v: computed as %s", window, got.Engine)
					}
					for i, d := range got.Grid.Drop.Values {
						if d != want.Grid.Drop.Values[i] {
							t.Fatalf("window %v: the drop at %v is %v, with the whole network %v", window, got.Grid.Windows[i], d, want.Grid.Drop.Values[i])
						}
					}
				}
			})
		}
	})
}

// TestIncrementalRounded is the same for a network whose sums round, within 1e-5 of the largest logit.
func TestIncrementalRounded(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(41, 57, 5)
		p := open(t, backend, net)
		random := rand.New(rand.NewPCG(8, 8))
		values := make([]float32, 41*57*3)
		for i := range values {
			values[i] = float32(random.NormFloat64())
		}
		picture := array(t, net, values)
		o := attrib.Occlusion{Score: attrib.Logit, Window: attrib.Pixels(9), Stride: attrib.Pixels(4), Region: image.Rect(2, 3, 55, 40), Exact: attrib.Full}
		want := attribute(t, p, picture, o)
		o.Exact = attrib.Incremental
		got := attribute(t, p, picture, o)
		if got.Engine != attrib.Incremental {
			t.Errorf("computed as %s", got.Engine)
		}
		for i, d := range got.Grid.Drop.Values {
			if math.Abs(float64(d-want.Grid.Drop.Values[i])) > 1e-5*math.Abs(want.Clean) {
				t.Errorf("the drop at %v is %v, with the whole network %v", got.Grid.Windows[i], d, want.Grid.Drop.Values[i])
			}
		}
	})
}

// TestChangedWeights explains a picture, changes a weight, and explains it again.
func TestChangedWeights(t *testing.T) {
	changes := map[string]func(t *testing.T, v *model.Variable){
		"replaced": func(t *testing.T, v *model.Variable) {
			values := tensors.MustCopyFlatData[float32](v.MustValue())
			values[5] += 3
			if err := v.SetValue(tensors.FromFlatDataAndDimensions(values, v.Shape().Dimensions...)); err != nil {
				t.Fatal(err)
			}
		},
		"in place": func(_ *testing.T, v *model.Variable) {
			tensors.MustMutableFlatData(v.MustValue(), func(values []float32) { values[5] += 3 })
		},
	}
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for name, change := range changes {
			t.Run(name, func(t *testing.T) {
				part := parts["strided"]
				net := testnet.Make("changing", testnet.Input(17, 22, models.RGB), part.weights, func(get func(string) *Node, x *Node) *Node { return part.build(get, x) })
				p, picture := open(t, backend, net), noisy(t, net)
				o := attrib.Occlusion{Class: "1", Score: attrib.Logit, Window: attrib.Pixels(3), Fill: attrib.Zero, Batch: 4, Exact: attrib.Incremental}
				before := attribute(t, p, picture, o)
				if again := attribute(t, p, picture, o); !slices.Equal(again.Grid.Drop.Values, before.Grid.Drop.Values) {
					t.Error("the second time it is another map")
				}
				change(t, net.Store.GetVariable("/b"))
				got := attribute(t, p, picture, o)
				o.Exact = attrib.Full
				want := attribute(t, p, picture, o)
				if want.Clean == before.Clean {
					t.Fatal("the weight does not matter")
				}
				if !slices.Equal(got.Grid.Drop.Values, want.Grid.Drop.Values) {
					t.Fatalf("the drops are %v, with the whole network %v", got.Grid.Drop.Values, want.Grid.Drop.Values)
				}
			})
		}
	})
}

// TestIncrementalHalf is the same in half precision, where a sum and what it gains would round twice.
func TestIncrementalHalf(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for _, dtype := range []dtypes.DType{dtypes.Float16, dtypes.BFloat16} {
			net := testnet.Make("half", testnet.Input(17, 22, models.RGB), testnet.Weights{"/a": {3, 3, 3, 4}, "/b": {3, 3, 4, 4}, "/head": {4, 2}}, func(get func(string) *Node, x *Node) *Node {
				half := func(x *Node) *Node { return ConvertDType(MulScalar(x, 1.0/64), dtype) }
				x = MaxPool(Convolve(half(x), half(get("/a"))).PadSame().Done()).Window(3).Strides(2).PadSame().Done()
				x = Convolve(x, half(get("/b"))).PadSame().Done()
				return Dot(ReduceMean(x, 1, 2), half(get("/head"))).Product()
			})
			p, picture := open(t, backend, net), noisy(t, net)
			o := attrib.Occlusion{Class: "1", Score: attrib.Logit, Window: attrib.Pixels(4), Fill: attrib.Zero, Exact: attrib.Full}
			want := attribute(t, p, picture, o)
			o.Exact = attrib.Incremental
			got := attribute(t, p, picture, o)
			for i, d := range got.Grid.Drop.Values {
				if math.Abs(float64(d-want.Grid.Drop.Values[i])) > 1e-3*math.Abs(want.Clean) {
					t.Errorf("%s: the drop at %v is %v, with the whole network %v", dtype, got.Grid.Windows[i], d, want.Grid.Drop.Values[i])
				}
			}
		}
	})
}
