package watch

import (
	"fmt"
	"image"
	"math"
	"strings"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/scale"
	"github.com/convlens/convlens/models"
)

// Figure is what there is to see now: the loss so far, the filters, and the maps of the picture.
func (w *Watch) Figure() picture.Figure {
	f := picture.Figure{
		Title: "What " + w.name() + " learns", Subtitle: w.subtitle(),
		Body:    []picture.Mark{w.curve()},
		Caption: []string{w.name(), w.notice(), w.steps()},
		Text:    fmt.Sprintf("%s: %s", w.name(), w.steps()),
	}
	if n := len(w.frames); n > 0 {
		f.Body = append(f.Body, w.filters(w.frames[n-1])...)
		f.Caption = append(f.Caption, w.layerWords())
	}
	if w.maps != nil {
		f.Body = append(f.Body, w.answers()...)
		f.Caption = append(f.Caption, "input "+w.maps.Picture.Name, w.maps.Picture.Notice)
	}
	if w.err != nil {
		f.Body = append(f.Body, picture.Note{Text: "Not all can be shown: " + w.err.Error()})
	}
	f.Alt = w.alt()
	return f
}

// Curve is the loss over the steps.
func (w *Watch) Curve() picture.Figure {
	return picture.Figure{
		Title: "How the loss of " + w.name() + " went", Subtitle: w.subtitle(),
		Body:    []picture.Mark{w.curve()},
		Caption: []string{w.name(), w.notice(), w.steps(), "loss of each step's batch, and GoMLX's moving average of it"},
		Alt:     w.alt(), Text: fmt.Sprintf("%s: loss over %s", w.name(), w.steps()),
	}
}

// Strip is the filters at several moments, more of them early, where most happens; one scale for all.
func (w *Watch) Strip() picture.Figure {
	moments := w.moments()
	f := picture.Figure{
		Title:    fmt.Sprintf("How the filters of %s came about", w.layer()),
		Subtitle: "A line is a moment of the training, a column a filter",
		Caption:  []string{w.name(), w.notice(), w.layerWords(), w.steps(), "scale symmetric, one for all moments"},
		Text:     fmt.Sprintf("%s %s: filters at %d moments of %s", w.name(), w.layer(), len(moments), w.steps()),
	}
	if len(moments) == 0 {
		f.Body = []picture.Mark{picture.Note{Text: "Nothing was seen."}}
		if w.err != nil {
			f.Body = []picture.Mark{picture.Note{Text: "Nothing was seen: " + w.err.Error()}}
		}
		return f
	}
	s := fit(moments)
	grid := picture.Matrix{}
	for i := range moments[0].Filters.Out {
		grid.Columns = append(grid.Columns, fmt.Sprint(i))
	}
	words := make([]string, 0, len(moments))
	for _, m := range moments {
		label := "step " + scale.Count(m.Step)
		line := picture.Line{Label: label, Alt: "The filters at " + label}
		for i := range m.Filters.Out {
			line.Tiles = append(line.Tiles, picture.Tile{Image: draw(m.Filters, i, s), Alt: fmt.Sprintf("filter %d at %s", i, label)})
		}
		grid.Lines = append(grid.Lines, line)
		words = append(words, scale.Count(m.Step))
	}
	f.Body = []picture.Mark{grid, legend(moments[0].Filters, s, "One scale for all moments and filters, symmetric about 0")}
	f.Alt = fmt.Sprintf("Filters of %s, a line each at the steps %s, weights from %s to %s.",
		w.layer(), strings.Join(words, ", "), scale.Number(s.Least), scale.Number(s.Most))
	return f
}

// moments chooses frames whose steps grow by a factor, the first and the last among them.
func (w *Watch) moments() []Frame {
	if len(w.frames) <= w.options.Moments {
		return w.frames
	}
	first, last := float64(w.frames[0].Step), float64(w.frames[len(w.frames)-1].Step)
	var chosen []Frame
	next := 0
	for i := range w.options.Moments {
		left := w.options.Moments - 1 - i
		t := float64(i) / float64(max(w.options.Moments-1, 1))
		want := first + (last-first)*(math.Pow(32, t)-1)/31
		best := next
		for k := next; k < len(w.frames)-left; k++ {
			if math.Abs(float64(w.frames[k].Step)-want) <= math.Abs(float64(w.frames[best].Step)-want) {
				best = k
			}
		}
		chosen = append(chosen, w.frames[best])
		next = best + 1
	}
	return chosen
}

func (w *Watch) curve() picture.Curve {
	steps, batch, average := w.Losses()
	return picture.Curve{
		Heading: "Loss", Log: w.options.Log, Alt: w.alt(),
		Series: []picture.Series{{Name: "average", Steps: steps, Values: average}, {Name: "batch", Steps: steps, Values: batch}},
	}
}

// filters are those of a frame, with their legend.
func (w *Watch) filters(f Frame) []picture.Mark {
	s := fit([]Frame{f})
	b := f.Filters
	tiles := picture.Tiles{Heading: "Filters of " + w.layer(), Aside: fmt.Sprintf("%d × %d weights", b.H, b.W)}
	if b.H == 1 && b.W == 1 { // nothing to see in a tile by itself
		tiles.Size = 14
	}
	for i := range b.Out {
		tiles.Tiles = append(tiles.Tiles, picture.Tile{Image: draw(b, i, s), Label: fmt.Sprint(i), Alt: fmt.Sprintf("filter %d", i)})
	}
	return []picture.Mark{tiles, legend(b, s, "One scale for all filters, symmetric about 0")}
}

// answers are the maps of the picture, all on one scale.
func (w *Watch) answers() []picture.Mark {
	s := mapScale(w.maps.Layers)
	in := w.maps.Picture.Input
	side := []picture.Mark{
		picture.Panel{
			Heading: "Picture", Aside: fmt.Sprintf("%d × %d", in.Width, in.Height),
			Layers: []picture.Layer{picture.Photo{Image: w.maps.Picture.Shown, Over: picture.Rect{W: float64(in.Width), H: float64(in.Height)}}},
			Alt:    "The input: " + w.maps.Picture.Name,
		},
		picture.Ramp{Scale: s, Head: "response"},
		picture.Note{Text: "One scale for all maps."},
	}
	var main []picture.Mark
	for k, l := range w.maps.Layers {
		tiles := picture.Tiles{Heading: "Maps of " + w.options.Maps[k], Framed: true}
		if !l.Units() {
			tiles.Aside = fmt.Sprintf("%d × %d each, %s", l.Planes[0].H, l.Planes[0].W, l.After)
		}
		if len(l.Planes) < l.Total {
			tiles.Aside += fmt.Sprintf("; first %d of %d", len(l.Planes), l.Total)
		}
		for i, p := range l.Planes {
			tiles.Tiles = append(tiles.Tiles, picture.Tile{Image: s.Image(p), Label: fmt.Sprint(l.Index[i]), Alt: fmt.Sprintf("%s channel %d", w.options.Maps[k], l.Index[i])})
		}
		main = append(main, tiles)
	}
	return []picture.Mark{picture.Beside{Side: side, Main: main, Width: 160}}
}

// mapScale runs from 0 where nothing is negative, else is symmetric about it.
func mapScale(layers []probe.LayerMaps) scale.Scale {
	var planes []field.Plane
	negative := false
	for _, l := range layers {
		for _, p := range l.Planes {
			planes = append(planes, p)
			lo, _, _ := p.Range()
			negative = negative || lo < 0
		}
	}
	if negative {
		return scale.Fit{Trim: 0.003, Round: true}.Symmetric(planes...)
	}
	return scale.Fit{Trim: 0.003, Round: true}.Linear(planes...)
}

// fit is one scale for the filters of frames.
func fit(frames []Frame) scale.Scale {
	var planes []field.Plane
	for _, f := range frames {
		for i := range f.Filters.Out {
			if f.Filters.Colour {
				planes = append(planes, f.Filters.Kernel(i, 0), f.Filters.Kernel(i, 1), f.Filters.Kernel(i, 2))
			} else {
				planes = append(planes, plane(f.Filters, i))
			}
		}
	}
	return scale.Fit{Trim: 0.01, Round: true}.Symmetric(planes...)
}

// plane is a filter that doesn't look at colours: its one kernel, or the mean over its input channels.
func plane(b *probe.FilterBank, i int) field.Plane {
	if b.In == 1 {
		return b.Kernel(i, 0)
	}
	mean := field.New(b.H, b.W)
	for in := range b.In {
		for k, v := range b.Kernel(i, in).Values {
			mean.Values[k] += v / float32(b.In)
		}
	}
	return mean
}

func draw(b *probe.FilterBank, i int, s scale.Scale) image.Image {
	if !b.Colour {
		return s.Image(plane(b, i))
	}
	red, blue := 0, 2
	if b.Order == models.BGR {
		red, blue = 2, 0
	}
	return scale.RGB(s.High, b.Kernel(i, red), b.Kernel(i, 1), b.Kernel(i, blue))
}

// legend says what the filters' colours are.
func legend(b *probe.FilterBank, s scale.Scale, words string) picture.Mark {
	if beyond := s.Below + s.Above; beyond > 0 {
		words += fmt.Sprintf("; %s of the weights lie beyond it", scale.Percent(beyond))
	}
	words += "."
	if b.Colour {
		row := picture.Row{Size: 180}
		for _, m := range []*scale.Map{scale.Red, scale.Green, scale.Blue} {
			s.Map = m
			row.Marks = append(row.Marks, picture.Ramp{Scale: s, Head: "weight on " + m.Name})
		}
		row.Marks = append(row.Marks, picture.Note{Text: "Mid-grey is 0. " + words})
		return row
	}
	head := "weight"
	if b.In > 1 {
		head = "mean weight over the input channels"
	}
	return picture.Row{Size: 260, Marks: []picture.Mark{picture.Ramp{Scale: s, Head: head}, picture.Note{Text: words}}}
}

func (w *Watch) name() string {
	if w.network == nil || w.network.Name == "" {
		return "a network"
	}
	return w.network.Name
}

// notice is what must be seen beside what the network shows.
func (w *Watch) notice() string {
	if w.network == nil {
		return ""
	}
	return w.network.Notice
}

func (w *Watch) layer() string {
	if w.options.Layer == "" {
		return "the first layer"
	}
	return w.options.Layer
}

// layerWords are the layer and how many of its filters are kept.
func (w *Watch) layerWords() string {
	if len(w.frames) == 0 {
		return "layer " + w.layer()
	}
	n := w.frames[0].Filters.Out
	if n < w.total {
		return fmt.Sprintf("layer %s, first %d of %d filters", w.layer(), n, w.total)
	}
	return fmt.Sprintf("layer %s, %d filters", w.layer(), n)
}

func (w *Watch) steps() string {
	if w.step == 1 {
		return "1 step"
	}
	return scale.Count(w.step) + " steps"
}

func (w *Watch) subtitle() string {
	switch {
	case w.state == interrupted:
		return "Interrupted after " + w.steps()
	case w.state == over:
		return "After " + w.steps()
	case w.end > 0:
		return fmt.Sprintf("Step %s of %s", scale.Count(w.step), scale.Count(w.end))
	}
	return "Step " + scale.Count(w.step)
}

// alt says how the loss went.
func (w *Watch) alt() string {
	steps, _, average := w.Losses()
	if len(steps) == 0 {
		return "No step of the training yet."
	}
	return fmt.Sprintf("Line of the loss over %s: its average goes from %s to %s.", w.steps(), scale.Number(average[0]), scale.Number(average[len(average)-1]))
}
