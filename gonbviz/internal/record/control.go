package record

import (
	"errors"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Closure is a function that control flow runs: a condition, a body, a branch, a comparison, a callee.
type Closure struct {
	// Parameters are its own, in their order; Outputs is what it returns.
	Parameters, Outputs []*graph.Node
	// Nodes are those that it computes its outputs with, inputs before users.
	Nodes []*graph.Node

	reads []*graph.Node // what it takes from the network around it
}

// IsControlFlow reports whether a node runs closures: While, If, Sort or Call.
func IsControlFlow(n *graph.Node) bool {
	switch n.Type() {
	case graph.NodeTypeWhile, graph.NodeTypeIf, graph.NodeTypeSort, graph.NodeTypeCall:
		return true
	}
	return false
}

// Closures are what control flow runs, in the order of the operation's arguments; nil for any other node.
func (p *Program) Closures(n *graph.Node) []Closure { return p.closures[n] }

// Reads are the nodes that n depends on directly: its inputs, and what its closures take from the network around them.
func (p *Program) Reads(n *graph.Node) []*graph.Node {
	reads := n.Inputs()
	for _, c := range p.closures[n] {
		reads = append(slices.Clip(reads), c.reads...)
	}
	return reads
}

// findClosures ties the functions that the builder noted to the graph's nodes.
func (p *Program) findClosures(made []*graph.Node, noted map[compute.Value][]*function) {
	nodes := map[compute.Value]*graph.Node{}
	for _, n := range made {
		if outputs := graph.InternalBackendOutputs(n); len(outputs) == 1 && nodes[outputs[0]] == nil {
			nodes[outputs[0]] = n
		}
	}
	find := func(values []compute.Value) []*graph.Node {
		list := make([]*graph.Node, len(values))
		for i, v := range values {
			list[i] = nodes[v]
		}
		return list
	}
	p.closures = map[*graph.Node][]Closure{}
	for _, n := range made {
		if !IsControlFlow(n) {
			continue
		}
		for _, f := range noted[graph.InternalBackendOutputs(n)[0]] {
			c := Closure{Parameters: find(f.parameters), Outputs: find(f.outputs)}
			within := func(n *graph.Node) []*graph.Node {
				if !f.made(n) {
					return nil
				}
				return n.Inputs()
			}
			for _, inner := range reach(made, c.Outputs, within) {
				if f.made(inner) {
					c.Nodes = append(c.Nodes, inner)
				} else {
					c.reads = append(c.reads, inner)
				}
			}
			p.closures[n] = append(p.closures[n], c)
		}
	}
}

// made reports whether the function computes a node itself. GoMLX shares constants between functions; those count to
// each, since XLA's closures can't read anything from around them.
func (f *function) made(n *graph.Node) bool {
	return f.first <= int(n.Id()) && int(n.Id()) < f.end || n.IsConstantExpression()
}

// runControlFlow builds control flow again in g, its closures with it: a clone would keep the old graph's. reads are what
// became of its inputs and then of what each closure reads.
func (p *Program) runControlFlow(g *graph.Graph, n *graph.Node, reads []*graph.Node) *graph.Node {
	if len(reads) != len(p.Reads(n)) {
		panic(errors.New("control flow needs what its closures read from the network around it"))
	}
	inputs, rest := reads[:len(n.Inputs())], reads[len(n.Inputs()):]
	bodies := make([]func(g *graph.Graph) []*graph.Node, len(p.closures[n]))
	for i, c := range p.closures[n] {
		around := rest[:len(c.reads)]
		rest = rest[len(c.reads):]
		bodies[i] = func(g *graph.Graph) []*graph.Node { return p.inside(g, c, around) }
	}
	if n.Type() == graph.NodeTypeIf {
		return choose(inputs[0], bodies[0](g), bodies[1](g))
	}
	closure := func(i int) *graph.Function { return graph.NewClosure(g, bodies[i]) }
	var outputs []*graph.Node
	switch n.Type() {
	case graph.NodeTypeWhile:
		outputs = graph.While(closure(0), closure(1), inputs...)
	case graph.NodeTypeSort:
		sort := p.Attributes(n).(Sort)
		outputs = graph.SortFunc(closure(0), sort.Axis, sort.Stable, inputs...)
	case graph.NodeTypeCall:
		outputs = graph.NewFunction(g, g.UniqueName("callee"), bodies[0]).Call(inputs...)
	}
	return joined(outputs)
}

// choose takes the outputs of one branch, with both computed. XLA has no branches that read what is around them, and on
// the pure-Go backend those spoil buffers that are still in use.
func choose(condition *graph.Node, yes, no []*graph.Node) *graph.Node {
	outputs := make([]*graph.Node, len(yes))
	for i := range yes {
		outputs[i] = graph.Where(condition, yes[i], no[i])
	}
	return joined(graph.OptimizationBarriers(outputs...))
}

// joined is the node that several outputs are split off, or the one that there is.
func joined(outputs []*graph.Node) *graph.Node {
	if len(outputs) == 1 {
		return outputs[0]
	}
	return outputs[0].Inputs()[0]
}

// inside builds a closure's nodes on what became of the nodes around it, and returns its outputs. Nothing there is built
// in a quicker way: what that shares with the rest of the graph, a zero, would bind the two together.
func (p *Program) inside(g *graph.Graph, c Closure, around []*graph.Node) []*graph.Node {
	made := map[*graph.Node]*graph.Node{}
	for i, n := range c.reads {
		made[n] = around[i]
	}
	for _, n := range c.Parameters {
		made[n] = graph.Parameter(g, n.GetParameterName(), n.Shape())
	}
	for _, n := range c.Nodes {
		if made[n] == nil {
			made[n] = p.clone(g, n, through(made, p.Reads(n)))
		}
	}
	return through(made, c.Outputs)
}

// Parameter notes the order of a closure's parameters.
func (f *function) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	v, err := f.Function.Parameter(name, shape, sharding)
	if err == nil {
		f.parameters = append(f.parameters, v)
	}
	return v, err
}

// Return notes a closure's outputs.
func (f *function) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	f.outputs, f.end = slices.Clone(outputs), f.builder.b.next()
	return f.Function.Return(outputs, shardings)
}

// run notes the functions, wrapped, that control flow runs.
func (f *function) run(values []compute.Value, err error, functions ...compute.Function) ([]compute.Value, error) {
	if err != nil {
		return nil, err
	}
	noted := make([]*function, len(functions))
	for i, inner := range functions {
		noted[i] = inner.(*function)
	}
	f.builder.b.closures[values[0]] = noted
	return values, nil
}

// bare is the wrapped function: the builder underneath refuses any other.
func bare(f compute.Function) compute.Function {
	if w, ok := f.(*function); ok {
		return w.Function
	}
	return f
}

func (f *function) Call(callee compute.Function, inputs ...compute.Value) ([]compute.Value, error) {
	values, err := f.Function.Call(bare(callee), inputs...)
	return f.run(values, err, callee)
}

func (f *function) Sort(comparator compute.Function, axis int, isStable bool, inputs ...compute.Value) ([]compute.Value, error) {
	values, err := f.Function.Sort(bare(comparator), axis, isStable, inputs...)
	if err == nil {
		f.builder.b.attributes[values[0]] = Sort{axis, isStable}
	}
	return f.run(values, err, comparator)
}

func (f *function) While(cond, body compute.Function, state ...compute.Value) ([]compute.Value, error) {
	values, err := f.Function.While(bare(cond), bare(body), state...)
	return f.run(values, err, cond, body)
}

func (f *function) If(pred compute.Value, yes, no compute.Function) ([]compute.Value, error) {
	values, err := f.Function.If(pred, bare(yes), bare(no))
	return f.run(values, err, yes, no)
}
