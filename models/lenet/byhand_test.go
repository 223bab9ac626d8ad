package lenet_test

import (
	"math"
	"slices"
	"testing"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/lenet"
)

// maps are values by row, column and channel.
type maps [][][]float32

// TestLogits compares with the network computed without GoMLX.
func TestLogits(t *testing.T) {
	for _, net := range []*models.Network{lenet.Network(), lenet.Noisy(), lenet.Untrained()} {
		digits := lenet.Digits()[311:314]
		for i, got := range logits(t, net, digits) {
			want := byHand(t, net, digits[i])
			largest := 0.0
			for _, v := range want {
				largest = max(largest, math.Abs(float64(v)))
			}
			for c := range want {
				if d := math.Abs(float64(got[c] - want[c])); !(d <= 1e-5*largest) {
					t.Errorf("%s, %s: logit %d is %g, want %g", net.Name, digits[i].Name, c, got[c], want[c])
				}
			}
		}
	}
}

func byHand(t testing.TB, net *models.Network, d lenet.Digit) []float32 {
	const margin = 3 // around the digit, for the padding of conv1
	x := make(maps, lenet.Side+2*margin)
	for r := range x {
		x[r] = make([][]float32, lenet.Side+2*margin)
		for c := range x[r] {
			x[r][c] = []float32{float32(d.Image.GrayAt(c-margin, r-margin).Y) / 255} // 0 outside
		}
	}
	for _, layer := range []string{"/conv1", "/conv2"} {
		shape := net.Store.GetVariable(layer + "/weights").Shape().Dimensions
		x = pooled(convolved(x, values(t, net, layer+"/weights"), values(t, net, layer+"/biases"), shape[0]))
	}
	flat := slices.Concat(slices.Concat(x...)...)
	hidden := product(flat, values(t, net, "/dense1/weights"), values(t, net, "/dense1/biases"))
	for i := range hidden {
		hidden[i] = max(hidden[i], 0)
	}
	return product(hidden, values(t, net, "/dense2/weights"), values(t, net, "/dense2/biases"))
}

// convolved has kernels of side×side, without padding, and a ReLU.
func convolved(x maps, w, bias []float32, side int) maps {
	y := make(maps, len(x)-side+1)
	for r := range y {
		y[r] = make([][]float32, len(x[0])-side+1)
		for c := range y[r] {
			var window []float32
			for k := range side * side {
				window = append(window, x[r+k/side][c+k%side]...)
			}
			y[r][c] = product(window, w, bias)
			for i := range y[r][c] {
				y[r][c][i] = max(y[r][c][i], 0)
			}
		}
	}
	return y
}

func pooled(x maps) maps {
	y := make(maps, len(x)/2)
	for r := range y {
		y[r] = make([][]float32, len(x[0])/2)
		for c := range y[r] {
			for i := range x[0][0] {
				y[r][c] = append(y[r][c], max(x[2*r][2*c][i], x[2*r][2*c+1][i], x[2*r+1][2*c][i], x[2*r+1][2*c+1][i]))
			}
		}
	}
	return y
}

// product is x times the matrix w, in×out, and the bias.
func product(x, w, bias []float32) []float32 {
	y := slices.Clone(bias)
	for i, v := range x {
		for o := range y {
			y[o] += v * w[i*len(y)+o]
		}
	}
	return y
}
