package windowed

import (
	"strings"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/internal/windowed/plan"
)

// Costs are what parts of the work take on a backend, in nanoseconds.
type Costs struct {
	// MultiplyAdd is one of a convolution or a dense layer, Value one value of any other operation, and Move one value of
	// a map that is put together.
	MultiplyAdd, Value, Move float64
	// Whole and Window are compiling one operation of a whole network, and of a windowed one.
	Whole, Window float64
	// Groups bounds the groups that positions are put into along an axis; 0 where computing in windows can't pay.
	Groups int
}

// CostsOn are those of a backend, by its name, as measured on two cores of a server processor. Their ratios are what
// matters.
func CostsOn(backend string) Costs {
	switch {
	case backend == gobackend.BackendName:
		return Costs{MultiplyAdd: 0.28, Value: 2, Move: 3, Whole: 1e5, Window: 3e5, Groups: 4}
	case strings.Contains(backend, "cpu"):
		return Costs{MultiplyAdd: 0.007, Value: 0.15, Move: 0.4, Whole: 2e6, Window: 3.5e6, Groups: 3}
	}
	return Costs{} // of graphics processors none was measured
}

// Problem is a plan's, without positions, for programs of a batch.
func (n *Network) Problem(c Costs, batch int) plan.Problem {
	return plan.Problem{Ops: n.Ops, Batch: batch, MostGroups: c.Groups, Compile: c.Window * float64(len(n.Ops))}
}

// fill notes what each operation costs.
func (c Costs) fill(n *Network) {
	for i := range n.nodes {
		op, node := &n.Ops[i], n.nodes[i]
		batch := float64(n.recorded.Picture.Shape().Dimensions[0])
		values := float64(node.Shape().Size()) / batch
		work := values * c.each(n.recorded, node)
		places := float64(op.Map[0] * op.Map[1])
		if places == 0 {
			op.All = work
			continue
		}
		op.Place, op.Read = work/places, values/places*c.Move
	}
}

// each is what one value of a node's output costs.
func (c Costs) each(p *record.Program, n *graph.Node) float64 {
	switch a := p.Attributes(n).(type) {
	case record.Conv:
		kernel := n.Inputs()[1].Shape()
		taps := float64(kernel.Size() / kernel.Dimensions[a.Axes.KernelOutputChannels])
		if kernel.Dimensions[a.Axes.KernelInputChannels] == 1 {
			return taps * c.Value // by values, not by matrix products
		}
		return taps*c.MultiplyAdd + c.Value
	case record.Dot:
		sum := 1
		for _, axis := range a.LeftContracting {
			sum *= n.Inputs()[0].Shape().Dimensions[axis]
		}
		return float64(sum)*c.MultiplyAdd + c.Value
	case record.Window:
		taps := 0
		for _, size := range a.Sizes {
			if size > 1 {
				taps += size
			}
		}
		return float64(taps) * c.Value
	case record.Reduce:
		return float64(n.Inputs()[0].Shape().Size()/max(n.Shape().Size(), 1)) * c.Value
	}
	if n == p.Picture || n.Type() == graph.NodeTypeReshape || n.Type() == graph.NodeTypeBroadcastInDim {
		return 0
	}
	return c.Value
}
