package attrib

import (
	"fmt"
	"image"
	"strconv"
)

// Size is a height and a width in pixels of the network's input, or a share of it; its zero value stands for a default.
type Size struct {
	H, W int
	// Part, where it is not 0, is the side of a square as a share, above 0 and up to 1, of the input's shorter side, rounded
	// half up to whole pixels, at least 1. H and W must be 0 then.
	Part float64
}

// Pixels is a square of n pixels a side.
func Pixels(n int) Size { return Size{H: n, W: n} }

// Share is a square whose side is a share of the input's shorter side: Share(0.15) is 15 % of it.
func Share(part float64) Size { return Size{Part: part} }

// String is the size as the command line writes it: "34", "34x20" or "15%".
func (s Size) String() string {
	switch {
	case s.Part != 0:
		return strconv.FormatFloat(100*s.Part, 'g', 10, 64) + "%"
	case s.H == s.W:
		return fmt.Sprint(s.H)
	}
	return fmt.Sprintf("%dx%d", s.H, s.W)
}

// in is the size in pixels of an input of height × width.
func (s Size) in(height, width int) Size {
	if s.Part == 0 {
		return s
	}
	const slack = 1e-9 // of shares that a float64 doesn't hold exactly
	return Pixels(max(int(s.Part*float64(min(height, width))+0.5+slack), 1))
}

// windows lays windows over area, row by row: the first starts at its corner, further ones a stride on, until the
// border is reached. There, a window is cut off, or with inside set shifted back. (Captum's rule.)
func windows(area image.Rectangle, window, stride Size, inside bool) (rows, cols int, list []image.Rectangle) {
	ys := starts(area.Dy(), window.H, stride.H, inside)
	xs := starts(area.Dx(), window.W, stride.W, inside)
	for _, y := range ys {
		for _, x := range xs {
			w := image.Rect(x, y, x+window.W, y+window.H).Add(area.Min)
			list = append(list, w.Intersect(area))
		}
	}
	return len(ys), len(xs), list
}

// starts are the first pixels of the windows along a side of n pixels.
func starts(n, window, stride int, inside bool) []int {
	list := make([]int, positions(n, window, stride))
	for i := range list {
		list[i] = i * stride
		if inside {
			list[i] = min(list[i], max(n-window, 0))
		}
	}
	return list
}

// positions is how many windows a side of n pixels has.
func positions(n, window, stride int) int {
	if n <= window {
		return 1
	}
	return (n-window+stride-1)/stride + 1
}
