// Package models says what a network is: a plain GoMLX function together with all that is needed to feed it and to
// name its answers. The packages below it hold ready-made networks.
package models

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Network is a classifier of pictures.
type Network struct {
	// Name is shown in captions: "SqueezeNet 1.1".
	Name string

	// Logits is the network in inference mode, without a final softmax. It takes pictures shaped
	// [batch, Input.Height, Input.Width, Input.Channels] (float32) and returns [batch, classes].
	// Nothing in it needs to be annotated.
	Logits func(scope *model.Scope, pictures *graph.Node) *graph.Node

	// Tensors, where set, is Logits that also returns inner values by the names that they have in the file which the
	// network comes from, in that file's order of axes. It must be no other network than Logits.
	Tensors func(scope *model.Scope, pictures *graph.Node) (logits *graph.Node, named map[string]*graph.Node)

	// Store holds the variables under the scopes that Logits uses. Their values must be set.
	Store *model.Store

	// Input states how a picture becomes the network's input.
	Input Input

	// Guessed says in words what about Input was assumed because nothing states it; empty where nothing was.
	Guessed string

	// GuessedSize is the part of Guessed that is about the picture's size, on which the layers' shapes rest.
	GuessedSize string

	// Labels names the classes in the order of the logits; empty where they have no names.
	Labels []string

	// Accuracy is the test accuracy with its source, in words; empty where unknown.
	Accuracy string

	// Files are those that the network was read from beside the one that was named, such as its external data.
	Files []string

	// Licence names the licence of the weights; Notice is what must be seen beside results (may be empty).
	Licence, Notice string
}

// Label names class i: its label, or its index where the network has no labels.
func (n *Network) Label(i int) string {
	if i >= 0 && i < len(n.Labels) {
		return n.Labels[i]
	}
	return fmt.Sprint(i)
}

// Class finds one of the network's classes, of which there are so many: by its label, which must match exactly, else by
// its index. The error for a label that several classes have lists their indices; for an unknown one, labels like it.
func (n *Network) Class(name string, classes int) (int, error) {
	var found, like []string
	for i, label := range n.Labels {
		if label == name {
			found = append(found, strconv.Itoa(i))
		} else if name != "" && len(like) < 5 && strings.Contains(strings.ToLower(label), strings.ToLower(name)) {
			like = append(like, label)
		}
	}
	if len(found) > 1 {
		return 0, fmt.Errorf("class %q occurs at %s; give the index", name, strings.Join(found, ", "))
	}
	if len(found) == 1 {
		name = found[0]
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < classes {
		return i, nil
	}
	hint := ""
	if len(like) > 0 {
		hint = "; like it: " + strings.Join(like, ", ")
	}
	return 0, fmt.Errorf("no class %q%s; give a label or an index from 0 to %d", name, hint, classes-1)
}

// ChannelOrder says what the channels of a network's input are.
type ChannelOrder int

const (
	// RGB is red, green, blue.
	RGB ChannelOrder = iota
	// BGR is blue, green, red, as networks from Caffe have it.
	BGR
	// Gray is one channel, the luminance.
	Gray
)

// String is the order's name in captions.
func (o ChannelOrder) String() string {
	switch o {
	case RGB:
		return "RGB"
	case BGR:
		return "BGR"
	case Gray:
		return "gray"
	}
	return fmt.Sprintf("ChannelOrder(%d)", int(o))
}

// Input states how a picture becomes a network's input: cropped about its centre to Width : Height, resized, its
// channels put in Order, its colours mapped from black..white to Low..High, then less Mean and divided by Deviation.
type Input struct {
	// Height and Width are in pixels.
	Height, Width int
	// Order gives the channels, and so their number.
	Order ChannelOrder
	// Low and High are the values of black and white before Mean and Deviation: 0 and 1, 0 and 255, −1 and 1.
	Low, High float32
	// Mean and Deviation have one value a channel in Order, or are empty for 0 and 1.
	Mean, Deviation []float32
}

// Equal reports whether two inputs are the same in everything.
func (in Input) Equal(other Input) bool {
	return in.Height == other.Height && in.Width == other.Width && in.Order == other.Order &&
		in.Low == other.Low && in.High == other.High &&
		slices.Equal(in.Mean, other.Mean) && slices.Equal(in.Deviation, other.Deviation)
}

// Channels is the number of channels.
func (in Input) Channels() int {
	if in.Order == Gray {
		return 1
	}
	return 3
}

// Value is what the network gets for a colour value v (0 black, 1 white) in channel c.
func (in Input) Value(v float32, c int) float32 {
	x := in.Low + v*(in.High-in.Low)
	if len(in.Mean) > 0 {
		x -= in.Mean[c]
	}
	if len(in.Deviation) > 0 {
		x /= in.Deviation[c]
	}
	return x
}

// Colour is the inverse of Value: the colour value (0 black, 1 white; not clamped) that the network gets as x in channel c.
func (in Input) Colour(x float32, c int) float32 {
	if len(in.Deviation) > 0 {
		x *= in.Deviation[c]
	}
	if len(in.Mean) > 0 {
		x += in.Mean[c]
	}
	return (x - in.Low) / (in.High - in.Low)
}

// Check reports the first thing in the Input that cannot be, in one line.
func (in Input) Check() error {
	switch {
	case in.Height <= 0 || in.Width <= 0:
		return fmt.Errorf("input of %d×%d pixels; set Input.Height and Input.Width", in.Height, in.Width)
	case in.Order < RGB || in.Order > Gray:
		return fmt.Errorf("unknown channel order %d", in.Order)
	case !(in.Low < in.High) || math.IsInf(float64(in.High-in.Low), 0):
		return fmt.Errorf("black is %g and white is %g; set Input.Low below Input.High", in.Low, in.High)
	case len(in.Mean) != 0 && len(in.Mean) != in.Channels(), len(in.Deviation) != 0 && len(in.Deviation) != in.Channels():
		return fmt.Errorf("%d means and %d deviations for %d channels", len(in.Mean), len(in.Deviation), in.Channels())
	}
	for _, m := range in.Mean {
		if math.IsNaN(float64(m)) || math.IsInf(float64(m), 0) {
			return fmt.Errorf("a mean of %g", m)
		}
	}
	for _, d := range in.Deviation {
		if !(d > 0) || math.IsInf(float64(d), 0) {
			return fmt.Errorf("a deviation of %g", d)
		}
	}
	return nil
}

// Check reports the first thing in the Network that cannot be, in one line.
func (n *Network) Check() error {
	switch {
	case n.Logits == nil:
		return fmt.Errorf("models: network %q has no Logits function", n.Name)
	case n.Store == nil:
		return fmt.Errorf("models: network %q has no Store", n.Name)
	}
	if err := n.Input.Check(); err != nil {
		return fmt.Errorf("models: network %q: %w", n.Name, err)
	}
	return nil
}
