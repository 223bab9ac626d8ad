package pixel_test

import (
	"image"
	"image/color"
	"slices"
	"testing"

	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

func TestSegments(t *testing.T) {
	in := models.Input{Height: 2, Width: 3, Order: models.RGB, High: 1}
	// Twice the input's size, with an origin that is not 0 and two columns too many at each side.
	img := image.NewNRGBA(image.Rect(10, 20, 20, 24))
	for y := range 4 {
		for x := range 10 {
			c := color.NRGBA{uint8(x-2) / 2 * 50, 0, uint8(y/2) * 9, 255}
			if y > 1 && x > 5 {
				c = color.NRGBA{}
			}
			img.SetNRGBA(10+x, 20+y, c)
		}
	}
	got, err := pixel.Segments(img, in)
	if want := []int{0, 1, 2, 3, 4, -1}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	array := func(shape []int, values ...float32) image.Image {
		a, err := pixel.NewArray(weights.Array{Shape: shape, Values: values}, pixel.NHWC, "labels")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	got, err = pixel.Segments(array([]int{2, 3}, 7, 7, -2, 0, 5, 5), in)
	if want := []int{7, 7, -2, 0, 5, 5}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	for _, bad := range []image.Image{array([]int{3, 2}, 1, 2, 3, 4, 5, 6), array([]int{2, 3}, 1, 2, 3, 4, 5, 6.5), image.NewGray(image.Rectangle{}), nil} {
		if got, err := pixel.Segments(bad, in); err == nil {
			t.Errorf("no error, %v", got)
		}
	}
}
