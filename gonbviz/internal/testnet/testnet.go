// Package testnet holds small networks for tests: some with weights set by hand, whose answers can be worked out on
// paper, some with random ones.
package testnet

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
)

// Input is a network's input whose values are the picture's own: black 0, white 255, nothing taken off.
func Input(height, width int, order models.ChannelOrder) models.Input {
	return models.Input{Height: height, Width: width, Order: order, High: 255}
}

// Set gives a variable of the store its values.
func Set(store *model.Store, path string, values []float32, dims ...int) {
	if _, err := store.CreateVariable(path, tensors.FromFlatDataAndDimensions(values, dims...)); err != nil {
		panic(err)
	}
}

// variable is the variable of that name in the scope, in x's graph.
func variable(scope *model.Scope, x *graph.Node, name string) *graph.Node {
	return scope.GetVariable(name).NodeValue(x)
}

// Convolve is a convolution whose weights (height, width, in, out) and biases lie in the scope.
func Convolve(scope *model.Scope, x *graph.Node, stride int, same bool) *graph.Node {
	c := graph.Convolve(x, variable(scope, x, "weights")).Strides(stride)
	if same {
		c = c.PadSame()
	} else {
		c = c.NoPadding()
	}
	y := c.Done()
	bias := variable(scope, x, "biases")
	return graph.Add(y, graph.ExpandAndBroadcast(bias, y.Shape().Dimensions, []int{0, 1, 2}))
}

// Relu is max(x, 0).
func Relu(x *graph.Node) *graph.Node { return graph.Max(x, graph.ZerosLike(x)) }

// Exact takes 4×4 grey pictures through two 3×3 filters of ones with biases −50 and −75, a ReLU, and a sum of the
// first five values (filter by filter) less the last three, again through a ReLU. For 0..15 it answers 54.
func Exact() *models.Network {
	store := model.NewStore()
	ones := make([]float32, 18)
	for i := range ones {
		ones[i] = 1
	}
	Set(store, "/conv/weights", ones, 3, 3, 1, 2)
	Set(store, "/conv/biases", []float32{-50, -75}, 2)
	Set(store, "/head/weights", []float32{1, 1, 1, 1, 1, -1, -1, -1}, 8, 1)
	return &models.Network{
		Name: "exact", Store: store, Input: Input(4, 4, models.Gray),
		Logits: func(scope *model.Scope, x *graph.Node) *graph.Node {
			x = Relu(Convolve(scope.In("conv"), x, 1, false))
			x = graph.TransposeAllAxes(x, 0, 3, 1, 2)
			x = graph.Reshape(x, x.Shape().Dimensions[0], 8)
			return Relu(graph.Dot(x, variable(scope.In("head"), x, "weights")).Product())
		},
	}
}

// Random gives a variable small whole numbers from −2 to 2, drawn from a source, so that a network's answers are exact
// whatever the order of the sums.
func Random(store *model.Store, random *rand.Rand, path string, dims ...int) {
	whole(store, random, -2, path, dims)
}

// Positive gives a variable whole numbers from 1 to 5, drawn from a source, so that nothing cancels and no value is
// lost in a ReLU.
func Positive(store *model.Store, random *rand.Rand, path string, dims ...int) {
	whole(store, random, 1, path, dims)
}

func whole(store *model.Store, random *rand.Rand, least int, path string, dims []int) {
	values := make([]float32, shapes.Make(dtypes.Float32, dims...).Size())
	for i := range values {
		values[i] = float32(least + random.IntN(5))
	}
	Set(store, path, values, dims...)
}

// Weights are the variables of a network made by Make: shapes by path.
type Weights map[string][]int

// Make makes a network of a function, its variables positive whole numbers. get gives the function their nodes.
func Make(name string, in models.Input, weights Weights, logits func(get func(path string) *graph.Node, x *graph.Node) *graph.Node) *models.Network {
	store, random := model.NewStore(), rand.New(rand.NewPCG(1, 1))
	for _, path := range slices.Sorted(maps.Keys(weights)) {
		Positive(store, random, path, weights[path]...)
	}
	return &models.Network{
		Name: name, Store: store, Input: in,
		Logits: func(scope *model.Scope, x *graph.Node) *graph.Node {
			return logits(func(path string) *graph.Node { return scope.Store().GetVariable(path).NodeValue(x) }, x)
		},
	}
}

// Branches takes colour pictures of any size through a strided convolution, a max pooling, two branches (1×1 and 3×3)
// that are concatenated, a residual sum, a global mean and a dense layer of three classes. Its weights are small whole
// numbers from the seed.
func Branches(height, width int, seed uint64) *models.Network {
	store, random := model.NewStore(), rand.New(rand.NewPCG(seed, 1))
	layer := func(name string, dims ...int) {
		Random(store, random, "/"+name+"/weights", dims...)
		Random(store, random, "/"+name+"/biases", dims[len(dims)-1])
	}
	layer("stem", 3, 3, 3, 4)
	layer("fire/left", 1, 1, 4, 2)
	layer("fire/right", 3, 3, 4, 2)
	layer("block/conv", 3, 3, 4, 4)
	layer("head", 4, 3)
	return &models.Network{
		Name: "branches", Store: store, Input: Input(height, width, models.RGB), Labels: []string{"one", "two", "two"},
		Logits: func(scope *model.Scope, x *graph.Node) *graph.Node {
			x = Relu(Convolve(scope.In("stem"), x, 2, false))
			x = graph.MaxPool(x).Window(3).Strides(2).NoPadding().Done()
			fire := scope.In("fire")
			left := Relu(Convolve(fire.In("left"), x, 1, false))
			right := Relu(Convolve(fire.In("right"), x, 1, true))
			x = graph.Concatenate([]*graph.Node{left, right}, -1)
			x = Relu(graph.Add(x, Convolve(scope.In("block").In("conv"), x, 1, true)))
			x = graph.ReduceMean(x, 1, 2)
			head := scope.In("head")
			y := graph.Dot(x, variable(head, x, "weights")).Product()
			return graph.Add(y, graph.ExpandAndBroadcast(variable(head, x, "biases"), y.Shape().Dimensions, []int{0}))
		},
	}
}
