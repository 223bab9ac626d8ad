// Package field holds the plain numbers that every result becomes before it is drawn.
package field

import "math"

// Plane is a map of H rows and W columns, row by row.
type Plane struct {
	H, W   int
	Values []float32
}

// New returns a Plane of zeros.
func New(h, w int) Plane { return Plane{h, w, make([]float32, h*w)} }

// At is the value in row y, column x.
func (p Plane) At(y, x int) float32 { return p.Values[y*p.W+x] }

// Set changes the value in row y, column x.
func (p Plane) Set(y, x int, v float32) { p.Values[y*p.W+x] = v }

// Range is the least and the largest finite value; ok is false where there is none.
func (p Plane) Range() (lo, hi float32, ok bool) {
	for _, v := range p.Values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			continue
		}
		if !ok {
			lo, hi, ok = v, v, true
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi, ok
}

// Deviation is the standard deviation of the values about their mean (divided by their number), computed in float64;
// 0 for an empty Plane, NaN where a value is.
func (p Plane) Deviation() float64 {
	if len(p.Values) == 0 {
		return 0
	}
	n := float64(len(p.Values))
	var mean, sq float64
	for _, v := range p.Values {
		mean += float64(v) / n
	}
	for _, v := range p.Values {
		d := float64(v) - mean
		sq += d * d
	}
	return math.Sqrt(sq / n)
}
