package picture

import (
	"image"
	"image/color"
	"math"

	"github.com/convlens/convlens/gonbviz/scale"
)

// Ramp is the legend of a Scale: its colours from end to end, with numbers.
type Ramp struct {
	// Scale is the scale that the picture used.
	Scale scale.Scale
	// Head names the quantity and its unit; empty where the panel's heading does.
	Head string
	// LowWords and HighWords say below the ends what they mean: "against", "for the class".
	LowWords, HighWords string
	// Mark is a value to point out, MarkWords what it is: "mark: all visible, 0.994". Without words there is no mark.
	Mark      float64
	MarkWords string
	// Ground is what a veiled scale is seen on, see Backdrop; the zero value is a middling one.
	Ground color.NRGBA
	// Ticks replace the scale's own.
	Ticks []scale.Tick
}

const (
	rampHeight = 8.0
	tickLength = 5.0
	rampPoint  = 6.0 // the length of a triangle at an end
)

func (r Ramp) ticks() []scale.Tick {
	if r.Ticks != nil {
		return r.Ticks
	}
	return r.Scale.Ticks()
}

// colours is the ramp as a picture, one pixel an entry of the map.
func (r Ramp) colours() *image.NRGBA {
	n := len(r.Scale.Colours().Entries)
	img := image.NewNRGBA(image.Rect(0, 0, n, 1))
	for i := range n {
		img.SetNRGBA(i, 0, r.onGround(r.Scale.Along((float64(i)+0.5)/float64(n))))
	}
	return img
}

// onGround is c as it looks on the ground.
func (r Ramp) onGround(c color.NRGBA) color.NRGBA {
	under := r.Ground
	if under.A == 0 {
		under = defaultBackdrop
	}
	mix := func(over, under uint8) uint8 {
		return uint8((int(over)*int(c.A) + int(under)*(255-int(c.A)) + 127) / 255)
	}
	return color.NRGBA{mix(c.R, under.R), mix(c.G, under.G), mix(c.B, under.B), 255}
}

// bar is the ramp with its outline, ticks, triangles and mark, in a group that begins markRise above the ramp.
// It returns where in the group the domain begins and how long it is.
func (r Ramp) bar(w float64) (g group, from, length float64) {
	from, length = 0.5, w-1
	if r.Scale.Below > 0 {
		from, length = from+rampPoint+2, length-rampPoint-2
	}
	if r.Scale.Above > 0 {
		length -= rampPoint + 2
	}
	const top = markRise
	img := indexed(r.colours())
	g = group{w: w, h: top + rampHeight + tickLength + 1}
	g.shapes = append(g.shapes, bitmap{from, top, length, rampHeight, &raster{img: img}, img.Bounds()},
		outline{x: from, y: top, w: length, h: rampHeight, width: 1, stroke: themed(secondary)})
	if r.Scale.Below > 0 {
		g.shapes = append(g.shapes, triangle{from - 2, top, -rampPoint, rampHeight, r.end(-1), themed(secondary)})
	}
	if r.Scale.Above > 0 {
		g.shapes = append(g.shapes, triangle{from + length + 2, top, rampPoint, rampHeight, r.end(1), themed(secondary)})
	}
	for _, t := range r.ticks() {
		at := math.Floor(from + t.At*length)
		g.shapes = append(g.shapes, box{x: at, y: top + rampHeight + 0.5, w: 1, h: tickLength, fill: themed(secondary)})
	}
	if r.MarkWords != "" && !math.IsNaN(r.Mark) {
		t := max(0, min(1, r.Scale.Position(r.Mark)))
		at := min(from+t*length-0.75, w-1.5)
		g.shapes = append(g.shapes, box{x: at, y: 0, w: 1.5, h: markRise + rampHeight + 3, fill: themed(ink)})
	}
	return g, from, length
}

const markRise = 3.0

// end is the colour of what lies beyond an end of the domain.
func (r Ramp) end(side float64) paint {
	return flat(r.onGround(r.Scale.At(math.Inf(int(side)))))
}

func (r Ramp) place(l *layout, x, y, w float64) float64 {
	top := y
	if r.Head != "" {
		y = l.text(x, y, w, r.Head, noteStyle) + 3
	}
	g, from, length := r.bar(w)
	g.x, g.y = x, y-markRise
	l.add(g)
	y += rampHeight + tickLength
	r.placeTicks(l, x, y+11, from, length, w)
	y += 11 + descent
	if r.LowWords != "" || r.HighWords != "" {
		room := w/2 - 4
		l.line(x, y+10, room, r.LowWords, noteStyle, start)
		l.line(x+w, y+10, room, r.HighWords, noteStyle, end)
		y += 14
	}
	if r.MarkWords != "" {
		for _, line := range wrap(visible(r.MarkWords), noteStyle, w) {
			l.add(words{x + w, y + 10, line, noteStyle, end})
			y += 14
		}
	}
	return y - top
}

// placeTicks writes the numbers; one that would touch another is left out, the ends last.
func (r Ramp) placeTicks(l *layout, x, y, from, length, w float64) {
	ticks := r.ticks()
	taken := math.Inf(-1)
	limit := math.Inf(1)
	for i, t := range ticks {
		line := words{x + from + t.At*length, y, visible(t.Label), noteStyle, middle}
		half := noteStyle.width(line.text) / 2
		switch {
		case i == 0 && t.At < 0.5:
			line.x, line.anchor = x+max(from-0.5, 0), start
			taken = line.x + 2*half
		case i == len(ticks)-1:
			line.x, line.anchor = x+min(from+length+0.5, w), end
		case line.x-half < taken+6 || line.x+half > limit:
			continue
		default:
			if last := ticks[len(ticks)-1]; line.x+half+6 > x+from+length-noteStyle.width(visible(last.Label)) {
				continue
			}
			taken = line.x + half
		}
		l.add(line)
	}
}

func (r Ramp) html(h *markup, w float64) {
	h.text("div", r.Head, noteStyle.css(), "margin:0 0 2px 0")
	g, from, length := r.bar(w)
	h.image("colour scale", g.w, g.h, g.shapes)
	r.htmlTicks(h, from/w, length/w)
	if r.LowWords != "" || r.HighWords != "" {
		h.open("div", "display:flex;justify-content:space-between;gap:8px", noteStyle.css())
		h.WriteString("<span>" + escape(r.LowWords) + "</span><span>" + escape(r.HighWords) + "</span>")
		h.shut("div")
	}
	h.text("div", r.MarkWords, noteStyle.css(), "text-align:right")
}

// htmlTicks centres each number under its tick by boxes that meet half-way between ticks. from and length say, as
// shares of the width, where the domain lies.
func (r Ramp) htmlTicks(h *markup, from, length float64) {
	ticks := r.ticks()
	percent := func(v float64) string { return num(math.Round(1000*v)/10) + "%" }
	if length > 0.98 { // no triangles
		from, length = 0, 1
	}
	h.open("div", "display:flex;margin:0 "+percent(1-from-length)+" 0 "+percent(from), noteStyle.css())
	at := 0.0
	for i, t := range ticks {
		right, align := 1.0, "right"
		switch {
		case i == 0:
			right, align = t.At, "left"
			if len(ticks) > 1 {
				right = (t.At + ticks[1].At) / 2
			}
		case i < len(ticks)-1:
			right, align = 2*t.At-at, "center"
		}
		right = min(max(right, at), 1)
		box := "flex:0 0 " + percent(right-at) + ";white-space:nowrap;text-align:" + align
		if i > 0 && i == len(ticks)-1 { // wider than its box, it reaches to the left of it and not over the edge
			box += ";display:flex;justify-content:flex-end"
		}
		h.text("span", t.Label, box)
		at = right
	}
	h.shut("div")
}

// Key is the legend of categories.
type Key struct{ Entries []Entry }

// Entry is a line of a Key: a swatch, what it is, and its share or another number at the right.
type Entry struct {
	Colour       color.NRGBA
	Label, Value string
}

func (k Key) place(l *layout, x, y, w float64) float64 {
	for i, e := range k.Entries {
		at := y + 16*float64(i)
		l.add(box{x: x, y: at - 1, w: 10, h: 10, radius: 1, fill: flat(e.Colour)})
		value := ellipsis(visible(e.Value), noteStyle, w/2)
		room := w - 16 - noteStyle.width(value) - 8
		l.line(x+16, at+8, room, e.Label, labelStyle, start)
		l.line(x+w, at+8, w/2, e.Value, noteStyle, end)
	}
	return max(0, 16*float64(len(k.Entries))-descent)
}

func (k Key) html(h *markup, _ float64) {
	for _, e := range k.Entries {
		h.open("div", "display:flex;align-items:center;gap:6px", labelStyle.css())
		h.open("span", "flex:0 0 10px;width:10px;height:10px;border-radius:1px;background-color:"+hex(e.Colour))
		h.shut("span")
		h.text("span", e.Label, "min-width:0;overflow-wrap:break-word")
		h.text("span", e.Value, "margin-left:auto;white-space:nowrap", faint)
		h.shut("div")
	}
}
