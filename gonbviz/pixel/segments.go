package pixel

import (
	"errors"
	"fmt"
	"image"
	"image/color"

	"github.com/convlens/convlens/models"
)

// Segments reads a picture whose colours are labels: a number for each pixel of a network's input, row by row, the same
// for the same colour, from 0 on in the order in which colours are met; −1 where the picture is all transparent. The
// picture is cropped as a photograph of its size is, and of its pixels the nearest counts. An Array must hold one whole
// number for each pixel of the input, which is its label. An empty picture is an error.
func Segments(img image.Image, in models.Input) ([]int, error) {
	if a, ok := img.(*Array); ok {
		return arraySegments(a, in)
	}
	if img == nil || img.Bounds().Empty() {
		return nil, errors.New("pixel: a picture of labels without pixels")
	}
	crop := centre(img.Bounds(), in.Width, in.Height)
	labels, numbers := make([]int, 0, in.Height*in.Width), map[color.RGBA64]int{}
	for y := range in.Height {
		for x := range in.Width {
			at := img.At(crop.Min.X+(2*x+1)*crop.Dx()/(2*in.Width), crop.Min.Y+(2*y+1)*crop.Dy()/(2*in.Height))
			c := color.RGBA64Model.Convert(at).(color.RGBA64)
			if c.A == 0 {
				labels = append(labels, -1)
				continue
			}
			if _, met := numbers[c]; !met {
				numbers[c] = len(numbers)
			}
			labels = append(labels, numbers[c])
		}
	}
	return labels, nil
}

func arraySegments(a *Array, in models.Input) ([]int, error) {
	if a == nil || a.h != in.Height || a.w != in.Width || a.c != 1 {
		return nil, fmt.Errorf("pixel: labels must be %d×%d, one for each pixel of the input", in.Height, in.Width)
	}
	labels := make([]int, len(a.Values))
	for i, v := range a.Values {
		labels[i] = int(v)
		if float32(labels[i]) != v {
			return nil, fmt.Errorf("pixel: %v is no label; give whole numbers", v)
		}
	}
	return labels, nil
}
