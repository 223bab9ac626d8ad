package picture_test

import (
	"fmt"
	"image/color"

	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/scale"
)

var (
	zeroToOne scale.Scale
	grey      = color.NRGBA{128, 128, 128, 255}
)

// A photograph alone. The figure's text is what a terminal shows.
func ExampleFigure() {
	photo := picture.Panel{
		Layers: []picture.Layer{picture.Photo{Image: scenery(120, 80)}},
		Alt:    "An orange ball on a meadow",
	}
	show("photo", picture.Figure{
		Title:   "The photograph",
		Body:    []picture.Mark{picture.Row{Marks: []picture.Mark{photo}}},
		Caption: []string{"ball", "120 × 80 pixels", "CC0"},
		Alt:     "An orange ball on a meadow",
		Text:    "ball: 120 × 80 pixels",
	})
	// Output: ball: 120 × 80 pixels
}

// The most probable classes beside the photograph.
func ExampleBars() {
	classes := []struct {
		label          string
		p, logit, best float64
	}{{"ball", 0.9939, 21.3, 0.9939}, {"orange", 0.0026, 15.36, 0.9939}, {"sun", 0.0004, 13.49, 0.9939}}
	bars := picture.Bars{Columns: []string{"probability", "logit", "vs. the best"}}
	for i, c := range classes {
		bars.Bars = append(bars.Bars, picture.Bar{
			Label: c.label, Value: c.p, Strong: i == 0,
			Numbers: []string{scale.Probability4(c.p), scale.Fixed(c.logit, 2), scale.Versus(c.best, c.p)},
		})
	}
	bars.Bars = append(bars.Bars, picture.Bar{Label: "997 others", Value: 0.0031, Numbers: []string{"0.0031"}, Rest: true})
	photo := picture.Panel{Layers: []picture.Layer{picture.Photo{Image: scenery(90, 90)}}, Alt: "An orange ball"}
	f := picture.Figure{
		Title:    "What the network says",
		Subtitle: "The three most probable of " + scale.Count(1000) + " classes",
		Body:     []picture.Mark{picture.Beside{Side: []picture.Mark{photo}, Main: []picture.Mark{bars}, Width: 176}},
		Caption:  []string{"Tiny network", "input ball, 90 × 90", "score probability"},
		Alt:      "Bars of the three most probable classes: ball 0.9939, orange 0.0026, sun 0.0004",
		Text:     "ball 0.9939, orange 0.0026, sun 0.0004",
	}
	show("bars", f)
	f.Width = picture.Narrow
	showPixels("bars-narrow", f, picture.Raster{Density: 1, Dark: true})
	// Output:
	// ball 0.9939, orange 0.0026, sun 0.0004
	// ball 0.9939, orange 0.0026, sun 0.0004
}

// The layers of a network, a row each.
func ExampleTable() {
	show("table", picture.Figure{
		Title: "The layers",
		Body: []picture.Mark{picture.Table{
			Columns: []picture.Column{{Head: "name"}, {Head: "kind"}, {Head: "output", Right: true}, {Head: "parameters", Right: true}},
			Rows:    [][]string{{"conv1", "conv", "113 × 113 × 64", scale.Count(1792)}, {"pool1", "pool", "56 × 56 × 64", "0"}},
		}},
		Text: "2 layers, 1 792 parameters",
	})
	// Output: 2 layers, 1 792 parameters
}

// Filters on red, green and blue: grey is 0, one scale for all, one ramp for each channel.
func ExampleTiles() {
	s := scale.Scale{Low: -1, High: 1, Diverging: true, Above: 0.01, Below: 0.01}
	filters := picture.Tiles{}
	for i := range 5 {
		filters.Tiles = append(filters.Tiles, picture.Tile{
			Image: scale.RGB(s.High, waves(5, 5, i, 2), waves(5, 5, 1, i), waves(5, 5, i, i)),
			Label: fmt.Sprint(i), Alt: fmt.Sprint("filter ", i),
		})
	}
	filters.Tiles = append(filters.Tiles, picture.Tile{Missing: "dead", Label: "5"})
	legend := picture.Row{}
	for _, m := range []*scale.Map{scale.Red, scale.Green, scale.Blue} {
		s.Map = m
		legend.Marks = append(legend.Marks, picture.Ramp{Scale: s, Head: "weight on " + m.Name})
	}
	legend.Marks = append(legend.Marks, picture.Note{Text: "Mid-grey is 0. One scale for all filters."})
	f := picture.Figure{
		Title:    "What the first layer looks for",
		Subtitle: "6 filters of 5 × 5 weights on red, green and blue",
		Body:     []picture.Mark{filters, legend},
		Caption:  []string{"Tiny network, first layer", "dead: filter 5"},
		Text:     "6 filters, 1 dead, weights from −1 to +1",
	}
	show("filters", f)
	showPixels("filters", f, picture.Raster{Density: 1})
	// Output:
	// 6 filters, 1 dead, weights from −1 to +1
	// 6 filters, 1 dead, weights from −1 to +1
}

// Filters that see channels rather than colours: a line a filter, a tile an input.
func ExampleMatrix() {
	s := scale.Scale{Low: -1, High: 1, Diverging: true}
	m := picture.Matrix{Columns: []string{"0", "1", "2"}}
	for out := range 4 {
		line := picture.Line{Label: fmt.Sprint(out), Alt: fmt.Sprint("filter ", out, " on inputs 0 to 2")}
		for in := range 3 {
			line.Tiles = append(line.Tiles, picture.Tile{Image: s.Image(waves(3, 3, out, in+1))})
		}
		m.Lines = append(m.Lines, line)
	}
	show("matrix", picture.Figure{
		Title: "What the second layer looks for", Subtitle: "A line a filter, a tile an input",
		Body: []picture.Mark{m, picture.Row{Marks: []picture.Mark{picture.Ramp{Scale: s, Head: "weight"}}}},
		Text: "4 filters on 3 inputs",
	})
	// Output: 4 filters on 3 inputs
}

// Maps of a layer beside the photograph; Mesh shows the layer's step on a part of it.
func ExampleBeside() {
	maps := picture.Tiles{Heading: "conv2", Aside: "20 × 20 each, one value every 4 pixels", Framed: true}
	for i := range 7 {
		p := hill(20, 20, 3*i, 10)
		maps.Tiles = append(maps.Tiles, picture.Tile{
			Image: zeroToOne.Image(p), Label: fmt.Sprint(i), Value: scale.Fixed(p.Deviation(), 2), Alt: fmt.Sprint("conv2, channel ", i),
		})
	}
	photo := picture.Photo{Image: scenery(80, 80)}
	side := []picture.Mark{
		picture.Panel{Heading: "Photograph", Aside: "80 × 80", Layers: []picture.Layer{photo}, Alt: "An orange ball"},
		picture.Ramp{Scale: zeroToOne, Head: "response after ReLU"},
		picture.Note{Text: "Zero is dark."},
		picture.Panel{Heading: "Coarser with depth", Layers: []picture.Layer{photo, picture.Mesh{StepX: 4, StepY: 4}},
			View: picture.Rect{X: 20, Y: 20, W: 40, H: 40}, Alt: "The ball with the step of conv2"},
	}
	f := picture.Figure{
		Title: "What a layer answers to the photograph",
		Body:  []picture.Mark{picture.Beside{Side: side, Main: []picture.Mark{maps}}},
		Text:  "conv2: 7 maps of 20 × 20",
	}
	show("maps", f)
	f.Width = picture.Narrow
	showPixels("maps-narrow", f, picture.Raster{Density: 1, Dark: true})
	// Output:
	// conv2: 7 maps of 20 × 20
	// conv2: 7 maps of 20 × 20
}

// Occlusion in four panels: one position, the drop a pixel, the probability and the best class a position.
func ExamplePanel() {
	photo, cells := scenery(80, 80), picture.Rect{X: 8, Y: 8, W: 64, H: 64}
	drop := scale.Scale{Low: -1, High: 1, Diverging: true, Veil: true}
	wins := picture.Classes{H: 4, W: 4, Index: []int{3, 3, 3, 3, 3, 7, 5, 3, 3, 7, 3, 3, 3, 3, 3, 3}, Clear: 3, Over: cells}
	names := map[int]string{3: "ball", 5: "sun", 7: "orange"}
	pale := picture.Photo{Image: photo, Pale: true}
	ground := picture.Backdrop(photo)
	panels := []picture.Mark{
		picture.Panel{Heading: "One position", Note: "16 × 16 gray, strongest of 16", Alt: "A grey patch on the ball",
			Layers: []picture.Layer{picture.Photo{Image: photo}, picture.Patch{At: picture.Rect{X: 24, Y: 24, W: 16, H: 16}, Fill: grey}},
			Below: []picture.Mark{
				picture.Meter{Label: "all visible", Value: 0.994, Number: "0.994"},
				picture.Meter{Label: "patch here", Value: 0.006, Number: "0.006"},
			}},
		picture.Panel{Heading: "Drop of the probability", Note: "per pixel", Alt: "Drop, largest in the centre",
			Layers: []picture.Layer{pale, picture.Overlay{Plane: hill(80, 80, 40, 40), Scale: drop}},
			Below:  []picture.Mark{picture.Ramp{Scale: drop, LowWords: "against", HighWords: "for the class", Ground: ground}}},
		picture.Panel{Heading: "Probability of the class", Note: "while the patch is centred there", Alt: "Probability at 16 positions",
			Layers: []picture.Layer{pale, picture.Overlay{Plane: hill(4, 4, 1, 1), Scale: zeroToOne, Over: cells}},
			Below:  []picture.Mark{picture.Ramp{Scale: zeroToOne, Mark: 0.994, MarkWords: "mark: all visible, 0.994"}}},
		picture.Panel{Heading: "Most probable class", Note: "while the patch is centred there", Alt: "Best class at 16 positions",
			Layers: []picture.Layer{pale, picture.Border{At: cells}, wins},
			Below:  []picture.Mark{wins.Key(func(class int) string { return names[class] }, ground)}},
	}
	f := picture.Figure{
		Title:    "What “ball” rests on",
		Subtitle: "A grey patch slides over the photograph; the network is asked again at each position",
		Body:     []picture.Mark{picture.Row{Marks: panels}},
		Caption:  []string{"Tiny network", "class ball (3)", "score probability, 0.994 with all visible", "4 × 4 = 16 positions", "positive supports the class"},
		Text:     "ball: 0.994 with all visible, 0.006 at the strongest of 16 positions",
	}
	show("occlusion", f)
	showPixels("occlusion", f, picture.Raster{Density: 1})
	// Output:
	// ball: 0.994 with all visible, 0.006 at the strongest of 16 positions
	// ball: 0.994 with all visible, 0.006 at the strongest of 16 positions
}

// A drawing with a patch at two places; the number stands in large type.
func ExampleMeter() {
	panel := func(heading string, p float64, patch ...picture.Layer) picture.Mark {
		return picture.Panel{
			Heading: heading, Alt: heading,
			Layers: append([]picture.Layer{picture.Photo{Image: digit()}}, patch...),
			Below:  []picture.Mark{picture.Meter{Value: p, Number: scale.Probability(p)}},
		}
	}
	show("digit", picture.Figure{
		Title: "Is it still a 3?",
		Body: []picture.Mark{picture.Row{Marks: []picture.Mark{
			panel("Nothing hidden", 0.9999),
			panel("Patch there", 0.003, picture.Patch{At: picture.Rect{X: 7, Y: 5, W: 4, H: 4}, Fill: grey}),
		}, Size: 200}},
		Text: "3: >0.999, with the patch 0.003",
	})
	// Output: 3: >0.999, with the patch 0.003
}

func ExampleProgress() {
	p := picture.Progress{Name: "Occlusion", Count: 412, Total: 676, Unit: "positions", State: picture.Interrupted}
	fmt.Println(p.Plain())
	// Output: Occlusion · stopped at 412 of 676 positions · interrupted
}
