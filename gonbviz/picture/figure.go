// Package picture draws figures: marks as plain structs that lay themselves out as one scene, written as an SVG file,
// as the HTML of a notebook cell, or as PNG.
//
// A Figure has a title, a body of marks and a caption. Panel shows a picture in layers (Photo, Overlay, Classes, Patch,
// Border, Mesh) with its heading above and its legend below; Tiles and Matrix are grids of small pictures; Bars, Meter,
// Table and Curve show numbers; Ramp and Key are legends; Row and Beside put marks next to each other.
//
//	figure := picture.Figure{
//		Title:   "What the network sees",
//		Body:    []picture.Mark{picture.Panel{Layers: []picture.Layer{picture.Photo{Image: photo}}, Alt: "A squirrel"}},
//		Caption: []string{"SqueezeNet 1.1", "227 × 227"},
//	}
//	os.WriteFile("figure.svg", figure.SVG(), 0o644)
package picture

import "strings"

// Figure is a picture with its words.
type Figure struct {
	// Title is what the picture answers, Subtitle what was done or measured.
	Title, Subtitle string
	// Body are the marks, one below the other.
	Body []Mark
	// Caption are the parts of the caption, in order; empty ones are left out.
	Caption []string
	// Alt says in words what is to be seen, for those who don't see it.
	Alt string
	// Text is the one line that a terminal shows: the numbers that matter.
	Text string
	// Width is the width of the file: Wide, Narrow or any other in pixels; 0 stands for Wide. HTML fits its page.
	Width int
}

// Widths of a figure, in pixels, padding included.
const (
	Wide   = 900
	Narrow = 420
)

// Mark is a part of a figure. The marks of this package are all there are.
type Mark interface {
	// place draws the mark below y, between x and x+w, and returns its height.
	place(l *layout, x, y, w float64) float64
	// html writes the mark as the content of a cell; w is the width it would have in a wide figure.
	html(h *markup, w float64)
}

// Spaces of the grid, in pixels.
const (
	padding  = 20.0
	gap      = 20.0
	blockGap = 24.0
	// stacked is the width below which marks that stand beside each other stand below each other.
	stacked = 560.0
)

// Plain is the figure as one line of text.
func (f Figure) Plain() string {
	if f.Text != "" {
		return plainText(f.Text)
	}
	if f.Alt == "" {
		return plainText(f.Title)
	}
	return plainText(strings.TrimPrefix(f.Title+": "+f.Alt, ": "))
}

// caption joins the parts so that no line begins with a dot.
func (f Figure) caption() string {
	var parts []string
	for _, p := range f.Caption {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, nbsp+"· ")
}

const nbsp = "\u00a0"

func (f Figure) width() float64 {
	if f.Width <= 0 {
		return Wide
	}
	return max(float64(f.Width), 240)
}

// scene lays the figure out at its width.
func (f Figure) scene() scene {
	w := f.width()
	inner := w - 2*padding
	l := &layout{}
	y := padding
	if f.Title != "" {
		y = l.text(padding, y, inner, f.Title, titleStyle) + 6
	}
	if f.Subtitle != "" {
		y = l.text(padding, y, inner, f.Subtitle, subtitleStyle)
	}
	if y > padding {
		y += 16
	}
	if len(f.Body) > 0 {
		y += l.stack(f.Body, padding, y, inner, blockGap) + 16
	}
	if c := f.caption(); c != "" {
		y = whole(y)
		l.add(box{x: padding, y: y, w: inner, h: 1, fill: themed(hairline)})
		y = l.text(padding, y+12, inner, c, noteStyle)
	}
	return scene{w, whole(y + padding - descent), l.shapes}
}
