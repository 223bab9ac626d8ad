package picture

import (
	"math"

	"github.com/convlens/convlens/gonbviz/scale"
)

// Bars are horizontal bars on one axis, with numbers in columns at their right.
type Bars struct {
	// Columns are the headings of the numbers.
	Columns []string
	Bars    []Bar
	// Low and High are the ends of the axis; where High is not above Low: 0 and 1.
	Low, High float64
}

// Bar is a line of Bars.
type Bar struct {
	Label string
	Value float64
	// Numbers stand in the columns; empty ones leave their place free.
	Numbers []string
	// Strong sets the line in bold. Rest sets it apart, for all others together.
	Strong, Rest bool
}

const (
	barPitch  = 26.0
	barHeight = 12.0
)

func (b Bars) axis() (low, high float64) {
	if b.High > b.Low {
		return b.Low, b.High
	}
	return 0, 1
}

// share is how much of the track v takes, 0..1.
func (b Bars) share(v float64) float64 {
	low, high := b.axis()
	if math.IsNaN(v) {
		return 0
	}
	return max(0, min(1, (v-low)/(high-low)))
}

// labels is the width of the column of labels, at most part of w.
func (b Bars) labels(w float64) (width float64) {
	for _, bar := range b.Bars {
		width = max(width, bar.style().width(visible(bar.Label)))
	}
	return math.Ceil(min(width, w*0.36))
}

// numbers are the widths of the columns of numbers.
func (b Bars) numbers() []float64 {
	var widths []float64
	for i, head := range b.Columns {
		width := noteStyle.width(visible(head))
		for _, bar := range b.Bars {
			width = max(width, bar.style().width(bar.number(i)))
		}
		widths = append(widths, math.Ceil(width))
	}
	return widths
}

func (b Bar) number(i int) string {
	if i < len(b.Numbers) {
		return visible(b.Numbers[i])
	}
	return ""
}

func (b Bar) style() style {
	switch {
	case b.Rest:
		return rowStyle.colour(secondary)
	case b.Strong:
		return rowStyle.strong()
	}
	return rowStyle
}

// numberStyle makes the numbers after the first stand back.
func (b Bar) numberStyle(i int) style {
	if i > 0 {
		return rowStyle.colour(secondary)
	}
	return b.style()
}

// barColumns is where the parts of a line stand, from the left of the mark.
type barColumns struct {
	labels      float64   // the width of the column of labels
	above       bool      // labels stand above their bars instead
	left, right float64   // the ends of the track
	edges       []float64 // the right edges of the columns of numbers
	widths      []float64
}

// leastTrack is the length below which a bar says nothing; labels and then numbers give way to it.
const leastTrack = 72.0

func (b Bars) columns(w float64) barColumns {
	c := barColumns{labels: b.labels(w), widths: b.numbers()}
	c.left, c.right = c.labels+12, w
	numbers := 0.0
	for _, n := range c.widths {
		numbers += n + 16
	}
	if c.right-numbers-c.left < leastTrack {
		c.above, c.left = true, 0
	}
	for len(c.widths) > 0 && c.right-numbers-c.left < leastTrack {
		last := len(c.widths) - 1
		numbers -= c.widths[last] + 16
		c.widths = c.widths[:last]
	}
	c.edges = make([]float64, len(c.widths))
	for i := len(c.widths) - 1; i >= 0; i-- {
		c.edges[i] = c.right
		c.right -= c.widths[i] + 16
	}
	return c
}

func (b Bars) place(l *layout, x, y, w float64) float64 {
	c := b.columns(w)
	low, high := b.axis()
	l.add(words{x + c.left, y + 9, scale.Number(low), noteStyle, start}, words{x + c.right, y + 9, scale.Number(high), noteStyle, end})
	for i, edge := range c.edges {
		l.line(x+edge, y+9, c.widths[i], b.Columns[i], noteStyle, end)
	}
	bottom := y + 9 + descent
	top := y
	y += 23
	for i, bar := range b.Bars {
		if bar.Rest && i > 0 {
			l.add(box{x: x + c.left, y: y, w: w - c.left, h: 1, fill: themed(hairline)})
			y += 10
		}
		if c.above {
			l.line(x, y+8, w, bar.Label, bar.style(), start)
			y += 16
		}
		b.placeBar(l, bar, c, x, y)
		bottom = y + barHeight + descent
		y += barPitch
	}
	return bottom - top
}

func (b Bars) placeBar(l *layout, bar Bar, c barColumns, x, y float64) {
	if !c.above {
		l.line(x+c.labels, y+10.5, c.labels, bar.Label, bar.style(), end)
	}
	l.add(box{x + c.left, y, c.right - c.left, barHeight, 1, themed(track)})
	l.bar(x+c.left, y, c.right-c.left, barHeight, b.share(bar.Value), 1.5)
	for i, edge := range c.edges {
		l.line(x+edge, y+10.5, c.widths[i], bar.number(i), bar.numberStyle(i), end)
	}
}

// bar draws the filled part of a track; what is more than nothing is at least a sliver.
func (l *layout) bar(x, y, w, h, share, least float64) {
	if share <= 0 {
		return
	}
	l.add(box{x, y, max(least, w*share), h, 1, themed(bar)})
}

func (b Bars) html(h *markup, w float64) {
	labels, numbers := b.labels(w), b.numbers()
	low, high := b.axis()
	b.htmlLine(h, labels, func() {
		h.open("span", "flex:1 1 60px;display:flex;justify-content:space-between", noteStyle.css())
		h.WriteString("<span>" + scale.Number(low) + "</span><span>" + scale.Number(high) + "</span>")
		h.shut("span")
		for i, head := range b.Columns {
			h.text("span", head, "flex:0 0 "+num(numbers[i])+"px;text-align:right;margin:0 0 0 4px", noteStyle.css())
		}
	}, "", noteStyle)
	for i, bar := range b.Bars {
		if bar.Rest && i > 0 {
			h.open("div", "height:1px;margin:4px 0 4px "+num(labels+12)+"px;background-color:rgba(128,136,144,.35)")
			h.shut("div")
		}
		b.htmlLine(h, labels, func() { b.htmlBar(h, bar, numbers) }, bar.Label, bar.style())
	}
}

// htmlLine writes the label's column and what follows it.
func (b Bars) htmlLine(h *markup, labels float64, rest func(), label string, st style) {
	h.open("div", "display:flex;align-items:center;gap:12px;margin:0 0 8px 0")
	h.open("span", "flex:0 1 "+num(labels)+"px;min-width:0;text-align:right;overflow-wrap:break-word", st.css())
	h.WriteString(escape(label))
	h.shut("span")
	rest()
	h.shut("div")
}

func (b Bars) htmlBar(h *markup, bar Bar, numbers []float64) {
	h.track(b.share(bar.Value), barHeight)
	for i, width := range numbers {
		h.open("span", "flex:0 0 "+num(width)+"px;text-align:right;margin:0 0 0 4px;white-space:nowrap", bar.numberStyle(i).css())
		h.WriteString(escape(bar.number(i)))
		h.shut("span")
	}
}

// track is a bar in the space that its neighbours leave.
func (h *markup) track(share, height float64) {
	size := "height:" + num(height) + "px;border-radius:1px"
	h.open("span", "flex:1 1 60px", size, "background-color:rgba(128,136,144,.22)")
	if share > 0 {
		h.open("span", "display:block", size, "width:"+num(max(0.4, 100*share))+"%", "background-color:#3f90da")
		h.shut("span")
	}
	h.shut("span")
}

// Meter is one number as a bar: below a panel, with its label at the left, or in large type.
type Meter struct {
	// Label says what it is; with none the number stands in large type at the left.
	Label string
	// Value is the length of the bar, 0..1, Number the same in words.
	Value  float64
	Number string
}

func (m Meter) share() float64 { return Bars{}.share(m.Value) }

func (m Meter) place(l *layout, x, y, w float64) float64 {
	if m.Label == "" {
		return m.placeLarge(l, x, y, w)
	}
	number := valueStyle.width(visible(m.Number))
	label := min(max(68, noteStyle.width(visible(m.Label))), 0.45*w)
	left, right := x+label+10, x+w-max(leastNumber(), number)-8
	l.line(x, y+8, label, m.Label, noteStyle, start)
	l.line(x+w, y+8, w/2, m.Number, valueStyle, end)
	l.add(box{left, y + 1, right - left, 6, 1, themed(track)})
	l.bar(left, y+1, right-left, 6, m.share(), 1)
	return 6 // meters below each other are lines of one legend
}

// leastNumber is the room that a meter leaves for its number, so that the tracks of "0.994" and "<0.001" are equally long.
func leastNumber() float64 { return math.Ceil(valueStyle.width("<0.001")) }

func (m Meter) placeLarge(l *layout, x, y, w float64) float64 {
	number := figureStyle.width(visible(m.Number))
	l.line(x, y+15, w, m.Number, figureStyle, start)
	if left := x + max(92, number+12); x+w-left >= 20 {
		l.add(box{left, y + 4, x + w - left, 10, 1, themed(track)})
		l.bar(left, y+4, x+w-left, 10, m.share(), 1.5)
	}
	return 15 + descent
}

func (m Meter) html(h *markup, _ float64) {
	if m.Label == "" {
		h.open("div", "display:flex;align-items:center;gap:12px")
		h.text("span", m.Number, "flex:0 0 auto;min-width:80px", figureStyle.css())
		h.track(m.share(), 10)
		h.shut("div")
		return
	}
	h.open("div", "display:flex;align-items:center;gap:8px;font-size:11px;line-height:18px")
	h.text("span", m.Label, "flex:0 1 auto;min-width:64px", faint)
	h.track(m.share(), 6)
	h.text("span", m.Number, "flex:0 0 auto;min-width:"+num(leastNumber())+"px;text-align:right;font-weight:600")
	h.shut("div")
}
