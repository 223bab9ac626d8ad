package picture

import (
	"encoding/xml"
	"io"
	neturl "net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

const hostile = "<script>alert('x')</script>&\"\n\x1b[31m\x00\u202e\xff|\u2028"

const shown = `&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\n\x1b[31m\x00\u202e\xff|\u2028`

// everywhere is a figure with s wherever words can come from outside.
func everywhere(s string) Figure {
	tile := Tile{Image: checks(4, 4), Label: s, Value: s, Alt: s}
	return Figure{Title: s, Subtitle: s, Caption: []string{s, s}, Alt: s, Text: s, Body: []Mark{
		Panel{Heading: s, Note: s, Aside: s, Alt: s, Layers: []Layer{Photo{Image: checks(90, 70)}},
			Below: []Mark{Meter{s, 1, s}, Meter{"", 1, s}, Ramp{Head: s, LowWords: s, HighWords: s, MarkWords: s}, Key{[]Entry{{white, s, s}}}}},
		Tiles{Heading: s, Aside: s, Tiles: []Tile{tile, {Missing: s}}},
		Matrix{Heading: s, Aside: s, Columns: []string{s}, Lines: []Line{{s, []Tile{tile}, s}}},
		Bars{Columns: []string{s}, Bars: []Bar{{s, 1, []string{s}, true, false}}},
		Table{[]Column{{s, true}}, [][]string{{s}}}, Note{s},
	}}
}

func TestEscape(t *testing.T) {
	if got := escape(hostile); got != shown {
		t.Errorf("%s, want %s", got, shown)
	}
	if s := "Plain “words” é 中 · 1 / 2"; escape(s) != s {
		t.Errorf("changed %q to %q", s, escape(s))
	}
}

func TestWordsFromOutside(t *testing.T) {
	f := everywhere(hostile)
	progress := Progress{Name: hostile, Stage: hostile, Detail: hostile, Unit: hostile}
	for name, s := range map[string]string{"svg": string(f.SVG()), "html": f.HTML(), "page": string(Page(hostile, f)), "progress": progress.HTML()} {
		if strings.Contains(s, "<script") || strings.ContainsAny(s, "\x1b\x00\u202e\u2028") || !strings.Contains(s, "&lt;script&gt;") {
			t.Errorf("%s lets markup or control characters through", name)
		}
	}
	if s := f.Plain(); strings.ContainsAny(s, "\n\x1b\x00") {
		t.Errorf("plain: %q", s)
	}
}

func TestWellFormed(t *testing.T) {
	f := everywhere(hostile)
	d := xml.NewDecoder(strings.NewReader(string(f.SVG())))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, tag := range []string{"div", "span", "figure", "figcaption", "table", "tr", "td", "th"} {
		s := f.HTML()
		if open, shut := strings.Count(s, "<"+tag+" ")+strings.Count(s, "<"+tag+">"), strings.Count(s, "</"+tag+">"); open != shut {
			t.Errorf("%d <%s> and %d </%s>", open, tag, shut, tag)
		}
	}
}

// A notebook's sanitizer drops these, so that nothing may depend on them. It does not look into data URLs.
func TestNothingThatASanitizerDrops(t *testing.T) {
	s := embedded.ReplaceAllString(everywhere("x").HTML(), "")
	for _, bad := range []string{"<style", "<script", "<svg", "class=", "color:inherit", "currentColor", "var(", "font-variant",
		"image-rendering", "overflow-wrap:anywhere", "aspect-ratio", "color-scheme", "text-align:end", "role=", "aria-", "url(", "http"} {
		if strings.Contains(s, bad) {
			t.Errorf("uses %s", bad)
		}
	}
}

var embedded = regexp.MustCompile(`src="data:image/[^"<>\s]*"`)

// TestSVGURL takes a panel out of its data URL again.
func TestSVGURL(t *testing.T) {
	img := checks(90, 60)
	svg := panelSVG(40, 30, []shape{box{x: 1, y: 2, w: 3, h: 4, fill: flat(rgb(0xff0000))}, bitmap{0, 0, 40, 30, &raster{img: img}, img.Bounds()}})
	url := svgURL(svg)
	data, _ := strings.CutPrefix(url, "data:image/svg+xml,")
	if got, err := neturl.PathUnescape(data); err != nil || got != strings.ReplaceAll(svg, `"`, "'") {
		t.Errorf("%.60s… holds\n%s\nwant\n%s: %v", url, got, svg, err)
	}
	if src := `src="` + url + `"`; embedded.FindString("<img "+src+">") != src {
		t.Errorf("%.60s… does not end where its attribute does", url)
	}
	if len(url) > len(svg)*5/4 {
		t.Errorf("%d bytes for an SVG of %d", len(url), len(svg))
	}
}

func TestNothingFromElsewhere(t *testing.T) {
	for name, s := range map[string]string{"svg": string(everywhere("x").SVG()), "page": string(Page("x", everywhere("x")))} {
		if n := strings.Count(s, "http") - strings.Count(strings.ReplaceAll(s, "'", `"`), `xmlns="http://www.w3.org/2000/svg"`); n != 0 {
			t.Errorf("%s: %d addresses", name, n)
		}
	}
}

func TestCaption(t *testing.T) {
	f := Figure{Caption: []string{"SqueezeNet 1.1", "", "227 × 227"}}
	if got, want := visible(f.caption()), "SqueezeNet 1.1"+nbsp+"· 227"+nbsp+"×"+nbsp+"227"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPlain(t *testing.T) {
	for _, c := range []struct {
		f    Figure
		want string
	}{{Figure{Text: "a"}, "a"}, {Figure{Title: "t", Alt: "a"}, "t: a"}, {Figure{Title: "t"}, "t"}, {Figure{Alt: "a"}, "a"}} {
		if got := c.f.Plain(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestProgress(t *testing.T) {
	s := func(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
	running := Progress{Name: "Occlusion", Count: 412, Total: 676, Unit: "positions"}
	with := func(p Progress, change func(*Progress)) Progress { change(&p); return p }
	for _, c := range []struct {
		p    Progress
		want string
	}{
		{with(running, func(p *Progress) { p.Stage, p.Elapsed = "compiling for 27 positions at once", s(0.4) }), "Occlusion · compiling for 27 positions at once · 0.4 s so far"},
		{with(running, func(p *Progress) { p.Elapsed = s(3.1) }), "Occlusion · 412 of 676 positions · about 2 s left"},
		{with(running, func(p *Progress) { p.Elapsed = s(0.9) }), "Occlusion · 412 of 676 positions · 0.9 s so far"},
		{with(running, func(p *Progress) { p.Count, p.Elapsed = 676, s(5) }), "Occlusion · 676 of 676 positions · about 1 s left"},
		{with(running, func(p *Progress) { p.Count, p.Elapsed = 20, s(5) }), "Occlusion · 20 of 676 positions · 5.0 s so far"},
		{Progress{Name: "Occlusion", Count: 1204, Total: 6724, Unit: "positions", Detail: "pure Go backend", Elapsed: s(52)}, "Occlusion · 1 204 of 6 724 positions · pure Go backend · about 4 min left"},
		{with(running, func(p *Progress) { p.State, p.Elapsed, p.Compiling = Done, s(5.6), s(0.4) }), "Occlusion · 676 positions in 5.6 s, 0.4 s of it compiling"},
		{with(running, func(p *Progress) { p.State, p.Elapsed = Cached, s(5.6) }), "Occlusion · 676 positions, from the cache (computed in 5.6 s)"},
		{with(running, func(p *Progress) { p.State = Interrupted }), "Occlusion · stopped at 412 of 676 positions · interrupted"},
		{Progress{Name: "Filters", State: Done, Elapsed: s(125)}, "Filters in 2 min 5 s"},
		{Progress{Name: "Filters", State: Cached}, "Filters, from the cache"},
		{Progress{Name: "Filters", Elapsed: s(0.2)}, "Filters · 0.2 s so far"},
	} {
		got := strings.NewReplacer(nbsp, " ", "\u2009", " ").Replace(c.p.Plain())
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
