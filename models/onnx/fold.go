package onnx

import (
	"math"
	"slices"

	"github.com/convlens/convlens/models/onnx/internal/pb"
)

// hosts are all inputs, whose numbers are known. Large ones that arithmetic changes stay in the graph: folding is for
// shapes and other small numbers.
func (c *call) hosts() []*array {
	list := make([]*array, len(c.args))
	for i := range c.args {
		list[i] = c.known(i)
	}
	return list
}

// folded is the shape of operands together, which must be small enough to be computed here.
func (c *call) folded(list []*array) []int {
	shapes := make([][]int, len(list))
	for i, a := range list {
		shapes[i] = a.dims
	}
	dims, err := broadcastDims(shapes...)
	if err != nil {
		panic(err)
	}
	c.spend(dims)
	return dims
}

// store puts a number in place i.
func (a *array) store(i int, x float64) {
	if a.kind == float {
		if err := a.setFloat(i, x); err != nil {
			panic(err)
		}
		return
	}
	a.ints[i] = int64(math.Trunc(max(-1<<62, min(x, 1<<62))))
}

// foldNumbers computes arithmetic; the result has the operands' kind.
func foldNumbers(c *call, f func(a, b float64) float64) *array {
	list := c.hosts()
	if len(list) == 0 {
		c.fail("it has no input")
	}
	dims := c.folded(list)
	out := list[0].broadcast(dims)
	for _, b := range list[1:] {
		if b.kind != out.kind {
			c.fail("%s and %s numbers together", out.kind, b.kind)
		}
		b = b.broadcast(dims)
		next := (&array{kind: out.kind}).like(dims)
		for i := range next.size() {
			if next.kind != float && c.node.op == "Div" && b.ints[i] == 0 {
				c.fail("a division by 0")
			}
			next.store(i, f(out.at(i), b.at(i)))
		}
		out = next
	}
	return out
}

func foldTest(c *call, test func(a, b float64) bool) *array {
	list := c.hosts()
	if len(list) != 2 {
		c.fail("%d inputs; it takes two", len(list))
	}
	dims := c.folded(list)
	a, b := list[0].broadcast(dims), list[1].broadcast(dims)
	out := (&array{kind: boolean}).like(dims)
	for i := range out.ints {
		if test(a.at(i), b.at(i)) {
			out.ints[i] = 1
		}
	}
	return out
}

func foldEach(c *call, f func(x float64) float64) *array {
	a := c.known(0)
	c.spend(a.dims)
	out := a.like(a.dims)
	for i := range out.size() {
		out.store(i, f(a.at(i)))
	}
	return out
}

func foldNot(c *call) *array {
	a := c.known(0)
	if a.kind != boolean {
		c.fail("an input of %s numbers; it takes booleans", a.kind)
	}
	c.spend(a.dims)
	out := (&array{kind: boolean}).like(a.dims)
	for i := range out.ints {
		out.ints[i] = 1 - min(a.ints[i], 1)
	}
	return out
}

func foldWhere(c *call) *array {
	list := c.hosts()
	if len(list) != 3 {
		c.fail("%d inputs; it takes three", len(list))
	}
	dims := c.folded(list)
	test, yes, no := list[0].broadcast(dims), list[1].broadcast(dims), list[2].broadcast(dims)
	if test.kind != boolean || yes.kind != no.kind {
		c.fail("inputs of the kinds %s, %s, %s", test.kind, yes.kind, no.kind)
	}
	out := yes.like(dims)
	for i := range out.size() {
		if test.ints[i] != 0 {
			out.copyFrom(i, yes, i)
		} else {
			out.copyFrom(i, no, i)
		}
	}
	return out
}

// foldConstant reads a number or tensor that stands in the node.
func foldConstant(c *call) *array {
	for name, a := range c.node.attributes {
		switch name {
		case "value":
			return c.tensor(a)
		case "value_float":
			return c.floats(nil, []float32{c.attribute(name, pb.AttributeProto_FLOAT).GetF()})
		case "value_floats":
			list := c.attribute(name, pb.AttributeProto_FLOATS).GetFloats()
			return c.floats([]int{len(list)}, list)
		case "value_int":
			return newInts(nil, []int64{c.attribute(name, pb.AttributeProto_INT).GetI()})
		case "value_ints":
			list := c.attribute(name, pb.AttributeProto_INTS).GetInts()
			return newInts([]int{len(list)}, list)
		}
	}
	c.fail("a constant without a value")
	return nil
}

func (c *call) floats(dims []int, list []float32) *array {
	a := (&array{kind: float}).like(dims)
	for i, x := range list {
		a.store(i, float64(x))
	}
	return a
}

// tensor is the one in an attribute.
func (c *call) tensor(a *pb.AttributeProto) *array {
	if a.GetType() != pb.AttributeProto_TENSOR || a.T == nil {
		c.fail("attribute %q is of type %s; TENSOR is needed", a.GetName(), a.GetType())
	}
	t, err := decode(a.T, c.folder)
	if err != nil {
		panic(err)
	}
	return t
}

// foldConstantOfShape is a tensor of one number, 0 where none is given.
func foldConstantOfShape(c *call) *array {
	dims := c.knownInts(0)
	c.spend(dims)
	value := newFloats([]int{1}, []float32{0})
	if a := c.node.attributes["value"]; a != nil {
		value = c.tensor(a)
	}
	if value.size() != 1 {
		c.fail("a value of shape %v", value.dims)
	}
	return value.reshaped(nil).broadcast(dims)
}

func foldRange(c *call) *array {
	start, limit, delta := c.knownFloat(0, 0), c.knownFloat(1, 0), c.knownFloat(2, 1)
	count := math.Ceil((limit - start) / delta)
	if math.IsNaN(count) || count > maxFolded {
		c.fail("a range of %v numbers", count)
	}
	n := int(max(count, 0))
	out := (&array{kind: c.known(0).kind}).like([]int{n})
	for i := range n {
		out.store(i, start+float64(i)*delta)
	}
	return out
}

func foldCast(c *call) *array { return c.converted(c.arg(0).host, c.elementTo().kind) }

// converted is an array as another kind.
func (c *call) converted(a *array, to kind) *array {
	if to == a.kind {
		return a
	}
	a.keep()
	c.spend(a.dims)
	out := (&array{kind: to}).like(a.dims)
	for i := range out.size() {
		switch x := a.at(i); {
		case to == boolean && x != 0:
			out.ints[i] = 1
		case to != boolean:
			out.store(i, x)
		}
	}
	return out
}

// foldReshape and those like it are of weights, too: no number is copied.
func foldReshape(c *call) *array {
	a := c.arg(0).host
	if a.size() == 0 {
		c.fail("a tensor without values")
	}
	return a.reshaped(c.target(c.knownInts(1), a.dims))
}

func foldFlatten(c *call) *array { a := c.arg(0).host; return a.reshaped(c.flat(a.dims)) }

func foldSqueeze(c *call) *array { a := c.arg(0).host; return a.reshaped(c.squeezed(a.dims)) }

func foldUnsqueeze(c *call) *array { a := c.arg(0).host; return a.reshaped(c.unsqueezed(a.dims)) }

func foldTranspose(c *call) *array {
	a := c.known(0)
	c.spend(a.dims)
	return a.transposed(c.permutation(len(a.dims)))
}

func foldExpand(c *call) *array {
	a := c.known(0)
	dims, err := broadcastDims(a.dims, c.knownInts(1))
	if err != nil {
		panic(err)
	}
	c.spend(dims)
	return a.broadcast(dims)
}

func foldConcat(c *call) *array {
	list := c.hosts()
	if len(list) == 0 {
		c.fail("it has no input")
	}
	axis := c.axis(c.int("axis", 1), len(list[0].dims))
	dims := slices.Clone(list[0].dims)
	dims[axis] = 0
	for _, a := range list {
		if len(a.dims) != len(dims) || a.kind != list[0].kind {
			c.fail("tensors of shapes %v and %v", list[0].dims, a.dims)
		}
		for i, d := range a.dims {
			if i != axis && d != dims[i] {
				c.fail("tensors of shapes %v and %v", list[0].dims, a.dims)
			}
		}
		dims[axis] += a.dims[axis]
	}
	c.spend(dims)
	out := list[0].like(dims)
	inner := 1
	for _, d := range dims[axis+1:] {
		inner *= d
	}
	offset := 0
	for _, a := range list {
		run := a.dims[axis] * inner
		for i := range a.size() {
			out.copyFrom(i/run*dims[axis]*inner+offset+i%run, a, i)
		}
		offset += run
	}
	return out
}

func foldProduct(c *call) *array {
	a := c.known(0)
	if len(a.dims) != 1 {
		return nil
	}
	product := 1.0
	for i := range a.size() {
		product *= a.at(i)
	}
	out := a.like(ones(c.oneOf("keepdims", 1, 0)))
	out.store(0, product)
	return out
}
