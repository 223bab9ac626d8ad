package attrib

import (
	"cmp"
	"image"
	"math"
	"slices"
)

// Extreme is a position at which hiding matters much, or least.
type Extreme struct {
	// Position is its number, row by row, and Window what is hidden there.
	Position int
	Window   image.Rectangle
	// Drop of the score and Probability of the class while it is hidden.
	Drop, Probability float64
	// Best is the most probable class then, with its label and its probability.
	Best            int
	Label           string
	BestProbability float64
}

// Strongest lists the n positions with the largest drops, the largest first and of equals the first one; fewer where
// there are no more. With apart set it passes over windows that overlap one that it lists: neighbours tell nearly the
// same.
func (g *Grid) Strongest(n int, apart bool) []Extreme {
	return g.extremes(n, apart, func(i, j int) int { return cmp.Compare(g.Drop.Values[j], g.Drop.Values[i]) })
}

// Weakest lists the n positions with the smallest drops in the same way: at negative ones what is hidden speaks against
// the class.
func (g *Grid) Weakest(n int, apart bool) []Extreme {
	return g.extremes(n, apart, func(i, j int) int { return cmp.Compare(g.Drop.Values[i], g.Drop.Values[j]) })
}

func (g *Grid) extremes(n int, apart bool, before func(i, j int) int) []Extreme {
	var order []int
	for i, v := range g.Drop.Values {
		if !math.IsNaN(float64(v)) { // it was asked
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, before)
	var list []Extreme
	for _, i := range order {
		if len(list) >= n {
			break
		}
		overlaps := func(e Extreme) bool { return e.Window.Overlaps(g.Windows[i]) }
		if !apart || !slices.ContainsFunc(list, overlaps) {
			list = append(list, g.extreme(i))
		}
	}
	return list
}

func (g *Grid) extreme(i int) Extreme {
	e := Extreme{Position: i, Window: g.Windows[i], Drop: float64(g.Drop.Values[i]), Probability: float64(g.Probability.Values[i])}
	e.Best, e.BestProbability = g.Best[i], float64(g.BestProbability.Values[i])
	e.Label = g.Labels[e.Best]
	return e
}
