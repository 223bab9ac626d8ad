package torchtest

import (
	"math"

	"github.com/convlens/convlens/models/weights"
)

// Map is a map in PyTorch's layout: row after row of the first channel, then of the next one.
type Map struct {
	C, H, W int
	V       []float64
}

// Weights are a checkpoint's tensors by name, as the file has them. Its methods are PyTorch's modules in plain loops.
type Weights map[string]weights.Tensor

// NewWeights sorts tensors by name.
func NewWeights(list []weights.Tensor) Weights {
	w := Weights{}
	for _, t := range list {
		w[t.Name] = t
	}
	return w
}

// vector is a tensor with a value for each channel; of none there is, zeros.
func (w Weights) vector(name string, channels int) []float64 {
	v := make([]float64, channels)
	for i, x := range w[name].Values {
		v[i] = float64(x)
	}
	return v
}

// Conv is a convolution, with or without bias.
func (w Weights) Conv(name string, x Map, stride, padding int) Map {
	kernel := w[name+".weight"]
	out, side := kernel.Shape[0], kernel.Shape[2]
	bias := w.vector(name+".bias", out)
	return window(x, out, side, stride, padding, func(o int, each func(visit func(c, k int, v float64))) float64 {
		sum := bias[o]
		each(func(c, k int, v float64) { sum += v * float64(kernel.Values[(o*x.C+c)*side*side+k]) })
		return sum
	})
}

// MaxPool is the largest value in a window.
func MaxPool(x Map, side, stride, padding int) Map {
	return window(x, x.C, side, stride, padding, func(o int, each func(visit func(c, k int, v float64))) float64 {
		largest := math.Inf(-1)
		each(func(c, _ int, v float64) {
			if c == o {
				largest = max(largest, v)
			}
		})
		return largest
	})
}

// window computes each value of a map with out channels from the values v of channel c at place k in its window.
func window(x Map, out, side, stride, padding int, value func(o int, each func(visit func(c, k int, v float64))) float64) Map {
	y := Map{C: out, H: (x.H+2*padding-side)/stride + 1, W: (x.W+2*padding-side)/stride + 1}
	for i := range y.C * y.H * y.W {
		top, left := i/y.W%y.H*stride-padding, i%y.W*stride-padding
		y.V = append(y.V, value(i/y.W/y.H, func(visit func(c, k int, v float64)) {
			for k := range side * side {
				r, c := top+k/side, left+k%side
				if r < 0 || r >= x.H || c < 0 || c >= x.W {
					continue
				}
				for channel := range x.C {
					visit(channel, k, x.V[(channel*x.H+r)*x.W+c])
				}
			}
		}))
	}
	return y
}

// Norm is a batch normalisation.
func (w Weights) Norm(name string, x Map) Map {
	scale, offset := w.vector(name+".weight", x.C), w.vector(name+".bias", x.C)
	mean, variance := w.vector(name+".running_mean", x.C), w.vector(name+".running_var", x.C)
	return x.each(func(i int, v float64) float64 {
		c := i / x.H / x.W
		return (v-mean[c])/math.Sqrt(variance[c]+1e-5)*scale[c] + offset[c]
	})
}

// Dense is a dense layer on all values in their order.
func (w Weights) Dense(name string, x Map) Map {
	matrix := w[name+".weight"]
	y := Map{C: matrix.Shape[0], H: 1, W: 1, V: w.vector(name+".bias", matrix.Shape[0])}
	for i, m := range matrix.Values {
		y.V[i/len(x.V)] += float64(m) * x.V[i%len(x.V)]
	}
	return y
}

// ReLU cuts at 0.
func ReLU(x Map) Map { return x.each(func(_ int, v float64) float64 { return max(v, 0) }) }

// Add is the sum of two maps.
func Add(a, b Map) Map { return a.each(func(i int, v float64) float64 { return v + b.V[i] }) }

// Mean is each channel's mean.
func Mean(x Map) Map {
	y := Map{C: x.C, H: 1, W: 1, V: make([]float64, x.C)}
	for i, v := range x.V {
		y.V[i/x.H/x.W] += v / float64(x.H*x.W)
	}
	return y
}

// each is the map with f of each value.
func (x Map) each(f func(i int, v float64) float64) Map {
	y := Map{C: x.C, H: x.H, W: x.W, V: make([]float64, len(x.V))}
	for i, v := range x.V {
		y.V[i] = f(i, v)
	}
	return y
}
