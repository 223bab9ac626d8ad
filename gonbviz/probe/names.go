package probe

import (
	"fmt"
	"path"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

// namer gives layers their names, in order of execution.
type namer struct {
	*finder
	taken   map[string]bool
	numbers map[string]int
}

// name is a layer's alias, else its variables' path, else one made of what it follows or of its number.
func (n *namer) name(l *Layer) string {
	name := strings.TrimPrefix(l.node.GetAlias(), "/")
	if name == "" {
		name = strings.TrimPrefix(l.op.GetAlias(), "/")
	}
	if name == "" {
		name = n.variablePath(l)
	}
	if name == "" {
		name = n.placeName(l)
	}
	if name == "" {
		what := whatIs(l)
		n.numbers[what]++
		name = fmt.Sprintf("%s%d", what, n.numbers[what])
	}
	return n.unique(name)
}

// gateOf is what a product lets its other factor through by, between 0 and 1, as squeeze and excitation does; nil for
// other layers.
func gateOf(l *Layer) *Layer {
	if l.op.Type() != graph.NodeTypeMul || len(l.from) != 2 {
		return nil
	}
	for _, from := range l.from {
		if from.function == "sigmoid" || from.function == "hard_sigmoid" {
			return from
		}
	}
	return nil
}

// whatIs is a word for a layer: its operation, where that is control flow or a gate, else its kind.
func whatIs(l *Layer) string {
	if gateOf(l) != nil {
		return "gate"
	}
	switch l.op.Type() {
	case graph.NodeTypeWhile:
		return "while"
	case graph.NodeTypeIf:
		return "if"
	case graph.NodeTypeSort:
		return "sort"
	case graph.NodeTypeCall:
		return "call"
	}
	return string(l.Kind)
}

// variablePath is the scope of the first variable that a layer reads: "conv1" for "/conv1/weights". A normalisation
// whose variables lie beside a convolution's is named below it.
func (n *namer) variablePath(l *Layer) string {
	if l.Kind != Conv && l.Kind != Dense && l.Kind != Norm {
		return ""
	}
	for _, parameter := range l.variables {
		scope := strings.Trim(path.Dir(parameter.GetParameterName()), "/.")
		if scope != "" && l.Kind == Norm && n.taken[scope] {
			return scope + "/norm"
		}
		if scope != "" {
			return scope
		}
	}
	return ""
}

// placeName names a layer without variables after its place.
func (n *namer) placeName(l *Layer) string {
	switch l.Kind {
	case Activation:
		return path.Join(l.from[0].Name, l.function)
	case Concat, Add:
		scope := commonScope(l.from)
		if scope == "" && l.Kind == Add {
			scope = n.latestScope(l.from)
		}
		if scope != "" {
			return scope + "/" + string(l.Kind)
		}
	case Norm:
		return path.Join(l.from[0].Name, "norm")
	case Other:
		if gate := gateOf(l); gate != nil {
			if scope := n.latestScope([]*Layer{gate}); scope != "" {
				return scope + "/gate"
			}
		}
	case Pool:
		if n.poolsAll(l.op) {
			return "global_pool"
		}
	}
	return ""
}

// unique adds a number to a name that stands already.
func (n *namer) unique(name string) string {
	free := name
	for i := 2; n.taken[free]; i++ {
		free = fmt.Sprintf("%s_%d", name, i)
	}
	n.taken[free] = true
	return free
}

// latestScope is the scope of the layer that is executed last, of those that lie in one: a shortcut reaches into the
// block of a residual sum from outside.
func (n *namer) latestScope(layers []*Layer) string {
	last, scope := -1, ""
	for _, l := range layers {
		named := l
		for named.Kind == Activation { // its name lies below that of what it follows
			named = named.from[0]
		}
		if own := commonScope([]*Layer{named}); own != "" && n.order[l.node] > last {
			last, scope = n.order[l.node], own
		}
	}
	return scope
}

// commonScope is the longest scope that the names of all layers lie in.
func commonScope(layers []*Layer) string {
	scope := path.Dir(layers[0].Name)
	for _, l := range layers[1:] {
		for scope != "." && scope != "/" && !strings.HasPrefix(l.Name, scope+"/") {
			scope = path.Dir(scope)
		}
	}
	if scope == "." || scope == "/" {
		return ""
	}
	return scope
}
