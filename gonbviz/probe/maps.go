package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/pixel"
)

// Sort says in which order maps come.
type Sort int

const (
	// ByIndex keeps the order of the channels.
	ByIndex Sort = iota
	// ByStrength puts the largest standard deviation over the map first.
	ByStrength
)

// String is the order's name on the command line.
func (s Sort) String() string { return [...]string{"index", "strength"}[s] }

// Maps asks for the activation maps of layers. All layers are captured in one forward pass.
type Maps struct {
	// Layers are names as in the layer table, or those of tensors in the file which the network comes from; a tensor comes
	// before a layer of its name. The name of a scope stands for its last layer. A layer other than a pooling or a
	// concatenation answers after the normalisation and the activation function that follow it, where nothing else reads it.
	Layers []string
	// Sort is the order of each layer's maps; by index as a default.
	Sort Sort
	// Top keeps only the first maps in that order; 0 keeps all.
	Top int
	// Pre takes the values before the activation function.
	Pre bool
}

// MapSet is what layers answer to a picture.
type MapSet struct {
	Maps Maps
	// Network and Backend that answered.
	Network, Backend string
	// Guessed says what about the network's input was assumed, and Notice what must be seen beside its results; each is
	// empty where there is nothing to say.
	Guessed, Notice string
	Picture         *pixel.Prepared
	Layers          []LayerMaps
}

// LayerMaps are the maps of one layer.
type LayerMaps struct {
	// Layer is the point that was read; its Name may differ from the one asked for ("conv1/relu" for "conv1").
	Layer Layer
	// After says what the values have been through: "after ReLU", or "before …".
	After string
	// Index and Strength are each map's channel and the standard deviation over its values, in the order of Planes. A
	// layer without places has one Plane of 1×1 for each unit, whose strength is the value's size.
	Index    []int
	Strength []float64
	Planes   []field.Plane
	// TensorShape is set for a tensor that was asked for by its name in the file which the network comes from: its shape
	// there without the batch axis. Its last two axes are the Planes' height and width.
	TensorShape []int
	// Total counts the layer's channels and Silent those whose values are all zero.
	Total, Silent int
}

// Units reports whether the layer has no places: its values are those of units, one Plane of 1×1 each.
func (l LayerMaps) Units() bool { return !l.Layer.places() }

// Maps captures the maps of layers for a picture that was prepared for the network's input, at their own resolution, all
// in one forward pass. It fails as Classify does, and for unknown layers with the nearest names.
func (p *Probe) Maps(ctx context.Context, picture *pixel.Prepared, m Maps) (*MapSet, error) {
	if err := p.CheckPicture(picture); err != nil {
		return nil, err
	}
	if len(m.Layers) == 0 {
		return nil, errors.New("probe: no layer asked for")
	}
	if m.Top < 0 {
		return nil, fmt.Errorf("probe: top %d maps asked for; 0 means all", m.Top)
	}
	if m.Sort != ByIndex && m.Sort != ByStrength {
		return nil, fmt.Errorf("probe: unknown order %d of maps; there are ByIndex and ByStrength", m.Sort)
	}
	points := make([]*Layer, len(m.Layers))
	for i, name := range m.Layers {
		if tensor := p.recorded.Named[name]; tensor != nil {
			points[i] = tensorPoint(name, tensor)
			continue
		}
		l, err := p.find(name)
		if err != nil {
			return nil, err
		}
		points[i] = p.point(l, m.Pre)
		if m.Pre {
			if err := p.checkPre(l); err != nil {
				return nil, err
			}
		}
	}
	captured, err := p.capture(ctx, picture.Values, points)
	if err == nil {
		err = ctx.Err() // as in Classify
	}
	if err != nil {
		return nil, err
	}
	set := &MapSet{Maps: m, Network: p.network.Name, Guessed: p.network.Guessed, Notice: p.network.Notice, Backend: p.BackendName(), Picture: picture}
	for i, l := range points {
		set.Layers = append(set.Layers, p.layerMaps(l, captured[i], m))
	}
	return set, nil
}

// checkPre refuses a pooling or a concatenation of what has been through an activation function: nothing of it is before.
func (p *Probe) checkPre(l *Layer) error {
	after := p.after(l)
	if !l.gathers() || !strings.HasPrefix(after, "after ") {
		return nil
	}
	mend := ""
	if before := p.beforeFunction(l); len(before) > 0 {
		mend = "; ask for " + strings.Join(before[:min(5, len(before))], ", ")
	}
	return fmt.Errorf("layer %q of %s reads what is %s already, so that pre says nothing to it%s", l.Name, p.network.Name, after, mend)
}

// gathers reports whether a layer only picks and joins what others answer.
func (l *Layer) gathers() bool { return l.Kind == Pool || l.Kind == Concat }

// beforeFunction are the names of what a layer gathers, before its activation function.
func (p *Probe) beforeFunction(l *Layer) (names []string) {
	for _, from := range l.from {
		if from.gathers() {
			names = append(names, p.beforeFunction(from)...)
			continue
		}
		if before := p.point(from, true); before.Kind != Activation {
			names = append(names, before.Name)
		}
	}
	return names
}

// tensorPoint is a tensor of the network's file as a layer whose values stay in the file's order. What the file computes
// of its weights alone has no axis for the batch.
func tensorPoint(name string, n *graph.Node) *Layer {
	shape := n.Shape().Dimensions
	rank := len(shape)
	if rank > 0 && shape[0] == 1 {
		shape = shape[1:]
	}
	l := &Layer{Name: name, Kind: Other, Shape: shape, node: n, tensor: true, view: view{{axis: -1}, {axis: -1}}}
	if len(shape) > 1 {
		l.view = view{{axis: rank - 2}, {axis: rank - 1}}
	}
	return l
}

// point is where a layer is read: after the normalisation and the activation function that follow it, or before that
// function. They follow it where nothing else reads it.
func (p *Probe) point(l *Layer, pre bool) *Layer {
	if pre && l.Kind == Activation && l.source().node != p.recorded.Picture {
		return l.source()
	}
	if l.Kind == Activation || l.gathers() {
		return l
	}
	next := p.reader(l)
	if next == nil || next.Kind != Norm && (next.Kind != Activation || pre) {
		return l
	}
	return p.point(next, pre)
}

// reader is the one layer that reads l; nil where there are several or none.
func (p *Probe) reader(l *Layer) *Layer {
	var only *Layer
	for _, next := range p.layers {
		if slices.Contains(next.from, l) {
			if only != nil {
				return nil
			}
			only = next
		}
	}
	return only
}

// capture runs the network once with points as further outputs.
func (p *Probe) capture(ctx context.Context, picture []float32, points []*Layer) ([][]float32, error) {
	names := make([]string, len(points))
	for i, l := range points {
		names[i] = l.Name
		if l.tensor {
			names[i] += "\x00tensor"
		}
	}
	program, err := p.Rewrite("capture "+strings.Join(names, "\x00"), 1, []shapes.Shape{p.picturesShape(1)},
		func(recorded *record.Program, in []*graph.Node) []*graph.Node {
			wanted := make([]*graph.Node, len(points))
			for i, l := range points {
				wanted[i] = l.node
			}
			made := recorded.Replay(in[0], wanted, nil)
			for i, l := range points {
				made[i] = channelsFirst(made[i], l)
			}
			return made
		})
	if err != nil {
		return nil, err
	}
	return program.Run(ctx, tensors.FromFlatDataAndDimensions(picture, p.picturesShape(1).Dimensions...))
}

// channelsFirst brings a captured node to float32 and [batch, channels, height, width], or [batch, units] where it has
// no places.
func channelsFirst(n *graph.Node, l *Layer) *graph.Node {
	n = graph.ConvertDType(n, dtypes.Float32)
	if !l.places() || l.tensor {
		return n
	}
	h, w := l.view[0].axis, l.view[1].axis
	order := []int{0}
	for axis := 1; axis < n.Rank(); axis++ {
		if axis != h && axis != w {
			order = append(order, axis)
		}
	}
	return graph.TransposeAllAxes(n, append(order, h, w)...)
}

// layerMaps sorts and cuts a layer's values as m asks.
func (p *Probe) layerMaps(l *Layer, values []float32, m Maps) LayerMaps {
	h, w := 1, 1
	out := LayerMaps{Layer: *l, After: p.after(l)}
	switch rank := len(l.Shape); {
	case l.tensor && l.places():
		h, w = l.Shape[rank-2], l.Shape[rank-1]
	case l.places():
		h, w = l.Shape[0], l.Shape[1]
	}
	if l.tensor {
		out.TensorShape = l.Shape
	}
	out.Total = len(values) / (h * w)
	planes := make([]field.Plane, out.Total)
	strength := make([]float64, out.Total)
	for c := range planes {
		planes[c] = field.Plane{H: h, W: w, Values: values[c*h*w : (c+1)*h*w]}
		strength[c] = planes[c].Deviation()
		if h*w == 1 {
			strength[c] = math.Abs(float64(planes[c].Values[0]))
		}
		if lo, hi, ok := planes[c].Range(); ok && lo == 0 && hi == 0 {
			out.Silent++
		}
		out.Index = append(out.Index, c)
	}
	if m.Sort == ByStrength {
		slices.SortStableFunc(out.Index, func(a, b int) int { return cmp.Compare(strength[b], strength[a]) })
	}
	if m.Top > 0 && m.Top < out.Total {
		out.Index = out.Index[:m.Top]
	}
	for _, c := range out.Index {
		out.Planes = append(out.Planes, planes[c])
		out.Strength = append(out.Strength, strength[c])
	}
	return out
}

// after says in words what a layer's values have been through.
func (p *Probe) after(l *Layer) string {
	if l.tensor {
		return "the file's tensor"
	}
	switch l.Kind {
	case Activation:
		return "after " + captionOf(l.function)
	case Pool, Concat:
		if words := p.sourcesAfter(l); words != "" {
			return words
		}
	}
	for _, next := range p.layers {
		if next.Kind == Activation && next.source() == l {
			return "before " + captionOf(next.function)
		}
	}
	return "output of " + string(l.Kind)
}

// sourcesAfter is the activation function that all of what a concatenation or a pooling reads comes from.
func (p *Probe) sourcesAfter(l *Layer) string {
	words := ""
	for _, from := range l.from {
		after := p.after(from)
		if !strings.HasPrefix(after, "after ") || words != "" && words != after {
			return ""
		}
		words = after
	}
	return words
}
