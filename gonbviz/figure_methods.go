package gonbviz

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/scale"
)

// words are what figures say of a method.
type words struct {
	// value is what a position or a pixel is given, part what is hidden or shown there.
	value, part string
	// per says of what the values of a map are made.
	per string
}

// words of the method that found d.
func (d drawing) words() words {
	switch {
	case d.Grid == nil && d.Error != nil:
		return words{"Gain", "mask", "per pixel, " + scale.Count(d.masks()) + " random masks"}
	case d.Grid == nil:
		return words{"Drop", "pixel", "per pixel"}
	case d.Grid.Revealed && d.parts():
		return words{"Gain", "part", "per pixel, its part’s"}
	case d.Grid.Revealed:
		return words{"Gain", "patch", "per pixel, mean over its patches"}
	case d.parts():
		return words{"Drop", "part", "per pixel, its part’s"}
	}
	return words{"Drop", "patch", "per pixel, mean over its patches"}
}

// masks is the number of random masks.
func (d drawing) masks() (n int) {
	fmt.Sscan(d.option("masks"), &n)
	return n
}

// parts reports whether positions are parts of their own instead of windows in rows and columns.
func (d drawing) parts() bool { return d.Grid != nil && !d.Grid.Lattice() }

// painted are values of positions as a picture: those of a lattice as its cells, those of parts each on its pixels, and
// below any scale where none is (see clearBelow).
func (d drawing) painted(values field.Plane) field.Plane {
	if !d.parts() {
		return values
	}
	p := field.New(d.Picture.Input.Height, d.Picture.Input.Width)
	for i, owner := range d.owners {
		p.Values[i] = float32(math.Inf(-1))
		if owner >= 0 {
			p.Values[i] = values.Values[owner]
		}
	}
	return p
}

// clearBelow leaves the photograph in sight where no part is: the grey of what is no number stands for what was not asked.
func clearBelow(s scale.Scale) scale.Scale {
	s.Under = color.NRGBA{255, 255, 255, 0}
	return s
}

// classes are the most probable ones at positions as a picture. Pixels that no part has show the explained class.
func (d drawing) classes() picture.Classes {
	c := picture.Classes{H: d.Grid.Rows, W: d.Grid.Cols, Index: d.Grid.Best, Clear: d.Class, Over: d.grid}
	if d.parts() {
		c.H, c.W, c.Index = d.Picture.Input.Height, d.Picture.Input.Width, make([]int, len(d.owners))
		for i, owner := range d.owners {
			c.Index[i] = d.Class
			if owner >= 0 {
				c.Index[i] = d.Grid.Best[owner]
			}
		}
	}
	return c
}

// shown is the layer with all of the picture as the network saw it at a position.
func (d drawing) shown(position int) []picture.Layer {
	values, err := d.Grid.Occluded(d.Picture, position)
	if err != nil {
		return nil
	}
	seen := image.NewNRGBA(image.Rect(0, 0, d.Picture.Input.Width, d.Picture.Input.Height))
	draw.Draw(seen, seen.Rect, pixel.Picture(values, d.Picture.Input), image.Point{}, draw.Src)
	return []picture.Layer{picture.Photo{Image: seen, Over: d.whole}}
}

// plain reports whether a position hides a rectangle and all in it, so that it can be drawn as one.
func (d drawing) plain() bool {
	g := d.Grid
	return g.Segments == nil && !g.Revealed && g.Settings.Soft == 0 && len(g.Settings.Channels) == 0
}

// explainedCaption names the class in the caption, and before it what was explained in its place.
func (d drawing) explainedCaption() string {
	class := fmt.Sprintf("class %s (%d)", d.Label, d.Class)
	if d.Label == fmt.Sprint(d.Class) { // without labels, or with digits for them
		class = "class " + d.Label
	}
	switch d.Score {
	case attrib.Activation:
		return fmt.Sprintf("unit %s; %s", d.Explained(), class)
	case attrib.Measured:
		return fmt.Sprintf("%s; %s", d.Explained(), class)
	}
	return class
}

// forWords are those at the ramp's high end.
func (d drawing) forWords() string {
	switch d.Score {
	case attrib.Activation:
		return "for the unit"
	case attrib.Measured:
		return "for the measure"
	}
	return "for the class"
}

// errorCaption says how far an estimate may be off.
func (d drawing) errorCaption() string {
	if d.Error == nil {
		return ""
	}
	sum, most := 0.0, 0.0
	for _, v := range d.Error.Values {
		sum, most = sum+float64(v), math.Max(most, float64(v))
	}
	return fmt.Sprintf("standard error %s in the mean, at most %s", scale.Number(sum/float64(len(d.Error.Values))), scale.Number(most))
}

// errorPanel is the standard error, pixel by pixel.
func (d drawing) errorPanel() picture.Panel {
	s := scale.Fit{}.Linear(*d.Error)
	return picture.Panel{
		Heading: "Standard error", Note: "of the " + strings.ToLower(d.words().value) + ", per pixel",
		Layers: []picture.Layer{picture.Overlay{Plane: *d.Error, Scale: s, Over: d.whole}},
		Alt:    "Standard error of the map, " + rangeWords(*d.Error),
		Below:  []picture.Mark{picture.Ramp{Scale: s}},
	}
}

// CompareClasses draws what several classes rest on, side by side on one scale, of one attribution that was made with
// AllClasses set: the maps of the classes given, or of the explained one and the two that come after it.
func CompareClasses(a *attrib.Attribution, classes ...int) (picture.Figure, error) {
	if a == nil || a.Grid == nil || a.Grid.CleanLogits == nil {
		return picture.Figure{}, errors.New("gonbviz: this attribution kept no other classes; ask for AllClasses")
	}
	if len(classes) == 0 {
		classes = nextClasses(a, 3)
	}
	drawings, planes := make([]drawing, len(classes)), make([]field.Plane, len(classes))
	for i, class := range classes {
		other, err := a.For(class)
		if err != nil {
			return picture.Figure{}, err
		}
		if drawings[i], err = newDrawing(other); err != nil {
			return picture.Figure{}, err
		}
		planes[i] = drawings[i].plane
	}
	common := scale.Fit{}.Symmetric(planes...)
	var panels []picture.Mark
	var labels, alts []string
	for _, d := range drawings {
		d.scale = common
		panel := d.overlay()
		panel.Heading, panel.Note = d.Label, fmt.Sprintf("%s %s", d.Score.Words(), d.number(d.Clean))
		panels = append(panels, panel)
		labels, alts = append(labels, fmt.Sprintf("“%s”", d.Label)), append(alts, d.Label+" "+rangeWords(d.plane))
	}
	first := drawings[0]
	figure := first.figure(panels...)
	figure.Title = "What " + join3(labels) + " rest on"
	if len(labels) == 1 {
		figure.Title = fmt.Sprintf("What %s rests on", labels[0])
	}
	figure.Subtitle = fmt.Sprintf("%s of each one’s %s, all found in one pass and drawn on one scale",
		first.words().value, first.Score.Words())
	figure.Caption[3] = "classes " + strings.Join(labels, ", ")
	figure.Caption[4] = "score " + first.Score.Words()
	figure.Alt = fmt.Sprintf("Heatmaps of several classes over the %s: %s.", photoWord(a.Picture), strings.Join(alts, "; "))
	figure.Text = strings.Join(alts, "; ")
	return figure, nil
}

// join3 joins words with commas and an “and”.
func join3(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

// nextClasses are the explained class and the others with the largest logits, n in all where there are as many.
func nextClasses(a *attrib.Attribution, n int) []int {
	list, logits := []int{a.Class}, a.Grid.CleanLogits
	taken := map[int]bool{a.Class: true}
	for len(list) < min(n, len(logits)) {
		best := -1
		for class, l := range logits {
			if !taken[class] && (best < 0 || l > logits[best]) {
				best = class
			}
		}
		list, taken[best] = append(list, best), true
	}
	return list
}

// channelsFigure shows which channels of a layer an answer rests on, the strongest first.
func channelsFigure(a *attrib.Attribution) picture.Figure {
	c := a.Channels
	const listed = 8
	bars := picture.Bars{Columns: []string{"drop", "probability"}, High: math.Max(float64(c.Drop[c.Order[0]]), math.SmallestNonzeroFloat32)}
	name := strings.TrimSuffix(c.Layer, "/relu")
	for i, channel := range c.Order[:min(listed, len(c.Order))] {
		bars.Bars = append(bars.Bars, picture.Bar{
			Label: fmt.Sprintf("channel %d", channel), Value: max(float64(c.Drop[channel]), 0), Strong: i == 0,
			Numbers: []string{scale.Number(float64(c.Drop[channel])), scale.Probability(float64(c.Probability[channel]))},
		})
	}
	plane := field.Plane{H: 1, W: len(c.Drop), Values: c.Drop}
	s := scale.Fit{}.Symmetric(plane)
	strip := channelStrip(c, s, a.Score)
	body := []picture.Mark{picture.Beside{Side: []picture.Mark{inputPanel(a.Picture, "", "")}, Main: []picture.Mark{bars}, Width: 176}, strip}
	if c.Maps[0].H > 1 || c.Maps[0].W > 1 {
		maps := mapScale([]probe.LayerMaps{{Planes: c.Maps}})
		tiles := picture.Tiles{
			Heading: "What the strongest answer to this " + photoWord(a.Picture),
			Aside:   fmt.Sprintf("%d × %d each", c.Maps[0].H, c.Maps[0].W), Framed: true,
		}
		for i, p := range c.Maps {
			channel := c.Order[i]
			tiles.Tiles = append(tiles.Tiles, picture.Tile{
				Image: maps.Image(p), Label: fmt.Sprint(channel), Value: scale.Number(float64(c.Drop[channel])),
				Alt: fmt.Sprintf("channel %d, %s", channel, rangeWords(p)),
			})
		}
		body = append(body, tiles, picture.Row{Size: 260, Marks: []picture.Mark{picture.Ramp{Scale: maps, Head: "response"}}})
	}
	d := drawing{Attribution: a}
	changed := 0
	for _, best := range c.Best {
		if best != a.Class {
			changed++
		}
	}
	missing := ""
	if c.Unasked > 0 {
		missing = fmt.Sprintf("stopped before channel %d of %s", len(c.Drop), scale.Count(len(c.Drop)+c.Unasked))
	}
	last := c.Order[len(c.Order)-1]
	words := fmt.Sprintf("largest drop %s by channel %d, least %s by channel %d",
		scale.Number(float64(c.Drop[c.Order[0]])), c.Order[0], scale.Number(float64(c.Drop[last])), last)
	becomes := map[string]string{string(attrib.ToZero): "set to zero", string(attrib.ToMean): "set to its mean over the map"}[d.option("to")]
	return picture.Figure{
		Title: fmt.Sprintf("Which channels of %s “%s” rests on", name, a.Label),
		Subtitle: fmt.Sprintf("One of %s channels after the other is %s, and the rest of the network runs again",
			scale.Count(len(c.Drop)+c.Unasked), becomes),
		Body: body,
		Caption: []string{networkCaption(a.Network, a.Notice), inputCaption(a.Picture), a.Guessed, d.explainedCaption(),
			fmt.Sprintf("score %s, %s as it is", a.Score.Words(), d.number(a.Clean)), d.methodCaption(),
			fmt.Sprintf("%d of %s channels change the most probable class", changed, scale.Count(len(c.Drop))), missing,
			"positive supports the class", backendCaption(a.Backend)},
		Alt:  fmt.Sprintf("Bars of the drop by channel of %s: %s.", name, words),
		Text: fmt.Sprintf("%s, %s %s, %s; channels of %s: %s", a.Network, a.Label, d.number(a.Clean), a.Score.Words(), name, words),
	}
}

// channelStrip is the drop of all channels, in their own order, as cells.
func channelStrip(c *attrib.Channels, s scale.Scale, score attrib.Score) picture.Mark {
	const most = 64
	lines := (len(c.Drop) + most - 1) / most
	columns := (len(c.Drop) + lines - 1) / lines
	cells := field.New(lines, columns)
	for i := range cells.Values {
		cells.Values[i] = float32(math.NaN())
		if i < len(c.Drop) {
			cells.Values[i] = c.Drop[i]
		}
	}
	note := fmt.Sprintf("%s channels in their own order", scale.Count(len(c.Drop)))
	if lines > 1 {
		note += fmt.Sprintf(", %d a line", columns)
	}
	panel := picture.Panel{
		Heading: "Drop of the " + score.Words() + " by channel", Note: note,
		Layers: []picture.Layer{picture.Overlay{Plane: cells, Scale: s}},
		Alt:    "Drop of each channel, " + rangeWords(cells),
		Below:  []picture.Mark{picture.Ramp{Scale: s, LowWords: "against", HighWords: "for the class"}},
	}
	if columns > most/2 {
		return panel
	}
	return picture.Row{Size: max(26*float64(columns), 260), Marks: []picture.Mark{panel}} // or few cells would be huge
}

// methodCaption is the method with its settings.
func (d drawing) methodCaption() string {
	words := make([]string, len(d.Options))
	for i, o := range d.Options {
		words[i] = o.Name + " " + o.Value
	}
	return d.Method + ": " + strings.Join(words, ", ")
}
