package attrib_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
)

// silenced is a small network whose second layer answers with a channel silenced, none with −1.
func silenced(channel int, mean bool) *models.Network {
	in := testnet.Input(9, 11, models.RGB)
	weights := testnet.Weights{"/a/weights": {3, 3, 3, 5}, "/a/biases": {5}, "/b/weights": {3, 3, 5, 2}, "/b/biases": {2}, "/c/weights": {5, 2}}
	net := testnet.Make("silenced", in, weights, func(get func(string) *graph.Node, x *graph.Node) *graph.Node { return nil })
	net.Logits = func(scope *model.Scope, x *graph.Node) *graph.Node {
		y := testnet.Relu(graph.AddScalar(testnet.Convolve(scope.In("a"), x, 2, false), -20000))
		if channel >= 0 {
			parts := make([]*graph.Node, 5)
			for c := range parts {
				parts[c] = graph.Slice(y, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(), graph.AxisRange(c, c+1))
			}
			was := parts[channel]
			parts[channel] = graph.ZerosLike(was)
			if mean {
				parts[channel] = graph.BroadcastToDims(graph.ReduceAndKeep(was, graph.ReduceMean, 1, 2), was.Shape().Dimensions...)
			}
			y = graph.Concatenate(parts, -1)
		}
		// The rest reads the layer twice, so that nothing may slip past what is silenced.
		z := testnet.Relu(testnet.Convolve(scope.In("b"), y, 1, true))
		heads := graph.Dot(graph.ReduceMax(y, 1, 2), scope.In("c").GetVariable("weights").NodeValue(x)).Product()
		return graph.Add(graph.ReduceMean(z, 1, 2), heads)
	}
	return net
}

// TestChannelAblation compares with networks that are built with a channel silenced.
func TestChannelAblation(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := silenced(-1, false)
		p, picture := open(t, backend, net), noisy(t, net)
		clean, err := p.Classify(t.Context(), picture)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []attrib.Silence{attrib.ToZero, attrib.ToMean} {
			without := make([]*probe.Answer, 5)
			for c := range without {
				if without[c], err = open(t, backend, silenced(c, to == attrib.ToMean)).Classify(t.Context(), picture); err != nil {
					t.Fatal(err)
				}
			}
			for _, batch := range []int{1, 2, 32} {
				a := attribute(t, p, picture, attrib.ChannelAblation{Layer: "a", Class: "1", Score: attrib.Logit, To: to, Batch: batch})
				if len(a.Channels.Drop) != 5 || math.Abs(a.Clean-float64(clean.Logits[1])) > 1e-5*a.Clean {
					t.Fatalf("%d channels, clean %v; want 5, %v", len(a.Channels.Drop), a.Clean, clean.Logits[1])
				}
				for c, d := range a.Channels.Drop {
					if want := float64(clean.Logits[1] - without[c].Logits[1]); math.Abs(float64(d)-want) > 1e-5*a.Clean {
						t.Errorf("%s, batch %d, channel %d: drop %v, want %v", to, batch, c, d, want)
					}
					if got := float64(a.Channels.Probability[c]); math.Abs(got-without[c].Probabilities[1]) > 1e-3 {
						t.Errorf("channel %d: probability %v, want %v", c, got, without[c].Probabilities[1])
					}
				}
			}
		}
	})
}

// TestChannelOrder puts the strongest first, with its map.
func TestChannelOrder(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	for _, layer := range []string{"stem", "fire", "head"} {
		c := attribute(t, p, picture, attrib.ChannelAblation{Layer: layer, Score: attrib.Logit}).Channels
		for k := range len(c.Order) - 1 {
			if c.Drop[c.Order[k]] < c.Drop[c.Order[k+1]] {
				t.Errorf("%s: order %v of %v", layer, c.Order, c.Drop)
			}
		}
		if len(c.Maps) != min(len(c.Drop), attrib.MostMaps) || len(c.Best) != len(c.Drop) {
			t.Errorf("%s: %d maps of %d channels", layer, len(c.Maps), len(c.Drop))
		}
		if first := c.Maps[0]; layer == "stem" && (first.H != 6 || first.W != 9) {
			t.Errorf("a map of %d×%d", first.H, first.W)
		}
	}
	for words, c := range map[string]attrib.ChannelAblation{
		"no layer whose": {}, "no layer \"stam\"": {Layer: "stam"}, "zero and mean": {Layer: "stem", To: "one"}, "batch of -1": {Layer: "stem", Batch: -1},
	} {
		if _, err := c.Attribute(t.Context(), p, picture); err == nil || !strings.Contains(fmt.Sprint(err), words) {
			t.Errorf("error %v, want %q", err, words)
		}
	}
}
