package units_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/units"
)

// bank is a filter for each list of weights, h×w on one channel.
func bank(h, w int, filters ...[]float32) *probe.FilterBank {
	return &probe.FilterBank{Out: len(filters), In: 1, H: h, W: w, Weights: slices.Concat(filters...)}
}

func TestDead(t *testing.T) {
	nan := float32(math.NaN())
	b := bank(1, 2, []float32{0, 1e-10}, []float32{nan, nan}, []float32{0, 1})
	if got := units.Dead(b); !slices.Equal(got, []int{0}) {
		t.Errorf("dead are %v, want the first alone", got)
	}
}

func TestKernelRoughness(t *testing.T) {
	r := units.KernelRoughness(bank(2, 3,
		[]float32{0, 0, 0, 0, 0, 0},
		[]float32{7, 7, 7, 7, 7, 7},
		[]float32{1, 2, 3, 1, 2, 3},    // 4 pairs of 1, 3 of 0; deviations 4: 5·4/(2·7·4)
		[]float32{1, -1, 1, -1, 1, -1}, // a chessboard: 7 pairs of 4; deviations 6: 5·28/(2·7·6)
	))
	want := []float64{math.NaN(), 0, 5.0 / 14, 5.0 / 3}
	for i, c := range r.PerFilter {
		if math.Abs(c-want[i]) > 1e-12 || math.IsNaN(c) != math.IsNaN(want[i]) {
			t.Errorf("filter %d: %v, want %v", i, c, want[i])
		}
	}
	if mean := (want[1] + want[2] + want[3]) / 3; math.Abs(r.Mean-mean) > 1e-12 {
		t.Errorf("mean %v, want %v", r.Mean, mean)
	}
}

// TestShuffled shuffles weights many times: on average their roughness is 1, however they are distributed.
func TestShuffled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	weights := []float32{9, 1, 1, 2, 3, 3, 4, 0, 0, 0, 0, 1, 1, 2, 5}
	sum := 0.0
	const n = 20000
	for range n {
		random.Shuffle(len(weights), func(i, j int) { weights[i], weights[j] = weights[j], weights[i] })
		sum += units.KernelRoughness(bank(3, 5, weights)).Mean
	}
	if mean := sum / n; math.Abs(mean-1) > 0.01 {
		t.Errorf("mean roughness of shuffled weights %v, want 1", mean)
	}
}

// TestChannels gives a filter's channels different means, which must not count as roughness or smoothness.
func TestChannels(t *testing.T) {
	one := units.KernelRoughness(bank(2, 2, []float32{1, 2, 3, 4})).Mean
	two := units.KernelRoughness(&probe.FilterBank{Out: 1, In: 2, H: 2, W: 2, Weights: []float32{1, 2, 3, 4, 101, 102, 103, 104}}).Mean
	if math.Abs(one-two) > 1e-9 {
		t.Errorf("roughness %v of one channel, %v with another that is shifted", one, two)
	}
}

func TestNoNeighbours(t *testing.T) {
	r := units.KernelRoughness(bank(1, 1, []float32{3}, []float32{4}))
	if !math.IsNaN(r.PerFilter[0]) || !math.IsNaN(r.Mean) {
		t.Errorf("roughness of single weights: %v, mean %v", r.PerFilter, r.Mean)
	}
}

func ExampleDead() {
	b := &probe.FilterBank{Out: 3, In: 1, H: 1, W: 2, Weights: []float32{1, 2, 0, 1e-12, 0, 3}}
	fmt.Println(units.Dead(b))
	// Output: [1]
}

func ExampleKernelRoughness() {
	edge := []float32{-1, -1, 0, 1, 1, -1, -1, 0, 1, 1, -1, -1, 0, 1, 1}
	noise := []float32{1, -1, 1, 0, -1, -1, 1, 0, -1, 1, 1, -1, -1, 1, 0}
	b := &probe.FilterBank{Out: 2, In: 1, H: 3, W: 5, Weights: append(edge, noise...)}
	fmt.Printf("%.2f\n", units.KernelRoughness(b).PerFilter)
	// Output: [0.16 1.51]
}
