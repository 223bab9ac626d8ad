package picture

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/scale"
)

const (
	lorem = "a rather long description of what was done to the network, in words that go on and on"
	token = "features/stage4/block17/branch2/depthwise_separable_convolution_3x3/batch_normalization"
)

func checks(w, h int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 7)
	}
	return img
}

func numbered(n, w, h int) (tiles []Tile) {
	for i := range n {
		tiles = append(tiles, Tile{Image: checks(w, h), Label: fmt.Sprint(i), Value: fmt.Sprint(i * 977)})
	}
	return tiles
}

// stress is every mark with words that are too long, and with none.
func stress() map[string][]Mark {
	photo := Photo{Image: checks(90, 60)}
	s := scale.Scale{Low: -123456, High: 987654, Below: 0.1, Above: 0.1}
	panel := func(heading, note, aside string, below ...Mark) Mark {
		return Panel{Heading: heading, Note: note, Aside: aside, Layers: []Layer{photo}, Below: below}
	}
	bars := Bars{Columns: []string{"probability", "logit of the class", "vs. the best"}}
	for i, label := range []string{token, lorem, "x", ""} {
		bars.Bars = append(bars.Bars, Bar{label, float64(i) / 3, []string{"0.9939", "−123 456.78", "1 / 2 489"}, i == 0, i == 3})
	}
	table := Table{Columns: []Column{{"name", false}, {"kind", false}, {"output shape", true}, {"parameters", true}, {"receptive field", true}, {"stride", true}}}
	for _, name := range []string{"conv1", token, lorem} {
		table.Rows = append(table.Rows, []string{name, "convolution", "1 024 × 1 024 × 2 048", "123 456 789", "1 024 × 1 024", "32 × 32"})
	}
	table.Rows = append(table.Rows, []string{"short row"})
	key := Key{[]Entry{{white, token, "95.7 %"}, {white, lorem, token}, {white, "", ""}}}
	ramp := Ramp{Scale: s, Head: lorem, LowWords: lorem, HighWords: token, MarkWords: lorem, Mark: 7}
	long := numbered(7, 5, 5)
	long[2].Label, long[3].Value, long[4].Label = token, token, lorem
	long[5] = Tile{Missing: "dead but rather long", Label: "5"}
	return map[string][]Mark{
		"row":    {Row{Marks: []Mark{panel(token, lorem, token, ramp), panel("Short", "", "", key), panel(lorem, token, lorem, Meter{token, 0.5, "0.5"}), panel("", "", "aside", Meter{"", 0.5, ">0.999"})}}},
		"two":    {Row{Marks: []Mark{panel(lorem, lorem, "227 × 227", ramp), panel("b", "", "")}}},
		"one":    {panel(token, token, token, ramp, key)},
		"five":   {Row{Marks: []Mark{ramp, ramp, Note{lorem}, key, Note{token}}}},
		"beside": {Beside{Side: []Mark{panel("Photograph", "", lorem), ramp, Note{lorem}}, Main: []Mark{Tiles{Heading: token, Aside: lorem, Tiles: numbered(18, 27, 20)}, Tiles{Heading: "b", Aside: token, Tiles: long}}}},
		"tiles":  {Tiles{Tiles: numbered(64, 7, 7)}, Tiles{Tiles: long}, Tiles{Tiles: numbered(3, 20, 60), Framed: true}, Tiles{}},
		"many":   {Tiles{Tiles: numbered(512, 3, 3)}},
		"matrix": {Matrix{Heading: lorem, Columns: []string{token, "1", "2", lorem}, Lines: []Line{{Label: token, Tiles: numbered(40, 3, 3)}, {Label: "b"}, {Label: "c", Tiles: long}}}, Matrix{}},
		"bars":   {Beside{Side: []Mark{panel("", "", "")}, Main: []Mark{bars}, Width: 176}, bars, Bars{}},
		"table":  {table, Table{}, Table{Columns: []Column{{lorem, false}}, Rows: [][]string{{token}}}},
		"curve":  {curve("batch", 3, 0.001), curve(token, 4, 12345), Beside{Side: []Mark{panel("", "", "")}, Main: []Mark{curve(lorem, 1, -3)}}, Curve{Heading: lorem, Aside: token}, Curve{Log: true, Series: []Series{{Name: "none", Values: []float64{-1, math.NaN()}}}}},
		"empty":  {Row{}, Beside{}, Panel{}, Key{}, Ramp{}, Note{}, Meter{}},
	}
}

// curve is lines of extreme values with gaps.
func curve(name string, lines int, top float64) Curve {
	c := Curve{Heading: "Loss", Log: lines%2 == 0}
	for i := range lines {
		s := Series{Name: name}
		for k := range 2000 {
			v := top / float64(1+k+i)
			if k%300 == 299 {
				v = math.Inf(1)
			}
			s.Values = append(s.Values, v)
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// extent is the room that words may take in the widest font, from the tallest letter to the lowest.
func extent(t words) Rect {
	return Rect{t.left(), t.y - 0.76*t.style.size, t.style.width(t.text), 0.98 * t.style.size}
}

func texts(shapes []shape) (found []words) {
	for _, s := range shapes {
		switch s := s.(type) {
		case words:
			found = append(found, s)
		case group:
			found = append(found, texts(s.shapes)...)
		}
	}
	return found
}

// In the widest font no words leave the figure, and none touch each other.
func TestWordsHaveRoom(t *testing.T) {
	for name, body := range stress() {
		for _, width := range []int{Wide, Narrow, 640, 300} {
			f := Figure{Title: lorem, Subtitle: token + " " + lorem, Body: body, Caption: []string{lorem, token, lorem}, Width: width}
			s := f.scene()
			found := texts(s.shapes)
			for i, a := range found {
				r := extent(a)
				if r.X < padding-0.5 || r.X+r.W > s.w-padding+0.5 || r.Y < 0 || r.Y+r.H > s.h {
					t.Errorf("%s at %d: %q leaves the figure: %.0f", name, width, a.text, r)
				}
				for _, b := range found[i+1:] {
					if o := extent(b); r.X < o.X+o.W && o.X < r.X+r.W && r.Y+1 < o.Y+o.H && o.Y+1 < r.Y+r.H {
						t.Errorf("%s at %d: %q %.0f touches %q %.0f", name, width, a.text, r, b.text, o)
					}
				}
			}
		}
	}
}

func boxes(shapes []shape) (found []Rect) {
	for _, s := range shapes {
		switch s := s.(type) {
		case bitmap:
			found = append(found, Rect{s.x, s.y, s.w, s.h})
		case box:
			found = append(found, Rect{s.x, s.y, s.w, s.h})
		case group:
			found = append(found, Rect{s.x, s.y, s.w, s.h})
		}
	}
	return found
}

// Pictures and bars stay inside the padding, have a size, and lie under no words.
func TestPicturesHaveRoom(t *testing.T) {
	for name, body := range stress() {
		for _, width := range []int{Wide, Narrow, 300} {
			s := Figure{Body: body, Caption: []string{"c"}, Width: width}.scene()
			for _, r := range boxes(s.shapes) {
				if r.X < padding-1 || r.X+r.W > s.w-padding+1 || r.Y < 0 || r.Y+r.H > s.h || !(r.W > 0 && r.H > 0) {
					t.Errorf("%s at %d: a picture at %.1f leaves the figure", name, width, r)
				}
				for _, w := range texts(s.shapes) {
					if o := extent(w); !strings.HasPrefix(w.text, "dead") &&
						r.X+1 < o.X+o.W && o.X+1 < r.X+r.W && r.Y+1 < o.Y+o.H && o.Y+2 < r.Y+r.H {
						t.Errorf("%s at %d: %q %.0f lies on a picture at %.0f", name, width, w.text, o, r)
					}
				}
			}
		}
	}
}

func TestEveryCarrierTakesEveryMark(t *testing.T) {
	for name, body := range stress() {
		f := Figure{Title: name, Body: body}
		if svg := f.SVG(); len(svg) == 0 {
			t.Errorf("%s: no SVG", name)
		}
		if _, err := f.PNG(Raster{Density: 1}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		html := f.HTML()
		if n, alts := strings.Count(html, "<img "), strings.Count(html, "<img alt="); n != alts {
			t.Errorf("%s: %d of %d pictures have words", name, alts, n)
		}
	}
}

func TestTooLargeForPNG(t *testing.T) {
	f := Figure{Body: []Mark{Table{Columns: []Column{{"n", true}}, Rows: make([][]string, 100_000)}}}
	if _, err := f.PNG(Raster{}); err != ErrTooLarge {
		t.Errorf("%v", err)
	}
}

func TestWrap(t *testing.T) {
	st := style{size: 10}
	for _, s := range []string{"", "a", lorem, token, "a " + token + " b", "é…中文字 " + lorem} {
		lines := wrap(s, st, 60)
		for _, line := range lines {
			if st.width(line) > 60 {
				t.Errorf("%q is %.0f wide", line, st.width(line))
			}
		}
		squash := strings.NewReplacer(" ", "")
		if got := squash.Replace(strings.Join(lines, "")); got != squash.Replace(s) {
			t.Errorf("%q became %q", s, got)
		}
	}
	if lines := wrap("0.3"+nbsp+"% of all", st, 40); lines[0] != "0.3"+nbsp+"%" {
		t.Errorf("broken at a no-break space: %q", lines)
	}
}

func TestEllipsis(t *testing.T) {
	st := style{size: 10}
	for _, w := range []float64{0, 5, 12, 50, 1e4} {
		got := ellipsis(token, st, w)
		if st.width(got) > w {
			t.Errorf("%q is wider than %v", got, w)
		}
		if w >= 12 && w < 1e4 && !strings.HasSuffix(got, "…") {
			t.Errorf("%q hides that it is cut", got)
		}
	}
}

// A cell lies where its patch's centre lies, also in a part of the picture.
func TestOverlayGeometry(t *testing.T) {
	v := view{Rect{10, 20, 100, 50}, 200, 100}
	got := Overlay{Plane: field.New(2, 2), Over: Rect{20, 30, 40, 20}}.draw(v)[0].(bitmap)
	if got.x != 20 || got.y != 20 || got.w != 80 || got.h != 40 {
		t.Errorf("%+v", got)
	}
}

// A zoomed photograph embeds the part that is seen, at its own resolution.
func TestPhotoEmbedsWhatIsSeen(t *testing.T) {
	img := checks(300, 200).SubImage(image.Rect(10, 20, 210, 170))
	b := Photo{Image: img}.draw(view{Rect{50.5, 50, 40, 40}, 200, 200})[0].(bitmap)
	if got, want := b.raster.img.Bounds().Size(), image.Pt(41, 40); got != want {
		t.Errorf("embeds %v, want %v", got, want)
	}
	if math.Abs(b.x+2.5) > 1e-9 || b.y != 0 || b.w != 205 {
		t.Errorf("placed at %v %v, %v wide", b.x, b.y, b.w)
	}
	got, want := b.raster.img.At(0, 0), img.At(10+50, 20+50)
	if r, _, _, _ := got.RGBA(); r != func() uint32 { r, _, _, _ := want.RGBA(); return r }() {
		t.Errorf("begins with %v, want %v", got, want)
	}
	large := Photo{Image: checks(3000, 1000)}.draw(view{Rect{0, 0, 3000, 1000}, 200, 67})[0].(bitmap)
	if got, want := large.raster.img.Bounds().Size(), image.Pt(400, 133); got != want {
		t.Errorf("a large photograph is embedded at %v, want %v", got, want)
	}
	few := Photo{Image: checks(300, 200), Most: 150}.draw(view{Rect{W: 300, H: 200}, 200, 133})[0].(bitmap)
	if got := few.raster.img.Bounds().Size(); got != image.Pt(150, 100) || few.w != 200 {
		t.Errorf("of a photograph of 300 × 200 with 150 at most %v are embedded, %g wide", got, few.w)
	}
}

func TestPixelated(t *testing.T) {
	data, photo := &raster{}, &raster{photo: true}
	for _, c := range []struct {
		r    *raster
		n    int
		want bool
	}{{data, 27, true}, {data, 113, false}, {photo, 90, false}, {photo, 28, true}} {
		if got := (bitmap{w: 98, raster: c.r, source: image.Rect(0, 0, c.n, c.n)}).pixelated(); got != c.want {
			t.Errorf("%d pixels, photograph %v: %v", c.n, c.r.photo, got)
		}
	}
}

func TestClasses(t *testing.T) {
	index := []int{5, 5, 5, 5, 7, 7, 9, 1}
	for k := 20; k < 30; k++ {
		index = append(index, k)
	}
	c := Classes{H: 1, W: len(index), Index: index, Clear: 5}
	k := c.Key(func(class int) string { return fmt.Sprint(class) }, white)
	var labels []string
	for _, e := range k.Entries {
		labels = append(labels, e.Label)
	}
	if got, want := strings.Join(labels, " "), "5 7 1 9 20 21 22 23 24 5 others"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	img := c.draw(view{Rect{0, 0, 18, 1}, 18, 1})[0].(bitmap).raster.img
	if _, _, _, a := img.At(0, 0).RGBA(); a != 0 {
		t.Error("the explained class hides the photograph")
	}
	for i, want := range map[int]int{4: 0, 7: 1, 6: 2, 17: 8, 13: 8} {
		if got := img.At(i, 0); got != scale.Petroff10[want] {
			t.Errorf("position %d is %v, want colour %d", i, got, want)
		}
	}
	if k := (Classes{H: 2, W: 2, Index: []int{1}}).Key(nil, white); len(k.Entries) != 0 {
		t.Errorf("a broken map has a legend: %v", k)
	}
}

// TestUnknownClasses are grey, and stand last in the legend.
func TestUnknownClasses(t *testing.T) {
	c := Classes{H: 1, W: 5, Index: []int{3, -1, 7, -2, 3}, Clear: 3}
	entries := c.Key(func(class int) string { return fmt.Sprint(class) }, white).Entries
	if last := entries[len(entries)-1]; len(entries) != 3 || last.Label != "not asked" || last.Value != scale.Percent(0.4) || last.Colour != scale.Missing {
		t.Errorf("legend %v", entries)
	}
	img := c.draw(view{Rect{0, 0, 5, 1}, 5, 1})[0].(bitmap).raster.img
	for i, want := range map[int]color.Color{1: scale.Missing, 2: scale.Petroff10[0], 3: scale.Missing} {
		if got := img.At(i, 0); got != want {
			t.Errorf("position %d is %v, want %v", i, got, want)
		}
	}
}

func TestBackdrop(t *testing.T) {
	img := image.NewGray(image.Rect(5, 5, 105, 105))
	for i := range img.Pix {
		img.Pix[i] = 100
	}
	if got, want := Backdrop(img).R, uint8(179); got != want { // 0.52 + 0.46·100/255
		t.Errorf("%d, want %d", got, want)
	}
	if got := Backdrop(image.NewGray(image.Rectangle{})); got != defaultBackdrop {
		t.Errorf("of nothing: %v", got)
	}
}

// TestJoined holds the one picture of a matrix's line against its tiles: their values where they stand, the gaps clear.
func TestJoined(t *testing.T) {
	tiles := numbered(5, 3, 2)
	m := Matrix{Lines: []Line{{Tiles: tiles}}, Size: 20}
	g := m.strip(m.Lines[0], 20, 3)
	shapes := joined(m.Lines[0], 20, 3, g)
	if len(shapes) != 1 {
		t.Fatalf("%d shapes", len(shapes))
	}
	b := shapes[0].(bitmap)
	dst := b.raster.img
	if b.w != g.w || b.h != g.h {
		t.Errorf("%g × %g, want %g × %g", b.w, b.h, g.w, g.h)
	}
	sx, sy := float64(dst.Bounds().Dx())/g.w, float64(dst.Bounds().Dy())/g.h
	for i, s := range g.shapes {
		place := s.(bitmap)
		for y := range 2 {
			for x := range 3 {
				at := image.Pt(int(sx*(place.x+place.w*(float64(x)+0.5)/3)), int(sy*(place.y+place.h*(float64(y)+0.5)/2)))
				if got, want := color.GrayModel.Convert(dst.At(at.X, at.Y)), tiles[i].Image.At(x, y); got != want {
					t.Errorf("tile %d at %d, %d: %v, want %v", i, x, y, got, want)
				}
			}
		}
		if _, _, _, a := dst.At(int(sx*(place.x+place.w+matrixGap/2)), int(sy*place.y)).RGBA(); a != 0 {
			t.Errorf("right of tile %d is something", i)
		}
	}
	other := Line{Tiles: append(numbered(2, 3, 2), Tile{Missing: "dead"})}
	if g := m.strip(other, 20, 3); len(joined(other, 20, 3, g)) != len(g.shapes) {
		t.Error("a missing tile is not drawn as such")
	}
}

// TestRowsOfOneWidth keeps the last panels of a row that is broken as wide as the others.
func TestRowsOfOneWidth(t *testing.T) {
	panel := Panel{Layers: []Layer{Photo{Image: checks(90, 60)}}}
	for n, want := range map[int]string{3: "max-width:200px", 4: "max-width:260px", 5: "max-width:200px", 7: "max-width:200px"} {
		row := Row{Size: 200}
		for range n {
			row.Marks = append(row.Marks, panel)
		}
		html := Figure{Body: []Mark{row}}.HTML()
		if strings.Count(html, want) != n {
			t.Errorf("%d panels: not all have %s", n, want)
		}
	}
}

// TestRampEnd has the last number of a ramp end where the ramp does, however long it is.
func TestRampEnd(t *testing.T) {
	html := Figure{Body: []Mark{Ramp{Scale: scale.Scale{Low: -0.00612, High: 0.00612, Diverging: true}}}}.HTML()
	if _, last, _ := strings.Cut(html, ">0<"); !strings.Contains(last, "justify-content:flex-end\">+0.00612<") {
		t.Errorf("the last number may reach over the end: %s", last)
	}
}

// TestTilesFillTheirWidth has no wide gaps between tiles of few values, and squares of whole pixels.
func TestTilesFillTheirWidth(t *testing.T) {
	for _, c := range []struct{ n, resolution, columns, side int }{{12, 13, 6, 130}, {12, 12, 8, 96}, {64, 3, 12, 60}, {4, 13, 7, 104}} {
		side, columns := Tiles{Tiles: numbered(c.n, c.resolution, c.resolution)}.grid(860)
		if columns != c.columns || side != float64(c.side) {
			t.Errorf("%d tiles of %d values: %d columns of %g, want %d of %d", c.n, c.resolution, columns, side, c.columns, c.side)
		}
	}
}
