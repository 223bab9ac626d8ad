package probe

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// Point is where a layer is read in the network as recorded for a batch size.
type Point struct {
	// Layer is what is read: as with Maps after the normalisation and the activation function that follow the layer which
	// was asked for.
	Layer Layer
	// Node holds its values in the recording (see Probe.Recorded).
	Node *graph.Node
}

// Point finds a layer in the network as recorded for a batch size.
func (p *Probe) Point(name string, batch int) (Point, error) {
	found, err := p.find(name)
	if err != nil {
		return Point{}, err
	}
	l := p.point(found, false)
	recorded, err := p.Recorded(batch)
	if err != nil {
		return Point{}, err
	}
	at := slices.Index(p.recorded.Nodes, l.node)
	if at < 0 || len(recorded.Nodes) != len(p.recorded.Nodes) || !sameButBatch(recorded.Nodes[at], l.node) {
		return Point{}, fmt.Errorf("probe: layer %q of %s is built in another way for another batch", name, p.network.Name)
	}
	return Point{*l, recorded.Nodes[at]}, nil
}

// sameButBatch reports whether two nodes are of one type and their values of one shape, the first axis left out.
func sameButBatch(a, b *graph.Node) bool {
	x, y := a.Shape().Dimensions, b.Shape().Dimensions
	return a.Type() == b.Type() && len(x) == len(y) && len(x) > 1 && slices.Equal(x[1:], y[1:])
}

// ChannelsFirst brings a value of the point's node, built in whatever graph, to float32 and [batch, channels, height,
// width], or [batch, units] for a layer without places.
func (pt Point) ChannelsFirst(made *graph.Node) *graph.Node { return channelsFirst(made, &pt.Layer) }

// Channels is the axis of the node's value that counts its channels, or its units, and how many there are; −1 where
// several axes do.
func (pt Point) Channels() (axis, count int) {
	axis = -1
	for i := 1; i < pt.Node.Rank(); i++ {
		if i == pt.Layer.view[0].axis || i == pt.Layer.view[1].axis {
			continue
		}
		if axis >= 0 {
			return -1, 0
		}
		axis = i
	}
	if axis < 0 {
		return -1, 0
	}
	return axis, pt.Node.Shape().Dimensions[axis]
}

// Places is the height and width of the layer's maps; ok is false where it has none.
func (pt Point) Places() (height, width int, ok bool) {
	if !pt.Layer.places() {
		return 0, 0, false
	}
	return pt.Layer.Shape[0], pt.Layer.Shape[1], true
}
