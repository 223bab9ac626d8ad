package attrib

import (
	"fmt"
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
	// hides is 1 for each channel that is hidden and 0 for those that always show; nil stands for all hidden.
	hides []float32
	// mean shows the mean over what a position hides, each channel for itself, in place of fill.
	mean bool
	// patches show a picture of its own at each position, in place of fill; nil where they don't.
	patches *patches
}

// masks say how much of each pixel each position hides: 0 nothing, 1 all. They are made on the device.
type masks interface {
	// key tells masks apart that need other code.
	key() string
	// count is the number of positions.
	count() int
	// bounds holds the pixels that may be hidden at a position.
	bounds(position int) image.Rectangle
	// weights are the mask of a position inside its bounds, row by row: what build makes on the device.
	weights(position int) []float32
	// constants are given to the device once, values anew for each batch, of the shapes for that batch; a negative
	// position hides nothing.
	constants() []*tensors.Tensor
	shapes(batch int) []shapes.Shape
	values(positions []int) []*tensors.Tensor
	// build makes the masks of h × w pixels from an origin on (int32 of [batch, 2]: row and column), as float32 of [batch,
	// h, w, 1]. It holds all of bounds.
	build(constants, values []*graph.Node, origin *graph.Node, h, w int) *graph.Node
}

// boxes hide rectangles, with hard edges.
type boxes []image.Rectangle

func (b boxes) key() string                         { return "boxes" }
func (b boxes) count() int                          { return len(b) }
func (b boxes) bounds(position int) image.Rectangle { return b[position] }
func (b boxes) constants() []*tensors.Tensor        { return nil }

func (b boxes) weights(position int) []float32 {
	size := b[position].Size()
	return slices.Repeat([]float32{1}, size.X*size.Y)
}

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

func (b boxes) build(_, values []*graph.Node, origin *graph.Node, h, w int) *graph.Node {
	return product(inBox(values[0], origin, 0, h), inBox(values[0], origin, 1, w))
}

// inBox is 1 for each of the n rows (axis 0) or columns (axis 1) from an origin on that lie between the edges, else 0:
// [batch, n].
func inBox(edges, origin *graph.Node, axis, n int) *graph.Node {
	place, first, end := sides(edges, origin, axis, n)
	return graph.ConvertDType(graph.LogicalAnd(graph.GreaterOrEqual(place, first), graph.LessThan(place, end)), dtypes.Float32)
}

// sides are the places from an origin on with the first place of a box and the one behind its last: int32 of [batch, n].
func sides(edges, origin *graph.Node, axis, n int) (place, first, end *graph.Node) {
	edge := func(i int) *graph.Node {
		return graph.BroadcastToDims(graph.Slice(edges, graph.AxisRange(), graph.AxisRange(i, i+1)), edges.Shape().Dimensions[0], n)
	}
	return places(origin, axis, n), edge(2 * axis), edge(2*axis + 1)
}

// product is the mask of rows [batch, h] and columns [batch, w]: [batch, h, w, 1].
func product(rows, cols *graph.Node) *graph.Node {
	batch, h, w := rows.Shape().Dimensions[0], rows.Shape().Dimensions[1], cols.Shape().Dimensions[1]
	dims := []int{batch, h, w, 1}
	return graph.Mul(graph.BroadcastToDims(graph.Reshape(rows, batch, h, 1, 1), dims...),
		graph.BroadcastToDims(graph.Reshape(cols, batch, 1, w, 1), dims...))
}

// places are the n rows (axis 0) or columns (axis 1) from an origin on: int32 of [batch, n].
func places(origin *graph.Node, axis, n int) *graph.Node {
	batch := origin.Shape().Dimensions[0]
	first := graph.Slice(origin, graph.AxisRange(), graph.AxisRange(axis, axis+1))
	shape := shapes.Make(dtypes.Int32, batch, n)
	return graph.Add(graph.BroadcastToDims(first, batch, n), graph.Iota(origin.Graph(), shape, 1))
}

// softBoxes hide rectangles whose edges are ramps: along each axis, a pixel that is the k-th from the nearer edge, from 1
// on, is hidden by min(1, k/(ramp+1)); the two axes are multiplied.
type softBoxes struct {
	boxes
	ramp int
}

func (b softBoxes) key() string { return fmt.Sprint("soft boxes ", b.ramp) }

func (b softBoxes) weights(position int) []float32 {
	size := b.boxes[position].Size()
	along := func(i, n int) float32 { return min(1, float32(min(i+1, n-i))/float32(b.ramp+1)) }
	list := make([]float32, 0, size.X*size.Y)
	for y := range size.Y {
		for x := range size.X {
			list = append(list, along(y, size.Y)*along(x, size.X))
		}
	}
	return list
}

func (b softBoxes) build(_, values []*graph.Node, origin *graph.Node, h, w int) *graph.Node {
	along := func(axis, n int) *graph.Node {
		place, first, end := sides(values[0], origin, axis, n)
		k := graph.Min(graph.AddScalar(graph.Sub(place, first), 1), graph.Sub(end, place))
		ramp := graph.DivScalar(graph.ConvertDType(k, dtypes.Float32), b.ramp+1)
		return graph.MinScalar(graph.MaxScalar(ramp, 0), 1)
	}
	return product(along(0, h), along(1, w))
}

// segments hide the pixels of one label each.
type segments struct {
	height, width int
	labels        []int32 // by pixel, the position that hides it; negative for none
	boxes         []image.Rectangle
}

// newSegments reads an image of labels from 0 on.
func newSegments(labels []int, height, width int) segments {
	s := segments{height: height, width: width, labels: make([]int32, len(labels))}
	for i, label := range labels {
		s.labels[i] = int32(label)
		for label >= len(s.boxes) {
			s.boxes = append(s.boxes, image.Rectangle{})
		}
		if label >= 0 {
			x, y := i%width, i/width
			s.boxes[label] = s.boxes[label].Union(image.Rect(x, y, x+1, y+1))
		}
	}
	return s
}

func (s segments) key() string                         { return "segments" }
func (s segments) count() int                          { return len(s.boxes) }
func (s segments) bounds(position int) image.Rectangle { return s.boxes[position] }

func (s segments) weights(position int) []float32 {
	var list []float32
	b := s.boxes[position]
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			is := float32(0)
			if s.labels[y*s.width+x] == int32(position) {
				is = 1
			}
			list = append(list, is)
		}
	}
	return list
}

func (s segments) constants() []*tensors.Tensor {
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(s.labels, s.height, s.width)}
}

func (s segments) shapes(batch int) []shapes.Shape {
	return []shapes.Shape{shapes.Make(dtypes.Int32, batch)}
}

func (s segments) values(positions []int) []*tensors.Tensor {
	const nowhere = -2 // no pixel's label
	list := make([]int32, len(positions))
	for i, p := range positions {
		list[i] = int32(p)
		if p < 0 {
			list[i] = nowhere
		}
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(list, len(list))}
}

func (s segments) build(constants, values []*graph.Node, origin *graph.Node, h, w int) *graph.Node {
	batch := origin.Shape().Dimensions[0]
	labels := part(constants[0], origin, h, w)
	wanted := graph.BroadcastToDims(graph.Reshape(values[0], batch, 1, 1), batch, h, w)
	return graph.InsertAxes(graph.ConvertDType(graph.Equal(labels, wanted), dtypes.Float32), -1)
}

// others hide all that the masks leave, so that only what those would hide shows.
type others struct {
	masks
	height, width int
}

func (o others) key() string                { return "others " + o.masks.key() }
func (o others) bounds(int) image.Rectangle { return image.Rect(0, 0, o.width, o.height) }

func (o others) weights(position int) []float32 {
	list := slices.Repeat([]float32{1}, o.height*o.width)
	b, inner := o.masks.bounds(position), o.masks.weights(position)
	for i, w := range inner {
		list[(b.Min.Y+i/b.Dx())*o.width+b.Min.X+i%b.Dx()] = 1 - w
	}
	return list
}

func (o others) shapes(batch int) []shapes.Shape {
	return append(o.masks.shapes(batch), shapes.Make(dtypes.Float32, batch))
}

func (o others) values(positions []int) []*tensors.Tensor {
	there := make([]float32, len(positions))
	for i, p := range positions {
		if p >= 0 {
			there[i] = 1
		}
	}
	return append(o.masks.values(positions), tensors.FromFlatDataAndDimensions(there, len(there)))
}

func (o others) build(constants, values []*graph.Node, origin *graph.Node, h, w int) *graph.Node {
	last := len(values) - 1
	inner := o.masks.build(constants, values[:last], origin, h, w)
	d := inner.Shape().Dimensions
	there := graph.BroadcastToDims(graph.Reshape(values[last], d[0], 1, 1, 1), d...)
	return graph.Mul(there, graph.OneMinus(inner))
}

// part is h × w pixels, from each of the origins on, of something that has a value for each pixel of the input (and
// further axes behind): [batch, h, w, …].
func part(whole, origin *graph.Node, h, w int) *graph.Node {
	dims := whole.Shape().Dimensions
	if h == dims[0] && w == dims[1] {
		return graph.BroadcastToDims(graph.InsertAxes(whole, 0), append([]int{origin.Shape().Dimensions[0]}, dims...)...)
	}
	return graph.GatherSlices(whole, []int{0, 1}, origin, []int{h, w}, false)
}

// key tells hidings apart that need other code.
func (h hiding) key() string {
	key := fmt.Sprint(h.masks.key(), " channels ", h.hides, " mean ", h.mean)
	if h.patches != nil {
		key += " patches"
	}
	return key
}

// constants are what of a hiding is given to the device once.
func (h hiding) constants() []*tensors.Tensor {
	whole := func(values []float32) *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(values, h.height, h.width, h.channels)
	}
	return append([]*tensors.Tensor{whole(h.picture), whole(h.fill)}, h.masks.constants()...)
}

func (h hiding) constantShapes() []shapes.Shape {
	whole := shapes.Make(dtypes.Float32, h.height, h.width, h.channels)
	list := []shapes.Shape{whole, whole}
	for _, t := range h.masks.constants() {
		list = append(list, t.Shape())
	}
	return list
}

// shapes and values are those of the masks and of the patches.
func (h hiding) shapes(batch int) []shapes.Shape {
	list := h.masks.shapes(batch)
	if h.patches != nil {
		list = append(list, h.patches.shapes(batch)...)
	}
	return list
}

func (h hiding) values(positions []int) []*tensors.Tensor {
	list := h.masks.values(positions)
	if h.patches != nil {
		list = append(list, h.patches.values(positions)...)
	}
	return list
}

// build makes the pictures as the network gets them, in rows × cols pixels from an origin on: [batch, rows, cols,
// channels].
func (h hiding) build(constants, values []*graph.Node, origin *graph.Node, rows, cols int) *graph.Node {
	batch := origin.Shape().Dimensions[0]
	own := len(h.masks.shapes(batch))
	dims := []int{batch, rows, cols, h.channels}
	mask := graph.BroadcastToDims(h.masks.build(constants[2:], values[:own], origin, rows, cols), dims...)
	if h.hides != nil {
		hides := graph.Const(mask.Graph(), [][][][]float32{{{h.hides}}})
		mask = graph.Mul(mask, graph.BroadcastToDims(hides, dims...))
	}
	picture := part(constants[0], origin, rows, cols)
	fill := (*graph.Node)(nil)
	switch {
	case h.mean:
		fill = meanUnder(mask, picture)
	case h.patches != nil:
		fill = h.patches.build(values[own:], origin, rows, cols)
	default:
		fill = part(constants[1], origin, rows, cols)
	}
	// Both products are exact where the mask is 0 or 1.
	return graph.Add(graph.Mul(graph.OneMinus(mask), picture), graph.Mul(mask, fill))
}

// meanUnder is each channel's mean over what a mask hides, at every pixel; 0 where it hides nothing.
func meanUnder(mask, picture *graph.Node) *graph.Node {
	sum := func(x *graph.Node) *graph.Node {
		return graph.ReduceAndKeep(graph.ReduceAndKeep(x, graph.ReduceSum, 2), graph.ReduceSum, 1)
	}
	const least = 1e-9 // of what is hidden, so that nothing is divided by 0
	mean := graph.Div(sum(graph.Mul(mask, picture)), graph.MaxScalar(sum(mask), least))
	return graph.BroadcastToDims(mean, picture.Shape().Dimensions...)
}

// untouched reports whether a position hides only what shows the fill already.
func (h hiding) untouched(position int) bool {
	if h.mean || h.patches != nil {
		return false
	}
	box := h.masks.bounds(position)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		from, to := (y*h.width+box.Min.X)*h.channels, (y*h.width+box.Max.X)*h.channels
		if !slices.Equal(h.picture[from:to], h.fill[from:to]) {
			return false
		}
	}
	return true
}

// shown is the picture with a position hidden, as build makes it.
func (h hiding) shown(position int) []float32 {
	out := slices.Clone(h.picture)
	fill := h.fillAt(position)
	b := h.masks.bounds(position)
	for i, w := range h.masks.weights(position) {
		pixel := (b.Min.Y+i/b.Dx())*h.width + b.Min.X + i%b.Dx()
		for c := range h.channels {
			if h.hides == nil || h.hides[c] != 0 {
				k := pixel*h.channels + c
				out[k] = (1-w)*h.picture[k] + w*fill[k]
			}
		}
	}
	return out
}

// fillAt is the whole picture that a position shows.
func (h hiding) fillAt(position int) []float32 {
	if h.patches != nil {
		return h.patches.whole(position)
	}
	if !h.mean {
		return h.fill
	}
	sums, weight := make([]float64, h.channels), 0.0
	b := h.masks.bounds(position)
	for i, w := range h.masks.weights(position) {
		pixel := (b.Min.Y+i/b.Dx())*h.width + b.Min.X + i%b.Dx()
		weight += float64(w)
		for c := range sums {
			sums[c] += float64(w) * float64(h.picture[pixel*h.channels+c])
		}
	}
	mean := make([]float32, h.channels)
	for c := range mean {
		if weight > 0 {
			mean[c] = float32(sums[c] / weight)
		}
	}
	return repeat(mean, len(h.picture))
}
