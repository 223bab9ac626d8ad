package onnx

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/models/onnx/internal/pb"
)

const float32Type = dtypes.Float32

var _ = register(map[string]operator{
	"Constant":        {build: constant, fold: foldConstant, attributes: "value value_float value_floats value_int value_ints"},
	"ConstantOfShape": {build: mustFold, fold: foldConstantOfShape, attributes: "value"},
	"Shape":           {build: shapeOf, attributes: "start end"},
	"Size":            {build: sizeOf},
	"Range":           {build: mustFold, fold: foldRange},
	"Identity":        {build: func(c *call) *value { return c.arg(0) }, fold: func(c *call) *array { return c.arg(0).host }},
	"Dropout":         {build: dropout, attributes: "ratio seed is_test"},
	"Cast":            {build: cast, fold: foldCast, attributes: "to saturate"},
	"CastLike":        {build: castLike, attributes: "saturate"},
	"Reshape":         {build: reshape, fold: foldReshape, attributes: "allowzero"},
	"Flatten":         {build: flatten, fold: foldFlatten, attributes: "axis"},
	"Squeeze":         {build: squeeze, fold: foldSqueeze, attributes: "axes"},
	"Unsqueeze":       {build: unsqueeze, fold: foldUnsqueeze, attributes: "axes"},
	"Transpose":       {build: transpose, fold: foldTranspose, attributes: "perm"},
	"Expand":          {build: expand, fold: foldExpand},
	"Concat":          {build: concat, fold: foldConcat, attributes: "axis"},
	"DepthToSpace":    {build: depthToSpace, attributes: "blocksize mode"},
	"SpaceToDepth":    {build: spaceToDepth, attributes: "blocksize"},
})

// constant is reached only where a constant can't be folded, which its fold has said why.
func constant(c *call) *value { return &value{host: foldConstant(c)} }

// shapeOf is the shape as known numbers. They can change with the batch.
func shapeOf(c *call) *value {
	dims := c.arg(0).dims()
	from, to := c.int("start", 0), c.int("end", len(dims))
	clamp := func(i int) int {
		if i < 0 {
			i += len(dims)
		}
		return max(0, min(i, len(dims)))
	}
	var list []int64
	for _, d := range dims[clamp(from):max(clamp(from), clamp(to))] {
		list = append(list, int64(d))
	}
	a := newInts([]int{len(list)}, list)
	a.traced = c.arg(0).host == nil || c.arg(0).host.traced
	return &value{host: a}
}

func sizeOf(c *call) *value {
	n := 1
	for _, d := range c.arg(0).dims() {
		n *= d
	}
	a := newInts(nil, []int64{int64(n)})
	a.traced = true
	return &value{host: a}
}

func dropout(c *call) *value {
	if c.has(2) && c.known(2).at(0) != 0 {
		c.fail("dropout is supported in inference mode only")
	}
	return c.x(0)
}

// cast changes the type of numbers; all floating-point types are float32 here.
func cast(c *call) *value { return c.x(0).cast(c.elementTo().kind) }

func (v *value) cast(to kind) *value {
	switch {
	case to == boolean:
		return v.with(graph.NotEqual(v.node, graph.ZerosLike(v.node)))
	case to == integer:
		return v.with(graph.ConvertDType(v.node, dtypes.Int32))
	case v.node.DType() == float32Type:
		return v
	}
	return v.with(graph.ConvertDType(v.node, float32Type))
}

// castLike changes numbers to the type of others, which can depend on the picture. Known ones stay known.
func castLike(c *call) *value {
	to := c.arg(1).kind()
	if c.arg(0).host == nil {
		return c.x(0).cast(to)
	}
	a := *c.converted(c.arg(0).host, to) // a copy: what is known of the file stays as it is
	a.traced = true
	return &value{host: &a}
}

// reshape follows the target's rules: 0 keeps a length, −1 is what is left.
func reshape(c *call) *value {
	x := c.x(0)
	target, dims := c.knownInts(1), x.dims()
	if !c.arg(1).host.traced {
		target = c.forBatch(target, dims)
	}
	return x.reshape(c.target(target, dims))
}

// forBatch makes a target in which the file's batch is written suit that of the pictures. The batch is the first axis,
// or the slowest part of it.
func (c *call) forBatch(target, dims []int) []int {
	if len(target) == 0 || len(dims) == 0 || dims[0]%c.batch != 0 || c.batch == c.fixed {
		return target
	}
	to, product, size := slices.Clone(target), 1, 1
	for _, d := range target {
		product *= d
	}
	for _, d := range dims {
		size *= d
	}
	switch {
	case product <= 0 && target[0] == c.fixed:
		to[0] = c.batch
	case product > 0 && product*c.batch == size*c.fixed:
		to[0] = target[0] * c.batch / c.fixed
	}
	return to
}

// target resolves a shape that is asked for.
func (c *call) target(target, dims []int) []int {
	size := 1
	for _, d := range dims {
		size *= d
	}
	to := slices.Clone(target)
	open, rest := -1, 1
	for i, d := range to {
		switch {
		case d == 0 && c.oneOf("allowzero", 0, 1) == 0 && i < len(dims):
			to[i] = dims[i]
			rest *= dims[i]
		case d == -1 && open < 0:
			open = i
		case d < 1 || d > size:
			c.fail("a tensor of shape %v can't have the shape %v", dims, target)
		default:
			rest *= d
		}
		if rest > size {
			c.fail("a tensor of shape %v can't have the shape %v", dims, target)
		}
	}
	if open >= 0 && rest > 0 {
		to[open] = size / rest
		rest *= to[open]
	}
	if rest != size || size == 0 {
		c.fail("a tensor of shape %v can't have the shape %v", dims, target)
	}
	return to
}

func flatten(c *call) *value {
	x := c.x(0)
	return x.reshape(c.flat(x.dims()))
}

// flat is the shape of a matrix with the axes before one as rows.
func (c *call) flat(dims []int) []int {
	axis := c.int("axis", 1)
	if axis != len(dims) {
		axis = c.axis(axis, len(dims))
	}
	to := []int{1, 1}
	for i, d := range dims {
		if i < axis {
			to[0] *= d
		} else {
			to[1] *= d
		}
	}
	return to
}

func squeeze(c *call) *value { x := c.x(0); return x.reshape(c.squeezed(x.dims())) }

// squeezed is a shape without some axes of length 1, or without all of them.
func (c *call) squeezed(dims []int) []int {
	axes := c.axesFrom("axes", 1, 13, len(dims))
	var to []int
	for i, d := range dims {
		if axes == nil && (d != 1 || i == 0 && c.batch > 0) {
			to = append(to, d)
		} else if axes != nil && !slices.Contains(axes, i) {
			to = append(to, d)
		} else if d != 1 {
			c.fail("axis %d of shape %v has not the length 1", i, dims)
		}
	}
	return to
}

func unsqueeze(c *call) *value { x := c.x(0); return x.reshape(c.unsqueezed(x.dims())) }

// unsqueezed is a shape with further axes of length 1, numbered in the result.
func (c *call) unsqueezed(dims []int) []int {
	var list []int
	if c.opset < 13 {
		list = c.ints("axes")
	} else {
		list = c.knownInts(1)
	}
	rank := len(dims) + len(list)
	if rank > 32 {
		c.fail("%d axes", rank)
	}
	axes := c.axes(list, rank)
	to := slices.Clone(dims)
	for _, axis := range axes {
		to = slices.Insert(to, axis, 1)
	}
	return to
}

// transpose moves no numbers: only the value's axes are named anew.
func transpose(c *call) *value {
	x := c.x(0)
	axes := make([]int, len(x.axes))
	for i, axis := range c.permutation(len(axes)) {
		axes[i] = x.axes[axis]
	}
	return &value{node: x.node, axes: axes}
}

// permutation is the order that a transposition asks for; backwards by default.
func (c *call) permutation(rank int) []int {
	order := c.ints("perm")
	if order == nil {
		order = identity(rank)
		slices.Reverse(order)
	}
	if len(order) != rank || !slices.Equal(slices.Sorted(slices.Values(order)), identity(rank)) {
		c.fail("permutation %v of %d axes", order, rank)
	}
	return order
}

func expand(c *call) *value {
	x := c.x(0)
	dims, err := broadcastDims(x.dims(), c.knownInts(1))
	if err != nil {
		panic(err)
	}
	if n, err := volume(dims); err != nil || n < 1 || n/max(c.batch, 1) > maxValues {
		c.fail("a result of shape %v", dims)
	}
	if missing := len(dims) - len(x.axes); missing > 0 {
		x = x.reshape(append(ones(missing), x.dims()...))
	}
	var to []int
	for _, axis := range x.order() {
		to = append(to, dims[axis])
	}
	return x.with(graph.BroadcastToDims(x.node, to...))
}

func concat(c *call) *value {
	list := c.operands()
	axis := c.axis(c.int("axis", 1), len(list[0].axes))
	like := list[0]
	for _, v := range list[1:] {
		if len(v.axes) != len(like.axes) {
			c.fail("tensors of shapes %v and %v", like.dims(), v.dims())
		}
		if v.node.Shape().Size() > like.node.Shape().Size() {
			like = v
		}
	}
	var nodes []*graph.Node
	for _, v := range list {
		nodes = append(nodes, v.in(like.order()))
	}
	if len(nodes) == 1 {
		return like
	}
	return like.with(graph.Concatenate(nodes, like.axes[axis]))
}

// block is a DepthToSpace's or SpaceToDepth's map and block size.
func (c *call) block() (*value, int) {
	x, size := c.x(0), c.int("blocksize", 0)
	if len(x.axes) != 4 || size < 1 || size > 1<<15 {
		c.fail("blocks of %d in a map of shape %v", size, x.dims())
	}
	return x, size
}

// moved is v with its axes named anew.
func (v *value) moved(order ...int) *value {
	axes := make([]int, len(order))
	for i, axis := range order {
		axes[i] = v.axes[axis]
	}
	return &value{node: v.node, axes: axes}
}

func depthToSpace(c *call) *value {
	x, b := c.block()
	d := x.dims()
	if d[1]%(b*b) != 0 {
		c.fail("blocks of %d in a map of shape %v", b, d)
	}
	deep := d[1] / (b * b)
	var y *value
	switch mode := c.text("mode", "DCR"); mode {
	case "DCR":
		y = x.reshape([]int{d[0], b, b, deep, d[2], d[3]}).moved(0, 3, 4, 1, 5, 2)
	case "CRD":
		y = x.reshape([]int{d[0], deep, b, b, d[2], d[3]}).moved(0, 1, 4, 2, 5, 3)
	default:
		c.fail("mode %q; it may be DCR or CRD", mode)
	}
	return y.reshape([]int{d[0], deep, d[2] * b, d[3] * b})
}

func spaceToDepth(c *call) *value {
	x, b := c.block()
	d := x.dims()
	if d[2]%b != 0 || d[3]%b != 0 {
		c.fail("blocks of %d in a map of shape %v", b, d)
	}
	y := x.reshape([]int{d[0], d[1], d[2] / b, b, d[3] / b, b}).moved(0, 3, 5, 1, 2, 4)
	return y.reshape([]int{d[0], d[1] * b * b, d[2] / b, d[3] / b})
}

// elementTo is the type that a cast asks for.
func (c *call) elementTo() element {
	e, err := elementOf(int32(c.int("to", int(pb.TensorProto_UNDEFINED))))
	if err != nil {
		panic(err)
	}
	return e
}
