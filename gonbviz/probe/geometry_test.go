package probe

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors/images"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
)

// sights are networks whose layers look at the picture in many ways. Their weights are positive, so that a change of a
// pixel reaches whatever sees it.
var sights = map[string]*models.Network{
	"strides, dilation, shortcuts": testnet.Make("a", testnet.Input(17, 23, models.RGB), testnet.Weights{
		"/stem/w": {3, 5, 3, 2}, "/dilated/w": {3, 3, 2, 2}, "/one/w": {1, 1, 2, 2}, "/down/w": {2, 2, 4, 3},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.Convolve(x, get("/stem/w")).StridePerAxis(2, 1).PaddingPerDim([][2]int{{1, 0}, {2, 2}}).Done().WithAlias("stem")
		x = graph.MaxPool(x).Window(3).Strides(2).PadSame().Done().WithAlias("pool")
		y := graph.Convolve(x, get("/dilated/w")).Dilations(2).PadSame().Done().WithAlias("dilated")
		x = graph.Add(x, y).WithAlias("sum")
		x = graph.Concatenate([]*graph.Node{x, graph.Convolve(x, get("/one/w")).Done()}, -1).WithAlias("both")
		x = graph.Convolve(x, get("/down/w")).Strides(2).NoPadding().Done().WithAlias("down")
		return graph.ReduceMean(x, 1, 2)
	}),
	"channels first": testnet.Make("b", testnet.Input(12, 9, models.RGB), testnet.Weights{
		"/conv/w": {2, 3, 3, 2}, "/head/w": {2 * 5 * 4, 2},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.TransposeAllAxes(x, 0, 3, 1, 2)
		x = graph.Convolve(x, get("/conv/w")).ChannelsAxis(images.ChannelsFirst).NoPadding().Done().WithAlias("conv")
		x = graph.MeanPool(x).ChannelsAxis(images.ChannelsFirst).Window(2).Strides(2).Done().WithAlias("pool")
		return graph.Dot(graph.Reshape(x, x.Shape().Dimensions[0], -1), get("/head/w")).Product().WithAlias("head")
	}),
	"cut, padded, turned": testnet.Make("c", testnet.Input(13, 11, models.Gray), testnet.Weights{
		"/conv/w": {3, 2, 1, 2}, "/after/w": {2, 3, 2, 1},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.Convolve(x, get("/conv/w")).NoPadding().Done()
		x = graph.Pad(x, graph.ScalarZero(x.Graph(), x.DType()), compute.PadAxis{}, compute.PadAxis{Start: 2, End: 1}, compute.PadAxis{Start: 1}).WithAlias("padded")
		x = graph.MeanPool(x).WindowPerAxis(2, 3).PadSame().Done().WithAlias("mean")
		x = graph.Slice(x, graph.AxisRange(), graph.AxisRange(2, 12).Stride(2), graph.AxisRange(1)).WithAlias("cut")
		x = graph.TransposeAllAxes(x, 0, 2, 1, 3)
		x = graph.Convolve(x, get("/after/w")).NoPadding().Done().WithAlias("turned")
		return graph.ReduceMax(x, 1, 2)
	}),
	"gate": testnet.Make("d", testnet.Input(9, 8, models.RGB), testnet.Weights{
		"/conv/w": {3, 3, 3, 2}, "/gate/w": {2, 2}, "/after/w": {3, 3, 2, 2},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.Convolve(x, get("/conv/w")).NoPadding().Done().WithAlias("conv")
		g := graph.Dot(graph.ReduceMean(x, 1, 2), get("/gate/w")).Product()
		x = graph.Mul(x, graph.BroadcastToDims(graph.Reshape(g, -1, 1, 1, 2), x.Shape().Dimensions...)).WithAlias("gated")
		x = graph.Convolve(x, get("/after/w")).PadSame().Done().WithAlias("after")
		return graph.ReduceMean(x, 1, 2)
	}),
	"down to one place": testnet.Make("e", testnet.Input(8, 8, models.Gray), testnet.Weights{
		"/conv/w": {3, 3, 1, 2}, "/head/w": {2, 3},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.Convolve(x, get("/conv/w")).PadSame().Done().WithAlias("conv")
		x = graph.MeanPool(x).Window(8).Done().WithAlias("pool")
		return graph.Dot(graph.Reshape(x, -1, 2), get("/head/w")).Product().WithAlias("head")
	}),
	"mirrored, enlarged, stacked": testnet.Make("f", testnet.Input(6, 5, models.Gray), testnet.Weights{
		"/conv/w": {2, 2, 1, 2},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.Convolve(x, get("/conv/w")).NoPadding().Done().WithAlias("conv")
		x = graph.Reverse(x, 2)
		x = graph.Concatenate([]*graph.Node{x, x}, 1).WithAlias("stacked")
		return graph.ReduceMean(x, 1, 2)
	}),
	"enlarged by transposed convolutions": testnet.Make("g", testnet.Input(13, 12, models.Gray), testnet.Weights{
		"/down/w": {3, 3, 1, 2}, "/up/w": {3, 2, 2, 2}, "/wide/w": {4, 4, 2, 2}, "/after/w": {3, 3, 2, 2},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.Convolve(x, get("/down/w")).Strides(2).PadSame().Done().WithAlias("down")
		x = graph.Convolve(x, get("/up/w")).InputDilationPerAxis(2, 3).PaddingPerDim([][2]int{{1, 2}, {1, 0}}).Done().WithAlias("up")
		x = graph.Convolve(x, get("/after/w")).Dilations(2).PadSame().Done().WithAlias("after")
		wide := graph.Convolve(x, get("/wide/w")).InputDilationPerAxis(2, 2).Strides(3)
		x = wide.PaddingPerDim([][2]int{{2, 2}, {3, 0}}).Done().WithAlias("wide")
		return graph.ReduceMean(x, 1, 2)
	}),
	"mirrored on the way": testnet.Make("h", testnet.Input(11, 14, models.Gray), testnet.Weights{
		"/conv/w": {3, 3, 1, 2}, "/after/w": {2, 3, 2, 2}, "/again/w": {3, 2, 2, 1},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.Convolve(x, get("/conv/w")).StridePerAxis(1, 2).PaddingPerDim([][2]int{{2, 0}, {1, 0}}).Done().WithAlias("conv")
		x = graph.Reverse(x, 1, 2).WithAlias("mirrored")
		x = graph.Convolve(x, get("/after/w")).PaddingPerDim([][2]int{{0, 1}, {2, 1}}).Done().WithAlias("after")
		x = graph.Add(x, graph.Reverse(x, 2)).WithAlias("both ways")
		x = graph.Convolve(x, get("/again/w")).Strides(2).NoPadding().Done().WithAlias("again")
		return graph.ReduceMean(x, 1, 2)
	}),
	"branches of many reaches": testnet.Make("i", testnet.Input(16, 15, models.Gray), testnet.Weights{
		"/one/w": {1, 1, 1, 2}, "/far/w": {3, 3, 1, 2}, "/right/w": {2, 5, 1, 2}, "/join/w": {2, 2, 6, 2},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		one := graph.Convolve(x, get("/one/w")).Done().WithAlias("one")
		far := graph.Convolve(x, get("/far/w")).Dilations(3).PadSame().Done().WithAlias("far")
		right := graph.Convolve(x, get("/right/w")).PaddingPerDim([][2]int{{0, 1}, {0, 4}}).Done().WithAlias("right")
		x = graph.Concatenate([]*graph.Node{one, far, right}, -1).WithAlias("together")
		x = graph.Convolve(x, get("/join/w")).Dilations(2).NoPadding().Done().WithAlias("join")
		small := graph.MeanPool(x).Window(2).Strides(1).NoPadding().Done().WithAlias("small")
		x = graph.Add(graph.Slice(x, graph.AxisRange(), graph.AxisRange(1), graph.AxisRange(1)), small).WithAlias("cut sum")
		return graph.ReduceMean(x, 1, 2)
	}),
	"repeated and cut into pieces": testnet.Make("j", testnet.Input(8, 6, models.Gray), testnet.Weights{
		"/conv/w": {3, 3, 1, 2}, "/after/w": {3, 3, 2, 2}, "/last/w": {2, 1, 8, 2},
	}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.Convolve(x, get("/conv/w")).NoPadding().Done().WithAlias("conv")
		h, w := x.Shape().Dimensions[1], x.Shape().Dimensions[2]
		x = graph.BroadcastToDims(graph.Reshape(x, -1, h, 1, w, 1, 2), x.Shape().Dimensions[0], h, 2, w, 2, 2)
		x = graph.Reshape(x, -1, 2*h, 2*w, 2).WithAlias("enlarged")
		x = graph.Convolve(x, get("/after/w")).PadSame().Done().WithAlias("after")
		x = graph.TransposeAllAxes(graph.Reshape(x, -1, h, 2, w, 2, 2), 0, 1, 3, 2, 4, 5)
		x = graph.Reshape(x, -1, h, w, 8).WithAlias("stacked")
		x = graph.Convolve(x, get("/last/w")).Done().WithAlias("last")
		zero := graph.ScalarZero(x.Graph(), x.DType())
		x = graph.Pad(x, zero, compute.PadAxis{}, compute.PadAxis{Start: 1, Interior: 2}).WithAlias("spread")
		return graph.ReduceMean(x, 1, 2)
	}),
	"sorted": testnet.Make("k", testnet.Input(5, 6, models.Gray), testnet.Weights{"/conv/w": {2, 2, 1, 2}},
		func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
			x = graph.Convolve(x, get("/conv/w")).NoPadding().Done().WithAlias("conv")
			return graph.ReduceMean(graph.Sort(x, -1, true), 1, 2)
		}),
}

// TestSight changes one pixel after the other and looks which values of each layer change.
func TestSight(t *testing.T) {
	for name, net := range sights {
		t.Run(name, func(t *testing.T) {
			p, err := Open(testbackend.Go(), net)
			if err != nil {
				t.Fatal(err)
			}
			seen := influence(t, p)
			for i, l := range p.layers {
				checkSight(t, l, seen[i])
			}
		})
	}
}

// box is the pixels that a value sees: first and last, down and across.
type box struct{ first, last [2]int }

// influence finds for each layer, and each of its places, the pixels that some channel's value depends on.
func influence(t *testing.T, p *Probe) []map[[2]int]box {
	random, in := rand.New(rand.NewPCG(3, 3)), p.network.Input
	values := make([]float32, p.picturesShape(1).Size())
	for i := range values {
		values[i] = float32(random.IntN(9))
	}
	picture := &pixel.Prepared{Input: in, Values: values}
	names := make([]string, len(p.layers))
	seen := make([]map[[2]int]box, len(p.layers))
	for i, l := range p.layers {
		names[i], seen[i] = l.Name, map[[2]int]box{}
	}
	look := func() [][]float32 {
		captured, err := p.capture(context.Background(), picture.Values, p.layers)
		if err != nil {
			t.Fatal(err)
		}
		return captured
	}
	clean := look()
	for y := range in.Height {
		for x := range in.Width {
			k := (y*in.Width + x) * in.Channels()
			values[k] += 1000
			for i, changed := range look() {
				note(seen[i], p.layers[i], clean[i], changed, [2]int{y, x})
			}
			values[k] -= 1000
		}
	}
	return seen
}

// note adds a pixel to the boxes of the places whose values changed.
func note(seen map[[2]int]box, l *Layer, clean, changed []float32, pixel [2]int) {
	h, w := 1, 1
	if l.places() {
		h, w = l.Shape[0], l.Shape[1]
	}
	for k := range clean {
		if clean[k] == changed[k] {
			continue
		}
		place := [2]int{k / w % h, k % w}
		b, found := seen[place]
		if !found {
			b = box{pixel, pixel}
		}
		for side := range pixel {
			b.first[side], b.last[side] = min(b.first[side], pixel[side]), max(b.last[side], pixel[side])
		}
		seen[place] = b
	}
}

// checkSight compares the pixels that each value was seen to depend on with what the layer says.
func checkSight(t *testing.T, l *Layer, seen map[[2]int]box) {
	t.Helper()
	down, across := l.view[0], l.view[1]
	for y, rows := range down.seen {
		for x, columns := range across.seen {
			b, found := seen[[2]int{y, x}]
			want := box{[2]int{rows.first, columns.first}, [2]int{rows.last, columns.last}}
			if blind := rows.empty() || columns.empty(); blind == found || found && b != want {
				t.Errorf("%s %d,%d: sees %v (%v), said to be %v", l.Name, y, x, b, found, want)
			}
			if rows.length() > l.ReceptiveField[0] || columns.length() > l.ReceptiveField[1] {
				t.Errorf("%s %d,%d: sees %v, with a receptive field of %v", l.Name, y, x, want, l.ReceptiveField)
			}
		}
	}
}
