package onnx

import (
	"fmt"
	"math"
)

// sizing is one way to read the file's input as pictures.
type sizing struct {
	// order is the file's axis that each axis of a channels-last picture is.
	order                   []int
	height, width, channels int
	guessed                 bool // the size is not the file's
}

// maxSide bounds a picture's side.
const maxSide = 1 << 13

// usualSizes are tried where a file leaves the size open.
var usualSizes = []int{224, 227, 299, 256, 32, 28}

// fit finds which axis holds the channels, and the size where the file leaves it open, as the first way in which the
// network can be built.
func (f *file) fit(about Sidecar) (*program, sizing, int, error) {
	list, err := f.sizings(about)
	if err != nil {
		return nil, sizing{}, 0, err
	}
	fixed := 1
	if d := f.input.dims[0]; d > 0 {
		fixed = int(d)
	}
	var first error
	for _, s := range list {
		p, classes, err := load(f, fixed, s)
		if err == nil {
			return p, s, classes, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, sizing{}, 0, first
}

// sizings lists the ways that the declared shape allows.
func (f *file) sizings(about Sidecar) ([]sizing, error) {
	dims := f.input.dims
	if e, err := elementOf(f.input.element); err != nil || e.kind != float {
		return nil, fmt.Errorf("input %q has elements of type %s; pictures are floating-point", f.input.name, elementName(f.input.element))
	}
	for _, d := range dims {
		if d == 0 || d < -1 || d > math.MaxInt16 {
			return nil, fmt.Errorf("input %q has the shape %v", f.input.name, dims)
		}
	}
	var list []sizing
	switch len(dims) {
	case 3:
		list = f.sized([]int{0, 1, 2}, dims[1], dims[2], 1, about)
	case 4:
		for _, channels := range []int{3, 1} {
			list = append(list, f.sized(channelsLast(4), dims[2], dims[3], channels, about, dims[1])...)
		}
		for _, channels := range []int{3, 1} {
			list = append(list, f.sized(identity(4), dims[1], dims[2], channels, about, dims[3])...)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("input %q has the shape %v; a batch of pictures with 1 or 3 channels and sides up to %d is needed (−1: open)", f.input.name, dims, maxSide)
	}
	return list, nil
}

// sized is one order of axes with each size that comes into question. declared is the number of channels in the file.
func (f *file) sized(order []int, height, width int64, channels int, about Sidecar, declared ...int64) []sizing {
	for _, d := range declared {
		if d != -1 && d != int64(channels) {
			return nil
		}
	}
	if height > maxSide || width > maxSide {
		return nil
	}
	s := sizing{order: order, height: int(height), width: int(width), channels: channels}
	if s.height < 0 && about.Height > 0 {
		s.height = about.Height
	}
	if s.width < 0 && about.Width > 0 {
		s.width = about.Width
	}
	if s.height > 0 && s.width > 0 {
		return []sizing{s}
	}
	var list []sizing
	for _, side := range usualSizes {
		t := s
		t.guessed = true
		if t.height < 0 {
			t.height = side
		}
		if t.width < 0 {
			t.width = side
		}
		list = append(list, t)
	}
	return list
}
