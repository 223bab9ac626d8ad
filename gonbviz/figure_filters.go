package gonbviz

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strings"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/scale"
	"github.com/convlens/convlens/gonbviz/units"
	"github.com/convlens/convlens/models"
)

const (
	// trimmed is the share of the weights that a scale common to all filters may leave beyond its ends.
	trimmed = 0.01
	// mostKernels and mostInputs bound what is drawn kernel by kernel; of larger banks a projection is.
	mostKernels, mostInputs = 1024, 56
	// mostLines bounds the filters of 1×1 weights that are drawn.
	mostLines = 512
)

// filterDrawing is a bank on its way to a figure.
type filterDrawing struct {
	*probe.FilterBank
	fit  scale.Scale // the scale common to all filters
	dead []int
}

func filtersFigure(b *probe.FilterBank) picture.Figure {
	d := filterDrawing{FilterBank: b, dead: units.Dead(b)}
	d.fit = d.commonScale(field.Plane{H: 1, W: len(b.Weights), Values: b.Weights})
	switch {
	case b.Colour:
		return d.figure(d.colourTiles(), d.colourLegend(), "on red, green and blue", "")
	case b.In == 1:
		return d.figure(d.planeTiles(func(o int) field.Plane { return b.Kernel(o, 0) }), d.planeLegend("weight"), "on one channel", "")
	case b.H*b.W == 1:
		return d.figure(d.mixing(), d.planeLegend("weight"), fmt.Sprintf("on %d channels; a line is a filter, from 0 at the top, a column an input channel, from 0 at the left", b.In), d.leftOut())
	case b.Out*b.In <= mostKernels && b.In <= mostInputs:
		return d.figure(d.matrix(), d.planeLegend("weight"), fmt.Sprintf("on %d channels; beside each filter’s number a square for each input channel", b.In), "")
	}
	projected := make([]field.Plane, b.Out)
	for o := range projected {
		projected[o] = meanKernel(b, o)
	}
	d.fit = d.commonScale(projected...)
	return d.figure(d.planeTiles(func(o int) field.Plane { return projected[o] }), d.planeLegend("mean weight over the input channels"),
		fmt.Sprintf("on %d channels; a tile is the mean over the channels", b.In), "projection: mean over the input channels")
}

// meanKernel is the mean of a filter's kernels over its input channels.
func meanKernel(b *probe.FilterBank, o int) field.Plane {
	mean := field.New(b.H, b.W)
	for i := range b.In {
		for j, w := range b.Kernel(o, i).Values {
			mean.Values[j] += w / float32(b.In)
		}
	}
	return mean
}

// commonScale is the scale for all filters together; that of a filter by itself is found when it is drawn.
func (d filterDrawing) commonScale(planes ...field.Plane) scale.Scale {
	if d.Filters.Scale == probe.PerLayer {
		s := scale.Fit{}.Linear(planes...)
		s.Low, s.High = spanOf(s, planes)
		s.Below, s.Above, s.Map = 0, 0, scale.Grey // nothing lies beyond the range of all
		return s
	}
	return scale.Fit{Trim: trimmed, Round: true}.Symmetric(planes...)
}

// spanOf is the range of the values themselves: unlike that of an activation, a weight's range need not begin at 0.
func spanOf(s scale.Scale, planes []field.Plane) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range planes {
		if lo, hi, ok := p.Range(); ok {
			low, high = min(low, float64(lo)), max(high, float64(hi))
		}
	}
	if low >= high {
		return s.Domain()
	}
	return low, high
}

// own is a filter's own scale where filters have one each, else the common one.
func (d filterDrawing) own(planes ...field.Plane) scale.Scale {
	if d.Filters.Scale != probe.PerFilter {
		return d.fit
	}
	s := scale.Scale{Map: scale.Grey}
	s.Low, s.High = spanOf(s, planes)
	return s
}

// tiles makes a tile for each filter.
func (d filterDrawing) tiles(draw func(o int) image.Image) picture.Tiles {
	tiles := picture.Tiles{}
	for o := range d.Out {
		tile := picture.Tile{Label: fmt.Sprint(o), Alt: fmt.Sprintf("filter %d", o)}
		if slices.Contains(d.dead, o) {
			tile.Missing, tile.Alt = "dead", fmt.Sprintf("filter %d, dead", o)
		} else {
			tile.Image = draw(o)
		}
		tiles.Tiles = append(tiles.Tiles, tile)
	}
	return tiles
}

func (d filterDrawing) planeTiles(plane func(o int) field.Plane) picture.Tiles {
	return d.tiles(func(o int) image.Image { return d.own(plane(o)).Image(plane(o)) })
}

// colourTiles draws a filter on the picture's own channels in colour.
func (d filterDrawing) colourTiles() picture.Tiles {
	red, green, blue := 0, 1, 2
	if d.Order == models.BGR {
		red, blue = 2, 0
	}
	return d.tiles(func(o int) image.Image {
		r, g, b := d.Kernel(o, red), d.Kernel(o, green), d.Kernel(o, blue)
		low, high := d.own(r, g, b).Domain()
		middle, half := (low+high)/2, (high-low)/2
		return scale.RGB(half, shift(r, middle), shift(g, middle), shift(b, middle))
	})
}

// shift takes v off every value.
func shift(p field.Plane, v float64) field.Plane {
	out := field.New(p.H, p.W)
	for i, x := range p.Values {
		out.Values[i] = float32(float64(x) - v)
	}
	return out
}

// matrix has a line for each filter and a column for each input channel, in as many blocks as stand side by side.
func (d filterDrawing) matrix() picture.Mark {
	const inner, tile, label, least = 880, 14, 40, 8
	blocks := min(max(inner/(d.In*tile+label), 1), (d.Out+least-1)/least)
	lines := (d.Out + blocks - 1) / blocks
	row := picture.Row{}
	for from := 0; from < d.Out; from += lines {
		row.Marks = append(row.Marks, d.block(from, min(from+lines, d.Out)))
	}
	return row
}

// block is the part of the matrix with the filters from one up to another.
func (d filterDrawing) block(from, to int) picture.Matrix {
	m := picture.Matrix{}
	for i := range d.In {
		m.Columns = append(m.Columns, fmt.Sprint(i))
	}
	for o := from; o < to; o++ {
		line := picture.Line{Label: fmt.Sprint(o), Alt: fmt.Sprintf("filter %d", o)}
		planes := make([]field.Plane, d.In)
		for i := range planes {
			planes[i] = d.Kernel(o, i)
		}
		own := d.own(planes...)
		for i, p := range planes {
			line.Tiles = append(line.Tiles, picture.Tile{Image: own.Image(p), Alt: fmt.Sprintf("filter %d on channel %d", o, i)})
		}
		m.Lines = append(m.Lines, line)
	}
	return m
}

// mixing is filters of 1×1 weights as one map: a line for each filter, a cell for each input channel.
func (d filterDrawing) mixing() picture.Mark {
	lines := min(d.Out, mostLines)
	weights := field.Plane{H: lines, W: d.In, Values: d.Weights[:lines*d.In]}
	s := d.fit
	if d.Filters.Scale == probe.PerFilter { // each line on its own range, 0 to 1 of the grey map
		s, weights = scale.Scale{Map: scale.Grey}, ownRanges(weights)
	}
	return picture.Panel{
		Layers: []picture.Layer{picture.Overlay{Plane: weights, Scale: s}},
		Alt:    fmt.Sprintf("Map of the weights of %s, %d filters by %d input channels, %s", d.Layer.Name, lines, d.In, rangeWords(weights)),
	}
}

// ownRanges stretches each line to 0..1.
func ownRanges(p field.Plane) field.Plane {
	out := field.New(p.H, p.W)
	for y := range p.H {
		line := field.Plane{H: 1, W: p.W, Values: p.Values[y*p.W : (y+1)*p.W]}
		low, high := spanOf(scale.Scale{}, []field.Plane{line})
		for x, v := range line.Values {
			out.Set(y, x, float32((float64(v)-low)/(high-low)))
		}
	}
	return out
}

// leftOut says how many filters the map of a large layer of 1×1 weights leaves out.
func (d filterDrawing) leftOut() string {
	if d.Out <= mostLines {
		return ""
	}
	return fmt.Sprintf("first %d of %s filters", mostLines, scale.Count(d.Out))
}

// colourLegend has a ramp for each colour and what mid-grey is.
func (d filterDrawing) colourLegend() picture.Mark {
	if d.Filters.Scale == probe.PerFilter {
		return picture.Row{Marks: []picture.Mark{picture.Note{Text: d.scaleWords()}}}
	}
	row := picture.Row{Size: 180}
	for _, c := range []struct {
		name string
		m    *scale.Map
	}{{"red", scale.Red}, {"green", scale.Green}, {"blue", scale.Blue}} {
		s := d.fit
		s.Map = c.m
		row.Marks = append(row.Marks, picture.Ramp{Scale: s, Head: "weight on " + c.name})
	}
	row.Marks = append(row.Marks, picture.Note{Text: d.scaleWords()})
	return row
}

// planeLegend has one ramp.
func (d filterDrawing) planeLegend(head string) picture.Mark {
	if d.Filters.Scale == probe.PerFilter {
		return picture.Row{Marks: []picture.Mark{picture.Note{Text: d.scaleWords()}}}
	}
	return picture.Row{Size: 260, Marks: []picture.Mark{picture.Ramp{Scale: d.fit, Head: head}, picture.Note{Text: d.scaleWords()}}}
}

// scaleWords say what the colours span.
func (d filterDrawing) scaleWords() string {
	switch d.Filters.Scale {
	case probe.PerFilter:
		return "Each filter has a scale of its own, from its least weight (dark) to its largest (bright): brightness can’t be compared between filters."
	case probe.PerLayer:
		return "One scale for all filters, from the least weight to the largest; its middle is not 0."
	}
	words := "One scale for all filters, symmetric about 0."
	if d.Colour {
		words = "Mid-grey is 0. " + words
	}
	if beyond := d.fit.Below + d.fit.Above; beyond > 0 {
		words = strings.TrimSuffix(words, ".") + fmt.Sprintf("; %s of the weights lie beyond it (largest: %s).", scale.Percent(beyond), scale.Number(math.Max(-d.fit.Least, d.fit.Most)))
	}
	return words
}

// trimWords say that the common scale leaves something beyond its ends, where it does.
func (d filterDrawing) trimWords() string {
	if d.fit.Below+d.fit.Above > 0 && d.Filters.Scale != probe.PerFilter {
		return ", trimmed at the 99th percentile of |weight|"
	}
	return ""
}

// figure puts the words around the grid.
func (d filterDrawing) figure(grid, legend picture.Mark, on, projection string) picture.Figure {
	title := fmt.Sprintf("What %s looks for", d.Layer.Name)
	if d.H*d.W == 1 {
		title = fmt.Sprintf("How %s mixes its channels", d.Layer.Name)
	}
	subtitle := fmt.Sprintf("%s filters of %d × %d weights %s", scale.Count(d.Out), d.H, d.W, on)
	stride := fmt.Sprint(d.Stride[0])
	if d.Stride[0] != d.Stride[1] {
		stride = fmt.Sprintf("%d × %d", d.Stride[0], d.Stride[1])
	}
	deadWords := ""
	if len(d.dead) > 0 {
		deadWords = fmt.Sprintf("dead: %s, all weights below %s", list("filter", d.dead), scale.Number(units.DeadBelow))
	}
	low, high := spanOf(d.fit, []field.Plane{{H: 1, W: len(d.Weights), Values: d.Weights}})
	measured := fmt.Sprintf("weights from %s to %s", scale.Number(low), scale.Number(high))
	return picture.Figure{
		Title: title, Subtitle: subtitle, Body: []picture.Mark{grid, legend},
		Caption: []string{networkCaption(d.Network, d.Notice), "layer " + d.Layer.Name, fmt.Sprintf("convolution %d × %d, stride %s", d.H, d.W, stride), projection,
			"scale " + d.Filters.Scale.String() + d.trimWords(), deadWords},
		Alt:  fmt.Sprintf("Grid of the filters of %s: %s; %s.", d.Layer.Name, subtitle, measured),
		Text: fmt.Sprintf("%s %s: %d filters, %d × %d × %d, %s", d.Network, d.Layer.Name, d.Out, d.In, d.H, d.W, measured),
	}
}

// list names things by number: "filter 3", "filters 15 and 21", "12 filters".
func list(what string, numbers []int) string {
	switch n := len(numbers); {
	case n == 1:
		return fmt.Sprintf("%s %d", what, numbers[0])
	case n <= 6:
		words := make([]string, n-1)
		for i := range words {
			words[i] = fmt.Sprint(numbers[i])
		}
		return fmt.Sprintf("%ss %s and %d", what, strings.Join(words, ", "), numbers[n-1])
	}
	return fmt.Sprintf("%s %ss", scale.Count(len(numbers)), what)
}
