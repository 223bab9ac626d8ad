package attrib_test

import (
	"image"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
)

// TestFocus works out shares of 8 by hand, in a map with a value against the class and one that is not known.
func TestFocus(t *testing.T) {
	nan := float32(math.NaN())
	a := &attrib.Attribution{Map: &field.Plane{H: 2, W: 4, Values: []float32{1, 2, -5, nan, 0, 3, 2, 0}}}
	box, err := a.InBox(image.Rect(0, 0, 2, 2))
	if err != nil || box.Share != 6.0/8 || box.Area != 0.5 || box.Times() != 1.5 || box.Box != image.Rect(0, 0, 2, 2) {
		t.Errorf("box %+v, %v", box, err)
	}
	mask, err := a.InMask(field.Plane{H: 2, W: 4, Values: []float32{0, 0.5, 1, 1, 0, 0, 1, 0}})
	if err != nil || mask.Share != 3.0/8 || mask.Area != 3.5/8 || !mask.Box.Empty() {
		t.Errorf("mask %+v, %v", mask, err)
	}
	for share, want := range map[float64]float64{0.01: 3.0 / 8, 0.125: 3.0 / 8, 0.25: 5.0 / 8, 0.5: 1, 1: 1} {
		got, err := a.InStrongest(share)
		if err != nil || got.Share != want || got.Strongest != share || got.Area < share-1.0/16 {
			t.Errorf("the strongest %v: %+v, %v", share, got, err)
		}
	}
	if two, _ := a.InStrongest(0.25); !slices.Equal(two.Inside.Values, []float32{0, 1, 0, 0, 0, 1, 0, 0}) {
		t.Errorf("the strongest two, of equals the first: %v", two.Inside.Values)
	}
}

func TestFocusErrors(t *testing.T) {
	a := &attrib.Attribution{Map: &field.Plane{H: 1, W: 2, Values: []float32{1, 0}}}
	against := &attrib.Attribution{Map: &field.Plane{H: 1, W: 2, Values: []float32{-1, 0}}}
	mask := func(a *attrib.Attribution, w int, values ...float32) error {
		_, err := a.InMask(field.Plane{H: 1, W: w, Values: values})
		return err
	}
	strongest := func(a *attrib.Attribution, share float64) error {
		_, err := a.InStrongest(share)
		return err
	}
	for want, errs := range map[string][]error{
		"a mask of 3×1 for an input of 2×1": {mask(a, 3, 1, 1, 1)},
		"holds numbers from 0 to 1":         {mask(a, 2, 2, 0), mask(a, 2, 1, -1), mask(a, 2, 1, float32(math.NaN()))},
		"no pixel lies inside":              {mask(a, 2, 0, 0)},
		"nothing in this map supports":      {mask(against, 2, 1, 1), strongest(against, 0.5)},
		"give a share above 0":              {strongest(a, 0), strongest(a, 1.1), strongest(a, math.NaN())},
		"has no map":                        {mask(&attrib.Attribution{}, 2, 1, 1), strongest(&attrib.Attribution{}, 0.5)},
	} {
		for _, err := range errs {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q", err, want)
			}
		}
	}
}

// TestExtremes takes positions of a network worked out by hand: the drop of each pixel is known (see TestOcclusionExact).
func TestExtremes(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Exact()
		a := attribute(t, open(t, backend, net), array(t, net, testnet.Counting(16)), exact)
		numbers := func(list []attrib.Extreme) (positions []int) {
			for i, e := range list {
				positions = append(positions, e.Position)
				if e.Window != a.Grid.Windows[e.Position] || float32(e.Drop) != a.Grid.Drop.Values[e.Position] ||
					float32(e.Probability) != a.Grid.Probability.Values[e.Position] || e.Best != a.Grid.Best[e.Position] || e.Label != net.Label(e.Best) {
					t.Errorf("%d: %+v", i, e)
				}
				if e.BestProbability < e.Probability || e.BestProbability < 0.5 || e.BestProbability > 1 {
					t.Errorf("%d: the best of two classes has the probability %v, the explained one %v", i, e.BestProbability, e.Probability)
				}
			}
			return positions
		}
		for _, test := range []struct {
			got  []attrib.Extreme
			want []int
		}{
			{a.Grid.Strongest(4, false), []int{10, 14, 9, 13}}, {a.Grid.Weakest(5, false), []int{0, 4, 15, 1, 2}},
			{a.Grid.Strongest(0, true), nil}, {a.Grid.Strongest(99, true)[:2], []int{10, 14}},
		} {
			if got := numbers(test.got); !slices.Equal(got, test.want) {
				t.Errorf("positions %v, want %v", got, test.want)
			}
		}
		if n := len(a.Grid.Strongest(99, false)); n != 16 {
			t.Errorf("%d positions of 16", n)
		}
	})
}

// TestApart passes over what overlaps, and over what was not asked.
func TestApart(t *testing.T) {
	o := attrib.Occlusion{Score: attrib.Logit, Window: attrib.Pixels(3), Stride: attrib.Pixels(1)}
	part, _, err := stopped(t, testbackend.Go(), o, 100)
	if err == nil {
		t.Fatal("not stopped")
	}
	for _, list := range [][]attrib.Extreme{part.Grid.Strongest(5, true), part.Grid.Weakest(5, true)} {
		for i, e := range list {
			if e.Best < 0 || math.IsNaN(e.Drop) {
				t.Errorf("position %d was not asked", e.Position)
			}
			for _, other := range list[:i] {
				if e.Window.Overlaps(other.Window) {
					t.Errorf("%v overlaps %v", e.Window, other.Window)
				}
			}
		}
		if len(list) != 5 {
			t.Errorf("%d positions", len(list))
		}
	}
}
