package probe

import "github.com/gomlx/gomlx/core/graph"

// Kind is what a layer does.
type Kind string

// The kinds of layers.
const (
	// Conv is a convolution with its bias, Dense a matrix product with weights and its bias.
	Conv  Kind = "conv"
	Dense Kind = "dense"
	// Pool takes the largest value or the mean of neighbouring places, or of all.
	Pool Kind = "pool"
	// Norm scales and shifts by stored numbers: batch normalisation in its many forms.
	Norm Kind = "norm"
	// Activation is a function of each value by itself.
	Activation Kind = "activation"
	// Add is the sum, Concat the concatenation, of several layers.
	Add    Kind = "add"
	Concat Kind = "concat"
	// Other is all else that joins layers or bears a name.
	Other Kind = "other"
)

// Layer is a point of the network that a person would name: a convolution or dense operation with its bias, a
// normalisation, an activation function, a pooling, a sum, a concatenation.
type Layer struct {
	// Name is the layer's alias, else the path of its variables, else made from its kind and place ("conv1/relu",
	// "pool2"). No two layers of a network share one.
	Name string
	Kind Kind
	// Shape of the output without the batch axis: height, width, channels, whatever the network's own order; or just
	// channels.
	Shape []int
	// Parameters counts the numbers stored in the trainable variables that this layer is the first to use; the running
	// means and variances of a batch normalisation are not among them.
	Parameters int
	// ReceptiveField is the size, down and across, of what one value sees of the picture, in the picture's pixels,
	// padding included; the largest, where places see areas of different sizes. For a layer without places (dense, global
	// pooling) it is at most the picture. Of what While, If and Call make every value is taken to see all that they read.
	ReceptiveField [2]int
	// Stride is how far apart in the picture, in pixels, neighbouring values look, rounded up in a map that was enlarged beyond
	// the picture; 0 for a layer without places.
	Stride [2]int

	op, node *graph.Node // the layer's first operation and its output
	kernel   *graph.Node // the weights of a convolution or dense layer
	from     []*Layer    // the layers that it reads

	variables []*graph.Node // those that it reads, in the order of its operations
	function  string        // an activation's: "relu"
	tensor    bool          // a tensor of the network's file, in that file's order of axes
	view      view
}

// source is the layer that l follows; nil where it joins several.
func (l *Layer) source() *Layer {
	if len(l.from) != 1 {
		return nil
	}
	return l.from[0]
}

// describe fills in what a layer's output node says.
func (l *Layer) describe(v *view) {
	l.view = *v
	dims := l.node.Shape().Dimensions
	for side, s := range v {
		l.ReceptiveField[side] = s.field()
		if s.axis >= 0 {
			l.Stride[side] = s.step()
			l.Shape = append(l.Shape, dims[s.axis])
		}
	}
	for axis, d := range dims {
		if axis > 0 && axis != v[0].axis && axis != v[1].axis {
			l.Shape = append(l.Shape, d)
		}
	}
}

// places reports whether the layer's values have places in the picture: it answers with maps.
func (l *Layer) places() bool { return l.view[0].axis >= 0 && l.view[1].axis >= 0 }
