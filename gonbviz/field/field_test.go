package field_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/convlens/convlens/gonbviz/field"
)

func TestRange(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, test := range []struct {
		values []float32
		lo, hi float32
		ok     bool
	}{
		{nil, 0, 0, false},
		{[]float32{nan, inf, -inf}, 0, 0, false},
		{[]float32{nan, 3, -2, inf}, -2, 3, true},
		{[]float32{5}, 5, 5, true},
	} {
		lo, hi, ok := field.Plane{H: 1, W: len(test.values), Values: test.values}.Range()
		if lo != test.lo || hi != test.hi || ok != test.ok {
			t.Errorf("%v: %v to %v, %v", test.values, lo, hi, ok)
		}
	}
}

func TestDeviation(t *testing.T) {
	for _, test := range []struct {
		values []float32
		want   float64
	}{
		{nil, 0}, {[]float32{7}, 0}, {[]float32{1, 3}, 1}, {[]float32{1e8, 1e8 + 16}, 8}, {[]float32{0, 0, 3, 3}, 1.5},
	} {
		if got := (field.Plane{H: 1, W: len(test.values), Values: test.values}).Deviation(); got != test.want {
			t.Errorf("%v: deviation %v, want %v", test.values, got, test.want)
		}
	}
	if got := (field.Plane{H: 1, W: 2, Values: []float32{0, float32(math.NaN())}}).Deviation(); !math.IsNaN(got) {
		t.Errorf("deviation %v with a NaN among the values", got)
	}
}

func ExamplePlane() {
	p := field.New(2, 3)
	p.Set(1, 2, 4)
	lo, hi, _ := p.Range()
	fmt.Println(p.At(1, 2), lo, hi, p.Values)
	// Output: 4 0 4 [0 0 0 0 0 4]
}
