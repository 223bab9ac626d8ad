package attrib

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestSpreadOrder holds that each beginning of the order covers the grid: no position is much farther from the asked
// ones than it would be in the best lattice of as many.
func TestSpreadOrder(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 2}, {2, 1}, {3, 3}, {4, 4}, {26, 26}, {21, 29}, {1, 100}, {57, 3}, {100, 64}} {
		rows, cols := size[0], size[1]
		t.Run(fmt.Sprintf("%dx%d", rows, cols), func(t *testing.T) {
			order := spreadOrder(rows, cols)
			sorted := slices.Sorted(slices.Values(order))
			for i, p := range sorted {
				if p != i || len(sorted) != rows*cols {
					t.Fatalf("the order is none of %d positions: %v", rows*cols, order)
				}
			}
			for n := 1; n < rows*cols; n *= 2 {
				// The side of a square that is one asked position's share, of a strip where the grid is narrower than that.
				side := math.Sqrt(float64(rows*cols) / float64(n))
				if narrow := float64(min(rows, cols)); side > narrow {
					side = float64(rows*cols) / float64(n) / narrow
				}
				if far := farthest(order[:n], rows, cols); far > 1.5*side+1 {
					t.Errorf("after %d positions one is %.1f away from all; their squares' side is %.1f", n, far, side)
				}
			}
		})
	}
}

// farthest is the largest distance of a position to the nearest of some, along rows or along columns.
func farthest(some []int, rows, cols int) (far float64) {
	for i := range rows * cols {
		near := math.Inf(1)
		for _, p := range some {
			dy, dx := math.Abs(float64(i/cols-p/cols)), math.Abs(float64(i%cols-p%cols))
			near = min(near, max(dy, dx))
		}
		far = max(far, near)
	}
	return far
}
