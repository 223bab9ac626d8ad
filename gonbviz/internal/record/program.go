// Package record reads a network from the GoMLX function that builds it, with nothing annotated, and builds it again
// in any other graph with any part of it replaced.
//
// The function is traced once on the pure-Go backend's builder, of which nothing is ever compiled. GoMLX's own nodes
// give the operations and their inputs; a wrapper around the builder notes the attributes that nodes keep private.
package record

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
)

// pictureName is the name of the parameter that stands for the picture. It can't be a variable's: those are paths.
const pictureName = "picture"

// Program is a network as recorded for one batch size.
type Program struct {
	// Picture is the input, Logits the output.
	Picture, Logits *graph.Node
	// Nodes are those that the output depends on, inputs before users; Picture is among them if the output uses it.
	Nodes []*graph.Node
	// Named are the tensors of the file that the network comes from, for a batch of one; nil where it has none.
	Named map[string]*graph.Node

	all        []*graph.Node // Nodes, and what the named ones depend on beside them
	store      *model.Store
	attributes map[compute.Value]any
	closures   map[*graph.Node][]Closure
}

// Trace records the network for a batch size.
func Trace(net *models.Network, batch int) (*Program, error) {
	inner, err := gobackend.New("")
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	b := &backend{Backend: inner, attributes: map[compute.Value]any{}, closures: map[compute.Value][]*function{}}
	p := &Program{store: net.Store, attributes: b.attributes}
	in := net.Input
	err = catch(func() {
		g := graph.NewGraph(b, "record")
		b.graph = g
		model.SetStore(g, net.Store)
		p.Picture = graph.Parameter(g, pictureName, shapes.Make(dtypes.Float32, batch, in.Height, in.Width, in.Channels()))
		if net.Tensors != nil && batch == 1 {
			p.Logits, p.Named = net.Tensors(net.Store.RootScope(), p.Picture)
		} else {
			p.Logits = net.Logits(net.Store.RootScope(), p.Picture)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("network %q can't be built for %d×%d×%d pictures: %w", net.Name, in.Height, in.Width, in.Channels(), err)
	}
	if p.Logits == nil || p.Logits.Shape().Rank() != 2 || p.Logits.Shape().Dimensions[0] != batch {
		shape := "nothing"
		if p.Logits != nil {
			shape = p.Logits.Shape().String()
		}
		return nil, fmt.Errorf("network %q answers with %s for a batch of %d; Logits must return [batch, classes]", net.Name, shape, batch)
	}
	made := p.Logits.Graph().Nodes()
	p.findClosures(made, b.closures)
	p.Nodes = p.reachable(made, []*graph.Node{p.Logits})
	p.all = p.reachable(made, append(slices.Collect(maps.Values(p.Named)), p.Logits))
	return p, p.check()
}

// catch runs what a network's author wrote, who may throw anything.
func catch(build func()) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			if e, ok := thrown.(error); ok {
				err = e
			} else {
				err = fmt.Errorf("%v", thrown)
			}
		}
	}()
	build()
	return nil
}

// reachable lists the nodes that some depend on, inputs before users, in the order in which they were made.
func (p *Program) reachable(all, some []*graph.Node) []*graph.Node { return reach(all, some, p.Reads) }

// reach lists the nodes, of all, that reads leads to from some.
func reach(all, some []*graph.Node, reads func(n *graph.Node) []*graph.Node) []*graph.Node {
	seen := map[*graph.Node]bool{}
	todo := slices.Clone(some)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen[n] {
			seen[n] = true
			todo = append(todo, reads(n)...)
		}
	}
	var nodes []*graph.Node
	for _, n := range all {
		if seen[n] {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// check refuses parameters that are no variables, and variables without a value: GoMLX would fill them with noise.
func (p *Program) check() error {
	for _, n := range p.all {
		if n.Type() != graph.NodeTypeParameter || n == p.Picture {
			continue
		}
		v := p.store.GetVariable(n.GetParameterName())
		if v == nil {
			return fmt.Errorf("the network reads a parameter %q that is no variable of its store", n.GetParameterName())
		}
		if !v.HasValue() {
			return fmt.Errorf("variable %q has no value; load the network's weights into its Store first", v.Path())
		}
	}
	return nil
}

// Attributes are those noted for a node: a Conv, Window, Dot, …, or nil.
func (p *Program) Attributes(n *graph.Node) any {
	outputs := graph.InternalBackendOutputs(n)
	if len(outputs) == 0 || n.Type() == graph.NodeTypeSplitNode || n.Type() == graph.NodeTypeIdentity {
		return nil // it has the value of the node that it hands on
	}
	return p.attributes[outputs[0]]
}

// Constant is the value of a constant node, as a tensor of its own.
func (p *Program) Constant(n *graph.Node) *tensors.Tensor {
	t := tensors.FromShape(n.Shape())
	t.MustMutableFlatData(func(flat any) {
		reflect.Copy(reflect.ValueOf(flat), reflect.ValueOf(p.Attributes(n).(Constant).Flat))
	})
	return t
}

// Variable is the variable that a parameter node stands for; nil for any other node.
func (p *Program) Variable(n *graph.Node) *model.Variable {
	if n.Type() != graph.NodeTypeParameter || n == p.Picture {
		return nil
	}
	return p.store.GetVariable(n.GetParameterName())
}

// Replay builds the program again in picture's graph, of whatever backend, on picture instead of the recorded input,
// and returns what became of the wanted nodes; only what those depend on is built. substitute is asked for every node
// but the picture with what became of the nodes that it Reads; where it returns nil the node is cloned, or built in a
// quicker way that gives the same values. It is not asked for the nodes of closures, which are built again as they were,
// on what became of the nodes around them. A nil substitute replaces nothing.
func (p *Program) Replay(picture *graph.Node, wanted []*graph.Node, substitute func(n *graph.Node, inputs []*graph.Node) *graph.Node) []*graph.Node {
	made := map[*graph.Node]*graph.Node{p.Picture: picture}
	for _, n := range p.reachable(p.all, wanted) {
		if n == p.Picture {
			continue
		}
		inputs := through(made, p.Reads(n))
		if substitute != nil {
			made[n] = substitute(n, inputs)
		}
		if made[n] == nil {
			made[n] = p.build(picture.Graph(), n, inputs)
		}
	}
	return through(made, wanted)
}

// through is what became of nodes.
func through(made map[*graph.Node]*graph.Node, nodes []*graph.Node) []*graph.Node {
	list := make([]*graph.Node, len(nodes))
	for i, n := range nodes {
		list[i] = made[n]
	}
	return list
}

// build makes a node again in g, in the quickest way.
func (p *Program) build(g *graph.Graph, n *graph.Node, inputs []*graph.Node) *graph.Node {
	if lowered := p.lower(n, inputs); lowered != nil {
		return lowered
	}
	return p.clone(g, n, inputs)
}

// clone makes a node again in g as it was. Those without inputs, and control flow, GoMLX would clone into the graph that
// they come from. Inputs are what became of the nodes that n Reads.
func (p *Program) clone(g *graph.Graph, n *graph.Node, inputs []*graph.Node) *graph.Node {
	switch n.Type() {
	case graph.NodeTypeParameter:
		return p.Variable(n).NodeValue(g)
	case graph.NodeTypeConstant:
		return graph.ConstTensor(g, p.Constant(n))
	case graph.NodeTypeIota:
		iota := p.Attributes(n).(Iota)
		return graph.Iota(g, iota.Shape, iota.Axis)
	}
	if IsControlFlow(n) {
		return p.runControlFlow(g, n, inputs)
	}
	return n.CloneWithInputs(inputs...)
}
