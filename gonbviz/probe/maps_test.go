package probe_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors/images"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

// values are the maps of a layer, one after the other.
func values(l probe.LayerMaps) []float32 {
	var list []float32
	for _, p := range l.Planes {
		list = append(list, p.Values...)
	}
	return list
}

func TestMapsExact(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		p := open(t, backend, testnet.Exact())
		for _, test := range []struct {
			layer, point, after string
			pre                 bool
			want                []float32
		}{
			{"conv", "conv/relu", "after ReLU", false, []float32{0, 4, 31, 40, 0, 0, 6, 15}},
			{"conv/relu", "conv/relu", "after ReLU", false, []float32{0, 4, 31, 40, 0, 0, 6, 15}},
			{"conv", "conv", "before ReLU", true, []float32{-5, 4, 31, 40, -30, -21, 6, 15}},
			{"conv/relu", "conv", "before ReLU", true, []float32{-5, 4, 31, 40, -30, -21, 6, 15}},
			{"head", "head/relu", "after ReLU", false, []float32{54}},
			{"head", "head", "before ReLU", true, []float32{54}},
		} {
			set := maps(t, p, raw(p.Network(), testnet.Counting(16)...), probe.Maps{Layers: []string{test.layer}, Pre: test.pre})
			l := set.Layers[0]
			if l.Layer.Name != test.point || l.After != test.after || !slices.Equal(values(l), test.want) {
				t.Errorf("%s, pre %v: %s %s %v, want %s %s %v", test.layer, test.pre, l.Layer.Name, l.After, values(l), test.point, test.after, test.want)
			}
		}
	})
}

func TestMapsOrder(t *testing.T) {
	p := open(t, testbackend.Go(), testnet.Exact())
	picture := raw(p.Network(), testnet.Counting(16)...)
	for _, test := range []struct {
		ask      probe.Maps
		index    []int
		strength []float64
	}{
		{probe.Maps{}, []int{0, 1}, []float64{math.Sqrt(292.6875), math.Sqrt(37.6875)}},
		{probe.Maps{Sort: probe.ByStrength}, []int{0, 1}, []float64{math.Sqrt(292.6875), math.Sqrt(37.6875)}},
		{probe.Maps{Sort: probe.ByStrength, Top: 1}, []int{0}, []float64{math.Sqrt(292.6875)}},
		{probe.Maps{Top: 5}, []int{0, 1}, []float64{math.Sqrt(292.6875), math.Sqrt(37.6875)}},
	} {
		test.ask.Layers = []string{"conv"}
		l := maps(t, p, picture, test.ask).Layers[0]
		if l.Total != 2 || l.Silent != 0 || !slices.Equal(l.Index, test.index) || len(l.Planes) != len(test.index) {
			t.Errorf("%+v: total %d, silent %d, index %v", test.ask, l.Total, l.Silent, l.Index)
		}
		for i, s := range l.Strength {
			if math.Abs(s-test.strength[i]) > 1e-12 {
				t.Errorf("%+v: strength %v, want %v", test.ask, l.Strength, test.strength)
			}
		}
	}
	dark := maps(t, p, raw(p.Network(), make([]float32, 16)...), probe.Maps{Layers: []string{"conv", "head"}})
	if dark.Layers[0].Silent != 2 || dark.Layers[1].Silent != 1 || !dark.Layers[1].Units() || dark.Layers[0].Units() {
		t.Errorf("a black picture leaves %d and %d maps silent", dark.Layers[0].Silent, dark.Layers[1].Silent)
	}
}

// turned is a network that copies its 2×3 input to one channel and ten times it to another, channels first or last.
func turned(first bool) *models.Network {
	net := testnet.Make("turned", testnet.Input(2, 3, models.Gray), testnet.Weights{}, nil)
	shape := []int{1, 1, 1, 2}
	if first {
		shape = []int{2, 1, 1, 1}
	}
	testnet.Set(net.Store, "/conv/weights", []float32{1, 10}, shape...)
	net.Logits = func(_ *model.Scope, x *Node) *Node {
		axis := images.ChannelsLast
		if first {
			x, axis = TransposeAllAxes(x, 0, 3, 1, 2), images.ChannelsFirst
		}
		x = Convolve(x, net.Store.GetVariable("/conv/weights").NodeValue(x)).ChannelsAxis(axis).NoPadding().Done()
		return Reshape(x, x.Shape().Dimensions[0], -1)
	}
	return net
}

func TestMapsLayout(t *testing.T) {
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprint("channels first ", first), func(t *testing.T) {
			testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
				p := open(t, backend, turned(first))
				l := maps(t, p, raw(p.Network(), 1, 2, 3, 4, 5, 6), probe.Maps{Layers: []string{"conv"}}).Layers[0]
				if l.Planes[0].H != 2 || l.Planes[0].W != 3 || !slices.Equal(values(l), []float32{1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60}) {
					t.Errorf("maps %v", l.Planes)
				}
				if !slices.Equal(l.Layer.Shape, []int{2, 3, 2}) {
					t.Errorf("shape %v", l.Layer.Shape)
				}
			})
		})
	}
}

// TestPoint reads layers with a normalisation and a function behind them, and such as several others read.
func TestPoint(t *testing.T) {
	shift := func(get func(string) *Node, x *Node) *Node { return Mul(x, channels(get("/bn/scale"), x)) }
	for name, test := range map[string]struct {
		follow           func(get func(string) *Node, x *Node) *Node
		post, pre        string
		after, preceding string
	}{
		"norm and function": {
			func(get func(string) *Node, x *Node) *Node { return activation.Swish(shift(get, x)) },
			"bn/swish", "bn", "after swish", "before swish",
		},
		"function and norm": {
			func(get func(string) *Node, x *Node) *Node { return shift(get, Tanh(x)) },
			"conv/tanh", "conv", "after tanh", "before tanh",
		},
		"nothing": {
			func(_ func(string) *Node, x *Node) *Node { return x }, "conv", "conv", "output of conv", "output of conv",
		},
		"two readers": {
			func(_ func(string) *Node, x *Node) *Node {
				return Concatenate([]*Node{Tanh(x), MaxPool(x).Window(2).Strides(1).PadSame().Done()}, -1)
			},
			"conv", "conv", "before tanh", "before tanh",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, testbackend.Go(), after(test.follow))
			for pre, want := range map[bool][2]string{false: {test.post, test.after}, true: {test.pre, test.preceding}} {
				l := maps(t, p, raw(p.Network(), testnet.Counting(6)...), probe.Maps{Layers: []string{"conv"}, Pre: pre}).Layers[0]
				if l.Layer.Name != want[0] || l.After != want[1] {
					t.Errorf("pre %v: reads %s %s, want %v", pre, l.Layer.Name, l.After, want)
				}
			}
		})
	}
}

// TestMapsAll captures every layer at once and compares each with the same layer alone, and the last with the logits.
func TestMapsAll(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		p := open(t, backend, testnet.Branches(23, 31, 1))
		picture := raw(p.Network(), testnet.Counting(23*31*3)...)
		answer, err := p.Classify(context.Background(), picture)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, l := range p.Layers() {
			names = append(names, l.Name)
		}
		all := maps(t, p, picture, probe.Maps{Layers: names, Pre: false})
		for i, name := range names {
			alone := maps(t, p, picture, probe.Maps{Layers: []string{name}}).Layers[0]
			if got := all.Layers[i]; got.Layer.Name != alone.Layer.Name || !slices.Equal(values(got), values(alone)) {
				t.Errorf("%s differs when captured with others", name)
			}
		}
		if !slices.Equal(values(all.Layers[len(names)-1]), answer.Logits) {
			t.Error("logits differ with captures")
		}
		if got := all.Layers[slices.Index(names, "fire/concat")].After; got != "after ReLU" {
			t.Errorf("the concatenation is %q", got)
		}
	})
}

func TestMapsSqueezeNet(t *testing.T) {
	net := squeezenet.Network()
	p, picture := open(t, testbackend.XLA(t), net), testnet.Photograph(t, net, "squirrel")
	answer, err := p.Classify(context.Background(), picture)
	if err != nil {
		t.Fatal(err)
	}
	set := maps(t, p, picture, probe.Maps{Layers: []string{"conv1", "fire5", "pool10"}})
	for i, want := range []string{"conv1/relu 113×113×64 after ReLU", "fire5/concat 27×27×256 after ReLU", "pool10 1×1×1000 after ReLU"} {
		l := set.Layers[i]
		if got := fmt.Sprintf("%s %d×%d×%d %s", l.Layer.Name, l.Planes[0].H, l.Planes[0].W, l.Total, l.After); got != want {
			t.Errorf("layer %s, want %s", got, want)
		}
	}
	if !slices.Equal(values(set.Layers[2]), answer.Logits) {
		t.Error("logits differ with captures")
	}
	if top := answer.Top(1)[0]; top.Label != "fox squirrel" || math.Abs(top.Probability-0.99) > 0.03 {
		t.Errorf("the squirrel is %v", top)
	}
}

// TestTensorShapes asks for a file's tensors of any rank, with an axis for the batch and without.
func TestTensorShapes(t *testing.T) {
	net := testnet.Exact()
	inner := net.Logits
	net.Tensors = func(scope *model.Scope, x *Node) (*Node, map[string]*Node) {
		return inner(scope, x), map[string]*Node{
			"scalar": ReduceAllSum(x), "row": ReduceSum(x, 0, 1, 2), "columns": ReduceSum(x, 1, 3), "rows of values": Reshape(x, 4, 4),
		}
	}
	p := open(t, testbackend.Go(), net)
	for name, want := range map[string][]int{"scalar": {}, "row": {}, "columns": {4}, "rows of values": {4, 4}} {
		l := maps(t, p, raw(net, testnet.Counting(16)...), probe.Maps{Layers: []string{name}}).Layers[0]
		if !slices.Equal(l.TensorShape, want) {
			t.Errorf("%s is of shape %v, want %v", name, l.TensorShape, want)
		}
		size := 1
		for _, d := range want {
			size *= d
		}
		if got := len(values(l)); got != size {
			t.Errorf("%s has %d values, want %d", name, got, size)
		}
	}
}

// TestPre reads what an activation function of the picture itself answers: there is no layer before it.
func TestPre(t *testing.T) {
	net := testnet.Exact()
	inner := net.Logits
	net.Logits = func(scope *model.Scope, x *Node) *Node { return inner(scope, Softmax(x, 2)) }
	p := open(t, testbackend.Go(), net)
	l := maps(t, p, raw(net, make([]float32, 16)...), probe.Maps{Layers: []string{"softmax"}, Pre: true}).Layers[0]
	if got := values(l); l.Layer.Name != "softmax" || len(got) != 16 || got[0] != 0.25 {
		t.Errorf("%s answers %v", l.Layer.Name, got)
	}
}

func TestMapsErrors(t *testing.T) {
	p := open(t, testbackend.Go(), testnet.Exact())
	ctx := context.Background()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	good, nan := raw(p.Network(), testnet.Counting(16)...), raw(p.Network(), testnet.Counting(16)...)
	nan.Values[3] = float32(math.NaN())
	for want, ask := range map[string]func() error{
		"no layer asked for":    func() error { _, err := p.Maps(ctx, good, probe.Maps{}); return err },
		`no layer "x" in exact`: func() error { _, err := p.Maps(ctx, good, probe.Maps{Layers: []string{"x"}}); return err },
		"top -1 maps":           func() error { _, err := p.Maps(ctx, good, probe.Maps{Layers: []string{"conv"}, Top: -1}); return err },
		"15 values for an input of 4×": func() error {
			_, err := p.Maps(ctx, raw(p.Network(), testnet.Counting(15)...), probe.Maps{Layers: []string{"conv"}})
			return err
		},
		"prepared for another input": func() error {
			_, err := p.Maps(ctx, &pixel.Prepared{Values: good.Values}, probe.Maps{Layers: []string{"conv"}})
			return err
		},
		"no picture":         func() error { _, err := p.Maps(ctx, nil, probe.Maps{Layers: []string{"conv"}}); return err },
		"unknown order 7":    func() error { _, err := p.Maps(ctx, good, probe.Maps{Layers: []string{"conv"}, Sort: 7}); return err },
		"unknown scale 9":    func() error { _, err := p.Filters(probe.Filters{Layer: "conv", Scale: 9}); return err },
		"not finite numbers": func() error { _, err := p.Maps(ctx, nan, probe.Maps{Layers: []string{"conv"}}); return err },
		"context canceled":   func() error { _, err := p.Maps(cancelled, good, probe.Maps{Layers: []string{"conv"}}); return err },
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := p.Classify(cancelled, good); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one that is context.Canceled", err)
	}
	late := func() context.Context { return &lateContext{ctx, 1} }
	if _, err := p.Classify(late(), good); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while it runs: error %v", err)
	}
	if _, err := p.Maps(late(), good, probe.Maps{Layers: []string{"conv"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while it runs: error %v", err)
	}
}

// lateContext is found to be cancelled after it was asked some times.
type lateContext struct {
	context.Context
	asked int
}

func (l *lateContext) Err() error {
	if l.asked--; l.asked < 0 {
		return context.Canceled
	}
	return nil
}
