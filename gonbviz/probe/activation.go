package probe

import (
	"maps"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/gomlx/core/graph"
)

// activation is a function that networks use, with its name here and in captions.
type activation struct {
	name, caption string
	of            func(x float64) float64
}

// activations are told apart by their values, since there are many ways to write each of them.
var activations = []activation{
	{"relu", "ReLU", func(x float64) float64 { return max(x, 0) }},
	{"relu6", "ReLU6", relu6},
	{"sigmoid", "sigmoid", sigmoid},
	{"tanh", "tanh", math.Tanh},
	{"swish", "swish", func(x float64) float64 { return x * sigmoid(x) }},
	{"hard_swish", "hard swish", func(x float64) float64 { return x * relu6(x+3) / 6 }},
	{"hard_sigmoid", "hard sigmoid", func(x float64) float64 { return relu6(x+3) / 6 }},
	{"hard_sigmoid", "hard sigmoid", func(x float64) float64 { return min(max(0.2*x+0.5, 0), 1) }},
	{"gelu", "GELU", func(x float64) float64 { return x * (1 + math.Erf(x/math.Sqrt2)) / 2 }},
	{"gelu", "GELU", func(x float64) float64 { // its usual approximation
		return x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) / 2
	}},
	{"elu", "ELU", elu},
	{"selu", "SELU", func(x float64) float64 {
		if x > 0 {
			return 1.05070098 * x
		}
		return 1.05070098 * 1.67326324 * math.Expm1(x)
	}},
	{"softplus", "softplus", func(x float64) float64 { return math.Log1p(math.Exp(x)) }},
	{"mish", "mish", func(x float64) float64 { return x * math.Tanh(math.Log1p(math.Exp(x))) }},
}

func relu6(x float64) float64   { return min(max(x, 0), 6) }
func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func elu(x float64) float64 {
	if x > 0 {
		return x
	}
	return math.Expm1(x)
}

// functionName names the function that takes a value at point to one at n, with what variables hold; "activation" where
// it is none of those known.
func functionName(n, point *graph.Node, variables evaluation) string {
	of := func(x float64) float64 {
		e := evaluation{point: x}
		maps.Copy(e, variables)
		return e.at(n)
	}
	tolerance := 1e-5
	if dtype := n.DType(); dtype == dtypes.Float16 || dtype == dtypes.BFloat16 {
		tolerance = 1e-2 // the function's constants are rounded
	}
	same := func(f, g func(float64) float64) bool { return same(f, g, tolerance) }
	for _, a := range activations {
		if same(of, a.of) {
			return a.name
		}
	}
	slope, shift := of(1)-of(0), of(0)
	low, high := of(-100), of(100)
	switch leak := -of(-1); {
	case leak > 0 && leak < 1 && same(of, func(x float64) float64 { return max(x, 0) + leak*min(x, 0) }):
		return "leaky_relu"
	case same(of, func(x float64) float64 { return slope*x + shift }):
		return "scale"
	case same(of, func(x float64) float64 { return min(max(x, low), high) }):
		return "clip"
	}
	return "activation"
}

// captionOf is an activation function's name as people write it.
func captionOf(function string) string {
	for _, a := range activations {
		if a.name == function {
			return a.caption
		}
	}
	switch function {
	case "leaky_relu":
		return "leaky ReLU"
	case "prelu":
		return "PReLU"
	case "log_softmax":
		return "log softmax"
	}
	return function
}

// same reports whether two functions agree from −8 to 8.
func same(f, g func(float64) float64, tolerance float64) bool {
	for x := -8.0; x <= 8; x += 0.25 {
		if a, b := f(x), g(x); !(math.Abs(a-b) <= tolerance*max(1, math.Abs(b))) {
			return false
		}
	}
	return true
}

// evaluation holds the values of nodes for one value at a point.
type evaluation map[*graph.Node]float64

// at is the value at n; NaN where that takes an operation that is not known here, or a constant of several numbers.
func (e evaluation) at(n *graph.Node) float64 {
	v, found := e[n]
	if !found {
		v = e.compute(n)
		e[n] = v
	}
	return v
}

func (e evaluation) compute(n *graph.Node) float64 {
	of := func(i int) float64 { return e.at(n.Inputs()[i]) }
	switch {
	case passes(n):
		return of(0)
	case n.Type() == graph.NodeTypeConstant:
		return number(n)
	case unary[n.Type()] != nil:
		return unary[n.Type()](of(0))
	case binary[n.Type()] != nil:
		return binary[n.Type()](of(0), of(1))
	case n.Type() == graph.NodeTypeClamp: // least, value, most
		return min(max(of(1), of(0)), of(2))
	case n.Type() == graph.NodeTypeWhere:
		if of(0) != 0 {
			return of(1)
		}
		return of(2)
	}
	return math.NaN()
}

var unary = map[graph.NodeType]func(float64) float64{
	graph.NodeTypeAbs: math.Abs, graph.NodeTypeErf: math.Erf, graph.NodeTypeExp: math.Exp, graph.NodeTypeExpm1: math.Expm1,
	graph.NodeTypeLog: math.Log, graph.NodeTypeLog1p: math.Log1p, graph.NodeTypeLogistic: sigmoid, graph.NodeTypeSqrt: math.Sqrt,
	graph.NodeTypeTanh: math.Tanh,
	graph.NodeTypeNeg:  func(a float64) float64 { return -a },
}

var binary = map[graph.NodeType]func(a, b float64) float64{
	graph.NodeTypeAdd:            func(a, b float64) float64 { return a + b },
	graph.NodeTypeSub:            func(a, b float64) float64 { return a - b },
	graph.NodeTypeMul:            func(a, b float64) float64 { return a * b },
	graph.NodeTypeDiv:            func(a, b float64) float64 { return a / b },
	graph.NodeTypeMax:            math.Max,
	graph.NodeTypeMin:            math.Min,
	graph.NodeTypePow:            math.Pow,
	graph.NodeTypeGreaterThan:    func(a, b float64) float64 { return truth(a > b) },
	graph.NodeTypeGreaterOrEqual: func(a, b float64) float64 { return truth(a >= b) },
	graph.NodeTypeLessThan:       func(a, b float64) float64 { return truth(a < b) },
	graph.NodeTypeLessOrEqual:    func(a, b float64) float64 { return truth(a <= b) },
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// number is the value of a constant that is a single floating-point number.
func number(n *graph.Node) float64 {
	value := n.ConstantValue()
	if value == nil || n.Shape().Size() != 1 {
		return math.NaN()
	}
	number := math.NaN()
	value.MustConstFlatData(func(flat any) {
		switch v := flat.(type) {
		case []float32:
			number = float64(v[0])
		case []float64:
			number = v[0]
		case []float16.Float16:
			number = float64(v[0].Float32())
		case []bfloat16.BFloat16:
			number = float64(v[0].Float32())
		}
	})
	return number
}
