package probe

import (
	"cmp"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/record"
)

// finder walks the recorded nodes in order and gathers those that depend on the picture into layers.
//
// A layer's output is a point. From a point on, arithmetic with constants alone forms a region: all nodes there are
// functions of the point's values one by one. Where something outside reads such a node, that node is the output of an
// activation function, so "x·logistic(x)" is one layer and its parts are none.
type finder struct {
	program *record.Program
	views   map[*graph.Node]*view
	users   map[*graph.Node][]*graph.Node
	order   map[*graph.Node]int
	owner   map[*graph.Node]*Layer      // the layer that a node belongs to; none yet inside a region
	region  map[*graph.Node]*graph.Node // the point that a node inside a region is a function of
	counted map[*graph.Node]bool        // variables that have a layer
	// composites are by their exits; inside are the nodes within any of them.
	composites map[*graph.Node]*composite
	inside     map[*graph.Node]bool
	layers     []*Layer
}

// findLayers lists a program's layers in order of execution.
func findLayers(p *record.Program) []*Layer {
	f := &finder{
		program: p, views: geometry(p), users: map[*graph.Node][]*graph.Node{}, order: map[*graph.Node]int{},
		owner:  map[*graph.Node]*Layer{p.Picture: {op: p.Picture, node: p.Picture}},
		region: map[*graph.Node]*graph.Node{}, counted: map[*graph.Node]bool{},
	}
	for i, n := range p.Nodes {
		f.order[n] = i
		for _, in := range p.Reads(n) {
			if !slices.Contains(f.users[in], n) {
				f.users[in] = append(f.users[in], n)
			}
		}
	}
	f.findComposites()
	for _, n := range p.Nodes {
		if n != p.Picture && f.views[n] != nil && !f.inside[n] && !passes(n) && n.Type() != graph.NodeTypeSplitNode {
			f.place(n)
		}
	}
	if f.views[p.Logits] != nil {
		f.layerOf(p.Logits)
	}
	slices.SortFunc(f.layers, func(a, b *Layer) int { return cmp.Compare(f.order[a.node], f.order[b.node]) })
	for _, l := range f.layers {
		l.describe(f.views[l.node])
	}
	names := namer{finder: f, taken: map[string]bool{}, numbers: map[string]int{}}
	for _, l := range f.layers {
		l.Name = names.name(l)
	}
	return f.layers
}

// place decides which layer a node belongs to, starting a new one where it is the first of its kind.
func (f *finder) place(n *graph.Node) {
	switch {
	case f.composites[n] != nil:
		f.placeComposite(f.composites[n])
	case n.Type() == graph.NodeTypeConvGeneral && f.views[n.Inputs()[1]] == nil:
		f.start(n, Conv).kernel = n.Inputs()[1]
	case n.Type() == graph.NodeTypeDotGeneral && f.weight(n) != nil:
		f.start(n, Dense).kernel = f.weight(n)
	case f.pools(n):
		f.start(n, Pool)
	case n.Type() == graph.NodeTypeBatchNormForInference:
		f.start(n, Norm)
	case n.NumOutputs() > 1:
		f.startSplit(n)
	case record.IsControlFlow(n):
		f.start(n, Other)
	case record.Elementwise(n):
		f.placeElementwise(n)
	default:
		f.placeOther(n)
	}
}

// placeElementwise sorts arithmetic into biases, normalisations, activation functions and sums.
func (f *finder) placeElementwise(n *graph.Node) {
	bases := f.bases(n)
	point := f.point(bases)
	l := f.owner[bases[0]]
	switch {
	case point == nil:
		f.join(n)
	case len(bases) == 1 && l != nil && f.extends(l, n):
		f.extend(l, n)
	case len(f.parameters(n)) > 0:
		f.start(n, Norm)
	default:
		f.region[n] = point
		if n.GetAlias() != "" {
			f.layerOf(n)
		}
	}
}

// join starts the layer of arithmetic on several points.
func (f *finder) join(n *graph.Node) {
	kind := Other
	if n.Type() == graph.NodeTypeAdd {
		kind = Add
	}
	f.start(n, kind)
}

// placeOther is for nodes that are no arithmetic: slices, paddings, sums over some axes.
func (f *finder) placeOther(n *graph.Node) {
	from := f.sources(n)
	switch {
	case n.Type() == graph.NodeTypeConcatenate && len(from) > 1:
		f.start(n, Concat)
	case len(from) == 1 && n.GetAlias() == "":
		f.own(from[0], n)
	default:
		f.start(n, Other)
	}
}

// extends reports whether n is the last part of l: a bias, a further step of a normalisation, or the division that
// makes a sum a mean.
func (f *finder) extends(l *Layer, n *graph.Node) bool {
	if !f.onlyUse(l, n) {
		return false
	}
	parameters := len(f.parameters(n)) > 0
	switch l.Kind {
	case Conv, Dense:
		return parameters && n.Type() == graph.NodeTypeAdd && l.node == l.op
	case Norm:
		return parameters
	case Pool:
		return !parameters && l.node == l.op && f.sums(l.op) && (n.Type() == graph.NodeTypeMul || n.Type() == graph.NodeTypeDiv)
	}
	return false
}

// onlyUse reports whether n is the only reader of l's output, reshapes and the like on the way not counted.
func (f *finder) onlyUse(l *Layer, n *graph.Node) bool {
	at := l.node
	for len(f.users[at]) == 1 {
		at = f.users[at][0]
		if at == n {
			return true
		}
		if !passes(at) {
			return false
		}
	}
	return false
}

// bases are what n reads of the picture, past reshapes and the like, each once.
func (f *finder) bases(n *graph.Node) []*graph.Node {
	var list []*graph.Node
	for _, in := range f.program.Reads(n) {
		if f.views[in] == nil {
			continue
		}
		if b := base(in); !slices.Contains(list, b) {
			list = append(list, b)
		}
	}
	return list
}

// base is the node whose values n hands on.
func base(n *graph.Node) *graph.Node {
	for passes(n) {
		n = n.Inputs()[0]
	}
	return n
}

// point is the one point that all bases are functions of; nil where they are of several. What belongs to a layer and is
// read alone is a point itself, even inside a region.
func (f *finder) point(bases []*graph.Node) *graph.Node {
	if len(bases) == 1 && f.owner[bases[0]] != nil {
		return bases[0]
	}
	var point *graph.Node
	for _, b := range bases {
		p := b
		if of := f.region[b]; of != nil {
			p = of
		}
		if point != nil && p != point {
			return nil
		}
		point = p
	}
	return point
}

// sources are the layers that a node reads, each once.
func (f *finder) sources(n *graph.Node) []*Layer {
	var from []*Layer
	for _, b := range f.bases(n) {
		if l := f.layerOf(b); !slices.Contains(from, l) {
			from = append(from, l)
		}
	}
	return from
}

// layerOf is the layer of a node that is read from outside. Inside a region that makes it an activation function's
// output; whatever leads to it belongs to that layer, too.
func (f *finder) layerOf(n *graph.Node) *Layer {
	n = base(n)
	if l := f.owner[n]; l != nil {
		return l
	}
	point := f.region[n]
	l := &Layer{Kind: Activation, op: n, from: []*Layer{f.layerOf(point)}, function: functionName(n, point, nil)}
	if point == f.program.Picture {
		l.Kind = Other // the network prepares its own input
	}
	f.layers = append(f.layers, l)
	f.extend(l, n)
	return l
}

// start begins a layer at n.
func (f *finder) start(n *graph.Node, kind Kind) *Layer {
	l := &Layer{Kind: kind, op: n, from: f.sources(n)}
	f.layers = append(f.layers, l)
	f.extend(l, n)
	return l
}

// startSplit begins a layer at an operation with several outputs. The largest that is read stands for all.
func (f *finder) startSplit(n *graph.Node) {
	kind := Other
	if n.Type() == graph.NodeTypeBatchNormForTraining {
		kind = Norm
	}
	l := &Layer{Kind: kind, op: n, from: f.sources(n)}
	f.layers = append(f.layers, l)
	f.own(l, n)
	for _, output := range f.users[n] {
		if l.node == nil || output.Shape().Size() > l.node.Shape().Size() {
			l.node = output
		}
		f.owner[output] = l
	}
}

// extend makes n the output of l.
func (f *finder) extend(l *Layer, n *graph.Node) {
	l.node = n
	f.own(l, n)
}

// own gives n to l and counts the parameters that it brings.
func (f *finder) own(l *Layer, n *graph.Node) {
	f.owner[n] = l
	for _, parameter := range f.parameters(n) {
		l.variables = append(l.variables, parameter)
		if !f.counted[parameter] && f.program.Variable(parameter).Trainable {
			f.counted[parameter] = true
			l.Parameters += parameter.Shape().Size()
		}
	}
}

// weight is the operand of a dense product that does not depend on the picture and reads a variable; else nil.
func (f *finder) weight(n *graph.Node) *graph.Node {
	for _, in := range f.program.Reads(n) {
		if f.views[in] == nil && len(f.variables(in)) > 0 {
			return in
		}
	}
	return nil
}

// parameters are the variables that n reads past its picture-dependent inputs.
func (f *finder) parameters(n *graph.Node) []*graph.Node {
	var list []*graph.Node
	for _, in := range f.program.Reads(n) {
		if f.views[in] == nil {
			list = append(list, f.variables(in)...)
		}
	}
	return list
}

// variables are those that a node without the picture is computed from, each once.
func (f *finder) variables(n *graph.Node) []*graph.Node {
	var list []*graph.Node
	seen, todo := map[*graph.Node]bool{n: true}, []*graph.Node{n}
	for len(todo) > 0 {
		n, todo = todo[0], todo[1:]
		if f.program.Variable(n) != nil {
			list = append(list, n)
		}
		for _, in := range f.program.Reads(n) {
			if !seen[in] {
				seen[in] = true
				todo = append(todo, in)
			}
		}
	}
	return list
}

// pools reports whether n makes one value of several places.
func (f *finder) pools(n *graph.Node) bool {
	if w, ok := f.program.Attributes(n).(record.Window); ok {
		v := f.views[n.Inputs()[0]]
		return at(w.Sizes, v[0].axis, 1) > 1 || at(w.Sizes, v[1].axis, 1) > 1
	}
	return f.poolsAll(n)
}

// poolsAll reports whether n sums up, or takes the extreme of, all places of a map.
func (f *finder) poolsAll(n *graph.Node) bool {
	if n.Type() != graph.NodeTypeReduceSum && n.Type() != graph.NodeTypeReduceMax {
		return false
	}
	before, after := f.views[n.Inputs()[0]], f.views[n]
	return before[0].axis >= 0 && before[1].axis >= 0 && after[0].axis < 0 && after[1].axis < 0
}

// sums reports whether a pooling adds its values up.
func (f *finder) sums(n *graph.Node) bool {
	if w, ok := f.program.Attributes(n).(record.Window); ok {
		return w.Reduction == compute.ReduceOpSum
	}
	return n.Type() == graph.NodeTypeReduceSum
}

// passes reports whether a node only hands its input on in another form.
func passes(n *graph.Node) bool {
	switch n.Type() {
	case graph.NodeTypeReshape, graph.NodeTypeTranspose, graph.NodeTypeConvertDType, graph.NodeTypeBroadcastInDim, graph.NodeTypeIdentity:
		return true
	}
	return false
}
