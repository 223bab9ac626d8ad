package picture

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/convlens/convlens/gonbviz/scale"
)

// Curve draws numbers over steps as lines: a loss while it falls. Each line is named at its end, with its last value.
type Curve struct {
	// Heading names the quantity, Aside stands at its right.
	Heading, Aside string
	// Series are the lines. The first is drawn in colour and over the others.
	Series []Series
	// Log makes the axis of the values logarithmic. Values that are not positive are then missing.
	Log bool
	// Low and High must lie on the axis of the values, whatever those are; where High is not above Low it shows what
	// there is, and 0 where that is near.
	Low, High float64
	// Step names what is counted along the other axis; empty: "step".
	Step string
	// Height is that of the axis in pixels; 0: 200, on a narrow figure 160.
	Height float64
	// Alt says what is to be seen.
	Alt string
}

// Series is a line of a Curve.
type Series struct {
	Name string
	// Steps are where the values lie, rising; nil: 0, 1, 2 and so on.
	Steps []float64
	// Values are the numbers. One that is not finite leaves a gap.
	Values []float64
}

// strokes tell lines apart without a look at colours alone.
var strokes = []struct {
	paint  paint
	dashed bool
}{{themed(bar), false}, {themed(secondary), false}, {themed(bar), true}, {themed(secondary), true}}

const (
	curveEdge  = 8.0 // above and below the axis, so that its outermost labels lie beside the picture
	dotRadius  = 3.0
	dotRoom    = 9.0 // at the right, enough also where the picture is drawn at half its width
	labelPitch = 16.0
)

// step is where value i lies.
func (s Series) step(i int) float64 {
	if i < len(s.Steps) {
		return s.Steps[i]
	}
	return float64(i)
}

// seen reports whether v has a place on the axis.
func (c Curve) seen(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!c.Log || v > 0)
}

// last is the last value of a line that is seen, and its index; false where there is none.
func (c Curve) last(s Series) (i int, ok bool) {
	for i := len(s.Values) - 1; i >= 0; i-- {
		if c.seen(s.Values[i]) && c.seen(math.Abs(s.step(i))+1) {
			return i, true
		}
	}
	return 0, false
}

// axis is one direction of a Curve: its ends and what is marked between them, all as they lie on the paper.
type axis struct {
	low, high float64
	ticks     []scale.Tick
}

func (a axis) at(v float64) float64 { return (v - a.low) / (a.high - a.low) }

// span is the range of what is seen of all lines.
func (c Curve) span() (x0, x1, y0, y1 float64) {
	x0, x1, y0, y1 = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, s := range c.Series {
		for i, v := range s.Values {
			x := s.step(i)
			if c.seen(v) && !math.IsNaN(x) && !math.IsInf(x, 0) {
				x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, v), max(y1, v)
			}
		}
	}
	if c.High > c.Low && c.seen(c.Low) && c.seen(c.High) {
		y0, y1 = min(y0, c.Low), max(y1, c.High)
	}
	return x0, x1, y0, y1
}

// axes fits both axes. That of the values begins and ends at a tick, and its ticks are evenly spaced.
func (c Curve) axes() (x, y axis) {
	x0, x1, y0, y1 := c.span()
	if x0 > x1 {
		x0, x1 = 0, 0
	}
	if y0 > y1 {
		y0, y1 = 0, 1
		if c.Log {
			y0 = 0.1
		}
	}
	if c.Log {
		return c.stepAxis(x0, x1), decades(y0, y1)
	}
	return c.stepAxis(x0, x1), linear(y0, y1)
}

// tidyStep is the least of 1, 2 and 5 times a power of ten that goes at most n times into length.
func tidyStep(length float64, n int) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(length/float64(n))))
	for _, k := range []float64{1, 2, 5, 10} {
		if k*unit*float64(n) >= length*(1-1e-9) {
			return k * unit
		}
	}
	return 10 * unit
}

func linear(low, high float64) axis {
	if low > 0 && low <= high/2 {
		low = 0
	}
	if high < 0 && high >= low/2 {
		high = 0
	}
	if !(high-low > 1e-12*math.Abs(high)) { // all alike: in the middle
		reach := max(math.Abs(high)/2, 0.5)
		low, high = low-reach, high+reach
	}
	step := tidyStep(high-low, 4)
	first, last := math.Floor(low/step+1e-9), math.Ceil(high/step-1e-9)
	a := axis{low: first * step, high: last * step}
	decimals := int(max(0, -math.Floor(math.Log10(step)+1e-9)))
	for k := first; k <= last; k++ {
		label := scale.Fixed(k*step, min(decimals, 6))
		if decimals > 6 || math.Abs(k*step) >= 1e7 {
			label = scale.Number(k * step)
		}
		a.ticks = append(a.ticks, scale.Tick{At: (k - first) / (last - first), Label: label})
	}
	return a
}

// decades is a logarithmic axis from one power of ten to another. Its ends are logarithms.
func decades(low, high float64) axis {
	first, last := math.Floor(math.Log10(low)+1e-9), math.Ceil(math.Log10(high)-1e-9)
	last = max(last, first+1)
	every := math.Ceil((last - first) / 5)
	last = first + every*math.Ceil((last-first)/every)
	a := axis{low: first, high: last}
	for k := first; k <= last; k += every {
		a.ticks = append(a.ticks, scale.Tick{At: (k - first) / (last - first), Label: scale.Number(math.Pow(10, k))})
	}
	return a
}

// stepAxis ends at the last step, which it names.
func (c Curve) stepAxis(low, high float64) axis {
	if low > 0 && low <= high/10 {
		low = 0
	}
	if high <= low {
		high = low + 1
	}
	name := c.Step
	if name == "" {
		name = "step"
	}
	a := axis{low: low, high: high, ticks: []scale.Tick{{At: 0, Label: scale.Number(low)}}}
	step := max(tidyStep(high-low, 5), 1)
	for v := math.Ceil(low/step) * step; v < high; v += step {
		if at := a.at(v); at > 0.08 && at < 0.86 {
			a.ticks = append(a.ticks, scale.Tick{At: at, Label: scale.Number(v)})
		}
	}
	a.ticks = append(a.ticks, scale.Tick{At: 1, Label: name + nbsp + scale.Number(high)})
	return a
}

// point is a place in the picture, in pixels.
type point struct{ x, y float64 }

// runs are the parts of a line between its gaps, at their places in a picture of w by h pixels within its edges. Of
// values that lie closer than pixels the least and the largest are kept, so that no peak is lost.
func (c Curve) runs(s Series, x, y axis, w, h float64) (runs [][]point) {
	var run []point
	var bucket []point
	flush := func() {
		run = append(run, extremes(bucket)...)
		bucket = nil
	}
	closeRun := func() {
		var end []point // the last value is drawn as it is: it is named
		if n := len(bucket); n > 0 {
			end = bucket[n-1:]
		}
		flush()
		if n := len(run); len(end) > 0 && run[n-1] != end[0] {
			run = append(run, end[0])
		}
		if len(run) > 0 {
			runs = append(runs, run)
		}
		run = nil
	}
	width := 0.0 // of a bucket; 0: each value has its own
	if float64(len(s.Values)) > w/2 {
		width = 2
	}
	for i, v := range s.Values {
		at := s.step(i)
		if !c.seen(v) || math.IsNaN(at) || math.IsInf(at, 0) {
			closeRun()
			continue
		}
		if c.Log {
			v = math.Log10(v)
		}
		p := point{w * x.at(at), curveEdge + h*(1-y.at(v))}
		if len(bucket) > 0 && (width == 0 || math.Floor(p.x/width) != math.Floor(bucket[0].x/width)) {
			flush()
		}
		bucket = append(bucket, p)
	}
	closeRun()
	return runs
}

// extremes are the highest and the lowest of points, in their order.
func extremes(points []point) []point {
	if len(points) < 3 {
		return points
	}
	top, bottom := 0, 0
	for i, p := range points {
		if p.y < points[top].y {
			top = i
		}
		if p.y > points[bottom].y {
			bottom = i
		}
	}
	if top == bottom {
		return points[:1]
	}
	return []point{points[min(top, bottom)], points[max(top, bottom)]}
}

// endLabel is a line's name and last value, beside its end.
type endLabel struct {
	name, value string
	stroke      int
	y           float64 // its middle
}

// labels names the lines at their ends, moved apart where they would touch.
func (c Curve) labels(y axis, h float64) []endLabel {
	var list []endLabel
	for i, s := range c.Series {
		last, ok := c.last(s)
		if !ok {
			continue
		}
		v := s.Values[last]
		if c.Log {
			v = math.Log10(v)
		}
		list = append(list, endLabel{s.Name, scale.Number(s.Values[last]), i % len(strokes), curveEdge + h*(1-y.at(v))})
	}
	slices.SortStableFunc(list, func(a, b endLabel) int { return int(math.Copysign(1, a.y-b.y)) })
	for i := range list {
		list[i].y = max(list[i].y, curveEdge)
		if i > 0 {
			list[i].y = max(list[i].y, list[i-1].y+labelPitch)
		}
	}
	limit := h + curveEdge
	for i := len(list) - 1; i >= 0; i-- { // back up from the lower end
		list[i].y = whole(min(list[i].y, limit))
		limit = list[i].y - labelPitch
	}
	return list
}

const (
	swatch    = 14.0
	endGap    = 8.0
	mostLabel = 0.3 // of the width: beyond, names stand below
)

// curveLayout is where the parts of a Curve stand in a width.
type curveLayout struct {
	x, y        axis
	left, right float64 // the columns beside the picture
	w, h        float64 // of the picture; h without its edges
	labels      []endLabel
	below       bool // labels stand below
}

func (c Curve) layout(w float64) (p curveLayout) {
	p.x, p.y = c.axes()
	p.h = c.Height
	if p.h <= 0 {
		p.h = 200
		if w < stacked {
			p.h = 160
		}
	}
	steps := float64(len(p.y.ticks) - 1)
	p.h = max(1, math.Round(p.h/steps)) * steps // lines on whole pixels
	for _, t := range p.y.ticks {
		p.left = max(p.left, math.Ceil(noteStyle.width(visible(t.Label)))+8)
	}
	p.labels = c.labels(p.y, p.h)
	for _, l := range p.labels {
		p.right = max(p.right, math.Ceil(swatch+6+noteStyle.width(visible(l.name))+6+labelStyle.strong().width(l.value)))
	}
	p.below = p.right > mostLabel*w || labelPitch*float64(len(p.labels)) > p.h
	if p.below {
		p.right = 0
	}
	p.w = w - p.left
	if p.right > 0 {
		p.w -= p.right + endGap
	}
	p.w = max(p.w, 20)
	return p
}

// picture is the lines and the grid; the ends' dots have room at its right.
func (c Curve) picture(p curveLayout) group {
	g := group{w: p.w, h: p.h + 2*curveEdge}
	for i, t := range p.y.ticks {
		fill := themed(hairline)
		if i == 0 {
			fill = themed(secondary)
		}
		g.shapes = append(g.shapes, box{x: 0, y: whole(curveEdge + p.h*(1-t.At)), w: p.w - dotRoom, h: 1, fill: fill})
	}
	for _, t := range p.x.ticks {
		at := min(math.Floor((p.w-dotRoom)*t.At), p.w-dotRoom-1)
		g.shapes = append(g.shapes, box{x: at, y: curveEdge + p.h + 1, w: 1, h: tickLength, fill: themed(secondary)})
	}
	for i := len(c.Series) - 1; i >= 0; i-- {
		s, stroke := c.Series[i], strokes[i%len(strokes)]
		width := 1.0
		if i == 0 {
			width = 2
		}
		runs := c.runs(s, p.x, p.y, p.w-dotRoom, p.h)
		if len(runs) == 0 {
			continue
		}
		g.shapes = append(g.shapes, polyline{runs, width, stroke.paint, stroke.dashed})
		last := runs[len(runs)-1]
		g.shapes = append(g.shapes, polyline{[][]point{last[len(last)-1:]}, 2 * dotRadius, stroke.paint, false})
	}
	return g
}

func (c Curve) aside() string {
	if c.Log {
		return join(c.Aside, "logarithmic")
	}
	return c.Aside
}

func (c Curve) place(l *layout, x, y, w float64) float64 {
	top := y
	y = l.heading(x, y, w, c.Heading, c.aside())
	p := c.layout(w)
	g := c.picture(p)
	g.x, g.y = x+p.left, y
	l.add(g)
	for _, t := range p.y.ticks {
		l.line(x+p.left-8, y+curveEdge+whole(p.h*(1-t.At))+4, p.left, t.Label, noteStyle, end)
	}
	if !p.below {
		for _, e := range p.labels {
			at := x + p.left + p.w + endGap
			l.add(e.line(at, y+e.y))
			l.line(at+swatch+6, y+e.y+4, p.right, e.name, noteStyle, start)
			l.line(x+w, y+e.y+4, p.right, e.value, labelStyle.strong(), end)
		}
	}
	y += g.h
	Ramp{Ticks: p.x.ticks}.placeTicks(l, x+p.left, y+9, 0.5, p.w-dotRoom-1, p.w)
	y += 9 + descent
	if p.below {
		for _, e := range p.labels {
			y += labelPitch
			value := ellipsis(e.value, labelStyle.strong(), w/2)
			l.add(e.line(x+p.left, y-4))
			l.line(x+p.left+swatch+6, y, p.w-swatch-14-labelStyle.strong().width(value), e.name, noteStyle, start)
			l.line(x+w, y, w/2, value, labelStyle.strong(), end)
		}
		if len(p.labels) > 0 {
			y += descent
		}
	}
	return y - top
}

// line is the label's piece of its line.
func (e endLabel) line(x, y float64) polyline {
	s := strokes[e.stroke]
	return polyline{[][]point{{{x, y}, {x + swatch, y}}}, 2, s.paint, s.dashed}
}

// The HTML's picture is stretched across alone: its height is in pixels, so that words beside it lie at their lines.
func (c Curve) html(h *markup, w float64) {
	h.heading(c.Heading, c.aside(), false)
	p := c.layout(w)
	g := c.picture(p)
	pitch := p.h / float64(len(p.y.ticks)-1)
	h.open("div", "display:flex")
	h.open("div", "flex:0 0 auto;margin:0 8px 0 0;text-align:right;white-space:nowrap", noteStyle.css())
	for i := len(p.y.ticks) - 1; i >= 0; i-- {
		height := pitch
		if i == 0 {
			height = labelPitch
		}
		h.open("div", "height:"+num(height)+"px")
		h.WriteString(escape(p.y.ticks[i].Label))
		h.shut("div")
	}
	h.shut("div")
	h.open("div", "flex:1 1 auto;min-width:0")
	fmt.Fprintf(h, `<img alt="%s" src="%s" width="%s" style="display:block;width:100%%;height:%spx;margin:0">`,
		escape(c.Alt), acrossOnly(g), num(math.Round(g.w)), num(g.h))
	h.open("div", "margin:0 "+num(math.Round(1000*dotRoom/p.w)/10)+"% 0 0")
	Ramp{Ticks: p.x.ticks}.htmlTicks(h, 0, 1)
	h.shut("div")
	h.shut("div")
	if !p.below && len(p.labels) > 0 {
		h.open("div", "flex:0 0 auto;margin:0 0 0 "+num(endGap)+"px")
		at := 0.0
		for _, e := range p.labels {
			c.htmlLabel(h, e, "margin:"+num(e.y-labelPitch/2-at)+"px 0 0 0")
			at = e.y + labelPitch/2
		}
		h.shut("div")
	}
	h.shut("div")
	if p.below {
		for _, e := range p.labels {
			c.htmlLabel(h, e, "margin:0 0 0 "+num(p.left)+"px")
		}
	}
}

func (c Curve) htmlLabel(h *markup, e endLabel, margin string) {
	h.open("div", "display:flex;align-items:center;gap:6px;white-space:nowrap;height:16px;font-size:11px;line-height:16px", margin)
	line := e.line(0, 2)
	h.image("", swatch, 4, []shape{line}, "flex:0 0 14px;width:14px")
	h.text("span", e.name, faint)
	h.text("span", e.value, "margin-left:auto;font-weight:600")
	h.shut("div")
}

// acrossOnly is a picture that fills whatever it is put in, as a data URL.
func acrossOnly(g group) string {
	svg := panelSVG(g.w, g.h, g.shapes)
	svg = strings.Replace(svg, "<svg ", `<svg preserveAspectRatio="none" `, 1)
	return svgURL(svg)
}
