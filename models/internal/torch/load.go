// Package torch makes GoMLX networks, whose channels are the last axis, of checkpoints that PyTorch's libraries
// torchvision and timm have saved, whose channels come first.
package torch

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/imagenet"
	"github.com/convlens/convlens/models/weights"
)

// Layer is a layer with weights. Conv, Dense and Norm make one.
type Layer struct {
	// Name is the module's name in torchvision, "layer1.0.conv1", and Also in timm, where it has another one.
	Name, Also string
	// Out and In are the numbers of channels. A dense layer with an Out of 0 has as many as the checkpoint says: it is
	// the last one, with a channel a class.
	Out, In int
	// Side is the height and the width of a kernel, or of the map that a dense layer reads; 0 for a normalisation.
	Side int
	// Bias says whether a convolution has one; the others do.
	Bias bool
	// Flat says that the layer is dense.
	Flat bool
}

// Conv is a convolution with square kernels.
func Conv(name string, side, in, out int, bias bool) Layer {
	return Layer{Name: name, Side: side, In: in, Out: out, Bias: bias}
}

// Dense is a dense layer on all values of a map of side × side places and so many channels; side is 1 where it follows
// another dense layer. also is timm's name for it.
func Dense(name, also string, side, in, out int) Layer {
	return Layer{Name: name, Also: also, Side: side, In: in, Out: out, Bias: true, Flat: true}
}

// Norm is a batch normalisation.
func Norm(name string, channels int) Layer { return Layer{Name: name, Out: channels} }

// Classes is the Out of a network's last layer.
const Classes = 0

// Tensor is a tensor that a checkpoint must hold.
type Tensor struct {
	// Name is torchvision's name, Also timm's where it has another.
	Name, Also string
	// Shape is the shape in torchvision's files, Classes standing for the number of classes.
	Shape []int

	variable  string // the path of the variable
	kernel    []int  // out, in, height and width of a kernel or of a dense layer's weights; nil of other tensors
	statistic bool   // measured in training, not learned
	positive  bool   // a variance
}

// Tensors lists what a checkpoint must hold for the layers.
func Tensors(layers []Layer) []Tensor {
	var list []Tensor
	for _, l := range layers {
		add := func(tensor, variable string, t Tensor) {
			t.Name = l.Name + "." + tensor
			if l.Also != "" {
				t.Also = l.Also + "." + tensor
			}
			t.variable = model.JoinPath(model.RootScopePath, strings.ReplaceAll(l.Name, ".", "/"), variable)
			list = append(list, t)
		}
		one := []int{l.Out}
		if l.Side == 0 {
			add("weight", "scale", Tensor{Shape: one})
			add("bias", "offset", Tensor{Shape: one})
			add("running_mean", "mean", Tensor{Shape: one, statistic: true})
			add("running_var", "variance", Tensor{Shape: one, statistic: true, positive: true})
			continue
		}
		kernel := []int{l.Out, l.In, l.Side, l.Side}
		shape := kernel
		if l.Flat {
			shape = []int{l.Out, l.In * l.Side * l.Side}
		}
		add("weight", "weights", Tensor{Shape: shape, kernel: kernel})
		if l.Bias {
			add("bias", "biases", Tensor{Shape: one})
		}
	}
	return list
}

// Open makes a network of the safetensors file at path: a network of that name, with such layers, and a function
// that gives its logits. Errors are one line and name the file; a file of another network is refused by its header,
// before any of its data is read.
func Open(path, name string, layers []Layer, logits func(*model.Scope, *graph.Node) *graph.Node) (*models.Network, error) {
	f, err := weights.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	store, classes, err := load(name, layers, f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	input, err := models.Input{Height: Side, Width: Side}.Preset("imagenet")
	if err != nil {
		return nil, err
	}
	input.Mean, input.Deviation = slices.Clone(input.Mean), slices.Clone(input.Deviation) // the caller's own
	net := &models.Network{Name: name, Logits: logits, Store: store, Input: input}
	if labels := imagenet.Labels(); len(labels) == classes {
		net.Labels = labels
	}
	return net, nil
}

// Side is the height and width of the pictures that the networks were trained on.
const Side = 224

// load puts a checkpoint's tensors into a new store, and counts the classes. It holds the values of one tensor at a
// time, because VGG's take half a gigabyte together.
func load(name string, layers []Layer, r io.ReaderAt, size int64) (store *model.Store, classes int, err error) {
	checkpoint, err := weights.NewSafetensors(r, size)
	if err != nil {
		return nil, 0, err
	}
	list := checkpoint.Tensors()
	plan, classes, err := match(name, layers, list)
	if err != nil {
		return nil, 0, err
	}
	store = model.NewStore()
	for _, f := range plan {
		t := list[f.at]
		if t.Values, err = checkpoint.Values(f.at); err != nil {
			return nil, 0, err
		}
		if f.positive && slices.Min(t.Values) < 0 {
			return nil, 0, fmt.Errorf("tensor %q has a variance below 0", t.Name)
		}
		if err := weights.Load(store, []weights.Tensor{f.turned(&t)}, func(string) string { return f.variable }); err != nil {
			return nil, 0, err
		}
		store.GetVariable(f.variable).SetTrainable(!f.statistic)
	}
	return store, classes, nil
}

// found is a tensor that a network needs, and which one of the checkpoint's it is.
type found struct {
	Tensor
	at int
}

// match finds what the layers need among the tensors of a checkpoint by names and shapes, and counts the classes.
func match(name string, layers []Layer, list []weights.Tensor) (plan []found, classes int, err error) {
	have := map[string]int{}
	for i, t := range list {
		have[t.Name] = i
	}
	for _, need := range Tensors(layers) {
		if classes > 0 && need.Shape[0] == Classes {
			need.Shape = slices.Concat([]int{classes}, need.Shape[1:])
		}
		at, there := have[need.Name]
		if !there && need.Also != "" {
			at, there = have[need.Also]
		}
		if !there {
			return nil, 0, fmt.Errorf("%s needs tensor %q of shape %s, which is not there", name, need.Name, text(need.Shape))
		}
		t := list[at]
		if !fits(t.Shape, need.Shape) && !(need.kernel != nil && fits(t.Shape, need.kernel)) {
			return nil, 0, fmt.Errorf("tensor %q has shape %v; %s needs %s", t.Name, t.Shape, name, text(need.Shape))
		}
		if need.Shape[0] == Classes {
			classes = t.Shape[0]
		}
		plan = append(plan, found{need, at})
		delete(have, t.Name)
	}
	for _, l := range layers {
		if l.Side == 0 {
			delete(have, l.Name+".num_batches_tracked") // counts the steps of training
		}
	}
	for _, t := range list {
		if _, left := have[t.Name]; left {
			return nil, 0, fmt.Errorf("tensor %q is there, which %s does not have", t.Name, name)
		}
	}
	return plan, classes, nil
}

// fits reports whether a shape is the one that is needed, with any number of classes.
func fits(shape, need []int) bool {
	return slices.EqualFunc(shape, need, func(d, n int) bool { return d > 0 && (d == n || n == Classes) })
}

// text is a shape in an error.
func text(shape []int) string {
	return strings.Replace(fmt.Sprint(shape), "[0", "[classes", 1)
}

// turned is a tensor of the checkpoint as the variable holds it. A kernel goes from out×in×height×width to
// height×width×in×out. So do the weights of a dense layer that reads a map: PyTorch's map lies channel after channel,
// this one place after place.
func (need Tensor) turned(t *weights.Tensor) weights.Tensor {
	if need.kernel == nil {
		return *t
	}
	out, in, side := t.Shape[0], need.kernel[1], need.kernel[2]
	places := side * side
	shape := []int{side, side, in, out}
	if len(need.Shape) == 2 {
		shape = []int{places * in, out}
	}
	values := make([]float32, len(t.Values))
	const strip = 16 // values that are neighbours in memory are written together
	for begin := 0; begin < out; begin += strip {
		end := min(begin+strip, out)
		for i := range in {
			for p := range places {
				to := values[(p*in+i)*out:]
				for o := begin; o < end; o++ {
					to[o] = t.Values[(o*in+i)*places+p]
				}
			}
		}
	}
	return weights.Tensor{Name: t.Name, Shape: shape, Values: values}
}
