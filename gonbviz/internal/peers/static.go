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
	costs := windowed.Costs{MultiplyAdd: 1, Groups: 1}
	p := windowed.Read(recorded, []*graph.Node{recorded.Logits}, costs).Problem(costs, 1)
	p.Windows = true
	addPositions(&p, windows)
	return p.Full().Cost / p.Solve()[0].Cost, nil
}

// addPositions makes each window a position of a problem.
func addPositions(p *plan.Problem, windows []image.Rectangle) {
	for _, w := range windows {
		p.Add(plan.Span{Lo: w.Min.Y, Hi: w.Max.Y}, plan.Span{Lo: w.Min.X, Hi: w.Max.X})
	}
}
