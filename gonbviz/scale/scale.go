// Package scale goes from a number to a colour: a domain, a colour map, and colours of their own for what lies outside.
// A legend is drawn from the Scale that the picture used, so that the two cannot disagree.
package scale

import (
	"image"
	"image/color"
	"math"

	"github.com/convlens/convlens/gonbviz/field"
)

// Scale maps numbers to colours. Its zero value runs from 0 to 1 in Lipari.
type Scale struct {
	// Map is the colour map; nil stands for CETD1A where Diverging, else Lipari.
	Map *Map
	// Low and High are the ends of the domain. Where High is not above Low, the domain is Low..Low+1.
	Low, High float64
	// Diverging says that the middle of the domain is a pivot with a meaning of its own: ticks carry signs.
	Diverging bool
	// Veil makes colours transparent near the pivot (or near Low), for laying them over a photograph.
	Veil bool
	// NaN, Under and Over are the colours of what is no number and of what lies beyond the domain. Zero values
	// stand for a grey that is in no map, and for the map's own ends.
	NaN, Under, Over color.NRGBA
	// Below and Above are the shares (0..1) of the values that lay beyond the domain when it was fitted, and Least
	// and Most the ends of their finite range: for words and for the legend.
	Below, Above float64
	Least, Most  float64
}

// Missing is the colour of NaN where a Scale names none.
var Missing = color.NRGBA{128, 136, 144, 255}

// Colours is the colour map in use.
func (s Scale) Colours() *Map {
	switch {
	case s.Map != nil && len(s.Map.Entries) > 0:
		return s.Map
	case s.Diverging:
		return CETD1A
	}
	return Lipari
}

// Domain is the domain in use: Low and High, or a domain of length 1 where they enclose nothing.
func (s Scale) Domain() (low, high float64) {
	if s.High > s.Low {
		return s.Low, s.High
	}
	return s.Low, s.Low + 1
}

// Position is where v lies in the domain: 0 at its low end, 1 at its high end; outside where v does.
func (s Scale) Position(v float64) float64 {
	low, high := s.Domain()
	return (v - low) / (high - low)
}

// slack lets a float32 meet an end of the domain that it was rounded from.
const slack = 1e-6

// At is the colour of v.
func (s Scale) At(v float64) color.NRGBA {
	t := s.Position(v)
	switch {
	case math.IsNaN(t):
		return or(s.NaN, Missing)
	case t < -slack:
		return or(s.Under, s.Along(0))
	case t > 1+slack:
		return or(s.Over, s.Along(1))
	}
	return s.Along(t)
}

// Along is the colour at position t of the domain, 0..1.
func (s Scale) Along(t float64) color.NRGBA {
	m := s.Colours()
	i := m.at(t)
	c := m.Entries[i]
	if s.Veil {
		c.A = s.veil((float64(i) + 0.5) / float64(len(m.Entries)))
	}
	return c
}

// veil is the opacity at position t: none at the pivot, and full strength, which still lets a photograph be seen, from
// a little above half the way to an end.
func (s Scale) veil(t float64) uint8 {
	strength := t
	if s.Diverging {
		strength = math.Abs(2*t - 1)
	}
	a := 0.8 * math.Pow(math.Min(1, strength/0.55), 0.8)
	return uint8(math.Round(255 * a))
}

// Image colours each value of p: one pixel a value, indexed by a palette that holds only the colours in use.
func (s Scale) Image(p field.Plane) image.Image {
	if p.H <= 0 || p.W <= 0 || len(p.Values) < p.H*p.W {
		return image.NewPaletted(image.Rectangle{}, nil)
	}
	img := image.NewPaletted(image.Rect(0, 0, p.W, p.H), nil)
	index := map[color.NRGBA]uint8{}
	for i, v := range p.Values[:p.H*p.W] {
		c := s.At(float64(v))
		k, known := index[c]
		if !known {
			if len(index) == 256 {
				return s.trueColour(p)
			}
			k = uint8(len(index))
			index[c] = k
			img.Palette = append(img.Palette, c)
		}
		img.Pix[i] = k
	}
	return img
}

// trueColour draws the rare plane that needs more than 256 colours: all of a map, and those outside it.
func (s Scale) trueColour(p field.Plane) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, p.W, p.H))
	for i, v := range p.Values[:p.H*p.W] {
		img.SetNRGBA(i%p.W, i/p.W, s.At(float64(v)))
	}
	return img
}

// RGB draws three planes of weights as one picture: in each channel −limit is 0, 0 is mid-grey and +limit is full.
// Planes of different size, or a limit that is not positive, give mid-grey.
func RGB(limit float64, r, g, b field.Plane) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, r.W, r.H))
	for i := range r.W * r.H {
		img.SetNRGBA(i%r.W, i/r.W, color.NRGBA{channel(r, i, limit), channel(g, i, limit), channel(b, i, limit), 255})
	}
	return img
}

func channel(p field.Plane, i int, limit float64) uint8 {
	if i >= len(p.Values) || !(limit > 0) {
		return 128
	}
	w := float64(p.Values[i]) / limit
	if math.IsNaN(w) {
		return 128
	}
	return uint8(max(0, min(255, math.Floor(128*(1+w)))))
}

func or(c, fallback color.NRGBA) color.NRGBA {
	if c == (color.NRGBA{}) {
		return fallback
	}
	return c
}
