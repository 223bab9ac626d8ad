package picture

import (
	"image"
	"image/color"
	"math"
	"strings"
)

// Matrix is a grid with a line for each thing, such as the kernels of each filter on each of its inputs.
type Matrix struct {
	Heading, Aside string
	// Columns name the tiles of a line, above; none: no names. Where lines are broken, all that stand below each other.
	Columns []string
	Lines   []Line
	// Size is the side of a tile; 0: what fits, 12 to 42 pixels.
	Size float64
}

// Line is a line of a Matrix. Its tiles' labels are not shown.
type Line struct {
	Label string
	Tiles []Tile
	// Alt says what is to be seen; empty: the label.
	Alt string
}

const matrixGap = 3.0

// grid is the width of the labels, the side of a tile, and how many stand in a line of w pixels.
func (m Matrix) grid(w float64) (labels, side float64, columns int) {
	longest, n := 0.0, 1
	for _, line := range m.Lines {
		longest = max(longest, labelStyle.strong().width(visible(line.Label)))
		n = max(n, len(line.Tiles))
	}
	if longest > 0 {
		labels = math.Ceil(min(longest, w/4)) + 10
	}
	room := w - labels
	fit := func(side float64) int { return max(1, min(n, int((room+matrixGap)/(side+matrixGap)))) }
	if m.Size > 0 {
		side = min(m.Size, room)
		return labels, side, fit(side)
	}
	rows := (n + fit(12) - 1) / fit(12)
	columns = (n + rows - 1) / rows
	return labels, max(4, min(42, math.Floor((room+matrixGap)/float64(columns)-matrixGap))), columns
}

// space is what lies between lines: more where a line is broken into rows.
func (m Matrix) space(columns int) float64 {
	for _, line := range m.Lines {
		if len(line.Tiles) > columns {
			return 10
		}
	}
	return matrixGap
}

func (m Matrix) place(l *layout, x, y, w float64) float64 {
	top := y
	y = l.heading(x, y, w, m.Heading, m.Aside)
	labels, side, columns := m.grid(w)
	if len(m.Columns) > 0 {
		m.placeColumns(l, x+labels, y+8, side, columns)
		y += 8 + descent + 2
	}
	for i, line := range m.Lines {
		if i > 0 {
			y += m.space(columns)
		}
		l.line(x, y+min(side/2+4, 12), labels-6, line.Label, labelStyle.strong(), start)
		g := m.strip(line, side, columns)
		g.x, g.y = x+labels, y
		if g.h > 0 {
			l.add(g)
		}
		y += max(g.h, 14)
	}
	return y - top
}

// placeColumns names as many columns as have room.
func (m Matrix) placeColumns(l *layout, x, y, side float64, columns int) {
	for i, name := range m.columnNames(side, columns) {
		if name != "" {
			l.line(x+float64(i)*(side+matrixGap), y, max(side, 60), name, noteStyle, start)
		}
	}
}

// columnNames are the names of the columns that have room, empty for the others.
func (m Matrix) columnNames(side float64, columns int) []string {
	names := make([]string, min(columns, len(m.Columns)))
	free := 0.0
	for i := range names {
		var below []string
		for j := i; j < len(m.Columns); j += columns {
			below = append(below, m.Columns[j])
		}
		name := strings.Join(below, ", ")
		if at := float64(i) * (side + matrixGap); at >= free {
			names[i] = name
			free = at + min(noteStyle.width(visible(name)), max(side, 60)) + 6
		}
	}
	return names
}

// strip is the tiles of a line in a group of their own, broken where they have no room.
func (m Matrix) strip(line Line, side float64, columns int) group {
	n := len(line.Tiles)
	pitch := side + matrixGap
	g := group{w: float64(min(n, columns))*pitch - matrixGap, h: float64((n+columns-1)/columns)*pitch - matrixGap}
	if n == 0 {
		return group{}
	}
	a := newAtlas(line.Tiles)
	for i, tile := range line.Tiles {
		x, y := float64(i%columns)*pitch, float64(i/columns)*pitch
		if tile.empty() {
			g.shapes = append(g.shapes, outline{x: x + 0.5, y: y + 0.5, w: side - 1, h: side - 1, width: 1, stroke: themed(secondary), dashed: true})
			continue
		}
		w, h := tile.box(side)
		g.shapes = append(g.shapes, bitmap{x, y, w, h, a.raster, a.at[i]})
	}
	return g
}

// joined is a line's group as one picture where that can be, each value repeated and the gaps clear: with one element a
// tile it takes three times the bytes.
func joined(line Line, side float64, columns int, g group) []shape {
	var size image.Point
	for i, tile := range line.Tiles {
		if tile.empty() || i > 0 && tile.Image.Bounds().Size() != size {
			return g.shapes
		}
		size = tile.Image.Bounds().Size()
	}
	longest := max(size.X, size.Y)
	n := max(1, int(math.Ceil(2*side/float64(longest))))
	pitch := n*longest + int(math.Round(matrixGap*float64(n*longest)/side))
	space := pitch - n*longest
	rows := (len(line.Tiles) + columns - 1) / columns
	// The first colour of a palette is what is drawn nowhere: a clear one.
	blank := Tile{Image: image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.NRGBA{}})}
	dst := atlasImage(append([]Tile{blank}, line.Tiles...), image.Rect(0, 0, min(len(line.Tiles), columns)*pitch-space, rows*pitch-space))
	for i, tile := range line.Tiles {
		b, set := tile.Image.Bounds(), setter(dst, tile.Image)
		for y := range n * b.Dy() {
			for x := range n * b.Dx() {
				set(i%columns*pitch+x, i/columns*pitch+y, b.Min.X+x/n, b.Min.Y+y/n)
			}
		}
	}
	return []shape{bitmap{0, 0, g.w, g.h, &raster{img: dst}, dst.Bounds()}}
}

func (m Matrix) html(h *markup, w float64) {
	h.heading(m.Heading, m.Aside, false)
	labels, side, columns := m.grid(w)
	m.htmlColumns(h, labels, side, columns)
	for _, line := range m.Lines {
		h.open("div", "display:flex;margin:0 0 "+num(m.space(columns))+"px 0")
		h.text("div", line.Label, labelStyle.strong().css(), "flex:0 0 "+num(labels)+"px;overflow:hidden")
		if g := m.strip(line, side, columns); g.h > 0 {
			alt := line.Alt
			if alt == "" {
				alt = line.Label
			}
			h.open("div", "flex:0 1 "+num(g.w)+"px;min-width:0")
			h.image(alt, g.w, g.h, joined(line, side, columns, g))
			h.shut("div")
		}
		h.shut("div")
	}
}

// htmlColumns names the columns above.
func (m Matrix) htmlColumns(h *markup, labels, side float64, columns int) {
	if len(m.Columns) == 0 {
		return
	}
	h.open("div", "display:flex;margin:0 0 2px 0", noteStyle.css())
	h.open("div", "flex:0 0 "+num(labels)+"px")
	h.shut("div")
	h.open("div", "display:flex;min-width:0;flex:0 1 "+num(float64(columns)*(side+matrixGap))+"px")
	for _, name := range m.columnNames(side, columns) {
		if name == "" {
			name = nbsp // an element without text would not be written
		}
		h.text("span", name, "flex:0 0 "+num(100/float64(columns))+"%;min-width:0;white-space:nowrap")
	}
	h.shut("div")
	h.shut("div")
}
