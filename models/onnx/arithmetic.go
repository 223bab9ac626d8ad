package onnx

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// both makes an operator of a function of two or more operands that are broadcast together.
func both(f func(a, b *graph.Node) *graph.Node, number func(a, b float64) float64) operator {
	return operator{
		build: func(c *call) *value { return c.combine(f) },
		fold:  func(c *call) *array { return foldNumbers(c, number) },
	}
}

// compare makes an operator of a comparison.
func compare(f func(a, b *graph.Node) *graph.Node, test func(a, b float64) bool) operator {
	return operator{
		build: func(c *call) *value { return c.combine(f) },
		fold:  func(c *call) *array { return foldTest(c, test) },
	}
}

// one makes an operator of a function of each value that is computed while importing where the value is known.
func one(f func(x *graph.Node) *graph.Node, number func(x float64) float64) operator {
	o := simple(f)
	o.fold = func(c *call) *array { return foldEach(c, number) }
	return o
}

var _ = register(map[string]operator{
	"Add":            both(graph.Add, func(a, b float64) float64 { return a + b }),
	"Sub":            both(graph.Sub, func(a, b float64) float64 { return a - b }),
	"Mul":            both(graph.Mul, func(a, b float64) float64 { return a * b }),
	"Div":            both(graph.Div, func(a, b float64) float64 { return a / b }),
	"Pow":            both(pow, math.Pow),
	"Min":            both(graph.Min, math.Min),
	"Max":            both(graph.Max, math.Max),
	"Sum":            both(graph.Add, func(a, b float64) float64 { return a + b }),
	"Mean":           {build: mean},
	"Mod":            {fold: func(c *call) *array { return foldNumbers(c, mod) }, build: mustFold, attributes: "fmod"},
	"Equal":          compare(graph.Equal, func(a, b float64) bool { return a == b }),
	"Greater":        compare(graph.GreaterThan, func(a, b float64) bool { return a > b }),
	"GreaterOrEqual": compare(graph.GreaterOrEqual, func(a, b float64) bool { return a >= b }),
	"Less":           compare(graph.LessThan, func(a, b float64) bool { return a < b }),
	"LessOrEqual":    compare(graph.LessOrEqual, func(a, b float64) bool { return a <= b }),
	"And":            compare(graph.LogicalAnd, func(a, b float64) bool { return a != 0 && b != 0 }),
	"Or":             compare(graph.LogicalOr, func(a, b float64) bool { return a != 0 || b != 0 }),
	"Where":          {build: where, fold: foldWhere},
	"Not":            {build: func(c *call) *value { x := c.x(0); return x.with(graph.LogicalNot(x.node)) }, fold: foldNot},
	"Sqrt":           one(graph.Sqrt, math.Sqrt),
	"Exp":            one(graph.Exp, math.Exp),
	"Log":            one(graph.Log, math.Log),
	"Abs":            one(graph.Abs, math.Abs),
	"Neg":            one(graph.Neg, func(x float64) float64 { return -x }),
	"Floor":          one(graph.Floor, math.Floor),
	"Ceil":           one(graph.Ceil, math.Ceil),
	"Reciprocal":     one(graph.Reciprocal, func(x float64) float64 { return 1 / x }),
	"Erf":            one(graph.Erf, math.Erf),
	"Sign":           simple(graph.Sign),
})

// mustFold is for operators that only shape arithmetic needs.
func mustFold(c *call) *value {
	c.fail("%s is supported on shapes and other known numbers only", c.node.op)
	return nil
}

// mod is the remainder with the divisor's sign, as on whole numbers.
func mod(a, b float64) float64 { return a - b*math.Floor(a/b) }

// pow writes the usual exponents as products and roots, which are exact and have gradients everywhere.
func pow(a, b *graph.Node) *graph.Node {
	if b.Type() == graph.NodeTypeConstant || b.Shape().Size() == 1 {
		switch exponent(b) {
		case 1:
			return a
		case 2:
			return graph.Mul(a, a)
		case 3:
			return graph.Mul(graph.Mul(a, a), a)
		case 0.5:
			return graph.Sqrt(a)
		}
	}
	return graph.Pow(a, b)
}

// exponent is the number in a node that only reshapes a constant; NaN where it is another node.
func exponent(b *graph.Node) float64 {
	for b.Type() == graph.NodeTypeReshape || b.Type() == graph.NodeTypeConvertDType {
		b = b.Inputs()[0]
	}
	if b.Type() == graph.NodeTypeConstant && b.Shape().Size() == 1 {
		switch v := b.ConstantValue().Value().(type) {
		case float32:
			return float64(v)
		case int32:
			return float64(v)
		}
	}
	return math.NaN()
}

// operands are all inputs with nodes of one element type.
func (c *call) operands() []*value {
	list := make([]*value, len(c.args))
	for i := range c.args {
		list[i] = c.x(i)
	}
	if len(list) == 0 {
		c.fail("it has no input")
	}
	return list
}

// combine applies f to all inputs in turn.
func (c *call) combine(f func(a, b *graph.Node) *graph.Node) *value {
	list := c.operands()
	nodes, like := align(list)
	y := nodes[0]
	for _, n := range nodes[1:] {
		y = f(y, n)
	}
	return like.with(y)
}

func mean(c *call) *value {
	sum := c.combine(graph.Add)
	return sum.with(graph.DivScalar(sum.node, float64(len(c.args))))
}

func where(c *call) *value {
	nodes, like := align(c.operands())
	if len(nodes) != 3 {
		c.fail("%d inputs; it takes three", len(nodes))
	}
	dims, err := broadcastDims(nodes[0].Shape().Dimensions, nodes[1].Shape().Dimensions, nodes[2].Shape().Dimensions)
	if err != nil {
		panic(err)
	}
	for i := range nodes {
		nodes[i] = graph.BroadcastToDims(nodes[i], dims...)
	}
	return like.with(graph.Where(nodes[0], nodes[1], nodes[2]))
}

// align gives operands the same number of axes in the same order and one element type, so that they can be broadcast
// together. like has that order: that of the largest operand.
func align(list []*value) (nodes []*graph.Node, like *value) {
	like = list[0]
	for _, v := range list[1:] {
		if len(v.axes) > len(like.axes) || len(v.axes) == len(like.axes) && v.node.Shape().Size() > like.node.Shape().Size() {
			like = v
		}
	}
	order := like.order()
	fractions := false
	for _, v := range list {
		fractions = fractions || v.node.DType().IsFloat()
	}
	for _, v := range list {
		if missing := len(order) - len(v.axes); missing > 0 {
			if v.node.Shape().Size() == 1 {
				v = plain(graph.Reshape(v.node, ones(len(order))...))
			} else {
				v = v.reshape(append(ones(missing), v.dims()...))
			}
		}
		n := v.in(order)
		if fractions && n.DType().IsInt() {
			n = graph.ConvertDType(n, float32Type)
		}
		nodes = append(nodes, n)
	}
	return nodes, like
}
