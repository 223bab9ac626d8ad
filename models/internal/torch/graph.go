package torch

import (
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// The functions below are named after the modules of PyTorch that they compute. Each looks for its variables in the
// scope of the module's name below the network's scope: "layer1.0.conv1" in layer1/0/conv1.

// Conv2d is a convolution, the map padded by so many zeros on each side, with its bias if it has one. The kernel's
// size is that of the variable.
func Conv2d(scope *model.Scope, name string, x *graph.Node, stride, padding int) *graph.Node {
	scope = at(scope, name)
	y := graph.Convolve(x, value(scope, "weights", x)).Strides(stride).PaddingPerDim(around(padding)).Done()
	if scope.GetVariable("biases") == nil {
		return y
	}
	return graph.Add(y, channels(scope, "biases", y))
}

// Linear is a dense layer. A map is read place after place.
func Linear(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	scope = at(scope, name)
	x = graph.Reshape(x, x.Shape().Dimensions[0], -1)
	y := graph.Dot(x, value(scope, "weights", x)).Product()
	return graph.Add(y, channels(scope, "biases", y))
}

// epsilon is what torchvision's batch normalisations add to the variance.
const epsilon = 1e-5

// BatchNorm2d scales and shifts each channel by what training has found.
func BatchNorm2d(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	scope = at(scope, name)
	deviation := graph.Sqrt(graph.AddScalar(channels(scope, "variance", x), epsilon))
	scale := graph.Div(channels(scope, "scale", x), deviation)
	shift := graph.Sub(channels(scope, "offset", x), graph.Mul(channels(scope, "mean", x), scale))
	return graph.Add(graph.Mul(x, scale), shift)
}

// ReLU cuts at 0.
func ReLU(x *graph.Node) *graph.Node { return graph.MaxScalar(x, 0) }

// MaxPool2d is the largest value in a window; padding never is.
func MaxPool2d(scope *model.Scope, name string, x *graph.Node, window, stride, padding int) *graph.Node {
	return Named(scope, name, graph.MaxPool(x).Window(window).Strides(stride).PaddingPerDim(around(padding)).Done())
}

// Mean is each channel's mean over all places: AdaptiveAvgPool2d to one place.
func Mean(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	return Named(scope, name, graph.ReduceMean(x, 1, 2))
}

// Named gives a layer without variables its name, unless another call in the same graph has taken it: GoMLX refuses
// an alias twice.
func Named(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	alias := at(scope, name).Scope()
	if x.Graph().GetNodeByAlias(alias) != nil {
		return x
	}
	return x.WithAlias(alias)
}

// at is the scope of a module.
func at(scope *model.Scope, name string) *model.Scope {
	for part := range strings.SplitSeq(name, ".") {
		scope = scope.At("%s", part)
	}
	return scope
}

// value is a variable in x's graph.
func value(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	return scope.GetVariable(name).NodeValue(x.Graph())
}

// channels is a variable with a value for each channel, the last axis of x.
func channels(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	return graph.ExpandLeftToRank(value(scope, name, x), x.Rank())
}

// around is the padding of height and width.
func around(n int) [][2]int { return [][2]int{{n, n}, {n, n}} }
