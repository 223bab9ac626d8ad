package scale

import (
	"math"
	"slices"

	"github.com/convlens/convlens/gonbviz/field"
)

// Fit finds the domain of a Scale from values. Its zero value takes their whole finite range.
type Fit struct {
	// Trim is the share of the values (0.01: one in a hundred) that may lie beyond the domain, so that a few large
	// ones don't leave the rest in one colour. The Scale says how many do.
	Trim float64
	// Pivot is the middle of a symmetric domain.
	Pivot float64
	// Round makes the ends clean numbers of two digits.
	Round bool
}

// Linear is a sequential Scale over the values of planes. Values of one sign get a domain that begins at 0, so that
// nothing and zero look alike; values all alike or all missing still get a domain with a length.
func (f Fit) Linear(planes ...field.Plane) Scale {
	values := finite(planes)
	if len(values) == 0 {
		return Scale{High: 1}
	}
	s := Scale{Least: slices.Min(values), Most: slices.Max(values)}
	switch {
	case s.Least >= 0:
		s.High = f.end(values, 1-f.Trim)
	case s.Most <= 0:
		s.Low = f.end(values, f.Trim)
	default:
		s.Low, s.High = f.end(values, f.Trim/2), f.end(values, 1-f.Trim/2)
	}
	if s.High <= s.Low { // trimmed down to nothing, or nothing but zeros
		s.Low, s.High = min(s.Least, 0), max(s.Most, 0)
	}
	if s.High == s.Low {
		s.High = s.Low + 1
	}
	if f.Round {
		s.Low, s.High = f.tidy(s.Low), f.tidy(s.High)
	}
	return s.count(planes)
}

// Symmetric is a diverging Scale whose domain reaches equally far to both sides of the pivot.
func (f Fit) Symmetric(planes ...field.Plane) Scale {
	values := finite(planes)
	s := Scale{Diverging: true, Low: f.Pivot - 1, High: f.Pivot + 1}
	if len(values) == 0 {
		return s
	}
	s.Least, s.Most = slices.Min(values), slices.Max(values)
	for i, v := range values {
		values[i] = math.Abs(v - f.Pivot)
	}
	reach := f.end(values, 1-f.Trim)
	if reach == 0 {
		reach = slices.Max(values)
	}
	if f.Round {
		reach = f.tidy(reach)
	}
	if reach > 0 {
		s.Low, s.High = f.Pivot-reach, f.Pivot+reach
	}
	return s.count(planes)
}

// end is the value that the share q of the values does not exceed. Only trimming needs them sorted.
func (f Fit) end(values []float64, q float64) float64 {
	if !(f.Trim > 0) {
		if q < 0.5 {
			return slices.Min(values)
		}
		return slices.Max(values)
	}
	slices.Sort(values)
	i := int(math.Ceil(q*float64(len(values)))) - 1
	return values[max(0, min(len(values)-1, i))]
}

// tidy rounds to two digits: to the nearest where some values may lie beyond the end, else away from 0.
func (f Fit) tidy(v float64) float64 {
	if v == 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-1)
	n := math.Round(math.Abs(v)/unit*1e9) / 1e9
	if n = math.Round(n); f.Trim == 0 && n*unit < math.Abs(v) {
		n++
	}
	return math.Copysign(clean(n*unit), v)
}

// clean drops the last bits that multiplying by a power of ten leaves.
func clean(v float64) float64 {
	unit := math.Pow(10, 6-math.Floor(math.Log10(v)))
	return math.Round(v*unit) / unit
}

// finite are all finite values.
func finite(planes []field.Plane) []float64 {
	var values []float64
	for _, p := range planes {
		for _, v := range p.Values {
			if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
				values = append(values, f)
			}
		}
	}
	return values
}

// count fills in the shares of the values beyond the domain.
func (s Scale) count(planes []field.Plane) Scale {
	var n, below, above int
	for _, p := range planes {
		for _, v := range p.Values {
			n++
			if t := s.Position(float64(v)); t < -slack {
				below++
			} else if t > 1+slack {
				above++
			}
		}
	}
	s.Below, s.Above = float64(below)/float64(n), float64(above)/float64(n)
	return s
}
