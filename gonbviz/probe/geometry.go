package probe

import (
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/record"
)

// span is an interval of pixels, both ends in it; empty where last < first.
type span struct{ first, last int }

func (s span) empty() bool { return s.last < s.first }

func (s span) length() int { return max(s.last-s.first+1, 0) }

// with is the smallest span that holds both.
func (s span) with(o span) span {
	switch {
	case s.empty():
		return o
	case o.empty():
		return s
	}
	return span{min(s.first, o.first), max(s.last, o.last)}
}

// within is the part of the span that lies in a picture of so many pixels.
func (s span) within(pixels int) span { return span{max(s.first, 0), min(s.last, pixels-1)} }

var nothing = span{0, -1}

// sight says what the values of a node see of the picture along one of its sides. Where axis ≥ 0 there is a span for
// each index of that axis; where it is negative there is one, of which every value may see all.
type sight struct {
	axis int
	// seen are the pixels that a value depends on, bounds the same with padding as if the picture went on there.
	seen, bounds []span
	// stride is how far apart neighbouring values look, in pixels; negative where the picture is mirrored.
	stride float64
}

// view is what a node sees of the picture, downwards and across; nil for a node that sees nothing of it.
type view [2]sight

// geometry finds the view of every node that depends on the picture (shaped [batch, height, width, channels]).
func geometry(p *record.Program) map[*graph.Node]*view {
	dims := p.Picture.Shape().Dimensions
	whole := [2]int{dims[1], dims[2]}
	views := map[*graph.Node]*view{p.Picture: {pixels(1, whole[0]), pixels(2, whole[1])}}
	for _, n := range p.Nodes {
		if n == p.Picture {
			continue
		}
		var v *view
		for i, in := range reads(p, n) {
			if views[in] != nil {
				v = unite(v, views[in].through(p, n, i, in, whole), whole)
			}
		}
		if v != nil {
			views[n] = v
		}
	}
	return views
}

// reads are what n reads. One of several results of control flow is taken to be made of all that this reads.
func reads(p *record.Program, n *graph.Node) []*graph.Node {
	if n.Type() == graph.NodeTypeSplitNode && n.Inputs()[0].Type() != graph.NodeTypeSort {
		return p.Reads(n.Inputs()[0])
	}
	return p.Reads(n)
}

// pixels is what the picture itself sees along an axis.
func pixels(axis, size int) sight {
	s := sight{axis: axis, stride: 1}
	for i := range size {
		s.seen = append(s.seen, span{i, i})
	}
	s.bounds = s.seen
	return s
}

// through is what n sees by way of the i-th of the nodes that it reads, in, which sees v.
func (v *view) through(p *record.Program, n *graph.Node, i int, in *graph.Node, whole [2]int) *view {
	t := passage{attributes: p.Attributes(n), n: n, in: in, i: i}
	u := &view{}
	for side, s := range v {
		if s.axis < 0 {
			u[side] = s
			continue
		}
		r, keeps := t.reading(s.axis)
		if !keeps {
			u[side] = s.lost(whole[side])
			continue
		}
		u[side] = s.read(r)
	}
	if n.Type() == graph.NodeTypeReshape && (u[0].axis < 0) != (u[1].axis < 0) {
		// Rows run on into one another: a place along the one axis that is left says nothing of the picture.
		return &view{u[0].lost(whole[0]), u[1].lost(whole[1])}
	}
	return u
}

// reading says which indices of an input's axis the values along an axis of the output are made of.
type reading struct {
	axis, size int               // of the output; the size counts with of alone
	of         func(o int) []int // nil where each index is made of the same one
	stride     float64           // of o in the input's indices
}

// kept hands an axis on as it is, as another axis.
func kept(axis int) reading { return reading{axis: axis, stride: 1} }

// read is what the values see that are made of values that see s.
func (s sight) read(r reading) sight {
	out := sight{axis: r.axis, stride: s.stride * r.stride}
	if r.of == nil {
		out.seen, out.bounds = s.seen, s.bounds
		return out
	}
	for o := range r.size {
		seen, bounds := nothing, nothing
		for _, i := range r.of(o) {
			if i >= 0 && i < len(s.seen) {
				seen = seen.with(s.seen[i])
			}
			bounds = bounds.with(s.bound(i))
		}
		out.seen, out.bounds = append(out.seen, seen), append(out.bounds, bounds)
	}
	return out
}

// bound is what the value at index i sees, which may lie in the padding.
func (s sight) bound(i int) span {
	n, away := len(s.bounds), 0.0
	switch {
	case n == 0:
		return nothing
	case i < 0:
		away, i = float64(i), 0
	case i >= n:
		away, i = float64(i-n+1), n-1
	}
	shift := int(math.Copysign(math.Ceil(math.Abs(away*s.stride)), away*s.stride))
	b := s.bounds[i]
	return span{b.first + shift, b.last + shift}
}

// lost is what a value sees that depends on the whole of the axis.
func (s sight) lost(whole int) sight {
	if s.axis < 0 {
		return s
	}
	seen, bounds := nothing, nothing
	for i := range s.seen {
		seen, bounds = seen.with(s.seen[i]), bounds.with(s.bounds[i])
	}
	return sight{axis: -1, seen: []span{seen}, bounds: []span{bounds.within(whole)}}
}

// unite is what values see that depend on both a and b; a may be nil.
func unite(a, b *view, whole [2]int) *view {
	if a == nil {
		return b
	}
	u := &view{}
	for side := range u {
		u[side] = a[side].unite(b[side], whole[side])
	}
	return u
}

func (s sight) unite(o sight, whole int) sight {
	if s.axis < 0 {
		s, o = o, s
	}
	if s.axis != o.axis {
		// Beside values without a place, or that lie along another axis, padding is no longer told apart.
		o = o.lost(whole)
		clipped := s
		clipped.bounds = nil
		for _, b := range s.bounds {
			clipped.bounds = append(clipped.bounds, b.within(whole))
		}
		s = clipped
	}
	u := sight{axis: s.axis, stride: max(s.stride, o.stride)}
	if s.stride < 0 && o.stride <= 0 {
		u.stride = min(s.stride, o.stride)
	}
	for i := range s.seen {
		k := min(i, len(o.seen)-1)
		u.seen, u.bounds = append(u.seen, s.seen[i].with(o.seen[k])), append(u.bounds, s.bounds[i].with(o.bounds[k]))
	}
	return u
}

// field is the size of what one value sees, padding included: the largest of all places.
func (s sight) field() int {
	most := 0
	for _, b := range s.bounds {
		most = max(most, b.length())
	}
	return most
}

// step is how far apart neighbouring values look, in pixels: rounded up, where an enlarged map has it between two.
func (s sight) step() int {
	if s.axis < 0 {
		return 0
	}
	return int(math.Ceil(math.Abs(s.stride)))
}

// passage is the way through a node by one of the nodes that it reads.
type passage struct {
	attributes any
	n, in      *graph.Node
	i          int
}

// reading is what becomes of an axis of the input; false where it is lost in the output.
func (t passage) reading(axis int) (reading, bool) {
	switch a := t.attributes.(type) {
	case record.Conv:
		return t.conv(a, axis)
	case record.Window:
		size := at(a.Sizes, axis, 1)
		return t.window(axis, taps{
			size: size, stride: at(a.Strides, axis, size), dilation: at(a.WindowDilations, axis, 1),
			padding: low(a.Paddings, axis), spread: at(a.InputDilations, axis, 1),
		}), true
	case record.Pad:
		return t.pad(a, axis), true
	case record.Slice:
		start, stride := at(a.Starts, axis, 0), at(a.Strides, axis, 1)
		return t.along(axis, float64(stride), func(o int) []int { return []int{start + o*stride} }), true
	case record.Transpose:
		return kept(slices.Index(a.Permutation, axis)), true
	case record.Broadcast:
		return t.broadcast(a, axis)
	case record.Reduce:
		return t.reduce(a, axis)
	case record.Concat:
		return t.concat(a, axis), true
	case record.Dot:
		return t.dot(a, axis)
	case record.Sort:
		if a.Axis == axis {
			return t.all(axis, axis, t.size(axis)), true
		}
		return kept(axis), true
	}
	return t.plain(axis)
}

// plain is for operations without attributes. Of those that are not known here, control flow among them, every value is
// taken to see all; they keep an axis where they keep the shape.
func (t passage) plain(axis int) (reading, bool) {
	switch {
	case t.n.Type() == graph.NodeTypeReverse:
		return t.reverse(axis), true
	case t.n.Type() == graph.NodeTypeReshape:
		return t.reshape(axis)
	case record.Elementwise(t.n), t.n.Type() == graph.NodeTypeBatchNormForInference, t.n.Type() == graph.NodeTypeSplitNode && t.n.Inputs()[0] == t.in:
		return kept(axis), true
	case t.n.NumOutputs() == 1 && slices.Equal(t.n.Shape().Dimensions, t.in.Shape().Dimensions):
		return t.all(axis, axis, t.size(axis)), true
	}
	return reading{}, false
}

// size is the input's along an axis.
func (t passage) size(axis int) int { return t.in.Shape().Dimensions[axis] }

// along reads an axis into an axis of the output.
func (t passage) along(axis int, stride float64, of func(o int) []int) reading {
	return reading{axis: axis, size: t.n.Shape().Dimensions[axis], of: of, stride: stride}
}

// all is for values along an axis of the output that may each depend on any of an axis of the input.
func (t passage) all(from, to, size int) reading {
	every := make([]int, t.size(from))
	for i := range every {
		every[i] = i
	}
	return reading{axis: to, size: size, of: func(int) []int { return every }, stride: 1}
}

// taps are a sliding window's, over an axis whose values lie spread apart.
type taps struct{ size, stride, dilation, padding, spread int }

func (t passage) conv(a record.Conv, axis int) (reading, bool) {
	k := slices.Index(a.Axes.InputSpatial, axis)
	if t.i == 1 || k < 0 {
		return reading{}, false
	}
	return t.window(a.Axes.OutputSpatial[k], taps{
		size: t.n.Inputs()[1].Shape().Dimensions[a.Axes.KernelSpatial[k]], stride: at(a.Strides, k, 1),
		dilation: at(a.KernelDilations, k, 1), padding: low(a.Paddings, k), spread: at(a.InputDilations, k, 1),
	}), true
}

// window reads the places that a window's taps meet; between those of a spread axis there is nothing.
func (t passage) window(axis int, w taps) reading {
	spread, dilation := max(w.spread, 1), max(w.dilation, 1)
	return t.along(axis, float64(w.stride)/float64(spread), func(o int) []int {
		var met []int
		for k := range w.size {
			if place := o*w.stride - w.padding + k*dilation; place%spread == 0 {
				met = append(met, place/spread)
			}
		}
		return met
	})
}

func (t passage) pad(a record.Pad, axis int) reading {
	if axis >= len(a.Axes) {
		return kept(axis)
	}
	pad := a.Axes[axis]
	return t.window(axis, taps{size: 1, stride: 1, padding: pad.Start, spread: pad.Interior + 1})
}

func (t passage) broadcast(a record.Broadcast, axis int) (reading, bool) {
	if t.in.Shape().IsScalar() {
		return reading{}, false
	}
	to := a.Axes[axis]
	if t.size(axis) != t.n.Shape().Dimensions[to] {
		return t.all(axis, to, t.n.Shape().Dimensions[to]), true
	}
	return kept(to), true
}

func (t passage) reduce(a record.Reduce, axis int) (reading, bool) {
	if len(a.Axes) == 0 || slices.Contains(a.Axes, axis) {
		return reading{}, false
	}
	to := axis
	for _, gone := range a.Axes {
		if gone < axis {
			to--
		}
	}
	return kept(to), true
}

// concat reads the part of the axis that the input fills, or parts, where it is there several times.
func (t passage) concat(a record.Concat, axis int) reading {
	if a.Axis != axis {
		return kept(axis)
	}
	start := 0
	for _, in := range t.n.Inputs()[:t.i] {
		start += in.Shape().Dimensions[axis]
	}
	size := t.size(axis)
	return t.along(axis, 1, func(o int) []int {
		if o < start || o >= start+size {
			return nil
		}
		return []int{o - start}
	})
}

// dot keeps an axis that the product does not sum over.
func (t passage) dot(a record.Dot, axis int) (reading, bool) {
	contracting, batch, other := a.LeftContracting, a.LeftBatch, t.n.Inputs()[1-t.i].Shape().Rank()
	otherContracting, otherBatch := len(a.RightContracting), len(a.RightBatch)
	if t.i == 1 {
		contracting, batch = a.RightContracting, a.RightBatch
		otherContracting, otherBatch = len(a.LeftContracting), len(a.LeftBatch)
	}
	if slices.Contains(contracting, axis) {
		return reading{}, false
	}
	if k := slices.Index(batch, axis); k >= 0 {
		return kept(k), true
	}
	// The output's axes are the batch axes, then the left operand's others, then the right's.
	place := len(batch)
	if t.i == 1 {
		place += other - otherContracting - otherBatch
	}
	for before := range axis {
		if !slices.Contains(contracting, before) && !slices.Contains(batch, before) {
			place++
		}
	}
	return kept(place), true
}

// reverse reads an axis from its end where the recorded operation turns it round.
func (t passage) reverse(axis int) reading {
	if a, ok := t.attributes.(record.Reverse); ok && !slices.Contains(a.Axes, axis) {
		return kept(axis)
	}
	last := t.size(axis) - 1
	return t.along(axis, -1, func(o int) []int { return []int{last - o} })
}

// reshape keeps an axis that begins in the output after as many values as in the input: as it is, cut into pieces of
// which the first axis counts, or run together with what follows it. An axis of a single value can't be told from others
// like it, and is kept where the number of axes stays.
func (t passage) reshape(axis int) (reading, bool) {
	from, to := t.in.Shape().Dimensions, t.n.Shape().Dimensions
	if from[axis] == 1 {
		return kept(axis), len(to) == len(from) && to[axis] == 1
	}
	before, count := product(from[:axis]), 1
	for out, d := range to {
		if out > 0 && count == before && d > 1 {
			return t.regroup(out, product(from[axis+1:]), product(to[out+1:])), true
		}
		count *= d
	}
	return reading{}, false
}

// regroup reads an axis with so many values to an index into one with another number.
func (t passage) regroup(out, values, valuesOut int) reading {
	if values == valuesOut {
		return kept(out)
	}
	return t.along(out, float64(valuesOut)/float64(values), func(o int) []int {
		var block []int
		for i := o * valuesOut / values; i <= ((o+1)*valuesOut-1)/values; i++ {
			block = append(block, i)
		}
		return block
	})
}

func product(list []int) int {
	p := 1
	for _, d := range list {
		p *= d
	}
	return p
}

// at is list[i], or what a missing list stands for.
func at(list []int, i, missing int) int {
	if i < len(list) {
		return list[i]
	}
	return missing
}

func low(paddings [][2]int, i int) int {
	if i < len(paddings) {
		return paddings[i][0]
	}
	return 0
}
