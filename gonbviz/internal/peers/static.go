package main

import (
	"image"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/windowed"
	"github.com/convlens/convlens/gonbviz/internal/windowed/plan"
	"github.com/convlens/convlens/gonbviz/probe"
)

// staticRatio is how many times fewer multiply-adds of convolutions and dense layers it takes to compute only what
// windows change, if one program, whose sizes fit each position, does it. Depthwise convolutions aren't counted.
func staticRatio(network *probe.Probe, windows []image.Rectangle) (float64, error) {
	recorded, err := network.Recorded(1)
	if err != nil {
		return 0, err
	}
	read := windowed.Read(recorded, []*graph.Node{recorded.Logits}, windowed.Costs{MultiplyAdd: 1})
	p := plan.Problem{Ops: read.Ops, Batch: 1, MostGroups: 1, Windows: true}
	addPositions(&p, windows)
	return p.Full().Cost / p.Solve()[0].Cost, nil
}

// addPositions makes each window a position of a problem.
func addPositions(p *plan.Problem, windows []image.Rectangle) {
	seen := [2]map[plan.Span]int{{}, {}}
	index := func(axis, low, high int) int {
		span := plan.Span{Lo: low, Hi: high}
		i, found := seen[axis][span]
		if !found {
			i = len(p.Spans[axis])
			seen[axis][span] = i
			p.Spans[axis] = append(p.Spans[axis], span)
		}
		return i
	}
	for _, w := range windows {
		p.Positions = append(p.Positions, [2]int{index(0, w.Min.Y, w.Max.Y), index(1, w.Min.X, w.Max.X)})
	}
}
