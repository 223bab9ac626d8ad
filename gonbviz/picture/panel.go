package picture

import "math"

// Rect is a rectangle in the coordinates of a Panel: pixels of the network's input, from the upper left.
type Rect struct{ X, Y, W, H float64 }

func (r Rect) empty() bool { return !(r.W > 0 && r.H > 0) }

// Panel is a picture made of layers, with words above and marks (its legend) below.
type Panel struct {
	// Heading names the quantity, Note says how it was made, Aside stands at the right of the heading.
	Heading, Note, Aside string
	// Layers lie over each other, the first at the bottom. The first that has a size gives the coordinates of all.
	Layers []Layer
	// View is the part of the coordinates to show; empty: all.
	View Rect
	// Alt says what is to be seen.
	Alt string
	// Below are marks under the picture, as wide as it.
	Below []Mark
}

// Layer is a part of a Panel's picture.
type Layer interface {
	// extent is the size of the coordinates that the layer brings along, or 0.
	extent() (w, h float64)
	draw(v view) []shape
}

// view takes a Panel's coordinates to pixels.
type view struct {
	from Rect
	w, h float64 // pixels
}

func (v view) rect(r Rect) Rect {
	sx, sy := v.w/v.from.W, v.h/v.from.H
	return Rect{(r.X - v.from.X) * sx, (r.Y - v.from.Y) * sy, r.W * sx, r.H * sy}
}

// shown is the part of the coordinates that the panel shows.
func (p Panel) shown() Rect {
	if !p.View.empty() {
		return p.View
	}
	for _, l := range p.Layers {
		if w, h := l.extent(); w > 0 && h > 0 {
			return Rect{0, 0, w, h}
		}
	}
	return Rect{0, 0, 1, 1}
}

// tallest is how high a picture may be beside its width: what is longer becomes narrower.
const tallest = 1.5

// picture is the panel's layers at a width, in a group of their own; empty without layers.
func (p Panel) picture(w float64) group {
	if len(p.Layers) == 0 {
		return group{}
	}
	from := p.shown()
	g := group{w: w, h: math.Max(1, math.Round(w*from.H/from.W))}
	if g.h > tallest*w {
		g.w, g.h = math.Max(1, math.Round(tallest*w*from.W/from.H)), math.Round(tallest*w)
	}
	v := view{from, g.w, g.h}
	for _, l := range p.Layers {
		g.shapes = append(g.shapes, l.draw(v)...)
	}
	return g
}

// head is the height of the words above the picture.
func (p Panel) head(w float64) float64 {
	h := headingHeight(p.Heading, p.Aside, w)
	if p.Note != "" {
		h += heightOf(p.Note, noteStyle, w) + 5
	}
	return h
}

// headingHeight is the height of a heading with words at its right, and the space below it.
func headingHeight(s, aside string, w float64) float64 {
	var l layout
	return l.heading(0, 0, w, s, aside)
}

// heading writes a heading, and aside at its right or, where there is no room, below it. It returns where the next
// thing may begin.
func (l *layout) heading(x, y, w float64, s, aside string) float64 {
	if s == "" && aside == "" {
		return y
	}
	width := noteStyle.width(visible(aside))
	if headingStyle.width(visible(s))+12+width <= w {
		l.line(x, y+headingStyle.capHeight, w, s, headingStyle, start)
		l.line(x+w, y+headingStyle.capHeight, w, aside, noteStyle, end)
		return y + headingStyle.capHeight + descent + 4
	}
	bottom := y
	if s != "" {
		bottom = l.text(x, y, w, s, headingStyle) + 4
	}
	if aside != "" {
		bottom = l.text(x, bottom+1, w, aside, noteStyle) + 4
	}
	return bottom
}

func (p Panel) place(l *layout, x, y, w float64) float64 { return p.placeBelow(l, x, y, w, p.head(w)) }

// placeBelow leaves head pixels for the words, so that the pictures of a row stand at one height.
func (p Panel) placeBelow(l *layout, x, y, w, head float64) float64 {
	at := l.heading(x, y, w, p.Heading, p.Aside)
	l.text(x, at+1, w, p.Note, noteStyle)
	g := p.picture(w)
	g.x, g.y = x, y+head
	at = g.y + g.h
	if g.h > 0 {
		l.add(g)
	}
	if len(p.Below) > 0 {
		at += legendGap + l.stack(p.Below, x, at+legendGap, w, 12)
	}
	return at - y
}

const legendGap = 14.0

func (p Panel) html(h *markup, w float64) {
	h.heading(p.Heading, p.Aside, p.Note != "")
	h.text("div", p.Note, noteStyle.css(), "margin:0 0 4px 0")
	if g := p.picture(w); g.h > 0 {
		share := ""
		if g.w < w {
			share = "max-width:" + num(math.Round(1000*g.w/w)/10) + "%"
		}
		h.image(p.Alt, g.w, g.h, g.shapes, nonEmpty(share)...)
	}
	if len(p.Below) > 0 {
		h.open("div", "margin:10px 0 0 0")
		h.stack(p.Below, w, 10)
		h.shut("div")
	}
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// heading writes a heading with words at its right; tight where a note follows.
func (h *markup) heading(s, aside string, tight bool) {
	if s == "" && aside == "" {
		return
	}
	margin := "margin:0 0 6px 0"
	if tight {
		margin = "margin:0"
	}
	h.open("div", "display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:0 12px", margin)
	h.text("span", s, headingStyle.css())
	h.text("span", aside, noteStyle.css())
	h.shut("div")
}
