package attrib

import (
	"image"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// hiding says what of a picture a method hides at its positions, and what shows instead.
type hiding struct {
	// height, width and channels are the input's.
	height, width, channels int
	// picture and fill are whole pictures; where a position hides all of a pixel the fill shows.
	picture, fill []float32
	masks         masks
}

// masks say how much of each pixel each position hides: 0 nothing, 1 all. They are made on the device.
type masks interface {
	// key tells masks apart that need other code.
	key() string
	// count is the number of positions.
	count() int
	// bounds holds the pixels that may be hidden at a position.
	bounds(position int) image.Rectangle
	// shapes are those of what build is given for a batch of positions, and values is that, made anew for each batch; a
	// negative position hides nothing.
	shapes(batch int) []shapes.Shape
	values(positions []int) []*tensors.Tensor
	// build makes the masks of h × w pixels from an origin on (int32 of [batch, 2]: row and column), as float32 of [batch,
	// h, w, 1], or with one mask a channel. It holds all of bounds.
	build(values []*graph.Node, origin *graph.Node, h, w int) *graph.Node
}

// boxes hide rectangles, with hard edges.
type boxes []image.Rectangle

func (b boxes) key() string                         { return "boxes" }
func (b boxes) count() int                          { return len(b) }
func (b boxes) bounds(position int) image.Rectangle { return b[position] }

func (b boxes) shapes(batch int) []shapes.Shape {
	return []shapes.Shape{shapes.Make(dtypes.Int32, batch, 4)}
}

func (b boxes) values(positions []int) []*tensors.Tensor {
	edges := make([]int32, 4*len(positions))
	for i, p := range positions {
		if p >= 0 {
			copy(edges[4*i:], []int32{int32(b[p].Min.Y), int32(b[p].Max.Y), int32(b[p].Min.X), int32(b[p].Max.X)})
		}
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(edges, len(positions), 4)}
}

func (b boxes) build(values []*graph.Node, origin *graph.Node, h, w int) *graph.Node {
	edges := values[0]
	batch := edges.Shape().Dimensions[0]
	inside := func(axis, n int) *graph.Node {
		place := places(origin, axis, n)
		edge := func(i int) *graph.Node {
			return graph.BroadcastToDims(graph.Slice(edges, graph.AxisRange(), graph.AxisRange(i, i+1)), batch, n)
		}
		return graph.LogicalAnd(graph.GreaterOrEqual(place, edge(2*axis)), graph.LessThan(place, edge(2*axis+1)))
	}
	rows := graph.BroadcastToDims(graph.Reshape(inside(0, h), batch, h, 1, 1), batch, h, w, 1)
	cols := graph.BroadcastToDims(graph.Reshape(inside(1, w), batch, 1, w, 1), batch, h, w, 1)
	return graph.ConvertDType(graph.LogicalAnd(rows, cols), dtypes.Float32)
}

// places are the n rows (axis 0) or columns (axis 1) from an origin on: int32 of [batch, n].
func places(origin *graph.Node, axis, n int) *graph.Node {
	batch := origin.Shape().Dimensions[0]
	first := graph.Slice(origin, graph.AxisRange(), graph.AxisRange(axis, axis+1))
	shape := shapes.Make(dtypes.Int32, batch, n)
	return graph.Add(graph.BroadcastToDims(first, batch, n), graph.Iota(origin.Graph(), shape, 1))
}

// constants are what of a hiding is given to the device once.
func (h hiding) constants() []*tensors.Tensor {
	whole := func(values []float32) *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(values, h.height, h.width, h.channels)
	}
	return []*tensors.Tensor{whole(h.picture), whole(h.fill)}
}

func (h hiding) constantShapes() []shapes.Shape {
	whole := shapes.Make(dtypes.Float32, h.height, h.width, h.channels)
	return []shapes.Shape{whole, whole}
}

// build makes the pictures as the network gets them, in rows × cols pixels from an origin on: [batch, rows, cols,
// channels].
func (h hiding) build(constants, values []*graph.Node, origin *graph.Node, rows, cols int) *graph.Node {
	mask := h.masks.build(values, origin, rows, cols)
	batch := origin.Shape().Dimensions[0]
	dims := []int{batch, rows, cols, h.channels}
	part := func(whole *graph.Node) *graph.Node {
		if rows == h.height && cols == h.width {
			return graph.BroadcastToDims(graph.InsertAxes(whole, 0), dims...)
		}
		return graph.GatherSlices(whole, []int{0, 1}, origin, []int{rows, cols}, false)
	}
	mask = graph.BroadcastToDims(mask, dims...)
	// Both products are exact where the mask is 0 or 1.
	shown := graph.Mul(graph.OneMinus(mask), part(constants[0]))
	return graph.Add(shown, graph.Mul(mask, part(constants[1])))
}

// untouched reports whether a position hides only what shows the fill already.
func (h hiding) untouched(position int) bool {
	box := h.masks.bounds(position)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		from, to := (y*h.width+box.Min.X)*h.channels, (y*h.width+box.Max.X)*h.channels
		if !slices.Equal(h.picture[from:to], h.fill[from:to]) {
			return false
		}
	}
	return true
}
