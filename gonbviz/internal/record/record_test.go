package record_test

import (
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/models"
)

func trace(t *testing.T, net *models.Network) *record.Program {
	t.Helper()
	p, err := record.Trace(net, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSubstitute takes the ReLUs out of a network whose answer is 54 with them: the convolution then gives −5, 4, 31,
// 40 and −30, −21, 6, 15, of which the head makes (−5 + 4 + 31 + 40 − 30) − (−21 + 6 + 15).
func TestSubstitute(t *testing.T) {
	net := testnet.Exact()
	p := trace(t, net)
	picture := make([]float32, 16)
	for i := range picture {
		picture[i] = float32(i)
	}
	for want, substitute := range map[float32]func(n *graph.Node, inputs []*graph.Node) *graph.Node{
		54: nil,
		40: func(n *graph.Node, inputs []*graph.Node) *graph.Node {
			if n.Type() == graph.NodeTypeMax {
				return inputs[0]
			}
			return nil
		},
	} {
		exec, err := model.NewExec(gobackend.GetBackend(), net.Store, func(_ *model.Scope, x *graph.Node) *graph.Node {
			return p.Replay(x, []*graph.Node{p.Logits}, substitute)[0]
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(picture, 1, 4, 4, 1))
		if err != nil {
			t.Fatal(err)
		}
		if got := tensors.MustCopyFlatData[float32](out[0])[0]; got != want {
			t.Errorf("answer %v, want %v", got, want)
		}
	}
}

// TestAttributes reads back what a convolution and a pooling were built with.
func TestAttributes(t *testing.T) {
	net := testnet.Make("attributes", testnet.Input(12, 13, models.RGB), testnet.Weights{"/w": {2, 3, 3, 4}}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		x = graph.Convolve(x, get("/w")).Dilations(2).PaddingPerDim([][2]int{{1, 2}, {0, 3}}).Done()
		x = graph.MaxPool(x).WindowPerAxis(2, 3).StridePerAxis(1, 2).Done()
		return graph.ReduceMean(x, 1, 2)
	})
	seen := 0
	p := trace(t, net)
	for _, n := range p.Nodes {
		switch a := p.Attributes(n).(type) {
		case record.Conv:
			seen++
			if !slices.Equal(a.KernelDilations, []int{2, 2}) || !slices.Equal(a.Paddings, [][2]int{{1, 2}, {0, 3}}) || max(a.Groups, 1) != 1 {
				t.Errorf("convolution %+v", a)
			}
		case record.Window:
			seen++
			if a.Reduction != compute.ReduceOpMax || !slices.Equal(a.Sizes, []int{1, 2, 3, 1}) || !slices.Equal(a.Strides, []int{1, 1, 2, 1}) {
				t.Errorf("pooling %+v", a)
			}
		case record.Reduce:
			seen++
			if !slices.Equal(a.Axes, []int{1, 2}) {
				t.Errorf("sum %+v", a)
			}
		}
	}
	if seen != 3 {
		t.Errorf("%d of 3 operations have attributes", seen)
	}
}

// TestSubstituteAroundClosures replaces a node that a loop's body reads: twice the body adds what it reads, first 3 times
// the mean of 0, 1, 2, 3, then what stands for that.
func TestSubstituteAroundClosures(t *testing.T) {
	net := testnet.Make("loop", testnet.Input(2, 2, models.Gray), nil, func(_ func(string) *graph.Node, x *graph.Node) *graph.Node {
		g, mean := x.Graph(), graph.ReduceMean(x, 1, 2)
		read := graph.MulScalar(mean, 3)
		state := func(g *graph.Graph) (i, v *graph.Node) {
			return graph.Parameter(g, "i", shapes.Make(dtypes.Int32)), graph.Parameter(g, "v", mean.Shape())
		}
		more := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			i, _ := state(g)
			return []*graph.Node{graph.LessThan(i, graph.Const(g, int32(2)))}
		})
		body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			i, v := state(g)
			return []*graph.Node{graph.Add(i, graph.Const(g, int32(1))), graph.Add(v, read)}
		})
		return graph.While(more, body, graph.Const(g, int32(0)), mean)[1]
	})
	p := trace(t, net)
	for want, substitute := range map[float32]func(n *graph.Node, inputs []*graph.Node) *graph.Node{
		1.5 + 2*4.5: nil,
		1.5 - 2*7: func(n *graph.Node, inputs []*graph.Node) *graph.Node {
			if n.Type() == graph.NodeTypeMul && n.Inputs()[0].Type() != graph.NodeTypeReduceSum {
				return graph.AddScalar(graph.ZerosLike(inputs[0]), -7)
			}
			return nil
		},
	} {
		exec, err := model.NewExec(gobackend.GetBackend(), net.Store, func(_ *model.Scope, x *graph.Node) *graph.Node {
			return p.Replay(x, []*graph.Node{p.Logits}, substitute)[0]
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(testnet.Counting(4), 1, 2, 2, 1))
		if err != nil {
			t.Fatal(err)
		}
		if got := tensors.MustCopyFlatData[float32](out[0])[0]; got != want {
			t.Errorf("answer %v, want %v", got, want)
		}
	}
}
