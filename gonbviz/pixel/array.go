package pixel

import (
	"fmt"
	"image"
	"image/color"
	"slices"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

// Layout is the order of an array's axes.
type Layout string

const (
	// NHWC has the channels last: H×W×C.
	NHWC Layout = "nhwc"
	// NCHW has the channels first: C×H×W.
	NCHW Layout = "nchw"
)

// Array is a network's input as it is, not to be resized or normalised. It stands wherever a photograph can: Prepare
// takes its values. As a picture by itself, without a network to say what its numbers mean, it shows its first three
// channels as red, green and blue (or its first as grey), its least value black and its largest white.
type Array struct {
	// Name is what captions call it.
	Name string

	weights.Array
	layout        Layout
	h, w, c       int // for showing
	darkest, span float32
}

// OpenArray reads the npy file at path: H×W, H×W×C or, with layout NCHW, C×H×W, each with a leading axis of 1 if it
// likes (see weights.ReadNPY for what a file may hold). Layout "" is NHWC. Errors are one line that names the file.
func OpenArray(path string, layout Layout) (*Array, error) {
	a, err := weights.OpenNPY(path, MaxBytes)
	if err != nil {
		return nil, err
	}
	array, err := NewArray(a, layout, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return array, nil
}

// NewArray makes an Array of numbers in memory, which it keeps; the axes are as in OpenArray.
func NewArray(a weights.Array, layout Layout, name string) (*Array, error) {
	if layout == "" {
		layout = NHWC
	}
	if layout != NHWC && layout != NCHW {
		return nil, fmt.Errorf("unknown layout %q; there are %s and %s", layout, NHWC, NCHW)
	}
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	if n != len(a.Values) || n == 0 {
		return nil, fmt.Errorf("%d values for shape %v", len(a.Values), a.Shape)
	}
	p := &Array{Name: name, Array: a, layout: layout}
	s := a.Shape
	// 1×H×W is a picture behind a batch axis, unless so few columns say that they are channels.
	if len(s) == 4 && s[0] == 1 || len(s) == 3 && s[0] == 1 && layout == NHWC && s[2] > 4 {
		s = s[1:]
	}
	switch {
	case len(s) == 2:
		p.h, p.w, p.c = s[0], s[1], 1
	case len(s) == 3 && layout == NHWC:
		p.h, p.w, p.c = s[0], s[1], s[2]
	case len(s) == 3:
		p.c, p.h, p.w = s[0], s[1], s[2]
	default:
		return nil, fmt.Errorf("shape %v; a picture is H×W, H×W×C or, with layout %s, C×H×W", a.Shape, NCHW)
	}
	p.darkest = slices.Min(a.Values)
	p.span = slices.Max(a.Values) - p.darkest
	return p, nil
}

// ColorModel is RGBA.
func (a *Array) ColorModel() color.Model { return color.RGBAModel }

// Bounds begin at 0.
func (a *Array) Bounds() image.Rectangle { return image.Rect(0, 0, a.w, a.h) }

// At is the stand-in colour at column x, row y; transparent outside.
func (a *Array) At(x, y int) color.Color {
	if !image.Pt(x, y).In(a.Bounds()) {
		return color.RGBA{}
	}
	var v [3]uint8
	for c := range v {
		k := c
		if a.c < 3 {
			k = 0
		}
		i := (y*a.w+x)*a.c + k
		if a.layout == NCHW {
			i = (k*a.h+y)*a.w + x
		}
		if a.span > 0 {
			v[c] = byte8((a.Values[i] - a.darkest) / a.span)
		}
	}
	return color.RGBA{v[0], v[1], v[2], 255}
}

// input gives the values as in wants them, H×W×C; the error names both shapes.
func (a *Array) input(in models.Input) ([]float32, error) {
	h, w, c := in.Height, in.Width, in.Channels()
	want := []int{h, w, c}
	if a.layout == NCHW {
		want = []int{c, h, w}
	}
	fits := func(shape []int) bool {
		return slices.Equal(shape, want) || c == 1 && slices.Equal(shape, []int{h, w})
	}
	if !fits(a.Shape) && !(a.Shape[0] == 1 && fits(a.Shape[1:])) {
		return nil, fmt.Errorf("the array's shape is %v, the network's input is %v (%s)", a.Shape, want, a.layout)
	}
	if a.layout == NHWC || c == 1 {
		return slices.Clone(a.Values), nil
	}
	out := make([]float32, len(a.Values))
	for k := range c {
		for i := range h * w {
			out[i*c+k] = a.Values[k*h*w+i]
		}
	}
	return out, nil
}
