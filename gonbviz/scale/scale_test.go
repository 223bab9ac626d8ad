package scale_test

import (
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/scale"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

func row(values ...float32) field.Plane { return field.Plane{H: 1, W: len(values), Values: values} }

func TestTables(t *testing.T) {
	for _, c := range []struct {
		m           *scale.Map
		first, last color.NRGBA
	}{
		{scale.Lipari, color.NRGBA{3, 19, 38, 255}, color.NRGBA{253, 245, 218, 255}},
		{scale.CETD1A, color.NRGBA{23, 41, 114, 255}, scale.CETD1A.Entries[255]},
		{scale.Grey, color.NRGBA{0, 0, 0, 255}, color.NRGBA{255, 255, 255, 255}},
		{scale.Red, color.NRGBA{0, 128, 128, 255}, color.NRGBA{255, 128, 128, 255}},
	} {
		if n := len(c.m.Entries); n != 256 {
			t.Errorf("%s: %d entries", c.m.Name, n)
		}
		if got := c.m.Entries[0]; got != c.first {
			t.Errorf("%s begins with %v, want %v", c.m.Name, got, c.first)
		}
		if got := c.m.Entries[255]; got != c.last {
			t.Errorf("%s ends with %v, want %v", c.m.Name, got, c.last)
		}
	}
	if n := len(scale.Petroff10); n != 10 {
		t.Fatalf("%d colours for classes", n)
	}
	if got, want := scale.Petroff10[8], (color.NRGBA{0x71, 0x75, 0x81, 255}); got != want {
		t.Errorf("the rest's colour is %v, want %v", got, want)
	}
}

// The colour is the table's entry floor(t·256): no interpolation, and 1 is in the last entry.
func TestNearestEntry(t *testing.T) {
	s := scale.Scale{}
	for _, c := range []struct {
		v     float64
		entry int
	}{{0, 0}, {1.0/256 - 1e-9, 0}, {1.0 / 256, 1}, {0.5, 128}, {255.0/256 - 1e-9, 254}, {255.0 / 256, 255}, {1, 255}} {
		if got, want := s.At(c.v), scale.Lipari.Entries[c.entry]; got != want {
			t.Errorf("At(%v) = %v, want entry %d, %v", c.v, got, c.entry, want)
		}
	}
}

func TestOutsideTheDomain(t *testing.T) {
	s := scale.Scale{Low: -1, High: 2}
	e := scale.Lipari.Entries
	for v, want := range map[float64]color.NRGBA{-1.01: e[0], math.Inf(-1): e[0], 2.01: e[255], math.Inf(1): e[255]} {
		if got := s.At(v); got != want {
			t.Errorf("At(%v) = %v, want %v", v, got, want)
		}
	}
	if got := s.At(math.NaN()); got != scale.Missing {
		t.Errorf("NaN is %v", got)
	}
	s.NaN, s.Under, s.Over = color.NRGBA{1, 0, 0, 255}, color.NRGBA{2, 0, 0, 255}, color.NRGBA{3, 0, 0, 255}
	for i, v := range []float64{math.NaN(), -2, 3} {
		if got, want := s.At(v), (color.NRGBA{uint8(i + 1), 0, 0, 255}); got != want {
			t.Errorf("At(%v) = %v, want %v", v, got, want)
		}
	}
}

func TestLinear(t *testing.T) {
	for _, c := range []struct {
		name         string
		fit          scale.Fit
		plane        field.Plane
		low, high    float64
		below, above float64
	}{
		{"positive", scale.Fit{}, row(1, 2, 8), 0, 8, 0, 0},
		{"negative", scale.Fit{}, row(-1, -2, -8), -8, 0, 0, 0},
		{"both signs", scale.Fit{}, row(-1, 0, 3), -1, 3, 0, 0},
		{"constant", scale.Fit{}, row(5, 5, 5), 0, 5, 0, 0},
		{"negative constant", scale.Fit{}, row(-5, -5), -5, 0, 0, 0},
		{"zeros", scale.Fit{}, row(0, 0), 0, 1, 0, 0},
		{"empty", scale.Fit{}, field.Plane{}, 0, 1, 0, 0},
		{"no number", scale.Fit{}, row(nan, nan), 0, 1, 0, 0},
		{"some numbers", scale.Fit{}, row(nan, 4, inf, -inf), 0, 4, 0.25, 0.25},
		{"trimmed", scale.Fit{Trim: 0.25}, row(1, 2, 3, 100), 0, 3, 0, 0.25},
		{"trimmed at both ends", scale.Fit{Trim: 0.4}, row(-100, -2, -1, 1, 2, 2, 2, 3, 3, 100), -2, 3, 0.1, 0.1},
		{"trimmed to nothing", scale.Fit{Trim: 0.5}, row(0, 0, 0, 7), 0, 7, 0, 0},
		{"rounded up", scale.Fit{Round: true}, row(0, 8.371), 0, 8.4, 0, 0},
		{"rounded to the nearest", scale.Fit{Round: true, Trim: 0.01}, row(0, 8.32), 0, 8.3, 0, 0.5},
		{"already round", scale.Fit{Round: true}, row(0, 450), 0, 450, 0, 0},
	} {
		s := c.fit.Linear(c.plane)
		if s.Low != c.low || s.High != c.high || s.Below != c.below || s.Above != c.above {
			t.Errorf("%s: %v..%v, beyond %v and %v; want %v..%v, %v and %v", c.name,
				s.Low, s.High, s.Below, s.Above, c.low, c.high, c.below, c.above)
		}
		if s.Diverging {
			t.Errorf("%s: diverging", c.name)
		}
	}
}

func TestSymmetric(t *testing.T) {
	for _, c := range []struct {
		name      string
		fit       scale.Fit
		plane     field.Plane
		low, high float64
		beyond    float64
	}{
		{"plain", scale.Fit{}, row(-1, 0, 3), -3, 3, 0},
		{"about a pivot", scale.Fit{Pivot: 1}, row(0, 4), -2, 4, 0},
		{"zeros", scale.Fit{}, row(0, 0), -1, 1, 0},
		{"constant at the pivot", scale.Fit{Pivot: 2}, row(2, 2), 1, 3, 0},
		{"empty", scale.Fit{}, field.Plane{}, -1, 1, 0},
		{"no number", scale.Fit{}, row(nan), -1, 1, 0},
		{"trimmed", scale.Fit{Trim: 0.25}, row(-1, 2, 1, 50), -2, 2, 0.25},
		{"trimmed to nothing", scale.Fit{Trim: 0.8}, row(0, 0, 0, -6), -6, 6, 0},
		{"rounded", scale.Fit{Round: true}, row(0.9371, -0.1), -0.94, 0.94, 0},
	} {
		s := c.fit.Symmetric(c.plane)
		if s.Low != c.low || s.High != c.high || s.Below+s.Above != c.beyond {
			t.Errorf("%s: %v..%v, %v beyond; want %v..%v, %v", c.name, s.Low, s.High, s.Below+s.Above, c.low, c.high, c.beyond)
		}
		if s.Position(c.fit.Pivot) != 0.5 {
			t.Errorf("%s: the pivot is at %v", c.name, s.Position(c.fit.Pivot))
		}
	}
}

func TestFitLooksAtAllPlanes(t *testing.T) {
	s := scale.Fit{}.Linear(row(1, 2), row(9), field.Plane{})
	if s.High != 9 || s.Least != 1 || s.Most != 9 {
		t.Errorf("%+v", s)
	}
}

func TestVeil(t *testing.T) {
	s := scale.Scale{Low: -1, High: 1, Diverging: true, Veil: true}
	if a := s.At(0).A; a > 4 {
		t.Errorf("the middle has opacity %d", a)
	}
	for _, v := range []float64{-1, -0.6, 0.6, 1} {
		if a := s.At(v).A; a != 204 { // 0.8
			t.Errorf("At(%v) has opacity %d", v, a)
		}
	}
	if a, b := s.At(0.3).A, s.At(-0.3).A; a < 120 || a > 130 || max(a, b)-min(a, b) > 2 {
		t.Errorf("±0.3 have opacity %d and %d", a, b)
	}
}

func TestImage(t *testing.T) {
	s := scale.Scale{}
	img, ok := s.Image(field.Plane{H: 2, W: 2, Values: []float32{0, 1, nan, 0}}).(*image.Paletted)
	if !ok || len(img.Palette) != 3 {
		t.Fatalf("%T with %d colours", img, len(img.Palette))
	}
	for i, want := range []color.NRGBA{scale.Lipari.Entries[0], scale.Lipari.Entries[255], scale.Missing, scale.Lipari.Entries[0]} {
		if got := img.At(i%2, i/2); got != want {
			t.Errorf("pixel %d is %v, want %v", i, got, want)
		}
	}
	for _, p := range []field.Plane{{}, {H: 2, W: 2, Values: []float32{1}}, {H: -1, W: 3}} {
		if b := s.Image(p).Bounds(); !b.Empty() {
			t.Errorf("%v gives a picture of %v", p, b)
		}
	}
}

// All entries of a map and a colour for NaN are more than a palette holds.
func TestImageOfManyColours(t *testing.T) {
	p := field.New(1, 257)
	for i := range 256 {
		p.Values[i] = (float32(i) + 0.5) / 256
	}
	p.Values[256] = nan
	img := scale.Scale{Map: scale.Grey}.Image(p)
	for i := range 256 {
		if got, want := img.At(i, 0), scale.Grey.Entries[i]; got != want {
			t.Fatalf("pixel %d is %v, want %v", i, got, want)
		}
	}
	if got := img.At(256, 0); got != scale.Missing {
		t.Errorf("NaN is %v", got)
	}
}

func TestRGB(t *testing.T) {
	img := scale.RGB(2, row(0, 2, -2, 9), row(1, -1, 0, -9), row(nan, 0, 0))
	want := []color.NRGBA{{128, 192, 128, 255}, {255, 64, 128, 255}, {0, 128, 128, 255}, {255, 0, 128, 255}}
	for i, w := range want {
		if got := img.NRGBAAt(i, 0); got != w {
			t.Errorf("pixel %d is %v, want %v", i, got, w)
		}
	}
	if got, want := scale.RGB(0, row(5), row(5), row(5)).NRGBAAt(0, 0), (color.NRGBA{128, 128, 128, 255}); got != want {
		t.Errorf("without a limit: %v", got)
	}
	// The legend of a channel shows the colours of the picture.
	s := scale.Scale{Map: scale.Red, Low: -2, High: 2}
	for _, v := range []float32{-2, -1.3, 0, 0.01, 1.99, 2} {
		if got, want := scale.RGB(2, row(v), row(0), row(0)).NRGBAAt(0, 0), s.At(float64(v)); got != want {
			t.Errorf("%v: picture %v, legend %v", v, got, want)
		}
	}
}

func BenchmarkImage(b *testing.B) {
	p := field.New(113, 113)
	for i := range p.Values {
		p.Values[i] = float32(i%251) / 250
	}
	for b.Loop() {
		scale.Scale{}.Image(p)
	}
}
