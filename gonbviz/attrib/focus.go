package attrib

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/convlens/convlens/gonbviz/field"
)

// Focus says how much of what supports the class, the positive values of a map, lies in a part of the input: a number
// for whether an answer rests on what one thinks it does, or on something else that happened to be there.
type Focus struct {
	// Share of the map's positive values lies inside, 0..1, and Area of the input's pixels does.
	Share, Area float64
	// Inside says how much of each pixel lies inside, 0..1.
	Inside field.Plane
	// Box is the part where it is a box, in pixels of the input, and Strongest the share of the pixels that was asked for
	// where it is the strongest of them. Of a mask both are zero.
	Box       image.Rectangle
	Strongest float64
}

// Times is how much more of the map's positive values lies inside than if they were spread evenly: 1 is no focus at all.
func (f *Focus) Times() float64 { return f.Share / f.Area }

// Share is the part, 0 to 1, of the map's positive values that lies inside a box, given in pixels of the network's input:
// how much of the evidence for the class is where one thinks it is. A map without positive values is an error, and so
// is a box that does not lie inside the input.
func (a *Attribution) Share(box image.Rectangle) (float64, error) {
	f, err := a.InBox(box)
	if err != nil {
		return 0, err
	}
	return f.Share, nil
}

// InBox is the focus on a box, in pixels of the input, inside of which it must lie.
func (a *Attribution) InBox(box image.Rectangle) (*Focus, error) {
	if err := a.hasMap(); err != nil {
		return nil, err
	}
	if box.Empty() || !box.In(image.Rect(0, 0, a.Map.W, a.Map.H)) {
		return nil, fmt.Errorf("attrib: the box %v does not lie inside the input of %d×%d", box, a.Map.W, a.Map.H)
	}
	inside := field.New(a.Map.H, a.Map.W)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			inside.Set(y, x, 1)
		}
	}
	f, err := a.InMask(inside)
	if err == nil {
		f.Box = box
	}
	return f, err
}

// InMask is the focus on the pixels of a mask of the input's size: 0 is outside and 1 inside, and what is between counts
// in part. A mask without a pixel inside is an error.
func (a *Attribution) InMask(mask field.Plane) (*Focus, error) {
	if err := a.hasMap(); err != nil {
		return nil, err
	}
	if mask.H != a.Map.H || mask.W != a.Map.W || len(mask.Values) != len(a.Map.Values) {
		return nil, fmt.Errorf("attrib: a mask of %d×%d for an input of %d×%d", mask.W, mask.H, a.Map.W, a.Map.H)
	}
	inside, all, area := 0.0, 0.0, 0.0
	for i, v := range a.Map.Values {
		m := float64(mask.Values[i])
		if !(m >= 0 && m <= 1) {
			return nil, fmt.Errorf("attrib: a mask with the value %v; it holds numbers from 0 to 1", m)
		}
		area += m
		if v > 0 { // which what was not asked is not
			all += float64(v)
			inside += m * float64(v)
		}
	}
	switch {
	case area == 0:
		return nil, errors.New("attrib: no pixel lies inside the mask")
	case !(all > 0):
		return nil, errors.New("attrib: nothing in this map supports what is explained")
	}
	return &Focus{Share: inside / all, Area: area / float64(len(mask.Values)), Inside: mask}, nil
}

// InStrongest is the focus on the strongest pixels, a share of all that is above 0 and at most 1: how concentrated the
// map is. Of equals the first ones are taken.
func (a *Attribution) InStrongest(share float64) (*Focus, error) {
	if err := a.hasMap(); err != nil {
		return nil, err
	}
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("attrib: the strongest %v of the pixels; give a share above 0 and up to 1", share)
	}
	order := make([]int, len(a.Map.Values))
	for i := range order {
		order[i] = i
	}
	rank := func(i int) float64 {
		if v := float64(a.Map.Values[i]); !math.IsNaN(v) {
			return v
		}
		return math.Inf(-1)
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(rank(j), rank(i)) })
	inside := field.New(a.Map.H, a.Map.W)
	for _, i := range order[:max(int(math.Round(share*float64(len(order)))), 1)] {
		inside.Values[i] = 1
	}
	f, err := a.InMask(inside)
	if err == nil {
		f.Strongest = share
	}
	return f, err
}

func (a *Attribution) hasMap() error {
	if a.Map == nil {
		return errors.New("attrib: this attribution has no map; make one with an overlap of mean or sum")
	}
	return nil
}
