package attrib_test

import (
	"image"
	"testing"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
)

func TestShare(t *testing.T) {
	a := &attrib.Attribution{Map: &field.Plane{H: 2, W: 3, Values: []float32{1, 2, -5, 0, 3, 2}}}
	for box, want := range map[image.Rectangle]float64{
		image.Rect(0, 0, 3, 2): 1, image.Rect(0, 0, 1, 2): 1.0 / 8, image.Rect(1, 0, 3, 2): 7.0 / 8, image.Rect(2, 0, 3, 1): 0,
	} {
		if got, err := a.Share(box); err != nil || got != want {
			t.Errorf("share of %v is %v, %v; want %v", box, got, err, want)
		}
	}
	for _, box := range []image.Rectangle{{}, image.Rect(0, 0, 4, 2), image.Rect(-1, 0, 1, 1), image.Rect(1, 1, 1, 2)} {
		if _, err := a.Share(box); err == nil {
			t.Errorf("no error for the box %v", box)
		}
	}
	negative := &attrib.Attribution{Map: &field.Plane{H: 1, W: 2, Values: []float32{-1, 0}}}
	if _, err := negative.Share(image.Rect(0, 0, 1, 1)); err == nil {
		t.Error("no error for a map that supports nothing")
	}
	if _, err := (&attrib.Attribution{}).Share(image.Rect(0, 0, 1, 1)); err == nil {
		t.Error("no error without a map")
	}
}
