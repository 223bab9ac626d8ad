// Package units says what the units of a network look for, and which look for nothing.
package units

import (
	"math"

	"github.com/convlens/convlens/gonbviz/probe"
)

// DeadBelow is what all weights of a filter must stay under for it to be called dead.
const DeadBelow = 1e-9

// Dead lists the filters that answer with nothing but their bias: all their weights lie below DeadBelow.
func Dead(b *probe.FilterBank) []int {
	var list []int
	for o := range b.Out {
		if dead(b.Filter(o)) {
			list = append(list, o)
		}
	}
	return list
}

func dead(weights []float32) bool {
	for _, w := range weights {
		if !(math.Abs(float64(w)) <= DeadBelow) { // NaN is not dead
			return false
		}
	}
	return true
}

// Roughness is how unlike neighbouring weights are, for each filter of a bank.
type Roughness struct {
	Bank *probe.FilterBank
	// PerFilter is Geary's C of each filter: 0 for weights that are all alike, 1 for weights as they would lie if they
	// were shuffled within their kernels, above 1 where neighbours are more unlike than that. NaN for a dead filter and
	// for one without neighbours (1×1 weights).
	PerFilter []float64
	// Mean is the mean over the filters that have a number; NaN where none has.
	Mean float64
}

// KernelRoughness measures how smooth a bank's kernels are, against the same weights shuffled.
//
// For each filter it is Geary's C (R. C. Geary, The Contiguity Ratio and Statistical Mapping, The Incorporated
// Statistician 5, 1954): the mean squared difference of weights that lie side by side or one above the other, over
// twice the variance of the weights of their kernel. Shuffling the weights within each kernel makes it 1 on average,
// exactly, so a trained first layer, which has learnt strokes and blobs, lies well below 1, and noise lies at 1. The
// kernels of a filter's input channels count together, each about its own mean.
func KernelRoughness(b *probe.FilterBank) Roughness {
	r := Roughness{Bank: b, PerFilter: make([]float64, b.Out)}
	sum, n := 0.0, 0
	for o := range b.Out {
		c := gearysC(b, o)
		r.PerFilter[o] = c
		if !math.IsNaN(c) {
			sum += c
			n++
		}
	}
	r.Mean = sum / float64(n) // NaN without a filter
	return r
}

func gearysC(b *probe.FilterBank, o int) float64 {
	if dead(b.Filter(o)) {
		return math.NaN()
	}
	differences, deviations := 0.0, 0.0
	for i := range b.In {
		k := b.Kernel(o, i)
		mean := 0.0
		for _, w := range k.Values {
			mean += float64(w) / float64(len(k.Values))
		}
		for y := range k.H {
			for x := range k.W {
				w := float64(k.At(y, x))
				deviations += (w - mean) * (w - mean)
				if y > 0 {
					differences += square(w - float64(k.At(y-1, x)))
				}
				if x > 0 {
					differences += square(w - float64(k.At(y, x-1)))
				}
			}
		}
	}
	pairs := float64(b.H*(b.W-1) + b.W*(b.H-1))
	if pairs > 0 && deviations == 0 {
		return 0
	}
	return (float64(b.H*b.W) - 1) * differences / (2 * pairs * deviations)
}

func square(v float64) float64 { return v * v }
