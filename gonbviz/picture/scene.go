package picture

import (
	"image"
	"image/color"
)

// role is what a colour is for. Each theme has a colour for each role.
type role uint8

const (
	literal role = iota // no role: a colour of its own, the same in every theme
	ground
	ink
	secondary
	hairline
	track
	bar
	roles
)

type theme [roles]color.NRGBA

var (
	lightTheme = theme{ground: rgb(0xffffff), ink: rgb(0x1b1f24), secondary: rgb(0x59626d), hairline: rgb(0xd4d9df),
		track: rgb(0xe9ecef), bar: rgb(0x2878c8)}
	darkTheme = theme{ground: rgb(0x111111), ink: rgb(0xeceef1), secondary: rgb(0xa2abb6), hairline: rgb(0x3a4048),
		track: rgb(0x262a2f), bar: rgb(0x5aa5ea)}
	// A cell's panels lie on a page of unknown colour: greys that can be told from white and from black.
	cellTheme = theme{ink: rgb(0x808890), secondary: rgb(0x808890), hairline: color.NRGBA{128, 136, 144, 89},
		track: color.NRGBA{128, 136, 144, 56}, bar: rgb(0x3f90da)}
)

func rgb(v uint32) color.NRGBA { return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255} }

// paint is a role or a colour. Its zero value paints nothing.
type paint struct {
	role   role
	colour color.NRGBA
}

func flat(c color.NRGBA) paint { return paint{colour: c} }
func themed(r role) paint      { return paint{role: r} }
func (p paint) nothing() bool  { return p.role == literal && p.colour.A == 0 }
func (p paint) in(t *theme) color.NRGBA {
	if p.role == literal {
		return p.colour
	}
	return t[p.role]
}

// shape is one thing to draw, at a place that the layout has decided. Coordinates are pixels from the upper left.
type shape interface {
	svg(w *svgWriter)
	draw(c *canvas)
}

type anchor uint8

const (
	start anchor = iota
	middle
	end
)

// words is one line of text; y is its baseline.
type words struct {
	x, y   float64
	text   string
	style  style
	anchor anchor
}

// width is what the words may take in the widest font.
func (t words) left() float64 {
	return t.x - t.style.width(t.text)*[...]float64{0, 0.5, 1}[t.anchor]
}

// box is a filled rectangle.
type box struct {
	x, y, w, h, radius float64
	fill               paint
}

// outline is the frame of a rectangle; its stroke is centred on the edge.
type outline struct {
	x, y, w, h float64
	width      float64
	stroke     paint
	dashed     bool
}

// triangle points left or right, at a legend's end.
type triangle struct {
	x, y, w, h   float64 // x is the flat side; a negative w points left
	fill, stroke paint
}

// bitmap is a picture, or the part source of it, stretched over a rectangle.
type bitmap struct {
	x, y, w, h float64
	raster     *raster
	source     image.Rectangle
}

// pixelated tells whether values are to be seen as squares: data where a value covers more than a pixel, a photograph
// only where its pixels are the picture (a digit).
func (b bitmap) pixelated() bool {
	if b.raster.photo {
		return b.w >= 2*float64(b.source.Dx())
	}
	return b.w > 1.25*float64(b.source.Dx()) // below, squares would be of visibly different sizes
}

// group has an origin of its own and is clipped to its box.
type group struct {
	x, y, w, h float64
	shapes     []shape
}

// scene is a figure laid out: what every carrier draws.
type scene struct {
	w, h   float64
	shapes []shape
}

// layout gathers shapes while marks place themselves.
type layout struct {
	shapes []shape
}

func (l *layout) add(s ...shape) { l.shapes = append(l.shapes, s...) }

// text writes s in lines of at most w pixels below top and returns where the next thing may begin.
func (l *layout) text(x, top, w float64, s string, st style) (bottom float64) {
	lines := wrap(visible(s), st, w)
	y := top + st.capHeight
	for i, line := range lines {
		l.add(words{x, y + float64(i)*st.line, line, st, start})
	}
	return top + textHeight(len(lines), st)
}

// descent is the room that letters take below their baseline.
const descent = 4

func textHeight(lines int, st style) float64 {
	if lines == 0 {
		return 0
	}
	return st.capHeight + float64(lines-1)*st.line + descent
}

// heightOf is the room that text would take.
func heightOf(s string, st style, w float64) float64 {
	return textHeight(len(wrap(visible(s), st, w)), st)
}

// line writes s in one line that is cut to w pixels.
func (l *layout) line(x, y, w float64, s string, st style, a anchor) {
	if s = ellipsis(visible(s), st, w); s != "" {
		l.add(words{x, y, s, st, a})
	}
}

// stack places marks below each other and returns the height of all.
func (l *layout) stack(marks []Mark, x, y, w, gap float64) float64 {
	top := y
	for i, m := range marks {
		if i > 0 {
			y += before(m, gap)
		}
		y += m.place(l, x, y, w)
	}
	return y - top
}

// before is the space above a mark in a stack: a note belongs to what stands above it.
func before(m Mark, gap float64) float64 {
	if _, note := m.(Note); note {
		return min(gap, 8)
	}
	return gap
}
