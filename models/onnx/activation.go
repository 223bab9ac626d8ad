package onnx

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// each makes an operator of a function of each value by itself.
func each(f func(c *call, x *graph.Node) *graph.Node, attributes string) operator {
	return operator{attributes: attributes, build: func(c *call) *value {
		x := c.x(0)
		return x.with(f(c, x.node))
	}}
}

// simple is each for a function of GoMLX's own.
func simple(f func(x *graph.Node) *graph.Node) operator {
	return each(func(_ *call, x *graph.Node) *graph.Node { return f(x) }, "")
}

var _ = register(map[string]operator{
	"Relu":      simple(relu),
	"Sigmoid":   simple(graph.Sigmoid),
	"Tanh":      simple(graph.Tanh),
	"HardSwish": simple(func(x *graph.Node) *graph.Node { return graph.Mul(x, hardSigmoid(x, 1.0/6, 0.5)) }),
	"Softplus":  simple(softplus),
	"Mish":      simple(func(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Tanh(softplus(x))) }),
	"Softsign":  simple(func(x *graph.Node) *graph.Node { return graph.Div(x, graph.AddScalar(graph.Abs(x), 1)) }),
	"LeakyRelu": each(leakyRelu, "alpha"),
	"HardSigmoid": each(func(c *call, x *graph.Node) *graph.Node {
		return hardSigmoid(x, c.float("alpha", 0.2), c.float("beta", 0.5))
	}, "alpha beta"),
	"Elu":  each(func(c *call, x *graph.Node) *graph.Node { return elu(x, c.float("alpha", 1), 1) }, "alpha"),
	"Celu": each(celu, "alpha"),
	"Selu": each(func(c *call, x *graph.Node) *graph.Node {
		gamma := c.float("gamma", 1.05070102214813232421875)
		return graph.MulScalar(elu(x, c.float("alpha", 1.67326319217681884765625), 1), gamma)
	}, "alpha gamma"),
	"ThresholdedRelu": each(thresholdedRelu, "alpha"),
	"Gelu":            each(gelu, "approximate"),
	"PRelu":           {build: prelu},
	"Clip":            each(clip, "min max"),
})

func relu(x *graph.Node) *graph.Node { return graph.MaxScalar(x, 0) }

func zero(x *graph.Node) *graph.Node { return graph.ScalarZero(x.Graph(), x.DType()) }

// hardSigmoid is alpha·x + beta between 0 and 1.
func hardSigmoid(x *graph.Node, alpha, beta float64) *graph.Node {
	return graph.MinScalar(graph.MaxScalar(graph.AddScalar(graph.MulScalar(x, alpha), beta), 0), 1)
}

// softplus is log(1 + eˣ), without overflow.
func softplus(x *graph.Node) *graph.Node {
	return graph.Add(relu(x), graph.Log1p(graph.Exp(graph.Neg(graph.Abs(x)))))
}

// elu is x above 0 and alpha·(e^(x/width) − 1) below. The exponential is of no positive number, so that the side that
// is not taken stays finite.
func elu(x *graph.Node, alpha, width float64) *graph.Node {
	below := graph.MinScalar(x, 0)
	if width != 1 {
		below = graph.DivScalar(below, width)
	}
	return graph.Add(relu(x), graph.MulScalar(graph.AddScalar(graph.Exp(below), -1), alpha))
}

func celu(c *call, x *graph.Node) *graph.Node {
	alpha := c.float("alpha", 1)
	if alpha == 0 {
		c.fail("attribute \"alpha\" is 0")
	}
	return elu(x, alpha, alpha)
}

func leakyRelu(c *call, x *graph.Node) *graph.Node {
	return graph.Where(graph.GreaterOrEqual(x, zero(x)), x, graph.MulScalar(x, c.float("alpha", 0.01)))
}

func thresholdedRelu(c *call, x *graph.Node) *graph.Node {
	return graph.Where(graph.GreaterThan(x, graph.Scalar(x.Graph(), x.DType(), c.float("alpha", 1))), x, graph.ZerosLike(x))
}

// gelu is x times the normal distribution's share below x, exact or by a hyperbolic tangent.
func gelu(c *call, x *graph.Node) *graph.Node {
	var share *graph.Node
	switch mode := c.text("approximate", "none"); mode {
	case "none":
		share = graph.Erf(graph.MulScalar(x, math.Sqrt(0.5)))
	case "tanh":
		cubic := graph.Add(x, graph.MulScalar(graph.Mul(graph.Mul(x, x), x), 0.044715))
		share = graph.Tanh(graph.MulScalar(cubic, math.Sqrt(2/math.Pi)))
	default:
		c.fail("approximate %q; it may be none or tanh", mode)
	}
	return graph.Mul(graph.MulScalar(x, 0.5), graph.AddScalar(share, 1))
}

// prelu has a slope below 0 that was learned.
func prelu(c *call) *value {
	x, slope := c.x(0), c.onGraph(c.arg(1), "slopes")
	nodes, like := align([]*value{x, slope})
	return like.with(graph.Where(graph.GreaterOrEqual(nodes[0], zero(nodes[0])), nodes[0], graph.Mul(nodes[0], nodes[1])))
}

// clip limits values; the limits are attributes up to operator set 10, then inputs.
func clip(c *call, x *graph.Node) *graph.Node {
	low, high := math.Inf(-1), math.Inf(1)
	if c.opset < 11 {
		low, high = c.float("min", low), c.float("max", high)
	} else {
		low, high = c.knownFloat(1, low), c.knownFloat(2, high)
	}
	if low > -math.MaxFloat32 {
		x = graph.MaxScalar(x, low)
	}
	if high < math.MaxFloat32 {
		x = graph.MinScalar(x, high)
	}
	return x
}
