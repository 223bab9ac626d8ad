package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/models/onnx/internal/pb"
)

// call is one node with its inputs while it is computed or built. Its methods panic with an error where the file asks
// for what can't be.
type call struct {
	*builder
	node *node
	args []*value // nil where an optional input is left out
}

// fail ends the building of the node.
func (c *call) fail(format string, args ...any) { panic(fmt.Errorf(format, args...)) }

// has reports whether input i is given.
func (c *call) has(i int) bool { return i < len(c.args) && c.args[i] != nil }

// arg is input i, which must be given.
func (c *call) arg(i int) *value {
	if !c.has(i) {
		c.fail("input %d is missing", i+1)
	}
	return c.args[i]
}

// known is input i, whose numbers must be known now.
func (c *call) known(i int) *array {
	a := c.arg(i).host
	if a == nil {
		c.fail("input %d is computed from the picture; it must be known beforehand", i+1)
	}
	a.keep()
	return a
}

// knownInts is input i as whole numbers.
func (c *call) knownInts(i int) []int {
	a := c.known(i)
	if a.kind == float {
		c.fail("input %d is %s; whole numbers are needed", i+1, a.kind)
	}
	list := make([]int, len(a.ints))
	for k, v := range a.ints {
		list[k] = int(v)
	}
	return list
}

// knownFloat is input i, a single number, or def where it is left out.
func (c *call) knownFloat(i int, def float64) float64 {
	if !c.has(i) {
		return def
	}
	a := c.known(i)
	if a.size() != 1 {
		c.fail("input %d has shape %v; a single number is needed", i+1, a.dims)
	}
	return a.at(0)
}

// attribute is the attribute of that name and type; nil where it is left out.
func (c *call) attribute(name string, t pb.AttributeProto_AttributeType) *pb.AttributeProto {
	a := c.node.attributes[name]
	if a == nil {
		return nil
	}
	if a.GetRefAttrName() != "" || a.GetType() != t {
		c.fail("attribute %q is of type %s; %s is needed", name, a.GetType(), t)
	}
	return a
}

func (c *call) int(name string, def int) int {
	if a := c.attribute(name, pb.AttributeProto_INT); a != nil {
		return int(a.GetI())
	}
	return def
}

func (c *call) float(name string, def float64) float64 {
	if a := c.attribute(name, pb.AttributeProto_FLOAT); a != nil {
		return float64(a.GetF())
	}
	return def
}

func (c *call) text(name, def string) string {
	if a := c.attribute(name, pb.AttributeProto_STRING); a != nil {
		return string(a.GetS())
	}
	return def
}

// ints is an attribute's list; nil where it is left out.
func (c *call) ints(name string) []int {
	a := c.attribute(name, pb.AttributeProto_INTS)
	if a == nil {
		return nil
	}
	list := make([]int, len(a.GetInts()))
	for i, v := range a.GetInts() {
		list[i] = int(v)
	}
	return list
}

// oneOf is an attribute that must have one of some values.
func (c *call) oneOf(name string, choices ...int) int {
	v := c.int(name, choices[0])
	if !slices.Contains(choices, v) {
		c.fail("attribute %q is %d; it may be one of %v", name, v, choices)
	}
	return v
}

// axis brings an axis of a tensor of some rank, which may count from the end, into range.
func (c *call) axis(axis, rank int) int {
	if axis < -rank || axis >= rank {
		c.fail("axis %d of a tensor with %d axes", axis, rank)
	}
	if axis < 0 {
		axis += rank
	}
	return axis
}

// axes brings several axes into range, in order, each once.
func (c *call) axes(list []int, rank int) []int {
	var out []int
	for _, axis := range list {
		out = append(out, c.axis(axis, rank))
	}
	slices.Sort(out)
	if len(slices.Compact(slices.Clone(out))) < len(out) {
		c.fail("axes %v name one twice", list)
	}
	return out
}

// axesFrom are those of an attribute, or from some operator set on of input i; nil where they are left out.
func (c *call) axesFrom(name string, i int, since int64, rank int) []int {
	if c.opset < since {
		return c.axes(c.ints(name), rank)
	}
	if !c.has(i) {
		return nil
	}
	return c.axes(c.knownInts(i), rank)
}

// x is input i as a value with a node, of numbers.
func (c *call) x(i int) *value { return c.onGraph(c.arg(i), "value") }

// onGraph gives a known value a node: a variable of the layer under the name of its role, or a constant.
func (c *call) onGraph(v *value, role string) *value {
	if v.node != nil {
		return v
	}
	a := v.host
	if a.kind != float || a.traced || a.size() == 1 {
		return plain(c.constant(a))
	}
	return plain(c.variable(a, role, asIs))
}

// constant is a known array as a constant of the graph.
func (c *call) constant(a *array) *graph.Node {
	a.keep()
	if a.kind == float {
		if a.size() == 1 {
			return graph.Reshape(graph.Const(c.graph, a.floats[0]), ones(len(a.dims))...)
		}
		return graph.Reshape(graph.Const(c.graph, a.floats), a.dims...)
	}
	if a.size() == 0 {
		panic(errors.New("a tensor without values"))
	}
	list := make([]int32, len(a.ints))
	for i, v := range a.ints {
		list[i] = int32(max(min(v, 1<<31-1), -1<<31))
	}
	node := graph.Reshape(graph.Const(c.graph, list), a.dims...)
	if a.kind == boolean {
		return graph.NotEqual(node, graph.ZerosLike(node))
	}
	return node
}

// named gives the result of several steps the node's name, unless another building in the same graph has taken it:
// GoMLX refuses an alias twice.
func (c *call) named(x *graph.Node) *graph.Node {
	alias := "/" + c.names.scope(c.node)
	if c.graph.GetNodeByAlias(alias) != nil {
		return x
	}
	return x.WithAlias(alias)
}

func ones(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = 1
	}
	return list
}
