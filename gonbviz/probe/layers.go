package probe

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/probe/internal/record"
)

// Kind is what a layer does.
type Kind string

// The kinds of layers.
const (
	Conv       Kind = "conv"
	Dense      Kind = "dense"
	Pool       Kind = "pool"
	Norm       Kind = "norm"
	Activation Kind = "activation"
	Add        Kind = "add"
	Concat     Kind = "concat"
	Other      Kind = "other"
)

// Layer is a point of the network that a person would name: a convolution or dense operation with its bias, a
// normalisation, an activation function, a pooling, a sum, a concatenation.
type Layer struct {
	// Name is the layer's: the path of its variables, its alias, or made from its kind and place.
	Name string
	Kind Kind
	// Shape of the output without the batch axis: height, width, channels; or just channels.
	Shape []int
	// Parameters counts the weights that this layer is the first to use.
	Parameters int
	// ReceptiveField is the size, down and across, of what one value sees of the picture, in the picture's pixels,
	// padding included. For a layer without places (dense, global pooling) it is at most the picture.
	ReceptiveField [2]int
	// Stride is how far apart in the picture, in pixels, neighbouring values look; 0 where there are no neighbours.
	Stride [2]int

	node, kernel *graph.Node
	source       *Layer // the layer it follows, where that is one
	view         view
}

// finder walks the recorded nodes in order and gathers them into layers.
type finder struct {
	program *record.Program
	views   map[*graph.Node]*view
	users   map[*graph.Node][]*graph.Node
	owner   map[*graph.Node]*Layer // the layer that a picture-dependent node belongs to
	counted map[*graph.Node]bool   // parameters that have a layer
	names   map[string]bool
	numbers map[string]int
	layers  []*Layer
	input   *Layer
}

// findLayers lists a program's layers in order of execution.
func findLayers(p *record.Program) []*Layer {
	f := &finder{
		program: p, views: geometry(p), users: map[*graph.Node][]*graph.Node{}, owner: map[*graph.Node]*Layer{},
		counted: map[*graph.Node]bool{}, names: map[string]bool{}, numbers: map[string]int{}, input: &Layer{node: p.Picture},
	}
	f.owner[p.Picture] = f.input
	for _, n := range p.Nodes {
		for _, in := range n.Inputs() {
			f.users[in] = append(f.users[in], n)
		}
	}
	for _, n := range p.Nodes {
		if n != p.Picture && f.views[n] != nil {
			f.place(n)
		}
	}
	for _, l := range f.layers {
		f.describe(l)
	}
	return f.layers
}

// place decides which layer a node belongs to, starting a new one where it is the first of its kind.
func (f *finder) place(n *graph.Node) {
	from := f.sources(n)
	switch {
	case n.Type() == graph.NodeTypeConvGeneral && f.views[n.Inputs()[1]] == nil:
		f.start(n, Conv, from).kernel = n.Inputs()[1]
	case n.Type() == graph.NodeTypeDotGeneral && f.weight(n) != nil:
		f.start(n, Dense, from).kernel = f.weight(n)
	case n.Type() == graph.NodeTypeReduceWindow, f.globalPool(n):
		f.start(n, Pool, from)
	case n.Type() == graph.NodeTypeBatchNormForInference:
		f.start(n, Norm, from)
	case n.Type() == graph.NodeTypeConcatenate && len(from) > 1:
		f.start(n, Concat, from)
	case elementwise(n):
		f.placeElementwise(n, from)
	case len(from) == 1 && (n.GetAlias() == "" || passes(n)):
		f.owner[n] = from[0]
	default:
		f.start(n, Other, from)
	}
}

// placeElementwise sorts arithmetic into biases, normalisations, activation functions and sums.
func (f *finder) placeElementwise(n *graph.Node, from []*Layer) {
	from = f.merge(from)
	if len(from) > 1 {
		kind := Other
		if n.Type() == graph.NodeTypeAdd {
			kind = Add
		}
		f.start(n, kind, from)
		return
	}
	l, parameters := from[0], f.parameters(n)
	switch {
	case len(parameters) > 0 && n.Type() == graph.NodeTypeAdd && f.takesBias(l, n):
		f.extend(l, n)
	case len(parameters) > 0 && l.Kind == Norm && f.onlyUse(l, n):
		f.extend(l, n)
	case len(parameters) > 0:
		f.start(n, Norm, from)
	case l.Kind == Pool && (n.Type() == graph.NodeTypeMul || n.Type() == graph.NodeTypeDiv) && f.onlyUse(l, n):
		f.extend(l, n) // the division that makes a sum a mean
	case l.Kind == Activation && (f.onlyUse(l, n) || f.readsSource(l, n)):
		f.extend(l, n)
	case l == f.input:
		f.start(n, Other, from)
	default:
		f.start(n, Activation, from)
	}
}

// sources are the layers that a node's inputs belong to, each once.
func (f *finder) sources(n *graph.Node) []*Layer {
	var from []*Layer
	for _, in := range n.Inputs() {
		if l := f.owner[in]; l != nil && !slices.Contains(from, l) {
			from = append(from, l)
		}
	}
	return from
}

// merge takes a layer and the activation function that began on it for one: x and logistic(x) in x·logistic(x).
func (f *finder) merge(from []*Layer) []*Layer {
	if len(from) != 2 {
		return from
	}
	a, b := from[0], from[1]
	switch {
	case a.Kind == Activation && a.source == b:
		return from[:1]
	case b.Kind == Activation && b.source == a:
		return from[1:]
	case a.Kind == Activation && b.Kind == Activation && a.source == b.source && f.last(b):
		f.absorb(a, b)
		return from[:1]
	}
	return from
}

// last reports whether nothing but the node in hand reads l's output so far placed.
func (f *finder) last(l *Layer) bool { return len(f.users[l.node]) == 1 }

// absorb makes b, a second beginning of the same activation function, part of a.
func (f *finder) absorb(a, b *Layer) {
	for n, l := range f.owner {
		if l == b {
			f.owner[n] = a
		}
	}
	f.layers = slices.DeleteFunc(f.layers, func(l *Layer) bool { return l == b })
}

// readsSource reports whether n, besides l, reads the layer that l is the activation function of.
func (f *finder) readsSource(l *Layer, n *graph.Node) bool {
	for _, in := range n.Inputs() {
		if f.owner[in] == l.source {
			return true
		}
	}
	return false
}

// onlyUse reports whether n is the only reader of l's output, reshapes and the like on the way not counted.
func (f *finder) onlyUse(l *Layer, n *graph.Node) bool {
	at := l.node
	for {
		if len(f.users[at]) != 1 {
			return false
		}
		at = f.users[at][0]
		if at == n {
			return true
		}
		if !passes(at) {
			return false
		}
	}
}

// takesBias reports whether n adds one value a channel to a convolution or dense layer that has none yet.
func (f *finder) takesBias(l *Layer, n *graph.Node) bool {
	if l.Kind != Conv && l.Kind != Dense || !f.onlyUse(l, n) {
		return false
	}
	return n.Type() != l.node.Type() // its own Add, and so its bias, is there already
}

func (f *finder) start(n *graph.Node, kind Kind, from []*Layer) *Layer {
	l := &Layer{Kind: kind}
	if len(from) == 1 {
		l.source = from[0]
	}
	f.layers = append(f.layers, l)
	f.extend(l, n)
	if kind == Conv || kind == Dense || kind == Norm {
		l.Name = f.variablePath(n)
	}
	if alias := strings.TrimPrefix(n.GetAlias(), "/"); alias != "" {
		l.Name = alias
	}
	if l.Name == "" {
		l.Name = f.makeName(l, n, from)
	}
	l.Name = f.unique(l.Name)
	return l
}

// extend makes n the output of l and counts the parameters that it brings.
func (f *finder) extend(l *Layer, n *graph.Node) {
	l.node = n
	f.owner[n] = l
	for _, parameter := range f.parameters(n) {
		if !f.counted[parameter] {
			f.counted[parameter] = true
			l.Parameters += parameter.Shape().Size()
		}
	}
}

// makeName names a layer without variables after what it follows.
func (f *finder) makeName(l *Layer, n *graph.Node, from []*Layer) string {
	switch l.Kind {
	case Activation:
		if l.source.Name != "" {
			return l.source.Name + "/" + f.function(n)
		}
	case Concat, Add:
		scope := commonScope(from)
		if scope == "" && l.Kind == Add { // a shortcut reaches into the block from outside
			scope = commonScope(from[len(from)-1:])
		}
		if scope != "" {
			return scope + "/" + string(l.Kind)
		}
	case Pool:
		if f.globalPool(n) {
			return "global_pool"
		}
	}
	f.numbers[string(l.Kind)]++
	return fmt.Sprintf("%s%d", l.Kind, f.numbers[string(l.Kind)])
}

// unique adds a number to a name that stands already.
func (f *finder) unique(name string) string {
	free := name
	for i := 2; f.names[free]; i++ {
		free = fmt.Sprintf("%s_%d", name, i)
	}
	f.names[free] = true
	return free
}

// function names an activation function by its first operation.
func (f *finder) function(n *graph.Node) string {
	switch n.Type() {
	case graph.NodeTypeMax:
		for _, in := range n.Inputs() {
			if v, ok := scalar(in); ok && v == 0 {
				return "relu"
			}
		}
		return "max"
	case graph.NodeTypeLogistic:
		return "sigmoid"
	case graph.NodeTypeTanh:
		return "tanh"
	}
	return "activation"
}

// scalar is the value of a constant, broadcast or not.
func scalar(n *graph.Node) (float64, bool) {
	for n.Type() == graph.NodeTypeBroadcastInDim || n.Type() == graph.NodeTypeReshape || n.Type() == graph.NodeTypeConvertDType {
		n = n.Inputs()[0]
	}
	if n.Type() != graph.NodeTypeConstant || n.Shape().Size() != 1 {
		return 0, false
	}
	values, err := tensors.CopyFlatData[float32](n.ConstantValue())
	if err != nil {
		return 0, false
	}
	return float64(values[0]), true
}

// commonScope is the longest scope that the names of all layers lie in.
func commonScope(layers []*Layer) string {
	scope := path.Dir(layers[0].Name)
	for _, l := range layers[1:] {
		for scope != "." && !strings.HasPrefix(l.Name, scope+"/") {
			scope = path.Dir(scope)
		}
	}
	if scope == "." {
		return ""
	}
	return scope
}

// weight is the operand of a dense product that does not depend on the picture and reads a variable; else nil.
func (f *finder) weight(n *graph.Node) *graph.Node {
	for _, in := range n.Inputs() {
		if f.views[in] == nil && len(f.parametersOf(in)) > 0 {
			return in
		}
	}
	return nil
}

// parameters are the variables that n reads past its picture-dependent inputs.
func (f *finder) parameters(n *graph.Node) []*graph.Node {
	var list []*graph.Node
	for _, in := range n.Inputs() {
		if f.views[in] == nil {
			list = append(list, f.parametersOf(in)...)
		}
	}
	return list
}

// parametersOf are the variables that a node without the picture is computed from.
func (f *finder) parametersOf(n *graph.Node) []*graph.Node {
	if f.program.Variable(n) != nil {
		return []*graph.Node{n}
	}
	var list []*graph.Node
	for _, in := range n.Inputs() {
		list = append(list, f.parametersOf(in)...)
	}
	return list
}

// variablePath is the scope of the first variable that n reads: "conv1" for "/conv1/weights".
func (f *finder) variablePath(n *graph.Node) string {
	for _, parameter := range f.parameters(n) {
		if scope := strings.Trim(path.Dir(parameter.GetParameterName()), "/."); scope != "" {
			return scope
		}
	}
	return ""
}

// globalPool reports whether n sums up, or takes the extreme of, all places of a map.
func (f *finder) globalPool(n *graph.Node) bool {
	if n.Type() != graph.NodeTypeReduceSum && n.Type() != graph.NodeTypeReduceMax {
		return false
	}
	before, after := f.views[n.Inputs()[0]], f.views[n]
	return before[0].axis >= 0 && before[1].axis >= 0 && after[0].axis < 0 && after[1].axis < 0
}

// passes reports whether a node only hands its input on in another form.
func passes(n *graph.Node) bool {
	switch n.Type() {
	case graph.NodeTypeReshape, graph.NodeTypeTranspose, graph.NodeTypeConvertDType, graph.NodeTypeBroadcastInDim, graph.NodeTypeIdentity:
		return true
	}
	return false
}

// describe fills in what a layer's output node says.
func (f *finder) describe(l *Layer) {
	v := f.views[l.node]
	l.view = *v
	dims := l.node.Shape().Dimensions
	var shape []int
	for side, s := range v {
		l.ReceptiveField[side] = s.size
		if s.axis >= 0 {
			l.Stride[side] = s.stride
			shape = append(shape, dims[s.axis])
		}
	}
	for axis, d := range dims {
		if axis > 0 && axis != v[0].axis && axis != v[1].axis {
			shape = append(shape, d)
		}
	}
	l.Shape = shape
}

// convolution is what a layer's convolution was recorded with.
func convolution(p *record.Program, l *Layer) record.Conv {
	for _, n := range p.Nodes {
		if n.Type() == graph.NodeTypeConvGeneral && n.Inputs()[1] == l.kernel {
			return p.Attributes(n).(record.Conv)
		}
	}
	return record.Conv{}
}
