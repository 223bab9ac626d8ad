package watch_test

import (
	"context"
	"errors"
	"image"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/watch"
	"github.com/convlens/convlens/models"
)

// fall is a network whose four weights begin at 8, 4, 2 and 1, and its pictures are all ones: with mean as the loss,
// each falls by half the learning rate's worth of one in each step, whatever the machine.
func fall() *models.Network {
	store := model.NewStore()
	testnet.Set(store, "/conv/weights", []float32{8, 4, 2, 1, 8, 4, 2, 1}, 2, 2, 1, 2)
	return &models.Network{
		Name: "fall", Store: store, Input: testnet.Input(2, 2, models.Gray),
		Logits: func(scope *model.Scope, x *graph.Node) *graph.Node {
			x = graph.Convolve(x, scope.In("conv").GetVariable("weights").NodeValue(x)).NoPadding().Done()
			return graph.Reshape(x, x.Shape().Dimensions[0], 2)
		},
	}
}

// ones are pictures of ones, for ever.
type ones struct{ shape []int }

func (ones) Name() string { return "ones" }

func (o ones) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		for {
			values := make([]float32, o.shape[0]*o.shape[1]*o.shape[2]*o.shape[3])
			for i := range values {
				values[i] = 1
			}
			if !yield(train.Batch{Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(values, o.shape...)}}, nil) {
				return
			}
		}
	}
}

// sum is a loss without labels.
func sum(_, predictions []*graph.Node) *graph.Node { return graph.ReduceAllSum(predictions[0]) }

func loopOn(backend compute.Backend, net *models.Network) *train.Loop {
	sgd := optimizer.StochasticGradientDescent().WithLearningRate(0.5).WithDecay(false).Done()
	return train.NewLoop(train.NewTrainer(backend, net.Store, net.Logits, sum, sgd, nil, nil))
}

var twoByTwo = ones{[]int{1, 2, 2, 1}}

// white is a picture of ones.
func white() image.Image {
	img := image.NewGray(image.Rect(0, 0, 2, 2))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	return img
}

// TestFrames holds what is seen against what must have been there, exactly.
func TestFrames(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := fall()
		net.Notice = "made by hand"
		w := watch.New(net, watch.Options{Every: 2, Filters: 1, Picture: white()})
		loop := loopOn(backend, net)
		w.Attach(loop)
		if _, err := loop.RunSteps(twoByTwo, 5); err != nil {
			t.Fatal(err)
		}
		if err := w.Err(); err != nil {
			t.Fatal(err)
		}
		var steps []int
		for _, f := range w.Frames() {
			steps = append(steps, f.Step)
			fallen := 0.5 * float32(f.Step)
			if want := []float32{8 - fallen, 2 - fallen, 8 - fallen, 2 - fallen}; !slices.Equal(f.Filters.Weights, want) {
				t.Errorf("step %d: weights %v, want %v", f.Step, f.Filters.Weights, want)
			}
		}
		if !slices.Equal(steps, []int{1, 2, 4, 5}) {
			t.Errorf("frames at %v", steps)
		}
		at, batch, average := w.Losses()
		if !slices.Equal(at, []float64{1, 2, 3, 4, 5}) || !slices.Equal(batch, []float64{30, 26, 22, 18, 14}) || len(average) != 5 {
			t.Errorf("losses %v at %v, on average %v", batch, at, average)
		}
		text := w.Figure().HTML()
		for _, want := range []string{"After 5 steps", "first 1 of 2 filters", "Maps of conv", "Filters of conv", "made by hand"} {
			if !strings.Contains(text, want) {
				t.Errorf("the figure says nothing of %q", want)
			}
		}
	})
}

// TestBounded holds that what is kept doesn't grow with the training, and keeps its first and last moment.
func TestBounded(t *testing.T) {
	net := fall()
	w := watch.New(net, watch.Options{Every: 1, Moments: 5})
	loop := loopOn(testbackend.Go(), net)
	w.Attach(loop)
	var held, before []watch.Frame
	for range 3 { // the loop may be run again
		if _, err := loop.RunSteps(twoByTwo, 3001); err != nil {
			t.Fatal(err)
		}
		if held == nil {
			held = w.Frames()
			before = slices.Clone(held)
		}
	}
	if !slices.Equal(held, before) {
		t.Error("frames that were handed out change")
	}
	frames := w.Frames()
	if n := len(frames); n < 32 || n > 64 || frames[0].Step != 1 || frames[n-1].Step != 9003 {
		t.Errorf("%d frames from %d to %d", n, frames[0].Step, frames[n-1].Step)
	}
	at, batch, _ := w.Losses()
	if n := len(at); n < 2048 || n > 4096 || at[n-1] != 9003 {
		t.Errorf("%d losses up to %v", n, at[n-1])
	}
	for i, v := range batch { // a line: the mean of a group is at its middle
		first := 1.0
		if i > 0 {
			first = at[i-1] + 1
		}
		if want := 30 - 4*((first+at[i])/2-1); math.Abs(v-want) > 1e-6*math.Abs(want) {
			t.Fatalf("loss %d is %v, want %v", i, v, want)
		}
	}
	if text := w.Strip().HTML(); strings.Count(text, "The filters at step") != 5 || !strings.Contains(text, ">step 1<") || !strings.Contains(text, ">step 9\u2009003<") {
		t.Error("the strip has other moments than five from the first to the last")
	}
}

// TestUnchanged holds that a training that is watched ends with the same weights, also of a network whose variables are
// made by the first step.
func TestUnchanged(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		weights := func(watched bool) []float32 {
			store := model.NewStore()
			store.SetParam("/"+model.ParamInitialSeed, int64(7))
			net := &models.Network{
				Name: "lazy", Store: store, Input: testnet.Input(8, 8, models.Gray),
				Logits: func(scope *model.Scope, x *graph.Node) *graph.Node {
					x = layers.Convolution(scope.In("first"), x).Channels(3).KernelSize(3).Done()
					x = graph.MaxScalar(x, 0)
					return layers.Dense(scope.In("last"), graph.Reshape(x, x.Shape().Dimensions[0], -1), true, 2)
				},
			}
			adam := optimizer.Adam().LearningRate(0.01).Done()
			loss := func(_, p []*graph.Node) *graph.Node { return graph.ReduceAllMean(graph.Square(p[0])) }
			loop := train.NewLoop(train.NewTrainer(backend, store, net.Logits, loss, adam, nil, nil))
			w := watch.New(net, watch.Options{Every: 3, Picture: white(), Maps: []string{"first", "last"}})
			if watched {
				w.Attach(loop)
			}
			if _, err := loop.RunSteps(ones{[]int{4, 8, 8, 1}}, 10); err != nil {
				t.Fatal(err)
			}
			if watched && (w.Err() != nil || len(w.Frames()) != 5) {
				t.Fatalf("%d frames: %v", len(w.Frames()), w.Err())
			}
			return tensors.MustCopyFlatData[float32](store.GetVariable("/first/conv/weights").MustValue())
		}
		if a, b := weights(false), weights(true); !slices.Equal(a, b) {
			t.Errorf("weights %v without, %v with a watch", a, b)
		}
	})
}

// TestInterrupt holds that the loop ends at the step during which the context was cancelled, and all is kept.
func TestInterrupt(t *testing.T) {
	net := fall()
	ctx, cancel := context.WithCancel(t.Context())
	w := watch.New(net, watch.Options{Context: ctx})
	loop := loopOn(testbackend.Go(), net)
	w.Attach(loop)
	loop.OnStep("cancel", -1, func(loop *train.Loop, _ []*tensors.Tensor) error {
		if loop.LoopStep == 6 {
			cancel()
		}
		return nil
	})
	_, err := loop.RunSteps(twoByTwo, 100)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if f := w.Frames(); f[len(f)-1].Step != 7 || !strings.Contains(w.Figure().HTML(), "Interrupted after 7 steps") {
		t.Errorf("the last frame is at step %d", f[len(f)-1].Step)
	}
}

// TestErrors holds that nothing that goes wrong while looking stops the training, and that the figure says it.
func TestErrors(t *testing.T) {
	broken := fall()
	broken.Labels = []string{"one label too few"}
	other := fall()
	other.Store = model.NewStore()
	for want, c := range map[string]struct {
		watched *models.Network
		options watch.Options
	}{
		"no layer":      {fall(), watch.Options{Layer: "cnov"}},
		"1 labels":      {broken, watch.Options{}},
		"another store": {other, watch.Options{}},
		"no layer ":     {fall(), watch.Options{Picture: white(), Maps: []string{"nowhere"}}},
	} {
		net := c.watched
		if c.watched == other {
			net = fall()
		}
		w := watch.New(c.watched, c.options)
		loop := loopOn(testbackend.Go(), net)
		w.Attach(loop)
		if _, err := loop.RunSteps(twoByTwo, 3); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if err := w.Err(); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, want)
		}
		if text := w.Figure().HTML(); strings.Count(text, "Not all can be shown") != 1 || !strings.Contains(text, "Loss") {
			t.Errorf("%s: the figure doesn't say it once", want)
		}
		w.Strip().HTML()
		w.Curve().HTML()
		if at, _, _ := w.Losses(); len(at) != 3 {
			t.Errorf("%s: %d losses", want, len(at))
		}
	}
}
