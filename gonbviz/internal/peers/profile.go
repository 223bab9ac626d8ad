package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/probe"
)

// layer is how long a network takes up to a layer.
type layer struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	// Window is what is computed of it, where that is no whole map.
	Window []int `json:"window,omitempty"`
	// Seconds of the network that ends with this layer.
	Seconds float64 `json:"seconds"`
	// Work is the multiply-adds of the layer, and of depthwise ones before it.
	Work float64 `json:"work"`
}

// profiles prints how long each layer takes.
func (c *forwardComparison) profiles(ctx context.Context, out io.Writer, end func()) error {
	t := table{
		title:   "Layers of gonbviz, each with what lies between it and the one before (times below 0 are noise)",
		columns: []string{"network", "batch", "layer", "shape", "ms", "to it", "million multiply-adds", "of peak"},
	}
	var peak float64
	for _, network := range c.models {
		p := c.open(ctx, ours, network)
		if p == nil {
			continue
		}
		for _, batch := range c.batches {
			c.show(fmt.Sprintf("%s, batch %d: layer by layer", network, batch))
			a, err := p.ask(request{Do: "profile", Batch: batch, Runs: c.rounds})
			if err != nil {
				c.leaveOut(network, err)
				break
			}
			peak = max(peak, a.Rate)
			before := 0.0
			for _, l := range a.Layers {
				took := l.Seconds - before
				before = l.Seconds
				var share any
				if l.Work > 0 && took > 0 {
					share = l.Work / took / a.Rate
				}
				t.add(network, batch, l.Name, fmt.Sprint(l.Shape), 1000*took, 1000*l.Seconds, l.Work/1e6, share)
			}
		}
		p.close()
	}
	end()
	c.left = append(c.left, fmt.Sprintf("peak: %.0f billion multiply-adds a second in a product of square matrices of 2048", peak/1e9))
	return c.finish(out, t)
}

// profile measures networks that end with each of the layers.
func (s *server) profile(ctx context.Context, q request) (answer, error) {
	recorded, err := s.probe.Recorded(q.Batch)
	if err != nil {
		return answer{}, err
	}
	var a answer
	if a.Rate, err = s.peakRate(ctx, q.Runs); err != nil {
		return a, err
	}
	var so []*graph.Node
	var since float64
	for _, n := range recorded.Nodes {
		w := work(recorded, n)
		since += w
		if n != recorded.Logits && (w == 0 || depthwise(recorded, n)) {
			continue
		}
		so = append(so, n)
		seconds, err := s.until(ctx, so, recorded, q)
		if err != nil {
			return a, err
		}
		a.Layers = append(a.Layers, layer{Name: n.Type().String(), Shape: n.Shape().Dimensions, Seconds: seconds, Work: since})
		since = 0
	}
	return a, nil
}

// depthwise reports whether each of a convolution's outputs sees one channel. Such a one is fused with what reads it, so
// it can't be measured by itself.
func depthwise(p *record.Program, n *graph.Node) bool {
	a, ok := p.Attributes(n).(record.Conv)
	return ok && n.Inputs()[1].Shape().Dimensions[a.Axes.KernelInputChannels] == 1
}

// work is the multiply-adds of a convolution or dense operation, for its whole batch; 0 for any other node.
func work(p *record.Program, n *graph.Node) float64 {
	switch a := p.Attributes(n).(type) {
	case record.Conv:
		kernel := n.Inputs()[1].Shape()
		return float64(n.Shape().Size()) * float64(kernel.Size()/kernel.Dimensions[a.Axes.KernelOutputChannels])
	case record.Dot:
		sum := 1
		for _, axis := range a.LeftContracting {
			sum *= n.Inputs()[0].Shape().Dimensions[axis]
		}
		return float64(n.Shape().Size()) * float64(sum)
	}
	return 0
}

// until is the least time of what computes the nodes so far, of each of which one value is asked for: that is enough to
// have a convolution or dense operation computed, and takes no time of its own.
func (s *server) until(ctx context.Context, so []*graph.Node, recorded *record.Program, q request) (float64, error) {
	shape := shapes.Make(dtypes.Float32, q.Batch, size, size, 3)
	program, err := s.probe.Program(fmt.Sprint("first ", len(so)), q.Batch, []shapes.Shape{shape},
		func(_ probe.Forward, in []*graph.Node) []*graph.Node {
			return []*graph.Node{oneOfEach(recorded.Replay(in[0], so, nil))}
		})
	if err != nil {
		return 0, err
	}
	return least(ctx, program, q.Runs, tensors.FromFlatDataAndDimensions(s.pictures[:shape.Size()], shape.Dimensions...))
}

// oneOfEach is one value of each node: that in the middle, as windows may hold anything where they go on beyond a map.
func oneOfEach(nodes []*graph.Node) *graph.Node {
	list := make([]*graph.Node, len(nodes))
	for i, n := range nodes {
		axes := make([]graph.SliceAxisSpec, n.Rank())
		for k := range axes {
			axes[k] = graph.AxisElem(n.Shape().Dimensions[k] / 2)
		}
		list[i] = graph.ConvertDType(graph.Reshape(graph.Slice(n, axes...), 1), dtypes.Float32)
	}
	return graph.Concatenate(list, 0)
}

// peakRate is how many multiply-adds a second the backend does in its best case.
func (s *server) peakRate(ctx context.Context, runs int) (float64, error) {
	const side = 2048
	shape := shapes.Make(dtypes.Float32, side, side)
	program, err := s.probe.Program("peak", 1, []shapes.Shape{shape, shape}, func(_ probe.Forward, in []*graph.Node) []*graph.Node {
		return []*graph.Node{graph.ReduceAllMax(graph.Dot(in[0], in[1]).Product())}
	})
	if err != nil {
		return 0, err
	}
	matrix := func() *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(slices.Clone(s.pictures[:side*side]), side, side)
	}
	seconds, err := least(ctx, program, runs, matrix(), matrix())
	return side * side * side / seconds, err
}

// least is the shortest of some runs of a program.
func least(ctx context.Context, program *probe.Program, runs int, inputs ...*tensors.Tensor) (float64, error) {
	seconds, err := leastOf(ctx, []*probe.Program{program}, runs, inputs...)
	if err != nil {
		return 0, err
	}
	return seconds[0], nil
}

// leastOf is the shortest of some runs of each program, which take turns.
func leastOf(ctx context.Context, programs []*probe.Program, runs int, inputs ...*tensors.Tensor) ([]float64, error) {
	shortest := make([]float64, len(programs))
	for i := range runs + 1 {
		for k, program := range programs {
			start := time.Now()
			if _, err := program.Run(ctx, inputs...); err != nil {
				return nil, err
			}
			if took := time.Since(start).Seconds(); i == 1 || i > 1 && took < shortest[k] { // the first warms up
				shortest[k] = took
			}
		}
	}
	return shortest, nil
}
