package picture

import "math"

// Table is rows of text in columns.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Column is a column of a Table.
type Column struct {
	Head string
	// Right aligns it at the right, for numbers.
	Right bool
}

func (t Table) cell(row []string, i int) string {
	if i < len(row) {
		return visible(row[i])
	}
	return ""
}

// widths are the columns' natural widths in a style.
func (t Table) widths(st style) (widths []float64, total float64) {
	for i, c := range t.Columns {
		w := noteStyle.width(visible(c.Head))
		for _, row := range t.Rows {
			w = max(w, st.width(t.cell(row, i)))
		}
		widths = append(widths, math.Ceil(w))
		total += math.Ceil(w)
	}
	return widths, total
}

func (t Table) place(l *layout, x, y, w float64) float64 {
	if len(t.Columns) == 0 {
		return 0
	}
	for _, st := range []style{rowStyle, labelStyle} {
		widths, total := t.widths(st)
		if free := w - total; free >= 16*float64(len(widths)-1) {
			return t.placeRows(l, x, y, st, spread(widths, free), 0)
		}
	}
	if w < stacked && len(t.Columns) > 2 {
		return t.placeStacked(l, x, y, w)
	}
	widths, total := t.widths(labelStyle)
	return t.placeRows(l, x, y, labelStyle, spread(squeeze(widths, total, w), 12*float64(len(widths)-1)), 0)
}

// column is a column's place.
type column struct{ x, w float64 }

// spread sets columns apart by the free space, within reason.
func spread(widths []float64, free float64) []column {
	space := 0.0
	if len(widths) > 1 {
		space = min(40, math.Floor(free/float64(len(widths)-1)))
	}
	var columns []column
	x := 0.0
	for _, w := range widths {
		columns = append(columns, column{x, w})
		x += w + space
	}
	return columns
}

// squeeze makes the widest columns narrower until all fit in w with 12 pixels between them.
func squeeze(widths []float64, total, w float64) []float64 {
	room := w - 12*float64(len(widths)-1)
	limit := w
	for total > room && limit > 24 {
		limit--
		total = 0
		for _, c := range widths {
			total += min(c, limit)
		}
	}
	out := make([]float64, len(widths))
	for i, c := range widths {
		out[i] = min(c, limit)
	}
	return out
}

func (t Table) placeRows(l *layout, x, y float64, st style, columns []column, first int) float64 {
	top, pitch := y, st.line+4
	last := columns[len(columns)-1]
	t.placeRow(l, x, y+8, columns, first, t.heads(), noteStyle)
	y += 8 + descent + 3
	l.add(box{x: x, y: whole(y), w: last.x + last.w, h: 1, fill: themed(hairline)})
	y += 9 + st.capHeight
	for _, row := range t.Rows {
		t.placeRow(l, x, y, columns, first, row, st)
		y += pitch
	}
	return y - pitch + descent - top
}

func (t Table) heads() []string {
	heads := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = c.Head
	}
	return heads
}

// placeRow writes the cells from the column first on.
func (t Table) placeRow(l *layout, x, y float64, columns []column, first int, row []string, st style) {
	for i, c := range columns {
		at, a := x+c.x, start
		if t.Columns[first+i].Right {
			at, a = x+c.x+c.w, end
		}
		l.line(at, y, c.w, t.cell(row, first+i), st, a)
	}
}

// placeStacked gives each row two lines: its first cell, and the others below in columns.
func (t Table) placeStacked(l *layout, x, y, w float64) float64 {
	top := y
	rest := Table{t.Columns[1:], make([][]string, len(t.Rows))}
	for i, row := range t.Rows {
		if len(row) > 1 {
			rest.Rows[i] = row[1:]
		}
	}
	widths, total := rest.widths(labelStyle)
	widths = squeeze(widths, total, w)
	total = 0
	for _, c := range widths {
		total += c
	}
	columns := spread(widths, w-total)
	l.line(x, y+8, w, t.Columns[0].Head, noteStyle, start)
	t.placeRow(l, x, y+24, columns, 1, t.heads(), noteStyle)
	y += 31
	for _, row := range t.Rows {
		l.add(box{x: x, y: whole(y), w: w, h: 1, fill: themed(hairline)})
		l.line(x, y+16, w, t.cell(row, 0), labelStyle.strong(), start)
		t.placeRow(l, x, y+32, columns, 1, row, labelStyle)
		y += 39
	}
	return y - top
}

func (t Table) html(h *markup, _ float64) {
	h.open("div", "overflow-x:auto")
	h.open("table", "border-collapse:collapse;border:none;margin:0;"+rowStyle.css())
	h.htmlRow("th", t, t.heads(), noteStyle.css()+";font-weight:400;border-bottom:1px solid rgba(128,136,144,.35)")
	for _, row := range t.Rows {
		h.htmlRow("td", t, row, rowStyle.css())
	}
	h.shut("table")
	h.shut("div")
}

// htmlRow names what a page's own style for tables would otherwise decide: ground, border, alignment.
func (h *markup) htmlRow(tag string, t Table, row []string, css string) {
	h.open("tr", "background-color:transparent;border:none")
	for i, c := range t.Columns {
		align, space := "left", "4px 24px 4px 0"
		if c.Right {
			align = "right"
		}
		if i == len(t.Columns)-1 {
			space = "4px 0 4px 0"
		}
		h.open(tag, "border:none;white-space:nowrap;max-width:none;vertical-align:baseline;padding:"+space+";text-align:"+align, css)
		h.WriteString(escape(t.cell(row, i)))
		h.shut(tag)
	}
	h.shut("tr")
}
