package probe_test

import (
	"context"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
)

func open(t testing.TB, backend compute.Backend, net *models.Network) *probe.Probe {
	t.Helper()
	p, err := probe.Open(backend, net)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// raw is a network's input as it is.
func raw(net *models.Network, values ...float32) *pixel.Prepared {
	return &pixel.Prepared{Input: net.Input, Values: values}
}

func maps(t testing.TB, p *probe.Probe, picture *pixel.Prepared, m probe.Maps) *probe.MapSet {
	t.Helper()
	set, err := p.Maps(context.Background(), picture, m)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// after is a network of one convolution with whatever follows it.
func after(follow func(get func(string) *Node, x *Node) *Node) *models.Network {
	weights := testnet.Weights{"/conv/weights": {1, 1, 1, 2}, "/conv/biases": {2}}
	for _, path := range []string{"mean", "variance", "scale", "offset"} {
		weights["/bn/"+path] = []int{2}
	}
	weights["/slope"] = []int{1}
	weights["/se/squeeze/weights"], weights["/se/excite/weights"] = []int{2, 1}, []int{1, 2}
	return testnet.Make("after", testnet.Input(2, 3, models.Gray), weights, func(get func(string) *Node, x *Node) *Node {
		x = Convolve(x, get("/conv/weights")).NoPadding().Done()
		x = follow(get, Add(x, channels(get("/conv/biases"), x)))
		return ReduceMean(x, 1, 2)
	})
}

// channels is v, a value a channel, in x's shape.
func channels(v, x *Node) *Node { return ExpandAndBroadcast(v, x.Shape().Dimensions, []int{0, 1, 2}) }
