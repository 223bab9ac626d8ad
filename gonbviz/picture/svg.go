package picture

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"
)

const fontStack = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','Liberation Sans',Arial,sans-serif"

// svgWriter writes shapes. In a file, colours are classes that a theme sets; in a cell's panel, they are neutral.
type svgWriter struct {
	strings.Builder
	cell bool
	ids  map[string]string // of pictures that stand more than once
}

// SVG is the figure as a file: text as text, a ground of its own that is light or dark as the viewer prefers.
func (f Figure) SVG() []byte {
	s := f.scene()
	w := &svgWriter{}
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]s" height="%[2]s" viewBox="0 0 %[1]s %[2]s" role="img" aria-labelledby="t d">`, num(s.w), num(s.h))
	fmt.Fprintf(w, `<title id="t">%s</title><desc id="d">%s</desc>`, escape(f.Title), escape(f.Alt))
	w.WriteString(stylesheet)
	if slices.ContainsFunc(s.shapes, coloured) {
		w.WriteString(lineStyles)
	}
	w.define(s.shapes)
	box{0, 0, s.w, s.h, groundRadius, themed(ground)}.svg(w)
	for _, shape := range s.shapes {
		shape.svg(w)
	}
	w.WriteString("</svg>\n")
	return []byte(w.String())
}

const groundRadius = 6

var stylesheet = "<style>text{font:400 12px/1.4 " + fontStack + ";font-variant-numeric:tabular-nums}" +
	".z11{font-size:11px}.z13{font-size:13px}.z18{font-size:18px}.z20{font-size:20px}" +
	".b{font-weight:600}.px{image-rendering:pixelated}" + themeRules(&lightTheme) +
	"@media(prefers-color-scheme:dark){" + themeRules(&darkTheme) + "}</style>"

// Class letters of the roles: filled, and stroked.
var (
	fillClass   = [roles]string{ground: "g", ink: "t", secondary: "s", hairline: "h", track: "k", bar: "a"}
	strokeClass = [roles]string{ground: "G", ink: "T", secondary: "S", hairline: "H", track: "K", bar: "A"}
)

func themeRules(t *theme) string {
	var b strings.Builder
	for r := ground; r < roles; r++ {
		fmt.Fprintf(&b, ".%s{fill:%s}", fillClass[r], hex(t[r]))
	}
	for _, r := range []role{ink, secondary, hairline} {
		fmt.Fprintf(&b, ".%s{fill:none;stroke:%s}", strokeClass[r], hex(t[r]))
	}
	return b.String()
}

// lineStyles are the rules that only figures with coloured lines need.
var lineStyles = fmt.Sprintf("<style>.A{fill:none;stroke:%s}@media(prefers-color-scheme:dark){.A{stroke:%s}}</style>",
	hex(lightTheme[bar]), hex(darkTheme[bar]))

// coloured reports whether a shape has lines in a bar's colour.
func coloured(s shape) bool {
	switch s := s.(type) {
	case group:
		return slices.ContainsFunc(s.shapes, coloured)
	case polyline:
		return s.stroke.role == bar
	}
	return false
}

// panelSVG is the picture of one panel for a cell: no text, neutral lines, no ground.
func panelSVG(w, h float64, shapes []shape) string {
	s := &svgWriter{cell: true}
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]s" height="%[2]s" viewBox="0 0 %[1]s %[2]s">`, num(w), num(h))
	s.define(shapes)
	for _, shape := range shapes {
		shape.svg(s)
	}
	s.WriteString("</svg>")
	return s.String()
}

// define writes each picture that stands more than once, so that it is embedded once.
func (w *svgWriter) define(shapes []shape) {
	count := map[string]int{}
	var order []*raster
	eachBitmap(shapes, func(b bitmap) {
		url := b.raster.url()
		if count[url]++; count[url] == 2 {
			order = append(order, b.raster)
		}
		if b.source != b.raster.img.Bounds() && count[url] == 1 { // a part needs a whole to refer to
			count[url]++
			order = append(order, b.raster)
		}
	})
	if len(order) == 0 {
		return
	}
	w.ids = map[string]string{}
	w.WriteString("<defs>")
	for i, r := range order {
		id := "i" + strconv.Itoa(i)
		w.ids[r.url()] = id
		b := r.img.Bounds()
		fmt.Fprintf(w, `<image id="%s" width="%d" height="%d" href="%s"/>`, id, b.Dx(), b.Dy(), r.url())
	}
	w.WriteString("</defs>")
}

func eachBitmap(shapes []shape, f func(bitmap)) {
	for _, s := range shapes {
		switch s := s.(type) {
		case bitmap:
			f(s)
		case group:
			eachBitmap(s.shapes, f)
		}
	}
}

func (w *svgWriter) fill(p paint) string { return w.paint("fill", fillClass, p) }

func (w *svgWriter) paint(attribute string, class [roles]string, p paint) string {
	if p.role != literal && !w.cell {
		return ` class="` + class[p.role] + `"`
	}
	c := p.in(&cellTheme)
	s := fmt.Sprintf(` %s="%s"`, attribute, hex(c))
	if c.A < 255 {
		s += fmt.Sprintf(` %s-opacity="%s"`, attribute, alpha(c))
	}
	if attribute == "stroke" {
		s += ` fill="none"`
	}
	return s
}

func (t words) svg(w *svgWriter) {
	class := fillClass[t.style.role]
	if t.style.bold {
		class += " b"
	}
	at := [...]string{"", ` text-anchor="middle"`, ` text-anchor="end"`}[t.anchor]
	if t.style.size != 12 {
		class += " z" + num(t.style.size)
	}
	fmt.Fprintf(w, `<text x="%s" y="%s" class="%s"%s>%s</text>`, num(t.x), num(t.y), class, at, escape(t.text))
}

func (b box) svg(w *svgWriter) {
	rx := ""
	if b.radius > 0 {
		rx = ` rx="` + num(b.radius) + `"`
	}
	fmt.Fprintf(w, `<rect%s%s%s/>`, place(b.x, b.y, b.w, b.h), w.fill(b.fill), rx)
}

func (o outline) svg(w *svgWriter) {
	extra := ""
	if o.width != 1 {
		extra = ` stroke-width="` + num(o.width) + `"`
	}
	if o.dashed {
		extra += ` stroke-dasharray="3 3"`
	}
	fmt.Fprintf(w, `<rect%s%s%s/>`, place(o.x, o.y, o.w, o.h), w.paint("stroke", strokeClass, o.stroke), extra)
}

func (t triangle) svg(w *svgWriter) {
	d := fmt.Sprintf("M%s %sv%sl%s %sz", num(t.x), num(t.y), num(t.h), num(t.w), num(-t.h/2))
	fmt.Fprintf(w, `<path d="%s"%s/>`, d, w.fill(t.fill))
	fmt.Fprintf(w, `<path d="%s"%s/>`, d, w.paint("stroke", strokeClass, t.stroke))
}

func (b bitmap) svg(w *svgWriter) {
	class := ""
	if b.pixelated() {
		class = ` class="px"`
		if w.cell {
			class = ` style="image-rendering:pixelated"`
		}
	}
	if id, shared := w.ids[b.raster.url()]; shared {
		s := b.source
		fmt.Fprintf(w, `<svg%s viewBox="%d %d %d %d" preserveAspectRatio="none"%s><use href="#%s"/></svg>`,
			place(b.x, b.y, b.w, b.h), s.Min.X, s.Min.Y, s.Dx(), s.Dy(), class, id)
		return
	}
	fmt.Fprintf(w, `<image%s preserveAspectRatio="none"%s href="%s"/>`, place(b.x, b.y, b.w, b.h), class, b.raster.url())
}

func (g group) svg(w *svgWriter) {
	fmt.Fprintf(w, `<svg%s>`, place(g.x, g.y, g.w, g.h))
	for _, s := range g.shapes {
		s.svg(w)
	}
	w.WriteString("</svg>")
}

// place is the attributes of a rectangle; 0 is what they are without.
func place(x, y, w, h float64) string {
	s := ""
	if x != 0 {
		s += ` x="` + num(x) + `"`
	}
	if y != 0 {
		s += ` y="` + num(y) + `"`
	}
	return s + ` width="` + num(w) + `" height="` + num(h) + `"`
}

// num writes a coordinate with two decimals at most: finer than a screen, coarser than what machines differ in.
func num(v float64) string {
	r := math.Round(v*100) / 100
	if r == 0 || math.IsNaN(r) || math.IsInf(r, 0) {
		r = 0 // no minus before it; and a place that is no number must not break the file
	}
	return strconv.FormatFloat(r, 'f', -1, 64)
}

func hex(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func alpha(c color.NRGBA) string {
	return strings.TrimPrefix(strconv.FormatFloat(math.Round(float64(c.A)/2.55)/100, 'f', -1, 64), "0")
}
