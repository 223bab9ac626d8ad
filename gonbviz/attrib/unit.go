package attrib

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/probe"
)

// Unit is a channel of an inner layer, or one value in it. Its zero value stands for none.
type Unit struct {
	// Layer is a name as in the layer table; it is read as probe.Maps reads it, after the normalisation and the activation
	// function that follow it.
	Layer string
	// Channel counts from 0; in a layer without places it is a unit.
	Channel int
	// At picks the value at Row and Column, from 0 on, of the channel's map, in place of the mean over that map.
	At          bool
	Row, Column int
}

// String names the unit: "fire5, channel 7 at row 3, column 4".
func (u Unit) String() string {
	text := fmt.Sprintf("%s, channel %d", u.Layer, u.Channel)
	if u.At {
		text += fmt.Sprintf(" at row %d, column %d", u.Row, u.Column)
	}
	return text
}

// check refuses what the layer doesn't have.
func (u Unit) check(point probe.Point) error {
	axis, channels := point.Channels()
	height, width, maps := point.Places()
	switch {
	case axis < 0:
		return wrong("unit", "the values of layer %q have no one axis for channels", u.Layer)
	case u.Channel < 0 || u.Channel >= channels:
		return wrong("unit", "layer %q has no channel %d; there are %d, from 0 on", u.Layer, u.Channel, channels)
	case u.At && !maps:
		return wrong("unit", "layer %q has no rows and columns", u.Layer)
	case u.At && (u.Row < 0 || u.Row >= height || u.Column < 0 || u.Column >= width):
		return wrong("unit", "layer %q has maps of %d×%d, without a row %d, column %d", u.Layer, height, width, u.Row, u.Column)
	}
	return nil
}

// read is the unit's value in what became of its layer: float32 of [batch, 1].
func (u Unit) read(point probe.Point, made *graph.Node) *graph.Node {
	x := point.ChannelsFirst(made)
	one := func(axis, i int) {
		specs := make([]graph.SliceAxisSpec, x.Rank())
		for k := range specs {
			specs[k] = graph.AxisRange()
		}
		specs[axis] = graph.AxisRange(i, i+1)
		x = graph.Slice(x, specs...)
	}
	one(1, u.Channel)
	switch {
	case u.At:
		one(2, u.Row)
		one(3, u.Column)
	case x.Rank() > 2:
		x = graph.ReduceMean(x, 2, 3)
	}
	return graph.Reshape(graph.ConvertDType(x, dtypes.Float32), -1, 1)
}
