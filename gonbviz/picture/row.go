package picture

import "math"

// Row puts marks of equal width next to each other, in as many lines as they need.
type Row struct {
	Marks []Mark
	// Size is the width of each in a wide figure; 0: what their number suggests.
	Size float64
}

// columns is how many marks stand in one line of w pixels, how wide each is, and the gap between them.
func (r Row) columns(w float64) (n int, size, space float64) {
	n = max(1, min(len(r.Marks), 4))
	space = gap
	if w < stacked {
		n, space = min(n, 2), 12
	}
	size = r.Size
	if size <= 0 {
		size = [...]float64{420, 320, 272, 200}[n-1]
		if !r.pictures() {
			size = min(size, 272)
		}
	}
	if w < stacked && n == 2 {
		size = w
	}
	return n, math.Floor(min(size, (w-space*float64(n-1))/float64(n))), space
}

// pictures tells whether a mark is a panel: legends alone need less room.
func (r Row) pictures() bool {
	for _, m := range r.Marks {
		if _, ok := m.(Panel); ok {
			return true
		}
	}
	return false
}

func (r Row) place(l *layout, x, y, w float64) float64 {
	n, size, space := r.columns(w)
	top := y
	for i := 0; i < len(r.Marks); i += n {
		if i > 0 {
			y += blockGap
		}
		y += placeLine(l, r.Marks[i:min(i+n, len(r.Marks))], x, y, size, space)
	}
	return y - top
}

// placeLine places marks in one line, the pictures of panels at one height.
func placeLine(l *layout, marks []Mark, x, y, size, space float64) float64 {
	head := 0.0
	for _, m := range marks {
		if p, ok := m.(Panel); ok {
			head = max(head, p.head(size))
		}
	}
	height := 0.0
	for i, m := range marks {
		at := x + float64(i)*(size+space)
		if p, ok := m.(Panel); ok {
			height = max(height, p.placeBelow(l, at, y, size, head))
		} else {
			height = max(height, m.place(l, at, y, size))
		}
	}
	return height
}

func (r Row) html(h *markup, w float64) {
	n, size, _ := r.columns(w)
	most := size
	if n == 4 && len(r.Marks) == 4 { // two by two on a narrow page, where there is room to grow; the last line of more must not
		most = math.Round(1.3 * size)
	}
	h.open("div", "display:flex;flex-wrap:wrap;gap:20px")
	for _, m := range r.Marks {
		h.open("div", "flex:1 1 "+num(math.Round(0.88*size))+"px;min-width:0;max-width:"+num(most)+"px")
		m.html(h, size)
		h.shut("div")
	}
	h.shut("div")
}

// Beside puts a narrow column of marks at the left of a wide one. Where there is no room, the narrow one comes first.
type Beside struct {
	Side, Main []Mark
	// Width is the width of the narrow column; 0: 200.
	Width float64
}

func (b Beside) width() float64 {
	if b.Width <= 0 {
		return 200
	}
	return b.Width
}

const besideGap = 22.0

func (b Beside) place(l *layout, x, y, w float64) float64 {
	if w < stacked {
		top := y
		if len(b.Side) > 0 {
			y += b.placeSide(l, x, y, w)
		}
		if len(b.Main) > 0 {
			y += blockGap + l.stack(b.Main, x, y+blockGap, w, blockGap)
		}
		return y - top
	}
	side := b.width()
	left := l.stack(b.Side, x, y, side, gap)
	right := l.stack(b.Main, x+side+besideGap, y, w-side-besideGap, blockGap)
	return max(left, right)
}

// placeSide lays the narrow column across: its first mark at the left, the others at its right.
func (b Beside) placeSide(l *layout, x, y, w float64) float64 {
	first := math.Round(min(b.width()*0.83, w*0.44))
	height := b.Side[0].place(l, x, y, first)
	if rest := b.Side[1:]; len(rest) > 0 {
		down := 0.0
		if p, ok := b.Side[0].(Panel); ok {
			down = p.head(first)
		}
		height = max(height, down+l.stack(rest, x+first+gap, y+down, w-first-gap, gap))
	}
	return height
}

func (b Beside) html(h *markup, w float64) {
	side := b.width()
	h.open("div", "display:flex;flex-wrap:wrap;gap:20px")
	if len(b.Side) > 0 {
		h.open("div", "flex:1 1 "+num(side)+"px;min-width:0;max-width:"+num(side)+"px")
		h.stack(b.Side, side, 16)
		h.shut("div")
	}
	h.open("div", "flex:1 1 360px;min-width:0")
	h.stack(b.Main, w-side-besideGap, blockGap)
	h.shut("div")
	h.shut("div")
}

// Note is a paragraph in small type.
type Note struct{ Text string }

func (n Note) place(l *layout, x, y, w float64) float64 {
	return l.text(x, y, w, n.Text, noteStyle) - y
}

func (n Note) html(h *markup, _ float64) { h.text("div", n.Text, noteStyle.css()) }

// whole rounds to a whole pixel.
func whole(v float64) float64 { return math.Round(v) }
