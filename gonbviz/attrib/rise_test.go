package attrib

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/progress"
	"github.com/convlens/convlens/models"
)

// enlarged is a value of the bilinear enlargement of cells × cells values to rows × cols, as libraries for images do it:
// the middles of pixels meet, the edge's values are repeated.
func enlarged(grid []float32, cells, rows, cols, y, x int) float64 {
	at := func(i, n int) (int, int, float64) {
		place := (float64(i)+0.5)/float64(n)*float64(cells) - 0.5
		low := math.Floor(place)
		clip := func(k float64) int { return int(math.Max(0, math.Min(k, float64(cells-1)))) }
		return clip(low), clip(low + 1), place - low
	}
	y0, y1, v := at(y, rows)
	x0, x1, u := at(x, cols)
	g := func(i, j int) float64 { return float64(grid[i*cells+j]) }
	return (1-v)*((1-u)*g(y0, x0)+u*g(y0, x1)) + v*((1-u)*g(y1, x0)+u*g(y1, x1))
}

func prepared(t *testing.T, net *models.Network, values []float32) *pixel.Prepared {
	t.Helper()
	return &pixel.Prepared{Values: values, Input: net.Input}
}

// TestRISE draws the masks by hand, asks about each picture by itself and adds up by the formula, on both backends.
func TestRISE(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		p, err := probe.Open(backend, net)
		if err != nil {
			t.Fatal(err)
		}
		values := testnet.Counting(14 * 19 * 3)
		picture := prepared(t, net, values)
		r := RISE{Class: "2", Score: Logit, Masks: 11, Cells: 4, Keep: 0.4, Fill: Constant(7), Seed: 5}
		a, err := r.Attribute(t.Context(), p, picture)
		if err != nil {
			t.Fatal(err)
		}
		v := veils{r, 14, 19}
		shown, scores, mean := make([][]float64, r.Masks), make([]float64, r.Masks), 0.0
		for i := range scores {
			grid, y0, x0 := v.draw(i)
			if y0 < 0 || y0 > 3 || x0 < 0 || x0 > 4 {
				t.Fatalf("a shift of %d, %d for cells of 4×5 pixels", y0, x0)
			}
			hidden := make([]float32, len(values))
			for y := range 14 {
				for x := range 19 {
					m := enlarged(grid, 4, 5*4, 5*5, y+y0, x+x0)
					shown[i] = append(shown[i], m)
					for c := range 3 {
						k := (y*19+x)*3 + c
						hidden[k] = float32(m*float64(values[k]) + (1-m)*7)
					}
				}
			}
			answer, err := p.Classify(t.Context(), prepared(t, net, hidden))
			if err != nil {
				t.Fatal(err)
			}
			scores[i] = float64(answer.Logits[2])
			mean += scores[i] / 11
		}
		largest := 0.0
		for _, s := range scores {
			largest = max(largest, math.Abs(s))
		}
		for pixel := range a.Map.Values {
			sum, squares := 0.0, 0.0
			for i, s := range scores {
				x := (s - mean) * shown[i][pixel] / 0.4
				sum, squares = sum+x, squares+x*x
			}
			deviation := math.Sqrt((squares - sum*sum/11) / 10 / 11)
			if got := float64(a.Map.Values[pixel]); math.Abs(got-sum/10) > 3e-5*largest {
				t.Fatalf("pixel %d is %v, want %v", pixel, got, sum/10)
			}
			if got := float64(a.Error.Values[pixel]); math.Abs(got-deviation) > 3e-5*largest {
				t.Fatalf("the error at pixel %d is %v, want %v", pixel, got, deviation)
			}
		}
		r.Batch = 4
		again, err := r.Attribute(t.Context(), p, picture)
		if err != nil || math.Abs(again.Clean-a.Clean) > 1e-5*largest {
			t.Errorf("with another batch: clean %v, %v; want %v", again.Clean, err, a.Clean)
		}
		r.Seed = 6
		if other, err := r.Attribute(t.Context(), p, picture); err != nil || slices.Equal(other.Map.Values, a.Map.Values) {
			t.Errorf("another seed finds the same, %v", err)
		}
	})
}

// TestRISEExpectation: of a sum of the picture's values times weights, the map's expectation is known, and the map lies
// about it as its error says.
func TestRISEExpectation(t *testing.T) {
	const side, cells, cell = 6, 3, 2
	net := testnet.Make("linear", testnet.Input(side, side, models.Gray), testnet.Weights{"/w": {side * side, 1}}, func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
		return graph.Dot(graph.Reshape(x, -1, side*side), get("/w")).Product()
	})
	weights := make([]float64, side*side)
	p, err := probe.Open(testbackend.Go(), net)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, side*side)
	for i := range values {
		values[i] = 1
		answer, err := p.Classify(t.Context(), prepared(t, net, values))
		if err != nil {
			t.Fatal(err)
		}
		values[i], weights[i] = 0, float64(answer.Logits[0])
	}
	for i := range values {
		values[i] = float32(i*i%11) - 5
	}
	r := RISE{Score: Logit, Masks: 2000, Cells: cells, Keep: 0.3, Fill: Zero}
	a, err := r.Attribute(t.Context(), p, prepared(t, net, values))
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for pixel := range values {
		// Cells are independent, so that two pixels of one mask vary together as their cells' parts do, over all shifts.
		want := 0.0
		for other := range values {
			for shift := range cell * cell {
				for k := range cells * cells {
					one := make([]float32, cells*cells)
					one[k] = 1
					part := func(i int) float64 {
						return enlarged(one, cells, (cells+1)*cell, (cells+1)*cell, i/side+shift/cell, i%side+shift%cell)
					}
					want += weights[other] * float64(values[other]) * part(pixel) * part(other) * (1 - 0.3) / (cell * cell)
				}
			}
		}
		z := (float64(a.Map.Values[pixel]) - want) / float64(a.Error.Values[pixel])
		if math.Abs(z) > 5 {
			t.Errorf("pixel %d is %v, want %v: off by %.1f errors", pixel, a.Map.Values[pixel], want, z)
		}
		total += z * z / side / side
	}
	if total > 3 || total < 0.1 {
		t.Errorf("the map is off by %.2f of its error, root mean square", math.Sqrt(total))
	}
}

// TestRISEStopped gives what is known when it is cancelled.
func TestRISEStopped(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	p, err := probe.Open(testbackend.Go(), net)
	if err != nil {
		t.Fatal(err)
	}
	picture := prepared(t, net, testnet.Counting(14*19*3))
	ctx, cancel := context.WithCancel(t.Context())
	ctx = progress.With(ctx, func(u progress.Update) {
		if u.Done == 5 {
			cancel()
		}
	})
	a, err := RISE{Seed: 1}.Attribute(ctx, p, picture)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "stopped at 5 of 1000") || a == nil {
		t.Fatalf("%v, %v", a, err)
	}
	want, err := RISE{Seed: 1, Masks: 5}.Attribute(t.Context(), p, picture)
	if err != nil || !slices.Equal(a.Map.Values, want.Map.Values) {
		t.Errorf("what five masks say differs from what is returned after five; %v", err)
	}
	for words, r := range map[string]RISE{
		"1 masks": {Masks: 1}, "15 cells": {Cells: 15}, "probability of 1": {Keep: 1}, "can't fill with inpaint": {Fill: Inpaint}, "batch of -1": {Batch: -1},
	} {
		if _, err := r.Attribute(t.Context(), p, picture); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want %q", err, words)
		}
	}
}
