package lenet_test

import (
	"slices"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/lenet"
)

// values are a copy of a variable's.
func values(t testing.TB, net *models.Network, path string) []float32 {
	t.Helper()
	v, err := tensors.CopyFlatData[float32](net.Store.GetVariable(path).MustValue())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// logits runs the network on digits in pure Go.
func logits(t testing.TB, net *models.Network, digits []lenet.Digit) [][]float32 {
	t.Helper()
	var in []float32
	for _, d := range digits {
		for _, v := range d.Image.Pix {
			in = append(in, net.Input.Value(float32(v)/255, 0))
		}
	}
	exec, err := model.NewExec(gobackend.GetBackend(), net.Store, net.Logits)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(in, len(digits), lenet.Side, lenet.Side, 1))
	if err != nil {
		t.Fatal(err)
	}
	return out.Value().([][]float32)
}

// right counts those of the first n digits whose label the network says, after change, if there is one, has been made
// to each.
func right(t testing.TB, net *models.Network, n int, change func(lenet.Digit) lenet.Digit) int {
	t.Helper()
	digits := lenet.Digits()[:n]
	if change != nil {
		for i, d := range digits {
			digits[i] = change(d)
		}
	}
	count := 0
	for i, l := range logits(t, net, digits) {
		if slices.Index(l, slices.Max(l)) == digits[i].Label {
			count++
		}
	}
	return count
}

// roughness is the mean over the kernels of conv1 of how rough each is: the mean squared difference of its weights that
// are neighbours in a row or a column, divided by its average over all ways to shuffle them, which is twice the weights'
// variance.
func roughness(t testing.TB, net *models.Network) float64 {
	t.Helper()
	const side, filters = 7, 24
	w := values(t, net, "/conv1/weights")
	total := 0.0
	for f := range filters {
		at := func(y, x int) float64 { return float64(w[(y*side+x)*filters+f]) }
		var mean, variance, differences float64
		for i := range side * side {
			mean += at(i/side, i%side) / (side * side)
		}
		for i := range side * side {
			y, x := i/side, i%side
			variance += (at(y, x) - mean) * (at(y, x) - mean) / (side*side - 1)
			if x > 0 {
				differences += (at(y, x) - at(y, x-1)) * (at(y, x) - at(y, x-1))
			}
			if y > 0 {
				differences += (at(y, x) - at(y-1, x)) * (at(y, x) - at(y-1, x))
			}
		}
		total += differences / (2 * side * (side - 1)) / (2 * variance)
	}
	return total / filters
}
