package attrib

import "math/bits"

// spreadOrder is the order in which a grid's positions are asked: each beginning of it covers the grid evenly, so that
// what is known so far shows the whole. It is fixed. It depends on rows and columns alone, and never on an answer:
// nothing here looks for strong regions to ask about sooner or more finely, and nothing may.
//
// It halves the grid's sides again and again (van der Corput's sequence in two dimensions, in the order of a dispersed
// dither): as long as one side is longer it alone is halved, then both are.
func spreadOrder(rows, cols int) []int {
	high, wide := bits.Len(uint(rows-1)), bits.Len(uint(cols-1)) // halvings that leave single rows and columns
	order, known := make([]int, 0, rows*cols), make([]bool, rows*cols)
	for n := range 1 << (high + wide) {
		y, x := halvings(n, high, wide)
		// The points of a finer grid fall upon the positions, on some twice.
		if i := (y*rows>>high)*cols + x*cols>>wide; !known[i] {
			known[i] = true
			order = append(order, i)
		}
	}
	return order
}

// halvings are the row and the column of the n-th point, of 1 << high rows and 1 << wide columns.
func halvings(n, high, wide int) (y, x int) {
	for i, j := high, wide; i > 0 || j > 0; {
		switch {
		case i > j:
			i--
			y |= n & 1 << i
			n >>= 1
		case j > i:
			j--
			x |= n & 1 << j
			n >>= 1
		default: // the quarters in the order upper left, lower right, lower left, upper right
			i, j = i-1, j-1
			right, other := n&1, n>>1&1
			y |= (right ^ other) << i
			x |= right << j
			n >>= 2
		}
	}
	// A third of the way into each half instead of at its edge.
	const third = 0x55555555
	return y ^ third&(1<<high-1), x ^ third&(1<<wide-1)
}
