package probe_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/float16"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/images"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

func filters(t testing.TB, net *models.Network, layer string) *probe.FilterBank {
	t.Helper()
	b, err := open(t, testbackend.Go(), net).Filters(probe.Filters{Layer: layer})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFilters has a kernel of 2×3 places, 1 input and 2 outputs, stored in either order.
func TestFilters(t *testing.T) {
	for first, net := range map[bool]*models.Network{false: kernels(false), true: kernels(true)} {
		b := filters(t, net, "conv")
		if b.Out != 2 || b.In != 1 || b.H != 2 || b.W != 3 || b.Stride != [2]int{2, 1} || b.Colour {
			t.Errorf("channels first %v: bank %+v", first, b)
		}
		if want := []float32{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}; !slices.Equal(b.Weights, want) {
			t.Errorf("channels first %v: weights %v, want %v", first, b.Weights, want)
		}
		if k := b.Kernel(1, 0); k.H != 2 || k.W != 3 || k.At(1, 2) != 15 {
			t.Errorf("channels first %v: kernel %v", first, k)
		}
		if !slices.Equal(b.Filter(1), b.Weights[6:]) {
			t.Errorf("channels first %v: filter %v", first, b.Filter(1))
		}
	}
}

// kernels is a network with a stored kernel.
func kernels(first bool) *models.Network {
	net := testnet.Make("kernels", testnet.Input(5, 6, models.Gray), nil, nil)
	values, shape := []float32{0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15}, []int{2, 3, 1, 2}
	if first {
		values, shape = []float32{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}, []int{2, 1, 2, 3}
	}
	testnet.Set(net.Store, "/conv/weights", values, shape...)
	net.Logits = func(_ *model.Scope, x *Node) *Node {
		c := Convolve(x, net.Store.GetVariable("/conv/weights").NodeValue(x))
		if first {
			c = Convolve(TransposeAllAxes(x, 0, 3, 1, 2), net.Store.GetVariable("/conv/weights").NodeValue(x)).ChannelsAxis(images.ChannelsFirst)
		}
		x = c.StridePerAxis(2, 1).NoPadding().Done()
		return Reshape(x, x.Shape().Dimensions[0], -1)
	}
	return net
}

func TestFiltersHalf(t *testing.T) {
	net := testnet.Make("half", testnet.Input(2, 2, models.Gray), nil, nil)
	values := []float16.Float16{float16.FromFloat32(0.5), float16.FromFloat32(-2)}
	if _, err := net.Store.CreateVariable("/conv/weights", tensors.FromFlatDataAndDimensions(values, 1, 2, 1, 1)); err != nil {
		t.Fatal(err)
	}
	net.Logits = func(_ *model.Scope, x *Node) *Node {
		kernel := ConvertDType(net.Store.GetVariable("/conv/weights").NodeValue(x), dtypes.Float32)
		return ReduceMean(Convolve(x, kernel).NoPadding().Done(), 1, 2)
	}
	if b := filters(t, net, "conv"); !slices.Equal(b.Weights, []float32{0.5, -2}) {
		t.Errorf("weights %v", b.Weights)
	}
}

func TestFiltersColour(t *testing.T) {
	net := squeezenet.Network()
	for layer, colour := range map[string]bool{"conv1": true, "conv1/relu": true, "fire2/squeeze1x1": false} {
		if b := filters(t, net, layer); b.Colour != colour || b.Order != models.BGR || b.Layer.Kind != probe.Conv {
			t.Errorf("%s: colour %v, order %v, of %s", layer, b.Colour, b.Order, b.Layer.Name)
		}
	}
}

// TestFiltersGroups has three groups of one channel each.
func TestFiltersGroups(t *testing.T) {
	net := testnet.Make("groups", testnet.Input(4, 4, models.RGB), testnet.Weights{"/w": {3, 3, 1, 6}}, func(get func(string) *Node, x *Node) *Node {
		return ReduceMean(Convolve(x, get("/w")).ChannelGroupCount(3).PadSame().Done(), 1, 2)
	})
	if b := filters(t, net, "conv1"); b.In != 1 || b.Out != 6 || b.Colour {
		t.Errorf("%d filters of %d channels, colour %v", b.Out, b.In, b.Colour)
	}
}

func TestFiltersErrors(t *testing.T) {
	computed := testnet.Make("computed", testnet.Input(4, 4, models.Gray), testnet.Weights{"/conv/w": {3, 3, 1, 2}}, func(get func(string) *Node, x *Node) *Node {
		return ReduceMean(Convolve(x, Neg(get("/conv/w"))).Done(), 1, 2)
	})
	for want, ask := range map[string]struct {
		net   *models.Network
		layer string
	}{
		"no convolution; those are: conv1, fire2/squeeze1x1, ": {squeezenet.Network(), "fire2"},
		"no convolution; those are: conv":                      {testnet.Exact(), "head"},
		`no layer "cnv" in exact; nearest: conv`:               {testnet.Exact(), "cnv"},
		"computed, not stored":                                 {computed, "conv"},
	} {
		_, err := open(t, testbackend.Go(), ask.net).Filters(probe.Filters{Layer: ask.layer})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
