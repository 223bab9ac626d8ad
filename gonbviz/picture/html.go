package picture

import (
	"fmt"
	"math"
	"strings"
)

// markup writes the HTML of a cell: text that takes the page's colour, style attributes that survive a notebook's
// sanitizer, and one img a picture.
type markup struct{ strings.Builder }

// faint is how secondary text stands back without a colour of its own.
const faint = "opacity:.75"

// css is the style of text.
func (s style) css() string {
	c := fmt.Sprintf("font-size:%spx;line-height:%spx", num(s.size), num(s.line))
	if s.bold {
		c += ";font-weight:600"
	}
	if s.role == secondary {
		c += ";" + faint
	}
	return c
}

// open begins an element; styles are joined.
func (h *markup) open(tag string, styles ...string) {
	fmt.Fprintf(h, `<%s style="%s">`, tag, strings.Join(styles, ";"))
}

func (h *markup) shut(tag string) { h.WriteString("</" + tag + ">") }

// text writes an element with text in it, or nothing for no text.
func (h *markup) text(tag, s string, styles ...string) {
	if s == "" {
		return
	}
	h.open(tag, styles...)
	h.WriteString(escape(s))
	h.shut(tag)
}

// image writes shapes as an img that is as wide as its parent.
func (h *markup) image(alt string, w, height float64, shapes []shape, styles ...string) {
	styles = append([]string{"display:block;width:100%;height:auto;margin:0"}, styles...)
	fmt.Fprintf(h, `<img alt="%s" src="%s" width="%s" style="%s">`,
		escape(alt), source(w, height, shapes), num(math.Round(w)), strings.Join(styles, ";"))
}

// source is the shapes as a data URL: the picture itself where it is all there is and needs no squares, else an SVG.
func source(w, height float64, shapes []shape) string {
	if len(shapes) == 1 {
		b, ok := shapes[0].(bitmap)
		if ok && !b.pixelated() && b.w == w && b.h == height && b.source == b.raster.img.Bounds() {
			return b.raster.url()
		}
	}
	return svgURL(panelSVG(w, height, shapes))
}

// svgURL is an SVG as a data URL. Pictures in it are base64 already, which once more in base64 would take a third more.
func svgURL(svg string) string { return "data:image/svg+xml," + urlSigns.Replace(svg) }

// urlSigns escapes what may not stand in a URL or in an attribute. For XML single quotes do, which need no escape; a
// panel has no text in which a quote would change.
var urlSigns = strings.NewReplacer("%", "%25", `"`, "'", "<", "%3C", ">", "%3E", "#", "%23", "&", "%26", " ", "%20", "\n", "%0A")

// stack writes marks below each other.
func (h *markup) stack(marks []Mark, w, gap float64) {
	for i, m := range marks {
		if i == 0 {
			m.html(h, w)
			continue
		}
		gap := gap
		if _, meter := m.(Meter); meter {
			gap = 0 // its line is as high as it needs
		}
		h.open("div", "margin:"+num(before(m, gap))+"px 0 0 0")
		m.html(h, w)
		h.shut("div")
	}
}

// HTML is the figure as the content of a notebook cell, or of a place in a page.
func (f Figure) HTML() string {
	const w = Wide - 2*padding
	h := &markup{}
	h.open("figure", "margin:0 0 16px 0;max-width:"+num(w)+"px")
	h.text("div", f.Title, titleStyle.css())
	h.text("div", f.Subtitle, subtitleStyle.css())
	if f.Title+f.Subtitle != "" {
		h.open("div", "height:16px")
		h.shut("div")
	}
	h.stack(f.Body, w, blockGap)
	h.text("figcaption", f.caption(), "margin:16px 0 0 0;padding:8px 0 0 0;border-top:1px solid rgba(128,136,144,.35)", noteStyle.css())
	h.shut("figure")
	return h.String()
}

// Page is a complete page with figures one below the other: self-contained, light or dark as the reader prefers. The
// title stands above several figures; a single one has its own.
func Page(title string, figures ...Figure) []byte {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
	b.WriteString("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
	fmt.Fprintf(&b, "<title>%s</title>\n<style>\n", escape(title))
	b.WriteString(":root{color-scheme:light dark}\n")
	fmt.Fprintf(&b, "body{margin:0 auto;padding:20px;max-width:860px;font-family:%s;", fontStack)
	fmt.Fprintf(&b, "font-variant-numeric:tabular-nums;background:%s;color:%s}\n", hex(lightTheme[ground]), hex(lightTheme[ink]))
	b.WriteString("section{margin:0 0 48px}\n")
	fmt.Fprintf(&b, "@media(prefers-color-scheme:dark){body{background:%s;color:%s}}\n", hex(darkTheme[ground]), hex(darkTheme[ink]))
	b.WriteString("@media print{section{break-inside:avoid}}\n</style>\n</head>\n<body>\n")
	if len(figures) > 1 {
		fmt.Fprintf(&b, "<h1 style=\"font-size:24px;line-height:32px;margin:0 0 32px 0\">%s</h1>\n", escape(title))
	}
	for _, f := range figures {
		fmt.Fprintf(&b, "<section>%s</section>\n", f.HTML())
	}
	b.WriteString("</body>\n</html>\n")
	return []byte(b.String())
}
