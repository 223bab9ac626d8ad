// Package squeezenet is SqueezeNet 1.1, a small network that names 1000 kinds of things, trained on ImageNet. Its
// weights are part of the package: it opens with no file and no network access.
package squeezenet

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/imagenet"
	"github.com/convlens/convlens/models/weights"
)

// weightsFile holds each convolution's kernel as H×W×in×out and its bias, in float16.
//
//go:embed weights.safetensors
var weightsFile []byte

// Network returns the network with a store of its own, so that one caller's changes are not seen by another. The
// input is 227×227 pixels in BGR, 0..255 less a mean a channel; the output 1000 logits.
func Network() *models.Network {
	store := model.NewStore()
	tensors, err := weights.ReadSafetensors(bytes.NewReader(weightsFile), int64(len(weightsFile)))
	if err == nil {
		err = weights.Load(store, tensors, variable)
	}
	if err != nil {
		panic(fmt.Sprintf("squeezenet: the embedded weights are damaged: %v", err)) // the build is broken, not the call
	}
	return &models.Network{
		Name:   "SqueezeNet 1.1",
		Logits: Logits,
		Store:  store,
		Input: models.Input{
			Height: 227, Width: 227, Order: models.BGR,
			Low: 0, High: 255, Mean: []float32{103.939, 116.779, 123.68},
		},
		Labels: imagenet.Labels(),
		Accuracy: "ImageNet: 57.5 % top-1, 80.3 % top-5, as published for SqueezeNet (Iandola et al. 2016); " +
			"version 1.1 claims the same; not measured again here",
		Licence: "MIT (keras-squeezenet), converted from DeepScale SqueezeNet (BSD 2-Clause); " +
			"trained on ImageNet, whose pictures are for research",
	}
}

// variable is where Logits looks for a tensor: "conv1.weight" is the variable "/conv1/weights".
func variable(tensor string) string {
	layer, kind, _ := strings.Cut(tensor, ".")
	return model.JoinPath(model.RootScopePath, layer, map[string]string{"weight": "weights", "bias": "biases"}[kind])
}

// Logits is SqueezeNet 1.1 (Iandola et al. 2016) in inference mode, from pictures shaped [batch, 227, 227, 3] to
// [batch, 1000]. The variables lie under scope, each convolution's "weights" and "biases" under its name: conv1,
// fire2/squeeze1x1, fire2/expand1x1, fire2/expand3x3 and so on to conv10. The network has a ReLU after conv10 too, so
// no logit is below 0.
func Logits(scope *model.Scope, pictures *graph.Node) *graph.Node {
	x := convolve(scope.At("conv1"), pictures, 2)
	x = pool(scope, "pool1", x)
	x = fire(scope.At("fire2"), x)
	x = fire(scope.At("fire3"), x)
	x = pool(scope, "pool3", x)
	x = fire(scope.At("fire4"), x)
	x = fire(scope.At("fire5"), x)
	x = pool(scope, "pool5", x)
	x = fire(scope.At("fire6"), x)
	x = fire(scope.At("fire7"), x)
	x = fire(scope.At("fire8"), x)
	x = fire(scope.At("fire9"), x)
	x = convolve(scope.At("conv10"), x, 1)
	return named(scope, "pool10", graph.ReduceMean(x, 1, 2))
}

// fire narrows the channels by 1×1 kernels, then widens them by 1×1 and by 3×3 kernels side by side.
func fire(scope *model.Scope, x *graph.Node) *graph.Node {
	x = convolve(scope.At("squeeze1x1"), x, 1)
	return named(scope, "concat", graph.Concatenate([]*graph.Node{
		convolve(scope.At("expand1x1"), x, 1),
		convolve(scope.At("expand3x3"), x, 1),
	}, -1))
}

// convolve is a convolution with its bias and ReLU. The kernel's size is that of the stored weights. Only the 3×3
// kernels of the fire modules are padded; a 1×1 kernel has nothing to pad, and conv1 alone has a stride.
func convolve(scope *model.Scope, x *graph.Node, stride int) *graph.Node {
	g := x.Graph()
	conv := graph.Convolve(x, scope.GetVariable("weights").NodeValue(g)).Strides(stride)
	if stride == 1 {
		conv = conv.PadSame()
	} else {
		conv = conv.NoPadding()
	}
	y := conv.Done()
	bias := graph.ExpandLeftToRank(scope.GetVariable("biases").NodeValue(g), y.Rank())
	return graph.MaxScalar(graph.Add(y, bias), 0)
}

// pool is the largest of 3×3 values at every second row and column.
func pool(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	return named(scope, name, graph.MaxPool(x).Window(3).Strides(2).NoPadding().Done())
}

// named gives a layer without variables its name, unless another call in the same graph has taken it: GoMLX refuses
// an alias twice.
func named(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	alias := model.JoinPath(scope.Scope(), name)
	if x.Graph().GetNodeByAlias(alias) != nil {
		return x
	}
	return x.WithAlias(alias)
}
