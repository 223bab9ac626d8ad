package gonbviz

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/scale"
	"github.com/convlens/convlens/gonbviz/units"
)

// CompareFilters draws the filters of several networks beside each other, on one scale that is symmetric about 0, each
// with its roughness (see units.KernelRoughness). Drawn are filters on one channel, or on the colours of the picture.
func CompareFilters(title string, banks ...*probe.FilterBank) (picture.Figure, error) {
	if len(banks) < 2 {
		return picture.Figure{}, errors.New("gonbviz: give two filter banks or more to compare")
	}
	all := make([]field.Plane, len(banks))
	for i, b := range banks {
		if b == nil {
			return picture.Figure{}, errors.New("gonbviz: one of the filter banks to compare is nil")
		}
		if b.Colour != banks[0].Colour || !b.Colour && b.In != 1 {
			return picture.Figure{}, fmt.Errorf("gonbviz: filters of %s can't be compared here: they are neither all on one channel nor all on the picture's colours", b.Network)
		}
		all[i] = field.Plane{H: 1, W: len(b.Weights), Values: b.Weights}
	}
	common := scale.Fit{Trim: trimmed, Round: true}.Symmetric(all...)
	row := picture.Row{}
	var words, captions []string
	for _, b := range banks {
		d := filterDrawing{FilterBank: b, fit: common, dead: units.Dead(b)}
		d.Filters.Scale = probe.Symmetric
		tiles := d.planeTiles(func(o int) field.Plane { return b.Kernel(o, 0) })
		if b.Colour {
			tiles = d.colourTiles()
		}
		roughness := scale.Fixed(units.KernelRoughness(b).Mean, 2)
		tiles.Heading, tiles.Aside = b.Network, roughness
		row.Marks = append(row.Marks, tiles)
		words = append(words, fmt.Sprintf("%s: roughness %s", b.Network, roughness))
		captions = append(captions, fmt.Sprintf("%s, %s: %d filters of %d × %d", networkCaption(b.Network, b.Notice), b.Layer.Name, b.Out, b.H, b.W))
	}
	legend := filterDrawing{FilterBank: banks[0], fit: common}
	ramp := legend.planeLegend("weight")
	if banks[0].Colour {
		ramp = legend.colourLegend()
	}
	return picture.Figure{
		Title: title, Subtitle: "At the right of each heading its roughness: 0 where neighbouring weights are alike, 1 as if they were shuffled (Geary’s C, mean over the filters)",
		Body: []picture.Mark{row, ramp}, Caption: append(captions, "one scale for all, symmetric about 0"+legend.trimWords()),
		Alt: "Filter grids beside each other. " + strings.Join(words, "; ") + ".", Text: strings.Join(words, "; "),
	}, nil
}

// CompareUnit draws what one channel of a layer answers to several photographs, side by side on one scale. Each set has
// that one layer, with the channel among its maps.
func CompareUnit(channel int, sets ...*probe.MapSet) (picture.Figure, error) {
	if len(sets) < 1 {
		return picture.Figure{}, errors.New("gonbviz: give the maps of one photograph or more")
	}
	planes := make([]field.Plane, len(sets))
	for i, set := range sets {
		if set == nil || len(set.Layers) == 0 {
			return picture.Figure{}, errors.New("gonbviz: some of the maps to compare are not there")
		}
		if len(set.Layers) != 1 || set.Layers[0].Layer.Name != sets[0].Layers[0].Layer.Name {
			return picture.Figure{}, errors.New("gonbviz: the maps to compare must be of one and the same layer")
		}
		at := slices.Index(set.Layers[0].Index, channel)
		if at < 0 {
			return picture.Figure{}, fmt.Errorf("gonbviz: channel %d is not among the maps of %s; ask for all of them with Top: 0", channel, layerName(set.Layers[0]))
		}
		planes[i] = set.Layers[0].Planes[at]
	}
	layer := sets[0].Layers[0]
	common := mapScale([]probe.LayerMaps{{Planes: planes}})
	row := picture.Row{}
	var words, inputs []string
	for i, set := range sets {
		lo, hi, _ := planes[i].Range()
		reach := fmt.Sprintf("%s to %s", scale.Number(float64(lo)), scale.Number(float64(hi)))
		row.Marks = append(row.Marks, lightPanel(set.Picture, inputName(set.Picture), set.Picture.Crop), picture.Panel{
			Heading: fmt.Sprintf("%s, channel %d", layerName(layer), channel), Note: reach,
			Layers: []picture.Layer{picture.Overlay{Plane: planes[i], Scale: common}},
			Alt:    fmt.Sprintf("Map of channel %d for %s, %s", channel, inputName(set.Picture), rangeWords(planes[i])),
		})
		words = append(words, fmt.Sprintf("%s %s", inputName(set.Picture), reach))
		inputs = append(inputs, inputCaption(set.Picture))
	}
	low, high := common.Domain()
	return picture.Figure{
		Title:    fmt.Sprintf("What channel %d of %s answers", channel, layerName(layer)),
		Subtitle: "One unit, one scale",
		Body: []picture.Mark{row, picture.Row{Size: 260, Marks: []picture.Mark{
			picture.Ramp{Scale: common, Head: "response, " + layer.After}, picture.Note{Text: zeroWords(common)}}}},
		Caption: []string{networkCaption(sets[0].Network, sets[0].Notice), strings.Join(inputs, "; "), fmt.Sprintf("%s channel %d", layerName(layer), channel), layer.After,
			fmt.Sprintf("one scale, %s to %s", scale.Number(low), scale.Number(high))},
		Alt:  "Pictures, each beside the map of one channel: " + strings.Join(words, "; ") + ".",
		Text: fmt.Sprintf("%s %s channel %d: %s", sets[0].Network, layerName(layer), channel, strings.Join(words, "; ")),
	}, nil
}

// lightPanel is one of several photographs in a figure. Its picture holds some fewer pixels: in a cell each is embedded
// by itself, even where they are the same.
func lightPanel(p *pixel.Prepared, heading, note string) picture.Panel {
	panel := inputPanel(p, heading, note)
	if photo, ok := panel.Layers[0].(picture.Photo); ok {
		photo.Most = 240
		panel.Layers[0] = photo
	}
	return panel
}

// Patches draws an occlusion as a story: the picture as it is, with the patch at some of its positions, and the map of
// all of them. Positions are numbered row by row (see attrib.Grid); with none given it takes the one that matters least
// and the one that matters most.
func Patches(a *attrib.Attribution, positions ...int) (picture.Figure, error) {
	d, err := newDrawing(a)
	if err != nil {
		return picture.Figure{}, err
	}
	if a.Grid == nil {
		return picture.Figure{}, errPositions
	}
	if len(positions) == 0 {
		positions = slices.Compact([]int{d.weakestPosition(), d.strongestPosition()}) // one, where all speak against
	}
	whole := lightPanel(a.Picture, "Nothing hidden", a.Picture.Crop)
	whole.Below = []picture.Mark{d.meter("", a.Clean, a.CleanProbability)}
	panels := []picture.Mark{whole}
	for i, p := range positions {
		if p < 0 || p >= len(a.Grid.Windows) {
			return picture.Figure{}, fmt.Errorf("gonbviz: position %d does not exist; there are %d, from 0 on", p, len(a.Grid.Windows))
		}
		panels = append(panels, d.patch(d.patchHeading(min(i, 1)), p))
	}
	overlay := d.overlay()
	overlay.Heading = "All positions"
	if d.parts() {
		overlay.Heading = "All parts"
	}
	figure := d.figure(append(panels, overlay)...)
	figure.Title, figure.Subtitle = d.still(), d.patchSubtitle()
	return figure, nil
}

// patchHeading stands above the first of the positions, and above the others.
func (d drawing) patchHeading(i int) string {
	switch {
	case d.Grid.Revealed:
		return []string{"Only this shows", "Only that shows"}[i]
	case d.parts():
		return []string{"Without this part", "Without that part"}[i]
	}
	return []string{"Patch here", "Patch there"}[i]
}

// still is the question that figures of some positions ask.
func (d drawing) still() string {
	switch {
	case d.Score == attrib.Activation:
		return fmt.Sprintf("Does “%s” still answer?", d.Explained())
	case d.Score == attrib.Measured:
		return fmt.Sprintf("What is left of “%s”?", d.Explained())
	case d.Grid.Revealed:
		return fmt.Sprintf("Is it “%s” all the same?", d.Label)
	}
	return fmt.Sprintf("Is it still “%s”?", d.Label)
}

// patchSubtitle says what was done at the positions, and what the number and its bar are.
func (d drawing) patchSubtitle() string {
	done := d.patchWords() + " patch hides one part of the picture"
	switch {
	case d.Grid.Revealed:
		done = "Only one part of the picture shows"
	case d.parts():
		done = "One part of the picture is hidden"
	}
	switch d.Score {
	case attrib.Probability:
		return done + "; the number is the network’s confidence in it"
	case attrib.Activation:
		return done + "; the number is the unit’s activation"
	case attrib.Measured:
		return fmt.Sprintf("%s; the number is the measure, the bar the probability of “%s”", done, d.Label)
	}
	return fmt.Sprintf("%s; the number is the %s of the class, the bar its probability", done, d.Score.Words())
}

// weakestPosition is the position with the least drop in size, the first of equals.
func (d drawing) weakestPosition() int {
	least := 0
	for i, v := range d.Grid.Drop.Values {
		if w := d.Grid.Drop.Values[least]; v*v < w*w || math.IsNaN(float64(w)) {
			least = i
		}
	}
	return least
}

// patch shows the picture with the window of a position hidden, and the score that is left.
func (d drawing) patch(heading string, position int) picture.Panel {
	w := d.Grid.Windows[position]
	drop := float64(d.Grid.Drop.Values[position])
	panel := lightPanel(d.Picture, heading, d.place(w)+", "+d.dropWords(drop))
	panel.Layers = d.hiding(panel.Layers, position)
	score := d.Clean - drop
	panel.Alt = fmt.Sprintf("%s with a %s in the %s", inputName(d.Picture), d.words().part, d.place(w))
	switch {
	case d.Grid.Revealed:
		score = d.Grid.Bare + drop
		panel.Alt = fmt.Sprintf("%s of which only a %s in the %s shows", inputName(d.Picture), d.words().part, d.place(w))
	case d.parts():
		panel.Alt = fmt.Sprintf("%s without a part in the %s", inputName(d.Picture), d.place(w))
	}
	panel.Below = []picture.Mark{d.meter("", score, float64(d.Grid.Probability.Values[position]))}
	return panel
}

// dropWords name a drop, or a gain; one that three decimals of a probability don't show is hardly one.
func (d drawing) dropWords(drop float64) string {
	word := strings.ToLower(d.words().value)
	if d.Score == attrib.Probability && drop != 0 && math.Abs(drop) < 0.0005 {
		return "hardly a " + word
	}
	return word + " " + scale.Number(drop)
}
