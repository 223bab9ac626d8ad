package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/internal/windowed"
	"github.com/convlens/convlens/gonbviz/internal/windowed/plan"
	"github.com/convlens/convlens/gonbviz/probe"
)

// program is how long a program takes for one position, layer by layer.
type program struct {
	Positions int     `json:"positions"` // that it is for
	Batch     int     `json:"batch"`
	Compiling float64 `json:"compiling"` // seconds, with those for what is needed of the picture as it is
	Layers    []layer `json:"layers"`
}

// profiles prints where windows gain.
func (c *occlusionComparison) profiles(ctx context.Context, out io.Writer, end func()) error {
	t := table{
		title: fmt.Sprintf("Windows of gonbviz, stride %d, and all as a whole, for one position (times below 0 are noise)", c.stride),
		columns: []string{"network", "window", "group", "layer", "map", "computed",
			"million multiply-adds", "whole", "times fewer", "ms", "whole ms", "times quicker"},
		lead: 3,
	}
	for _, network := range c.models {
		p := c.open(ctx, ours, network)
		if p == nil {
			continue
		}
		for _, window := range c.windows {
			c.show(fmt.Sprintf("%s, window %d: layer by layer", network, window))
			a, err := p.ask(request{Do: "windows", Window: window, Stride: c.stride, Runs: c.rounds})
			if err != nil {
				c.leaveOut(fmt.Sprintf("%s, window %d", network, window), err)
				break
			}
			addPrograms(&t, network, window, a.Programs[0], a.Programs[1:])
		}
		p.close()
	}
	end()
	return c.finish(out, t)
}

// effort is what a part of a program costs for one position.
type effort struct{ work, seconds float64 }

func (e *effort) add(f effort, share float64) {
	e.work += f.work * share
	e.seconds += f.seconds * share
}

// efforts are those of a program's layers.
func (p program) efforts() []effort {
	list := make([]effort, len(p.Layers))
	before := 0.0
	for i, l := range p.Layers {
		list[i] = effort{l.Work, l.Seconds - before}
		before = l.Seconds
	}
	return list
}

// filled is how many places for positions a program's batches have, for each position: the picture as it is takes one,
// and some of the last batch stay empty.
func (p program) filled() float64 {
	return float64((p.Positions+p.Batch)/p.Batch*p.Batch) / float64(p.Positions)
}

// addPrograms adds a row for each layer of the programs of windows, and their sums, beside the whole program.
func addPrograms(t *table, network string, window int, whole program, groups []program) {
	row := func(group any, name, of, computed string, part, all effort) {
		var fewer, quicker any
		if part.work > 0 && all.work > 0 {
			fewer = all.work / part.work
		}
		if part.seconds > 0 && all.seconds > 0 {
			quicker = all.seconds / part.seconds
		}
		t.add(network, window, group, name, of, computed, part.work/1e6, all.work/1e6, fewer,
			1000*part.seconds, 1000*all.seconds, quicker)
	}
	inAll := whole.efforts()
	var sum, filled, compiling, wholeSum, wholeFilled effort
	for _, e := range inAll {
		wholeSum.add(e, 1)
		wholeFilled.add(e, whole.filled())
	}
	for g, p := range groups {
		share := float64(p.Positions) / float64(whole.Positions)
		compiling.seconds += p.Compiling / float64(whole.Positions)
		var group any
		if len(groups) > 1 {
			group = fmt.Sprintf("%d: %d of %d", g+1, p.Positions, whole.Positions)
		}
		for i, e := range p.efforts() {
			l := p.Layers[i]
			computed := "whole"
			if l.Window != nil {
				computed = times(l.Window)
			}
			row(group, l.Name, times(l.Shape), computed, e, inAll[i])
			sum.add(e, share)
			filled.add(e, share*p.filled())
		}
	}
	var all any
	if len(groups) > 1 {
		all = "all"
	}
	row(all, "sum", "", "", sum, wholeSum)
	row(all, fmt.Sprintf("in batches of %d, whole of %d", groups[0].Batch, whole.Batch), "", "", filled, wholeFilled)
	row(all, "compiling", "", "", compiling, effort{seconds: whole.Compiling / float64(whole.Positions)})
}

// times writes sizes as 3×3.
func times(sizes []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(sizes), "[]"), " ", "×")
}

// windowsOf are the hidden windows, by Captum's rule.
func windowsOf(window, stride int) []image.Rectangle {
	var list []image.Rectangle
	n := positions(window, stride)
	for y := range n {
		for x := range n {
			w := image.Rect(0, 0, window, window).Add(image.Pt(x*stride, y*stride))
			list = append(list, w.Intersect(image.Rect(0, 0, size, size)))
		}
	}
	return list
}

// windows measures the layers of the programs that occlusion is planned with, and of the one that computes all as a
// whole, in the batches that occlusion chooses for each.
func (s *server) windows(ctx context.Context, q request) (answer, error) {
	var a answer
	for _, exact := range []attrib.Exact{attrib.Full, attrib.Incremental} {
		batch, err := s.batchOf(ctx, exact)
		if err != nil {
			return answer{}, err
		}
		b, groups, err := s.plan(q, batch, exact)
		if err != nil {
			return answer{}, err
		}
		for _, g := range groups {
			if exact == attrib.Incremental && !g.Windowed[0] {
				return answer{}, fmt.Errorf("nothing is computed in windows on %s", s.probe.BackendName())
			}
			p, err := b.profile(ctx, g, q.Runs)
			if err != nil {
				return answer{}, err
			}
			a.Programs = append(a.Programs, p)
		}
	}
	return a, nil
}

// batchOf is the batch that occlusion chooses, at one position.
func (s *server) batchOf(ctx context.Context, exact attrib.Exact) (int, error) {
	r, err := s.attribute(ctx, attrib.Occlusion{Exact: exact, Region: image.Rect(0, 0, 32, 32), Window: attrib.Pixels(32)})
	if err != nil {
		return 0, err
	}
	return r.Batch, nil
}

// bench is where programs of a network are measured.
type bench struct {
	server   *server
	recorded *record.Program
	net      *windowed.Network
	problem  plan.Problem
}

// plan plans as occlusion does.
func (s *server) plan(q request, batch int, exact attrib.Exact) (*bench, []plan.Group, error) {
	recorded, err := s.probe.Recorded(batch)
	if err != nil {
		return nil, nil, err
	}
	costs := windowed.CostsOn(s.probe.BackendName())
	net := windowed.Read(recorded, []*graph.Node{recorded.Logits}, costs)
	p := net.Problem(costs, batch)
	p.Windows = true
	addPositions(&p, windowsOf(q.Window, q.Stride))
	b := &bench{s, recorded, net, p}
	if exact == attrib.Full || costs.Groups == 0 {
		return b, []plan.Group{p.Full()}, nil
	}
	return b, p.Solve(), nil
}

// profile measures programs that end with each of the layers.
func (b *bench) profile(ctx context.Context, g plan.Group, runs int) (program, error) {
	p := program{Positions: len(g.Positions), Batch: b.problem.Batch}
	inputs, compiling, err := b.inputs(ctx, g)
	if err != nil {
		return p, err
	}
	layers, ops := b.layers(g.Layout)
	programs := make([]*probe.Program, len(layers))
	for i := range layers {
		if programs[i], err = b.until(g.Layout, ops[:i+1], inputs); err != nil {
			return p, err
		}
	}
	seconds, err := leastOf(ctx, programs, runs, inputs...)
	if err != nil {
		return p, err
	}
	for i := range layers {
		layers[i].Seconds = seconds[i] / float64(p.Batch)
	}
	p.Layers = layers
	p.Compiling = (compiling + programs[len(programs)-1].Compiling).Seconds()
	return p, nil
}

// layers are the layers as a layout computes them, without times, and the operations that they are: convolutions, with
// depthwise ones before them, dense ones and, behind them, the logits.
func (b *bench) layers(l *plan.Layout) (list []layer, ops []int) {
	names := b.names()
	since := 0.0
	for i := range b.net.Ops[:len(b.net.Ops)-1] { // the last wants the targets
		node := b.net.Node(i)
		w := work(b.recorded, node) / float64(b.problem.Batch)
		if l.Windowed[i] && w > 0 {
			w = w * float64(l.Size[i][0]*l.Size[i][1]) / float64(l.Ops[i].Map[0]*l.Ops[i].Map[1])
		}
		since += w
		if node != b.recorded.Logits && (w == 0 || depthwise(b.recorded, node)) {
			continue
		}
		made := layer{Name: names[node], Shape: node.Shape().Dimensions[1:], Work: since}
		if l.Windowed[i] {
			made.Window = l.Size[i][:]
		}
		list, ops, since = append(list, made), append(ops, i), 0
	}
	return list, ops
}

// names are those of convolutions and dense layers as the network has them, of other nodes their type.
func (b *bench) names() map[*graph.Node]string {
	names := map[*graph.Node]string{}
	var nodes []*graph.Node
	for _, n := range b.recorded.Nodes {
		names[n] = n.Type().String()
		if work(b.recorded, n) > 0 {
			nodes = append(nodes, n)
		}
	}
	layers := slices.DeleteFunc(b.server.probe.Layers(), func(l probe.Layer) bool {
		return l.Kind != probe.Conv && l.Kind != probe.Dense
	})
	if len(layers) == len(nodes) {
		for i, n := range nodes {
			names[n] = layers[i].Name
		}
	}
	return names
}

// until compiles what computes some operations of a layout, of each of which one value is asked for.
func (b *bench) until(l *plan.Layout, ops []int, inputs []*tensors.Tensor) (*probe.Program, error) {
	list := make([]shapes.Shape, len(inputs))
	for i, t := range inputs {
		list[i] = t.Shape()
	}
	key := fmt.Sprint("first ", len(ops), " of ", l.Key())
	return b.server.probe.Rewrite(key, b.problem.Batch, list, func(_ *record.Program, in []*graph.Node) []*graph.Node {
		w := windowed.Inputs{Input: in[0], Clean: map[int]*graph.Node{}, Places: in[1 : 1+len(l.Reads)]}
		for k, i := range b.net.Clean(l) {
			w.Clean[i] = in[1+len(l.Reads)+k]
		}
		_, made := b.net.Build(l, w)
		some := make([]*graph.Node, len(ops))
		for k, i := range ops {
			some[k] = made[i]
		}
		return []*graph.Node{oneOfEach(some)}
	})
}

// inputs are a program's: the input's windows or, where it has none, pictures; the places that each of the layout's
// reads is put together from; the maps of the unchanged picture, whose program takes some compiling too.
func (b *bench) inputs(ctx context.Context, g plan.Group) (list []*tensors.Tensor, compiling time.Duration, err error) {
	batch, side := b.problem.Batch, [2]int{size, size}
	if g.Windowed[0] {
		side = g.Size[0]
	}
	values := b.server.pictures[:batch*side[0]*side[1]*3]
	list = []*tensors.Tensor{tensors.FromFlatDataAndDimensions(values, batch, side[0], side[1], 3)}
	for k, r := range g.Reads {
		area := r.Size[0] * r.Size[1]
		places := make([]int32, batch*area)
		for nth := range batch {
			at := b.problem.Positions[g.Positions[nth*len(g.Positions)/batch]]
			g.Places(k, at[0], at[1], nth, places[nth*area:(nth+1)*area])
		}
		list = append(list, tensors.FromFlatDataAndDimensions(places, batch, r.Size[0], r.Size[1]))
	}
	needs := b.net.Clean(g.Layout)
	if len(needs) == 0 {
		return list, 0, nil
	}
	picture := tensors.FromFlatDataAndDimensions(b.server.pictures[:size*size*3], 1, size, size, 3)
	clean, err := b.server.probe.Rewrite(fmt.Sprint("clean ", needs), 1, []shapes.Shape{shapes.Make(dtypes.Float32, 1, size, size, 3)},
		func(one *record.Program, in []*graph.Node) []*graph.Node { return b.net.BuildClean(one, in[0], needs) })
	if err != nil {
		return nil, 0, err
	}
	maps, err := clean.Call(ctx, picture)
	return append(list, maps...), clean.Compiling, err
}
