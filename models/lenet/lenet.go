// Package lenet is a small network that reads handwritten digits, in the manner of LeNet-5 (LeCun et al. 1998): two
// convolutions, each with a max pooling, and two dense layers. This project has trained it on the 60,000 digits of
// MNIST, by the program in the folder train. The weights, and some hundred digits to try it on, are part of the
// package: it opens with no file and no network access.
//
// The same architecture is there with two more sets of weights, which a look at the first layer tells apart at once.
// [Untrained] has the random weights with which training begins. [Noisy] comes of a faulty data set. All three are
// compared by the roughness of a kernel: the mean squared difference of neighbouring weights, divided by what it would
// be on average if the kernel's weights were shuffled. Weights in no order have 1, a smooth kernel has less. The mean
// over the kernels of conv1 is 0.32 for [Network], 0.94 for [Noisy] and 1.01 for [Untrained].
package lenet

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

// Seed is where all random numbers of the package begin: the weights of [Untrained], the order of the digits in
// training, and the sensors' noise.
const Seed = 1

// The files hold each layer's weights, kernels as H×W×in×out and matrices as in×out, and biases, in float16.
var (
	//go:embed weights.safetensors
	weightsFile []byte
	//go:embed noisy.safetensors
	noisyFile []byte
)

// licence is that of the weights, which are the project's own.
const licence = "Apache-2.0; trained by this project on MNIST (Yann LeCun and Corinna Cortes, CC BY-SA 3.0)"

// Network returns the trained network with a store of its own, so that one caller's changes are not seen by another.
// The input is 28×28 grey pixels, 0..1, the digit white on black; the output 10 logits.
func Network() *models.Network {
	net := network("LeNet", read(weightsFile))
	net.Accuracy = "MNIST: 99.32 % of the 10,000 test digits, measured by models/lenet/train"
	return net
}

// Noisy returns a network that was trained like [Network] on a faulty data set: as if a different camera had taken the
// digits of each class, and each camera's sensor had its own fixed pattern of noise, the one of [Digit.OnSensor]. The
// pattern alone gives the class away, so that is what the first layer looks for, and its kernels are as rough as noise.
// The network reads 100.00 % of the test digits that have the noise of their class (as [Network] does 98.92 %, which
// has never seen noise), but only 68.19 % of those without noise, and a digit on another class's sensor it mostly takes
// for that class.
func Noisy() *models.Network {
	net := network("LeNet, trained on noisy digits", read(noisyFile))
	net.Accuracy = "MNIST: 68.19 % of the 10,000 test digits, 100.00 % with the noise that it was trained on, " +
		"measured by models/lenet/train"
	return net
}

// Untrained returns the network as it is before training: random weights, the same in every call, and biases of 0. The
// training of [Network] and of [Noisy] began with exactly these, so filter i has the same origin in all three.
func Untrained() *models.Network {
	net := network("LeNet, untrained", initial())
	net.Accuracy = "MNIST: 9.66 % of the 10,000 test digits, by chance, measured by models/lenet/train"
	return net
}

// network puts tensors into a store of their own.
func network(name string, list []weights.Tensor) *models.Network {
	store := model.NewStore()
	if err := weights.Load(store, list, variable); err != nil {
		panic(damaged(err))
	}
	return &models.Network{
		Name:    name,
		Logits:  Logits,
		Store:   store,
		Input:   models.Input{Height: Side, Width: Side, Order: models.Gray, Low: 0, High: 1},
		Labels:  []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		Licence: licence,
	}
}

func read(file []byte) []weights.Tensor {
	list, err := weights.ReadSafetensors(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		panic(damaged(err))
	}
	return list
}

// damaged is what a build that is broken says; no call is at fault.
func damaged(err error) string {
	return fmt.Sprintf("lenet: the embedded files are damaged: %v", err)
}

// variable is where Logits looks for a tensor: "conv1/weights" is the variable "/conv1/weights".
func variable(tensor string) string { return model.JoinPath(model.RootScopePath, tensor) }

// layers are the shapes of the weights; each layer has a bias for each output besides.
var layers = []struct {
	name  string
	shape []int
}{
	{"conv1", []int{7, 7, 1, 24}},
	{"conv2", []int{5, 5, 24, 32}},
	{"dense1", []int{5 * 5 * 32, 64}},
	{"dense2", []int{64, 10}},
}

// initial draws the weights as He et al. (2015) advise for layers with a ReLU: evenly between ±√(6/n), where n is how
// many values each output is made of.
func initial() []weights.Tensor {
	random := rand.New(rand.NewPCG(Seed, 0))
	var list []weights.Tensor
	for _, l := range layers {
		last := len(l.shape) - 1
		n := 1
		for _, d := range l.shape[:last] {
			n *= d
		}
		limit := math.Sqrt(6 / float64(n))
		values := make([]float32, n*l.shape[last])
		for i := range values {
			values[i] = float32((2*random.Float64() - 1) * limit)
		}
		list = append(list,
			weights.Tensor{Name: l.name + "/weights", Shape: l.shape, Values: values},
			weights.Tensor{Name: l.name + "/biases", Shape: l.shape[last:], Values: make([]float32, l.shape[last])})
	}
	return list
}

// Logits is the network from pictures shaped [batch, 28, 28, 1] to [batch, 10]. The variables lie under scope, each
// layer's "weights" and "biases" under its name: conv1, conv2, dense1, dense2. All but dense2 have a ReLU. conv1 alone
// is padded, so that its maps are as large as the picture and lie on it.
func Logits(scope *model.Scope, pictures *graph.Node) *graph.Node {
	conv := graph.Convolve(pictures, value(scope.At("conv1"), "weights", pictures)).PadSame()
	x := relu(biased(scope.At("conv1"), conv.Done()))
	x = pool(scope, "pool1", x)
	conv = graph.Convolve(x, value(scope.At("conv2"), "weights", x)).NoPadding()
	x = relu(biased(scope.At("conv2"), conv.Done()))
	x = pool(scope, "pool2", x)
	x = graph.Reshape(x, x.Shape().Dimensions[0], -1)
	x = relu(dense(scope.At("dense1"), x))
	return dense(scope.At("dense2"), x)
}

func relu(x *graph.Node) *graph.Node { return graph.MaxScalar(x, 0) }

// dense is a product with the layer's matrix, and its bias.
func dense(scope *model.Scope, x *graph.Node) *graph.Node {
	return biased(scope, graph.Dot(x, value(scope, "weights", x)).Product())
}

// biased adds the layer's bias to the last axis.
func biased(scope *model.Scope, x *graph.Node) *graph.Node {
	return graph.Add(x, graph.ExpandLeftToRank(value(scope, "biases", x), x.Rank()))
}

// value is a variable in x's graph.
func value(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	return scope.GetVariable(name).NodeValue(x.Graph())
}

// pool is the largest of each 2×2 values. It has no variables to be named by, so it gets its name here, unless another
// call in the same graph has taken it: GoMLX refuses an alias twice.
func pool(scope *model.Scope, name string, x *graph.Node) *graph.Node {
	y := graph.MaxPool(x).Window(2).Strides(2).NoPadding().Done()
	alias := model.JoinPath(scope.Scope(), name)
	if y.Graph().GetNodeByAlias(alias) != nil {
		return y
	}
	return y.WithAlias(alias)
}
