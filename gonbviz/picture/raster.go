package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"sync"

	"codeberg.org/go-fonts/dejavu/dejavusans"
	"codeberg.org/go-fonts/dejavu/dejavusansbold"
	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Raster says how a figure becomes pixels. Its zero value is light, at two pixels a unit.
type Raster struct {
	// Dark draws the dark theme.
	Dark bool
	// Density is the number of pixels a unit of the layout; 0 stands for 2, which is sharp on fine screens.
	Density float64
}

// ErrTooLarge is returned for a figure with more pixels than a PNG should have.
var ErrTooLarge = errors.New("picture: figure too large for PNG")

const maxPixels = 1 << 28

// PNG is the figure as pixels, drawn from the same layout as its SVG.
func (f Figure) PNG(r Raster) ([]byte, error) {
	if r.Density <= 0 {
		r.Density = 2
	}
	s := f.scene()
	w, h := math.Ceil(s.w*r.Density), math.Ceil(s.h*r.Density)
	if w*h > maxPixels {
		return nil, ErrTooLarge
	}
	c := newCanvas(int(w), int(h), r)
	box{0, 0, s.w, s.h, groundRadius, themed(ground)}.draw(c)
	for _, shape := range s.shapes {
		shape.draw(c)
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, indexed(c.img)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// canvas draws shapes on pixels.
type canvas struct {
	img     *image.RGBA
	density float64
	x, y    float64 // the origin of the group in hand, in units
	theme   *theme
	faces   map[style]*face
}

func newCanvas(w, h int, r Raster) *canvas {
	c := &canvas{img: image.NewRGBA(image.Rect(0, 0, w, h)), density: r.Density, theme: &lightTheme, faces: map[style]*face{}}
	if r.Dark {
		c.theme = &darkTheme
	}
	return c
}

func (b box) draw(c *canvas) {
	if b.fill.nothing() || b.w <= 0 || b.h <= 0 {
		return
	}
	c.fillRect(b.x, b.y, b.w, b.h, b.radius, b.fill.in(c.theme))
}

// fillRect rasterizes only the pixels around the rectangle: a path as large as the figure for each would be slow.
func (c *canvas) fillRect(x, y, w, h, radius float64, colour color.NRGBA) {
	x0, y0 := (x+c.x)*c.density, (y+c.y)*c.density
	x1, y1 := x0+w*c.density, y0+h*c.density
	c.fillPath(x0, y0, x1, y1, colour, func(p *vector.Rasterizer, ox, oy float64) {
		roundRect(p, float32(x0-ox), float32(y0-oy), float32(x1-ox), float32(y1-oy), float32(radius*c.density))
	})
}

// fillPath paints a path that lies within the given pixels; trace draws it relative to an origin.
func (c *canvas) fillPath(x0, y0, x1, y1 float64, colour color.NRGBA, trace func(p *vector.Rasterizer, ox, oy float64)) {
	r := image.Rect(int(math.Floor(x0)), int(math.Floor(y0)), int(math.Ceil(x1)), int(math.Ceil(y1)))
	if r.Empty() || !r.Overlaps(c.img.Bounds()) || r.Dx() > 1<<15 || r.Dy() > 1<<17 {
		return
	}
	p := vector.NewRasterizer(r.Dx(), r.Dy())
	trace(p, float64(r.Min.X), float64(r.Min.Y))
	if r.In(c.img.Bounds()) {
		p.Draw(c.img, r, image.NewUniform(colour), image.Point{})
		return
	}
	mask := image.NewAlpha(image.Rect(0, 0, r.Dx(), r.Dy())) // the rasterizer itself doesn't clip
	p.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	draw.DrawMask(c.img, r, image.NewUniform(colour), image.Point{}, mask, image.Point{}, draw.Over)
}

// roundRect traces a rectangle whose corners are quarter circles, near enough.
func roundRect(p *vector.Rasterizer, x0, y0, x1, y1, r float32) {
	r = min(r, (x1-x0)/2, (y1-y0)/2)
	k := r * 0.4477 // what a control point stays short of the corner
	p.MoveTo(x0+r, y0)
	p.LineTo(x1-r, y0)
	p.CubeTo(x1-k, y0, x1, y0+k, x1, y0+r)
	p.LineTo(x1, y1-r)
	p.CubeTo(x1, y1-k, x1-k, y1, x1-r, y1)
	p.LineTo(x0+r, y1)
	p.CubeTo(x0+k, y1, x0, y1-k, x0, y1-r)
	p.LineTo(x0, y0+r)
	p.CubeTo(x0, y0+k, x0+k, y0, x0+r, y0)
	p.ClosePath()
}

func (o outline) draw(c *canvas) {
	colour, t := o.stroke.in(c.theme), o.width
	x, y := o.x-t/2, o.y-t/2
	if o.dashed {
		o.drawDashes(c, colour)
		return
	}
	c.fillRect(x, y, o.w+t, t, 0, colour)
	c.fillRect(x, y+o.h, o.w+t, t, 0, colour)
	c.fillRect(x, y+t, t, o.h-t, 0, colour)
	c.fillRect(x+o.w, y+t, t, o.h-t, 0, colour)
}

const dash = 3.0

func (o outline) drawDashes(c *canvas, colour color.NRGBA) {
	t := o.width
	for d := 0.0; d < o.w; d += 2 * dash {
		n := min(dash, o.w-d)
		c.fillRect(o.x+d, o.y-t/2, n, t, 0, colour)
		c.fillRect(o.x+o.w-d-n, o.y+o.h-t/2, n, t, 0, colour)
	}
	for d := 0.0; d < o.h; d += 2 * dash {
		n := min(dash, o.h-d)
		c.fillRect(o.x+o.w-t/2, o.y+d, t, n, 0, colour)
		c.fillRect(o.x-t/2, o.y+o.h-d-n, t, n, 0, colour)
	}
}

// draw fills the triangle in the stroke's colour and a smaller one in its own: a thin outline.
func (t triangle) draw(c *canvas) {
	t.fillIn(c, 0, t.stroke.in(c.theme))
	t.fillIn(c, 0.9, t.fill.in(c.theme))
}

func (t triangle) fillIn(c *canvas, inset float64, colour color.NRGBA) {
	side := math.Copysign(inset, t.w)
	x, tip := t.x+side, t.x+t.w-1.6*side
	y0, y1 := t.y+1.4*inset, t.y+t.h-1.4*inset
	px := func(v float64) float64 { return (v + c.x) * c.density }
	py := func(v float64) float64 { return (v + c.y) * c.density }
	c.fillPath(px(min(x, tip)), py(y0), px(max(x, tip)), py(y1), colour, func(p *vector.Rasterizer, ox, oy float64) {
		p.MoveTo(float32(px(x)-ox), float32(py(y0)-oy))
		p.LineTo(float32(px(x)-ox), float32(py(y1)-oy))
		p.LineTo(float32(px(tip)-ox), float32(py((y0+y1)/2)-oy))
		p.ClosePath()
	})
}

// draw stretches the picture: squares where values are to be seen, else smooth.
func (b bitmap) draw(c *canvas) {
	x0, y0 := (b.x+c.x)*c.density, (b.y+c.y)*c.density
	r := image.Rect(int(math.Round(x0)), int(math.Round(y0)),
		int(math.Round(x0+b.w*c.density)), int(math.Round(y0+b.h*c.density)))
	var s draw.Scaler = draw.CatmullRom
	if b.pixelated() {
		s = draw.NearestNeighbor
	}
	s.Scale(c.img, r, b.raster.img, b.source, draw.Over, nil)
}

// draw clips to the group's box by drawing on that part of the pixels alone.
func (g group) draw(c *canvas) {
	inner := *c
	inner.x, inner.y = c.x+g.x, c.y+g.y
	clip := image.Rect(int(math.Floor(inner.x*c.density)), int(math.Floor(inner.y*c.density)),
		int(math.Ceil((inner.x+g.w)*c.density)), int(math.Ceil((inner.y+g.h)*c.density)))
	inner.img = c.img.SubImage(clip).(*image.RGBA)
	for _, s := range g.shapes {
		s.draw(&inner)
	}
}

// face is a style's letters: the main font, and one with more letters for what it lacks.
type face struct {
	main, other font.Face
	font        *sfnt.Font
	buffer      sfnt.Buffer
}

var parsed = sync.OnceValue(func() (f [2][2]*sfnt.Font) {
	for i, ttf := range [][]byte{liberationsansregular.TTF, dejavusans.TTF, liberationsansbold.TTF, dejavusansbold.TTF} {
		font, err := opentype.Parse(ttf)
		must(err)
		f[i/2][i%2] = font
	}
	return f
})

func (c *canvas) face(s style) *face {
	s = style{size: s.size, bold: s.bold}
	if f, known := c.faces[s]; known {
		return f
	}
	fonts := parsed()[0]
	if s.bold {
		fonts = parsed()[1]
	}
	open := func(f *sfnt.Font) font.Face {
		o, err := opentype.NewFace(f, &opentype.FaceOptions{Size: s.size * c.density, DPI: 72, Hinting: font.HintingNone})
		must(err)
		return o
	}
	f := &face{main: open(fonts[0]), other: open(fonts[1]), font: fonts[0]}
	c.faces[s] = f
	return f
}

// of is the face that has the letter.
func (f *face) of(r rune) font.Face {
	if i, err := f.font.GlyphIndex(&f.buffer, r); err != nil || i == 0 {
		return f.other
	}
	return f.main
}

func (f *face) advance(s string) (w fixed.Int26_6) {
	for _, r := range s {
		a, _ := f.of(r).GlyphAdvance(r)
		w += a
	}
	return w
}

func (t words) draw(c *canvas) {
	f := c.face(t.style)
	dot := fixed.Point26_6{X: fix((t.x + c.x) * c.density), Y: fix((t.y + c.y) * c.density)}
	switch t.anchor {
	case middle:
		dot.X -= f.advance(t.text) / 2
	case end:
		dot.X -= f.advance(t.text)
	}
	src := image.NewUniform(c.theme[t.style.role])
	for _, r := range t.text {
		face := f.of(r)
		if at, mask, maskp, _, ok := face.Glyph(dot, r); ok {
			draw.DrawMask(c.img, at, src, image.Point{}, mask, maskp, draw.Over)
		}
		a, _ := face.GlyphAdvance(r)
		dot.X += a
	}
}

func fix(v float64) fixed.Int26_6 { return fixed.Int26_6(math.Round(v * 64)) }
