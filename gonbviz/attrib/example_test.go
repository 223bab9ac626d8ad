package attrib_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

// A network that compares the brightness of the picture's left half with that of its right half: what does its answer
// rest on?
func ExampleOcclusion() {
	net := &models.Network{
		Name: "balance", Store: model.NewStore(), Labels: []string{"left", "right"},
		Input: models.Input{Height: 2, Width: 4, Order: models.Gray, High: 1},
		Logits: func(_ *model.Scope, x *graph.Node) *graph.Node {
			left := graph.Slice(x, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(0, 2))
			right := graph.Slice(x, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(2, 4))
			return graph.Concatenate([]*graph.Node{graph.ReduceSum(left, 1, 2), graph.ReduceSum(right, 1, 2)}, -1)
		},
	}
	array, err := pixel.NewArray(weights.Array{Shape: []int{2, 4}, Values: []float32{5, 1, 0, 1, 2, 0, 3, 0}}, pixel.NHWC, "spots")
	if err != nil {
		panic(err)
	}
	picture, err := pixel.Prepare(array, net.Input)
	if err != nil {
		panic(err)
	}
	backend, err := gobackend.New("")
	if err != nil {
		panic(err)
	}
	p, err := probe.Open(backend, net)
	if err != nil {
		panic(err)
	}
	result, err := attrib.Occlusion{
		Class: "left", Score: attrib.Logit,
		Window: attrib.Pixels(1), Fill: attrib.Black,
	}.Attribute(context.Background(), p, picture)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s of %q: %v\n", result.Score, result.Label, result.Clean)
	for y := range result.Map.H {
		fmt.Println(result.Map.Values[y*result.Map.W : (y+1)*result.Map.W])
	}
	// Output:
	// logit of "left": 8
	// [5 1 0 0]
	// [2 0 0 0]
}

func ExampleConstant() {
	fmt.Println(attrib.Constant(0.5), attrib.Constant(-1, 0, 1))
	// Output: 0.5 -1,0,1
}
