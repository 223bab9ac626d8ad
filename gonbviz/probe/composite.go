package probe

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/record"
)

// composite is one layer that is written as many operations, which all depend on the picture by way of its entry alone:
// a normalisation by statistics of its own input (layer, group and instance normalisation, local response
// normalisation), a softmax, an activation function with a learned slope.
type composite struct {
	entry, exit *graph.Node
	inner       []*graph.Node // between the two, and read by nothing else
	kind        Kind
}

// findComposites finds those that don't lie in one another, by their exits, and all that lies inside.
func (f *finder) findComposites() {
	f.composites, f.inside = map[*graph.Node]*composite{}, map[*graph.Node]bool{}
	dominators := f.dominators()
	for _, n := range slices.Backward(f.program.Nodes) {
		entry := dominators[n]
		if entry == nil || f.inside[n] || !record.Elementwise(n) || len(f.bases(n)) < 2 {
			continue
		}
		c := &composite{entry: base(entry), exit: n, inner: f.between(entry, n)}
		if c.kind = f.kindOf(c); c.kind == "" {
			continue
		}
		f.composites[n] = c
		for _, inner := range c.inner {
			f.inside[inner] = true
		}
	}
}

// dominators are, for each node that depends on the picture, the last node that all of its paths from the picture go
// through.
func (f *finder) dominators() map[*graph.Node]*graph.Node {
	of := map[*graph.Node]*graph.Node{}
	for _, n := range f.program.Nodes {
		for _, in := range f.program.Reads(n) {
			if f.views[in] != nil {
				of[n] = f.common(of, of[n], in)
			}
		}
	}
	return of
}

// common is the last node that all paths to a and to b go through; a may be nil.
func (f *finder) common(dominators map[*graph.Node]*graph.Node, a, b *graph.Node) *graph.Node {
	for a != nil && a != b {
		if f.order[a] > f.order[b] {
			a = dominators[a]
		} else {
			b = dominators[b]
		}
	}
	return b
}

// between are the nodes on the paths from entry to exit, without those two.
func (f *finder) between(entry, exit *graph.Node) []*graph.Node {
	nodes := reachBack(exit, func(n *graph.Node) []*graph.Node {
		var next []*graph.Node
		for _, in := range f.program.Reads(n) {
			if f.views[in] != nil && in != entry && n != entry {
				next = append(next, in)
			}
		}
		return next
	})
	return nodes[1:]
}

// reachBack lists the nodes that next leads to, n first, each once.
func reachBack(n *graph.Node, next func(n *graph.Node) []*graph.Node) []*graph.Node {
	list, seen := []*graph.Node{n}, map[*graph.Node]bool{n: true}
	for i := 0; i < len(list); i++ {
		for _, in := range next(list[i]) {
			if !seen[in] {
				seen[in] = true
				list = append(list, in)
			}
		}
	}
	return list
}

// kindOf is the kind of layer that a candidate is; none where it is none.
func (f *finder) kindOf(c *composite) Kind {
	if c.exit.Shape().Size() != c.entry.Shape().Size() || !f.closed(c) {
		return ""
	}
	statistics := false
	for _, n := range c.inner {
		switch {
		case f.statistic(n):
			statistics = true
		case n.GetAlias() != "" || !record.Elementwise(n) && !passes(n):
			return ""
		}
	}
	switch {
	case statistics && slices.ContainsFunc(c.inner, squashes):
		return "" // a gate
	case statistics && !c.has(graph.NodeTypeExp) && c.entry.Type() != graph.NodeTypeExp:
		if c.exit.Type() == graph.NodeTypeSub || c.exit.Type() == graph.NodeTypeDiv || slices.ContainsFunc(c.inner, takesRoot) {
			return Norm
		}
	case f.function(c) != "":
		return Activation
	}
	return ""
}

// closed reports whether nothing outside reads what lies inside.
func (f *finder) closed(c *composite) bool {
	for _, n := range c.inner {
		for _, user := range f.users[n] {
			if user != c.exit && !slices.Contains(c.inner, user) {
				return false
			}
		}
	}
	return true
}

func (c *composite) has(kind graph.NodeType) bool {
	return slices.ContainsFunc(c.inner, func(n *graph.Node) bool { return n.Type() == kind })
}

// statistic reports whether n takes a sum or an extreme over whole axes, or a sum over neighbouring channels.
func (f *finder) statistic(n *graph.Node) bool {
	switch n.Type() {
	case graph.NodeTypeReduceSum, graph.NodeTypeReduceMax:
		return n.GetAlias() == ""
	}
	w, ok := f.program.Attributes(n).(record.Window)
	return ok && n.GetAlias() == "" && w.Reduction == compute.ReduceOpSum && !f.pools(n)
}

// squashes reports whether n takes any number to one between two bounds.
func squashes(n *graph.Node) bool {
	switch n.Type() {
	case graph.NodeTypeLogistic, graph.NodeTypeTanh, graph.NodeTypeErf, graph.NodeTypeClamp:
		return true
	}
	return false
}

// takesRoot reports whether n may be the root of a variance or of a sum of squares.
func takesRoot(n *graph.Node) bool {
	switch n.Type() {
	case graph.NodeTypeSqrt, graph.NodeTypeRsqrt, graph.NodeTypePow:
		return true
	}
	return false
}

// placeComposite makes a composite one layer, or the last part of the one that it goes on from: a layer normalisation
// takes off the mean and then divides by the deviation of what is left.
func (f *finder) placeComposite(c *composite) {
	l := f.before(c)
	if l == nil {
		l = &Layer{op: c.exit, from: []*Layer{f.layerOf(c.entry)}}
		f.layers = append(f.layers, l)
	}
	l.Kind = c.kind
	for _, n := range slices.Backward(c.inner) {
		f.own(l, n)
	}
	f.extend(l, c.exit)
	if c.kind == Activation {
		l.function = f.function(c)
	}
}

// before is the layer that the composite goes on from, and that nothing else reads: a mean taken off, or, before a
// softmax, the largest value; nil for none.
func (f *finder) before(c *composite) *Layer {
	entry := c.entry
	if entry.Type() == graph.NodeTypeExp {
		entry = base(entry.Inputs()[0])
	}
	l := f.owner[entry]
	if l == nil || l.node != entry {
		return nil
	}
	first := f.composites[l.op]
	if first == nil || first.exit.Type() != graph.NodeTypeSub || first.has(graph.NodeTypeReduceMax) != (c.kind == Activation) {
		return nil
	}
	for _, user := range f.users[entry] {
		if user != c.entry && user != c.exit && !slices.Contains(c.inner, user) {
			return nil
		}
	}
	return l
}

// function names a composite's activation function; empty for one that is not known.
func (f *finder) function(c *composite) string {
	switch {
	case c.has(graph.NodeTypeReduceSum) && c.has(graph.NodeTypeLog):
		return "log_softmax"
	case c.has(graph.NodeTypeReduceSum):
		return "softmax"
	}
	slopes := f.slopes(c)
	if len(slopes) != 1 {
		return ""
	}
	if functionName(c.exit, c.entry, evaluation{slopes[0]: 0.25}) == "leaky_relu" {
		return "prelu"
	}
	if name := functionName(c.exit, c.entry, evaluation{slopes[0]: 1}); name == "swish" {
		return name
	}
	return ""
}

// slopes are the variables that a composite reads, each once.
func (f *finder) slopes(c *composite) []*graph.Node {
	var list []*graph.Node
	for _, n := range append(slices.Clone(c.inner), c.exit) {
		for _, parameter := range f.parameters(n) {
			if !slices.Contains(list, parameter) {
				list = append(list, parameter)
			}
		}
	}
	return list
}
