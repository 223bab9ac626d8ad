package picture

import (
	"image"
	"image/draw"
	"math"
	"strings"
)

// Tiles is a grid of small pictures: filters, activation maps.
type Tiles struct {
	// Heading and Aside stand above, at the left and at the right.
	Heading, Aside string
	Tiles          []Tile
	// Size is the width of a tile in pixels; 0: what their number and resolution suggest.
	Size float64
	// Framed draws a thin frame around each, for maps whose colours may be the page's.
	Framed bool
}

// Tile is one picture of a grid.
type Tile struct {
	// Image has one pixel a value, see scale.Scale.Image and scale.RGB. Without one, Missing stands in a dashed box.
	Image   image.Image
	Missing string
	// Label stands below at the left, Value at the right.
	Label, Value string
	// Alt says what is to be seen; empty: the label.
	Alt string
}

func (t Tile) empty() bool { return t.Image == nil || t.Image.Bounds().Empty() }

func (t Tile) alt() string {
	if t.Alt != "" {
		return t.Alt
	}
	return strings.TrimSpace(t.Label + " " + t.Value)
}

// box is the size of the tile's picture in a square of the given side, its aspect kept.
func (t Tile) box(side float64) (w, h float64) {
	if t.empty() {
		return side, side
	}
	b := t.Image.Bounds()
	tw, th := float64(b.Dx()), float64(b.Dy())
	if th > tw {
		return math.Max(1, math.Round(side*tw/th)), side
	}
	return side, math.Max(1, math.Round(side*th/tw))
}

// tileGap is the space between tiles in HTML and, at least, elsewhere; small tiles may stand closer.
const tileGap = 10.0

func leastGap(side float64) float64 {
	if side <= 48 {
		return 6
	}
	return tileGap
}

// side is the size of a tile before it is fitted to the width.
func (t Tiles) side() float64 {
	if t.Size > 0 {
		return t.Size
	}
	resolution, n := t.resolution(), len(t.Tiles)
	side := 98.0
	switch {
	case n > 120:
		side = 42
	case n > 48 || resolution <= 16 && n > 24:
		side = 56
	case resolution <= 16 && n > 12:
		side = 70
	}
	if resolution <= 16 && n > 32 {
		side = 42
	}
	pixels := math.Round
	if room := t.labelRoom(); room > side {
		side, pixels = room, math.Ceil
	}
	if resolution > 0 && resolution <= 16 { // squares of whole pixels
		side = math.Max(1, pixels(side/float64(resolution))) * float64(resolution)
	}
	return side
}

// labelRoom is how wide a tile must be for its label and its value beside each other.
func (t Tiles) labelRoom() (w float64) {
	for _, tile := range t.Tiles {
		if tile.Value != "" {
			w = max(w, math.Ceil(t.labelStyle(tile).width(visible(tile.Label))+6+noteStyle.width(visible(tile.Value))))
		}
	}
	return w
}

func (t Tiles) resolution() (r int) {
	for _, tile := range t.Tiles {
		if !tile.empty() {
			r = max(r, tile.Image.Bounds().Dx(), tile.Image.Bounds().Dy())
		}
	}
	return r
}

// grid is the tile's size and the number of columns at a width. Both grow to fill it, filters by whole pixels.
func (t Tiles) grid(w float64) (side float64, columns int) {
	side = min(t.side(), w)
	space := leastGap(side)
	columns = max(1, int((w+space)/(side+space)))
	grows := t.Size == 0 && t.resolution() > 16
	if grows && w < stacked {
		columns = max(columns, min(4, len(t.Tiles)))
	}
	columns = full(columns, len(t.Tiles))
	if grows {
		side = min(math.Floor((w-space*float64(columns-1))/float64(columns)), 1.25*side)
	} else if r := float64(t.resolution()); t.Size == 0 && r > 0 && len(t.Tiles) > columns { // in several rows, whose gaps would grow instead
		room := min(math.Floor((w-tileGap*float64(columns-1))/float64(columns)), 1.25*side)
		side = max(side, math.Floor(room/r)*r)
	}
	return side, columns
}

// full is a number of columns that fills all rows, where one a little smaller than most does.
func full(most, n int) int {
	for c := most; 5*c >= 4*most && n > most; c-- {
		if n%c == 0 {
			return c
		}
	}
	return most
}

func (t Tiles) place(l *layout, x, y, w float64) float64 {
	top := y
	y = l.heading(x, y, w, t.Heading, t.Aside)
	side, columns := t.grid(w)
	pitch := side + tileGap
	if columns > 1 && len(t.Tiles) > columns { // several rows: both edges are met
		pitch = (w - side) / float64(columns-1)
	}
	height, bottom := t.tallest(side), 0.0
	under := 0.0
	if t.labelled() {
		under = 12 + descent
	}
	a := newAtlas(t.Tiles)
	for i, tile := range t.Tiles {
		tx := x + math.Round(pitch*float64(i%columns))
		ty := y + float64(i/columns)*(height+under+tileGap)
		t.placeTile(l, tile, a, i, tx, ty, side)
		t.placeLabel(l, tile, tx, ty+height+12, side)
		bottom = ty + height + under
	}
	return max(bottom, y) - top
}

func (t Tiles) tallest(side float64) (h float64) {
	for _, tile := range t.Tiles {
		_, th := tile.box(side)
		h = max(h, th)
	}
	return h
}

func (t Tiles) labelled() bool {
	for _, tile := range t.Tiles {
		if tile.Label != "" || tile.Value != "" {
			return true
		}
	}
	return false
}

func (t Tiles) placeTile(l *layout, tile Tile, a *atlas, i int, x, y, side float64) {
	w, h := tile.box(side)
	if tile.empty() {
		l.add(outline{x: x + 0.5, y: y + 0.5, w: w - 1, h: h - 1, width: 1, stroke: themed(secondary), dashed: true})
		l.line(x+w/2, y+h/2+4, w-4, tile.Missing, noteStyle, middle)
		return
	}
	l.add(bitmap{x, y, w, h, a.raster, a.at[i]})
	if t.Framed {
		l.add(outline{x: x - 0.5, y: y - 0.5, w: w + 1, h: h + 1, width: 1, stroke: themed(hairline)})
	}
}

// placeLabel writes label and value; where both have no room, the value gives way.
func (t Tiles) placeLabel(l *layout, tile Tile, x, y, side float64) {
	st := t.labelStyle(tile)
	label, value := visible(tile.Label), visible(tile.Value)
	if room := side - st.width(label) - 6; noteStyle.width(value) > room {
		value = ""
	}
	l.line(x, y, side, label, st, start)
	l.line(x+side, y, side, value, noteStyle, end)
}

// labelStyle is bold beside a value.
func (t Tiles) labelStyle(tile Tile) style {
	if tile.Value != "" {
		return labelStyle.strong()
	}
	return noteStyle
}

func (t Tiles) html(h *markup, w float64) {
	h.heading(t.Heading, t.Aside, false)
	side, columns := t.grid(w)
	least := max(math.Round(0.86*side), t.labelRoom())
	if t.resolution() <= 16 && len(t.Tiles) > columns { // as many columns as in a file
		least = math.Floor((w - tileGap*float64(columns-1)) / float64(columns))
	}
	h.open("div", "display:grid;grid-template-columns:repeat(auto-fill,minmax("+num(least)+"px,1fr));gap:10px", labelStyle.css())
	for _, tile := range t.Tiles {
		t.htmlTile(h, tile, side)
	}
	h.shut("div")
}

func (t Tiles) htmlTile(h *markup, tile Tile, side float64) {
	if tile.empty() {
		h.open("div", "display:flex;flex-direction:column;min-width:0")
		h.text("div", tile.Missing, "flex:1 1 auto;display:flex;align-items:center;justify-content:center;"+
			"min-height:"+num(math.Round(0.86*side)-2)+"px;border:1px dashed #808890", noteStyle.css())
	} else {
		h.open("div", "min-width:0")
		t.htmlImage(h, tile, side)
	}
	t.htmlLabel(h, tile)
	h.shut("div")
}

// htmlImage writes the tile at its own resolution.
func (t Tiles) htmlImage(h *markup, tile Tile, side float64) {
	w, height := tile.box(side)
	frame := ""
	if t.Framed {
		frame = "box-sizing:border-box;border:1px solid rgba(128,136,144,.35)"
	}
	if w < side {
		frame = strings.TrimPrefix(frame+";max-width:"+num(math.Round(1000*w/side)/10)+"%", ";")
	}
	img := tile.Image
	if len(t.Tiles) > manyTiles {
		img = enlarged(img, 2*side)
	}
	b := bitmap{0, 0, w, height, &raster{img: img}, img.Bounds()}
	h.image(tile.alt(), w, height, []shape{b}, nonEmpty(frame)...)
}

// manyTiles is the number from which on tiles are enlarged rather than wrapped in an SVG each, which takes more bytes.
const manyTiles = 128

// enlarged repeats the pixels of an indexed or small picture so often that it is as wide or high as side.
func enlarged(img image.Image, side float64) image.Image {
	b := img.Bounds()
	n := int(math.Ceil(side / float64(max(b.Dx(), b.Dy()))))
	var out draw.Image = image.NewNRGBA(image.Rect(0, 0, n*b.Dx(), n*b.Dy()))
	if p, ok := img.(*image.Paletted); ok {
		out = image.NewPaletted(out.Bounds(), p.Palette)
	}
	set := setter(out, img)
	for y := range n * b.Dy() {
		for x := range n * b.Dx() {
			set(x, y, b.Min.X+x/n, b.Min.Y+y/n)
		}
	}
	return out
}

func (t Tiles) htmlLabel(h *markup, tile Tile) {
	if tile.Value == "" {
		h.text("div", tile.Label, faint, "overflow:hidden;white-space:nowrap")
		return
	}
	h.open("div", "display:flex;justify-content:space-between;gap:0 6px;overflow:hidden;white-space:nowrap")
	h.text("span", tile.Label, "font-weight:600")
	h.text("span", tile.Value, faint)
	h.shut("div")
}
