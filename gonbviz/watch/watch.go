// Package watch looks on while GoMLX trains a network: its loss, the filters of a layer, and the maps that it answers
// to a picture with, drawn in place below a notebook's cell. What was seen stays: Strip shows the filters at several
// moments, from the noise that they began as.
//
//	w := watch.New(network, watch.Options{Picture: digit})
//	w.Attach(loop)             // a *train.Loop
//	_, err := loop.RunSteps(ds, 400)
//	gonbviz.Show(w.Strip())
//
// The network is the one that is trained: its Logits the trainer's function, its Store the trainer's. Nothing in it has
// to be annotated, and training goes as it would without being watched: the same numbers come out.
//
// What it costs: each step, reading a number; every Options.Every steps, copying the filters that are kept; and in a
// notebook, four times a second at most, a pass of one picture through the network and some milliseconds of drawing. The
// program for that pass is compiled once, in a fraction of a second on XLA. Memory is bounded, however long it trains.
package watch

import (
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/convlens/convlens/gonbviz/notebook"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
)

// Options say what to look at. Its zero value is the first convolution, every 20 steps.
type Options struct {
	// Every is the number of steps between two looks; 0: 20.
	Every int
	// Layer is the convolution whose filters are shown; empty: the first.
	Layer string
	// Filters is how many of its filters are kept and shown, the first ones; 0: 16.
	Filters int
	// Picture is what the network is asked about while it learns; nil: nothing.
	Picture image.Image
	// Maps are the layers whose answers to it are shown; empty: Layer.
	Maps []string
	// Top is how many maps are shown of each, in order of the channels; 0: 12.
	Top int
	// Moments is how many moments a Strip has; 0: 8.
	Moments int
	// Log draws the loss on a logarithmic axis.
	Log bool
	// Context ends the training where it is cancelled: the loop then returns its error, context.Canceled. nil: in a
	// notebook the kernel's interrupt does so, elsewhere nothing.
	Context context.Context
}

// Frame is what was seen at a moment.
type Frame struct {
	// Step is the number of steps that the training had made, in this run of the program and before.
	Step int
	// Filters are those that are kept, as they were then.
	Filters *probe.FilterBank
	look    int // which look it was, from 0
}

// Watch looks on while a network is trained. It is to be used from the goroutine that trains.
type Watch struct {
	network *models.Network
	options Options

	loss   losses
	frames []Frame
	looks  int // how many there were
	stride int // every how many of them is kept
	total  int // filters of the layer
	maps   *probe.MapSet

	step, end int
	state     state
	err       error
	probe     *probe.Probe
	picture   *pixel.Prepared
	place     notebook.Place
	ctx       context.Context
	stop      context.CancelFunc
}

// state is how the training stands.
type state int

const (
	running state = iota
	over
	interrupted
)

// New makes a Watch of the network that is about to be trained. Its variables need not be there yet.
func New(network *models.Network, options Options) *Watch {
	set := func(v *int, usual int) {
		if *v <= 0 {
			*v = usual
		}
	}
	set(&options.Every, 20)
	set(&options.Filters, 16)
	set(&options.Top, 12)
	set(&options.Moments, 8)
	return &Watch{network: network, options: options, stride: 1, stop: func() {}}
}

// Attach lets w look on at a loop. Whatever goes wrong while looking stops nothing: it is shown once, and Err returns it.
func (w *Watch) Attach(loop *train.Loop) {
	const name = "watch"
	loop.OnStart(name, 0, func(loop *train.Loop, _ train.Dataset) error {
		w.begin(loop)
		return nil
	})
	loop.OnStep(name, 0, w.eachStep)
	train.EveryNSteps(loop, w.options.Every, name, 0, func(loop *train.Loop, _ []*tensors.Tensor) error {
		w.look(loop)
		return nil
	})
	loop.OnEnd(name, 0, func(loop *train.Loop, _ []*tensors.Tensor) error {
		w.finish(loop, over)
		return nil
	})
}

// Err is the first error that kept w from seeing something; nil where there was none.
func (w *Watch) Err() error { return w.err }

// Frames are the moments that were kept: the first step, then every so many, and the last one. They are 64 at most; when
// there would be more, every second one goes.
func (w *Watch) Frames() []Frame { return slices.Clone(w.frames) }

// Losses are the loss of each step's batch and its moving average. After 4,096 steps a value stands for several: it is
// their mean, and its step their last.
func (w *Watch) Losses() (steps, batch, average []float64) {
	return slices.Clone(w.loss.steps), slices.Clone(w.loss.batch), slices.Clone(w.loss.average)
}

// begin makes ready for a run of the loop, which may be a further one.
func (w *Watch) begin(loop *train.Loop) {
	w.stop()
	w.state, w.end = running, loop.EndStep
	w.ctx, w.stop = w.options.Context, func() {}
	if w.ctx == nil {
		w.ctx = context.Background()
		if notebook.Inside() {
			w.ctx, w.stop = signal.NotifyContext(w.ctx, os.Interrupt)
		}
	}
	if w.network == nil || w.network.Store != loop.Trainer.Store() {
		w.fail(fmt.Errorf("watch: the loop trains another store than the network's"))
	}
}

// eachStep notes the loss. The first step is looked at, whatever Every is: before it there may be no variables.
func (w *Watch) eachStep(loop *train.Loop, metrics []*tensors.Tensor) error {
	w.step, w.end = loop.LoopStep+1, loop.EndStep
	batch, average := math.NaN(), math.NaN()
	if len(metrics) > 0 {
		batch = shapes.ConvertTo[float64](metrics[0].Value())
	}
	if len(metrics) > 1 {
		average = shapes.ConvertTo[float64](metrics[1].Value())
	}
	w.loss.add(w.step, batch, average)
	if err := w.ctx.Err(); err != nil {
		w.finish(loop, interrupted)
		return err
	}
	if w.looks == 0 {
		w.look(loop)
	}
	return nil
}

// look keeps the filters as they are now, and draws.
func (w *Watch) look(loop *train.Loop) {
	if n := len(w.frames); n > 0 && w.frames[n-1].Step == w.step {
		return
	}
	if w.looks%w.stride == 0 {
		w.keep(loop)
	}
	w.looks++
	if w.place.Due() {
		w.draw(loop, false)
	}
}

// finish keeps the last state and leaves the picture as it is to stay.
func (w *Watch) finish(loop *train.Loop, state state) {
	w.stop()
	w.state = state
	if n := len(w.frames); n == 0 || w.frames[n-1].Step != w.step {
		w.keep(loop)
	}
	w.draw(loop, true)
}

// mostFrames bounds what is kept.
const mostFrames = 64

// keep adds a frame. Where there are too many it drops every second. A network that couldn't be opened once isn't tried
// again.
func (w *Watch) keep(loop *train.Loop) {
	if w.err != nil && w.probe == nil {
		return
	}
	w.try(func() error {
		if err := w.open(loop); err != nil {
			return err
		}
		bank, err := w.probe.Filters(probe.Filters{Layer: w.options.Layer})
		if err != nil {
			return err
		}
		w.total = bank.Out
		bank.Out = min(bank.Out, w.options.Filters)
		bank.Weights = append([]float32(nil), bank.Weights[:bank.Out*bank.In*bank.H*bank.W]...)
		w.frames = append(w.frames, Frame{w.step, bank, w.looks})
		return nil
	})
	if len(w.frames) <= mostFrames {
		return
	}
	w.stride *= 2
	kept := w.frames[:0]
	for i, f := range w.frames {
		if f.look%w.stride == 0 || i == len(w.frames)-1 {
			kept = append(kept, f)
		}
	}
	w.frames = kept
}

// open reads the network, once it has been trained a step and so has its variables.
func (w *Watch) open(loop *train.Loop) (err error) {
	if w.probe != nil {
		return nil
	}
	p, err := probe.Open(loop.Trainer.Backend(), w.network)
	if err != nil {
		return err
	}
	if w.options.Layer == "" {
		for _, l := range p.Layers() {
			if l.Kind == probe.Conv {
				w.options.Layer = l.Name
				break
			}
		}
	}
	if len(w.options.Maps) == 0 {
		w.options.Maps = []string{w.options.Layer}
	}
	if w.options.Picture != nil {
		if w.picture, err = pixel.Prepare(w.options.Picture, w.network.Input); err != nil {
			return err
		}
	}
	w.probe = p
	return nil
}

// ask captures the maps as they are now.
func (w *Watch) ask() {
	if w.picture == nil {
		return
	}
	w.try(func() (err error) {
		m := probe.Maps{Layers: w.options.Maps, Top: w.options.Top}
		w.maps, err = w.probe.Maps(context.Background(), w.picture, m)
		return err
	})
}

// draw shows the figure; only in a notebook and at the end is there a need for the maps.
func (w *Watch) draw(loop *train.Loop, last bool) {
	if !last && !notebook.Inside() {
		return
	}
	w.ask()
	w.try(func() error {
		if last {
			return w.place.Leave(w.Figure())
		}
		w.place.Update(w.Figure())
		return nil
	})
}

// try runs what must not stop the training.
func (w *Watch) try(f func() error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			w.fail(fmt.Errorf("watch: %v", thrown))
		}
	}()
	if err := f(); err != nil {
		w.fail(err)
	}
}

func (w *Watch) fail(err error) {
	if w.err == nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		w.err = fmt.Errorf("%s", line)
	}
}
