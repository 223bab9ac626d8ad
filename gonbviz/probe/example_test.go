package probe_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

// edges is a network of one's own: nothing in it is annotated. It looks for edges in grey pictures of 3×4 pixels, where
// the picture grows brighter to the right and to the left, and sums up what it finds.
func edges() *models.Network {
	store := model.NewStore()
	_, err := store.CreateVariable("/edge/weights", tensors.FromFlatDataAndDimensions([]float32{-1, 1, 1, -1}, 1, 2, 1, 2))
	if err != nil {
		panic(err)
	}
	return &models.Network{
		Name: "edges", Store: store, Labels: []string{"brighter to the right", "brighter to the left"},
		Input: models.Input{Height: 3, Width: 4, Order: models.Gray, High: 1},
		Logits: func(scope *model.Scope, x *graph.Node) *graph.Node {
			kernel := scope.In("edge").GetVariable("weights").NodeValue(x)
			x = graph.Convolve(x, kernel).NoPadding().Done()
			return graph.ReduceSum(graph.MaxScalar(x, 0), 1, 2)
		},
	}
}

// step is a picture that is dark on the left and bright on the right.
func step(in models.Input) *pixel.Prepared {
	numbers := weights.Array{Shape: []int{3, 4}, Values: []float32{0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1}}
	array, err := pixel.NewArray(numbers, pixel.NHWC, "step")
	if err != nil {
		panic(err)
	}
	picture, err := pixel.Prepare(array, in)
	if err != nil {
		panic(err)
	}
	return picture
}

// openEdges opens the network on the backend in pure Go.
func openEdges() *probe.Probe {
	backend, err := gobackend.New("")
	if err != nil {
		panic(err)
	}
	p, err := probe.Open(backend, edges())
	if err != nil {
		panic(err)
	}
	return p
}

func ExampleProbe_Layers() {
	for _, l := range openEdges().Layers() {
		fmt.Println(l.Name, l.Kind, l.Shape, l.Parameters, "parameters, sees", l.ReceptiveField, "every", l.Stride)
	}
	// Output:
	// edge conv [3 3 2] 4 parameters, sees [1 2] every [1 1]
	// edge/relu activation [3 3 2] 0 parameters, sees [1 2] every [1 1]
	// global_pool pool [2] 0 parameters, sees [3 4] every [0 0]
}

func ExampleProbe_Filters() {
	bank, err := openEdges().Filters(probe.Filters{Layer: "edge"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range bank.Out {
		fmt.Printf("filter %d of %d×%d: %v\n", i, bank.H, bank.W, bank.Kernel(i, 0).Values)
	}
	// Output:
	// filter 0 of 1×2: [-1 1]
	// filter 1 of 1×2: [1 -1]
}

func ExampleProbe_Maps() {
	p := openEdges()
	set, err := p.Maps(context.Background(), step(p.Network().Input), probe.Maps{Layers: []string{"edge"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	maps := set.Layers[0]
	fmt.Println(maps.Layer.Name, "answers", maps.After)
	for i, plane := range maps.Planes {
		fmt.Printf("map %d of %d×%d: %v\n", maps.Index[i], plane.H, plane.W, plane.Values)
	}
	// Output:
	// edge/relu answers after ReLU
	// map 0 of 3×3: [0 1 0 0 1 0 0 1 0]
	// map 1 of 3×3: [0 0 0 0 0 0 0 0 0]
}

func ExampleProbe_Classify() {
	p := openEdges()
	answer, err := p.Classify(context.Background(), step(p.Network().Input))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range answer.Top(2) {
		fmt.Printf("%s: logit %v, probability %.3f\n", c.Label, c.Logit, c.Probability)
	}
	// Output:
	// brighter to the right: logit 3, probability 0.953
	// brighter to the left: logit 0, probability 0.047
}

func ExampleProbe_Layer() {
	_, err := openEdges().Layer("egde")
	fmt.Println(err)
	// Output:
	// no layer "egde" in edges; nearest: edge, edge/relu, global_pool
}
