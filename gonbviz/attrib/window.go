package attrib

import (
	"fmt"
	"image"
)

// Size is a height and a width in pixels of the network's input; zero in both stands for a default.
type Size struct{ H, W int }

// Pixels is a square of n pixels a side.
func Pixels(n int) Size { return Size{n, n} }

// String is the size as the command line writes it: "34" or "34x20".
func (s Size) String() string {
	if s.H == s.W {
		return fmt.Sprint(s.H)
	}
	return fmt.Sprintf("%dx%d", s.H, s.W)
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
