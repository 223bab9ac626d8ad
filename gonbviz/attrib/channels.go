package attrib

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/internal/record"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/progress"
)

// Silence says what the values of a channel become.
type Silence string

// The ways to silence a channel. An empty Silence is ToZero.
const (
	// ToZero makes all of them 0.
	ToZero Silence = "zero"
	// ToMean makes each the mean over the channel's map, so that what the map says of places is lost and its size is not.
	// In a layer without places nothing changes by it.
	ToMean Silence = "mean"
)

// ChannelAblation silences one channel of an inner layer after the other and runs the rest of the network each time:
//
//	value(channel) = score(picture) − score(picture, the channel silenced)
//
// It tells which filters an answer rests on (A. S. Morcos, D. G. T. Barrett, N. C. Rabinowitz and M. Botvinick, On the
// Importance of Single Directions for Generalization, 2018, section 2.3, of one picture and class).
type ChannelAblation struct {
	// Layer is a name as in the layer table. It is silenced where probe.Maps reads it: after the normalisation and the
	// activation function that follow it.
	Layer string
	// Class is explained: a label that matches exactly, else an index. Empty stands for the network's best class, of
	// equals the one with the lowest index.
	Class string
	// Score is what is measured of the class: Probability as a default.
	Score Score
	// To is what a silenced channel's values become: ToZero as a default.
	To Silence
	// Batch is how many channels are silenced at once, each in a run of its own, as Occlusion's.
	Batch int
}

// Channels is what the network answered with each channel of a layer silenced.
type Channels struct {
	// Layer is where channels were silenced; its name may differ from the one asked for ("conv1/relu" for "conv1").
	Layer string
	// Unasked is how many channels were not silenced because the work was stopped: 0 where it was not. What follows is then
	// of the channels before them.
	Unasked int
	// Drop by channel is the clean score less the score with the channel silenced: positive where it supported the class.
	Drop []float32
	// Probability of the class, and the most probable class, with each channel silenced. Labels names those classes.
	Probability []float32
	Best        []int
	Labels      map[int]string
	// Order lists the channels by falling drop, of equals the lowest first.
	Order []int
	// Maps are what the first channels in Order answer to the picture as it is, at most MostMaps of them; of 1×1 in a layer
	// without places.
	Maps []field.Plane
}

// MostMaps is how many maps Channels keeps.
const MostMaps = 12

func (c ChannelAblation) complete() (ChannelAblation, error) {
	c.Score, _ = c.Score.check()
	if c.To == "" {
		c.To = ToZero
	}
	return c, c.Check()
}

// Settled fills in the defaults and chooses the batch.
func (c ChannelAblation) Settled(network *probe.Probe) (settled Method, batch int, err error) {
	if c, err = c.complete(); err != nil {
		return nil, 0, err
	}
	c.Batch = chooseBatch(network, c.Batch, Full)
	return c, c.Batch, nil
}

// Attribute runs the network from the layer on, once for each channel. The Attribution has Channels, and neither Map nor
// Grid. An unknown layer or class is an error, and so is a layer whose values have no one axis for channels.
//
// When ctx is cancelled, what is known of the first channels is returned beside the error, or nil where that is nothing.
func (c ChannelAblation) Attribute(ctx context.Context, network *probe.Probe, picture *pixel.Prepared) (*Attribution, error) {
	start := time.Now()
	net := network.Network()
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	if err := network.CheckPicture(picture); err != nil {
		return nil, err
	}
	class, err := classOf(network, c.Class)
	if err != nil {
		return nil, err
	}
	c.Batch = chooseBatch(network, c.Batch, Full)
	progress.Report(ctx, progress.Update{Name: "Channels", Stage: fmt.Sprintf("compiling for %d channels at once", c.Batch)})
	s, err := c.silencer(ctx, network, picture)
	if err != nil {
		return nil, err
	}
	defer probe.Free(s.inputs)
	a := &Attribution{
		Method: "channel ablation", Options: []Option{{"layer", s.point.Layer.Name}, {"to", string(c.To)}},
		Network: net.Name, Backend: network.BackendName(), Guessed: net.Guessed, Notice: net.Notice, Picture: picture,
		Class: class, Score: c.Score, Batch: c.Batch,
		Channels: &Channels{Layer: s.point.Layer.Name, Labels: map[int]string{}},
	}
	err = s.all(ctx, a, net.Label)
	if err != nil && (ctx.Err() == nil || len(a.Channels.Drop) == 0) {
		return nil, err
	}
	a = s.ranked(a)
	a.CompileSeconds, a.Seconds, a.PeakMemory = s.compiling.Seconds(), time.Since(start).Seconds(), peakMemory()
	return a, err
}

// silencer runs a network with channels of a layer silenced.
type silencer struct {
	point     probe.Point
	program   *probe.Program
	inputs    []*tensors.Tensor // the picture, the layer's values for it, and what a silenced channel becomes, by channel
	maps      []field.Plane     // the layer's values by channel
	batch     int
	compiling time.Duration
}

func (c ChannelAblation) silencer(ctx context.Context, network *probe.Probe, picture *pixel.Prepared) (*silencer, error) {
	in := network.Network().Input
	shown := tensors.FromFlatDataAndDimensions(picture.Values, 1, in.Height, in.Width, in.Channels())
	s := &silencer{batch: c.Batch, inputs: []*tensors.Tensor{shown}}
	one, err := network.Point(c.Layer, 1)
	if err != nil {
		return nil, err
	}
	if s.point, err = network.Point(c.Layer, c.Batch); err != nil {
		return nil, err
	}
	axis, channels := one.Channels()
	if axis < 0 {
		return nil, fmt.Errorf("attrib: the values of layer %q have no one axis for channels", one.Layer.Name)
	}
	start := time.Now()
	key := fmt.Sprintf("silence %q %s", one.Layer.Name, c.To)
	capture, err := network.Rewrite(key, 1, []shapes.Shape{shown.Shape()}, func(recorded *record.Program, in []*graph.Node) []*graph.Node {
		value := recorded.Replay(in[0], []*graph.Node{one.Node}, nil)[0]
		return []*graph.Node{value, c.to(value, axis), one.ChannelsFirst(value)}
	})
	if err != nil {
		return nil, err
	}
	captured, err := capture.Call(ctx, shown)
	if err != nil {
		return nil, err
	}
	err = s.keepMaps(captured[2], channels)
	probe.Free(captured[2:])
	if err != nil {
		return nil, err
	}
	s.inputs = append(s.inputs, captured[:2]...)
	list := []shapes.Shape{shown.Shape(), captured[0].Shape(), captured[1].Shape(), shapes.Make(dtypes.Int32, c.Batch)}
	key = fmt.Sprintf("silenced %q", one.Layer.Name)
	s.program, err = network.Rewrite(key, c.Batch, list, func(recorded *record.Program, in []*graph.Node) []*graph.Node {
		return []*graph.Node{s.build(recorded, in, axis)}
	})
	s.compiling = time.Since(start)
	return s, err
}

// to is by channel what its values become.
func (c ChannelAblation) to(value *graph.Node, axis int) *graph.Node {
	var others []int
	for i := range value.Rank() {
		if i != axis {
			others = append(others, i)
		}
	}
	mean := graph.ReduceMean(value, others...)
	if c.To == ToZero {
		return graph.ZerosLike(mean)
	}
	return mean
}

// build is the rest of the network on the layer's values, in each of which one channel is silenced: the picture, the
// values, what silenced ones become, and each one's channel; none with −1.
func (s *silencer) build(recorded *record.Program, in []*graph.Node, axis int) *graph.Node {
	dims := slices.Clone(s.point.Node.Shape().Dimensions)
	spread := func(x *graph.Node, axis int) *graph.Node {
		return graph.ExpandAndBroadcast(x, dims, without(len(dims), axis))
	}
	silent := graph.Equal(graph.Iota(in[0].Graph(), shapes.Make(dtypes.Int32, dims...), axis), spread(in[3], 0))
	value := graph.Where(silent, spread(in[2], axis), graph.BroadcastToDims(in[1], dims...))
	pictures := graph.BroadcastToDims(in[0], append([]int{s.batch}, in[0].Shape().Dimensions[1:]...)...)
	made := recorded.Replay(pictures, []*graph.Node{recorded.Logits}, func(n *graph.Node, _ []*graph.Node) *graph.Node {
		if n == s.point.Node {
			return value
		}
		return nil
	})
	// The pure-Go backend fails where its output is older than operations that it doesn't need, as where the layer is the
	// last one. Adding 0 makes the output the newest.
	return graph.AddScalar(graph.ConvertDType(made[0], dtypes.Float32), 0)
}

// without lists the axes of n but one.
func without(n, axis int) []int { return slices.Delete(count(n), axis, axis+1) }

// keepMaps reads the layer's values by channel.
func (s *silencer) keepMaps(values *tensors.Tensor, channels int) error {
	flat, err := tensors.CopyFlatData[float32](values)
	if err != nil {
		return fmt.Errorf("attrib: %w", err)
	}
	height, width, ok := s.point.Places()
	if !ok {
		height, width = 1, 1
	}
	for c := range channels {
		s.maps = append(s.maps, field.Plane{H: height, W: width, Values: flat[c*height*width : (c+1)*height*width]})
	}
	return nil
}

// all asks with each channel silenced, and with none, which is what the others are compared with.
func (s *silencer) all(ctx context.Context, a *Attribution, label func(int) string) error {
	c := a.Channels
	for from := -1; from < len(s.maps); from += s.batch {
		channels := make([]int32, s.batch)
		for i := range channels {
			if channels[i] = int32(from + i); from+i >= len(s.maps) {
				channels[i] = -1
			}
		}
		silent := tensors.FromFlatDataAndDimensions(channels, s.batch)
		out, err := s.program.Run(ctx, append(slices.Clone(s.inputs), silent)...)
		silent.MustFinalizeAll()
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("channel ablation stopped at %d of %d channels: %w", len(c.Drop), len(s.maps), ctx.Err())
		}
		if err != nil {
			return err
		}
		n := len(out[0]) / s.batch
		for i := range min(s.batch, len(s.maps)-from) {
			a.noteChannel(from+i, out[0][i*n:(i+1)*n], label)
		}
		u := progress.Update{Name: "Channels", Done: len(c.Drop), Total: len(s.maps), Unit: "channels"}
		if u.Done > 0 {
			u.Preview = func() any { return s.ranked(a) }
		}
		progress.Report(ctx, u)
	}
	return nil
}

// noteChannel takes down the logits with a channel silenced, or with none as the first.
func (a *Attribution) noteChannel(channel int, logits []float32, label func(int) string) {
	c, p := a.Channels, probe.Probabilities(logits)
	if channel < 0 {
		if a.Class < 0 {
			a.Class = probe.Best(logits)
		}
		a.Label = label(a.Class)
		a.Clean, a.CleanProbability = a.Score.of(a.Class, logits, p), p[a.Class]
		c.Labels[a.Class] = a.Label
		return
	}
	best := probe.Best(logits)
	c.Labels[best] = label(best)
	c.Drop = append(c.Drop, float32(a.Clean-a.Score.of(a.Class, logits, p))+0) // no −0
	c.Probability, c.Best = append(c.Probability, float32(p[a.Class])), append(c.Best, best)
}

// ranked is a with the channels known so far in order, and the maps of the first.
func (s *silencer) ranked(a *Attribution) *Attribution {
	b, c := *a, *a.Channels
	c.Labels, c.Unasked = maps.Clone(c.Labels), len(s.maps)-len(c.Drop)
	c.Order = count(len(c.Drop))
	slices.SortStableFunc(c.Order, func(i, j int) int { return cmp.Compare(c.Drop[j], c.Drop[i]) })
	for _, channel := range c.Order[:min(MostMaps, len(c.Order))] {
		c.Maps = append(c.Maps, s.maps[channel])
	}
	b.Channels = &c
	return &b
}
