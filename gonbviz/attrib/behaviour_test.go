package attrib_test

import (
	"context"
	"image"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/progress"
	"github.com/convlens/convlens/models"
)

// TestBatch changes nothing, nor does the region: a position's number is the same whatever is asked with it. That is
// exact where all sums are; noise is no whole number.
func TestBatch(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		p, picture := open(t, backend, net), noisy(t, net)
		for _, fill := range []attrib.Fill{attrib.Noise, attrib.Gray} {
			o := attrib.Occlusion{Score: attrib.Logit, Window: attrib.Pixels(4), Stride: attrib.Pixels(2), Fill: fill, Seed: 3, Batch: 1}
			want := attribute(t, p, picture, o)
			for _, batch := range []int{2, 7, 64, 0} {
				o.Batch = batch
				a := attribute(t, p, picture, o)
				tolerance := 0.0
				if fill == attrib.Noise {
					tolerance = 1e-5 * math.Abs(want.Clean)
				}
				for i, d := range a.Grid.Drop.Values {
					if math.Abs(float64(d-want.Grid.Drop.Values[i])) > tolerance {
						t.Errorf("fill %s, batch %d: drop %d is %v, one by one %v", fill, batch, i, d, want.Grid.Drop.Values[i])
					}
				}
				if on := p.Vectorised(); !on && a.Batch != 1 || on && batch == 7 && a.Batch != 4 {
					t.Errorf("batch %d was run as %d", batch, a.Batch)
				}
			}
			o.Region, o.Batch = image.Rect(4, 4, 14, 10), 4
			part := attribute(t, p, picture, o)
			if got, full := part.Grid.Drop.At(0, 0), want.Grid.Drop.At(2, 2); got != full {
				t.Errorf("fill %s: the first position of the region drops by %v, as part of the whole by %v", fill, got, full)
			}
			if part.Map.At(3, 4) != 0 || part.Map.At(10, 4) != 0 || part.Map.At(4, 14) != 0 {
				t.Error("the map is not 0 outside the region")
			}
		}
	})
}

// TestMixed asks a network that brings the pictures of a batch together, whose answers must not depend on the batch.
func TestMixed(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		inner := net.Logits
		net.Logits = func(scope *model.Scope, x *Node) *Node {
			x = Add(x, ReduceAllSum(Reshape(Slice(x, AxisElem(0), AxisElem(0), AxisElem(0), AxisElem(0))))) // of a scalar
			return inner(scope, Sub(x, ReduceAndKeep(x, ReduceMean, 0)))
		}
		p, picture := open(t, backend, net), noisy(t, net)
		if !p.Mixes(2) || open(t, backend, testnet.Branches(14, 19, 3)).Mixes(2) || p.Mixes(1) {
			t.Error("it is not found which network mixes pictures")
		}
		for _, d := range attribute(t, p, picture, attrib.Occlusion{Score: attrib.Logit, Window: attrib.Pixels(5), Batch: 8}).Grid.Drop.Values {
			if d != 0 {
				t.Fatalf("a drop of %v, of a picture less its own mean", d)
			}
		}
	})
}

// TestPartsHaveNoWindow has the settings of windows say nothing where parts are hidden.
func TestPartsHaveNoWindow(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	o := attrib.Occlusion{Superpixels: 6, Score: attrib.Logit, Fill: attrib.Blur}
	want := attribute(t, p, picture, o)
	o.Window, o.Stride, o.Region, o.Border = attrib.Pixels(-1), attrib.Pixels(50), image.Rect(0, 0, 90, 90), attrib.Inside
	got := attribute(t, p, picture, o)
	if !slices.Equal(got.Grid.Drop.Values, want.Grid.Drop.Values) || !slices.Equal(got.Options, want.Options) {
		t.Errorf("%v with %v, want %v with %v", got.Grid.Drop.Values, got.Options, want.Grid.Drop.Values, want.Options)
	}
}

// TestChosenBatch is small where a picture's maps weigh more than the weights, and large where they do not.
func TestChosenBatch(t *testing.T) {
	backend := testbackend.XLA(t)
	heavy := testnet.Make("heavy", testnet.Input(4, 4, models.Gray), testnet.Weights{"/w": {16, 100}}, func(get func(string) *Node, x *Node) *Node {
		return Dot(Reshape(x, -1, 16), get("/w")).Product()
	})
	for want, net := range map[int]*models.Network{8: testnet.Branches(40, 50, 1), 32: heavy} {
		for exact, times := range map[attrib.Exact]int{attrib.Full: 1, attrib.Incremental: 2} {
			if a := attribute(t, open(t, backend, net), noisy(t, net), attrib.Occlusion{Exact: exact}); a.Batch != want*times {
				t.Errorf("%s, %s, is run in batches of %d, want %d", net.Name, exact, a.Batch, want*times)
			}
		}
	}
}

// TestUntouched hides what shows the fill already: nothing changes, so the drop is 0 and no −0.
func TestUntouched(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		values := noisy(t, net).Values
		for i := range values[:7*19*3] {
			values[i] = 5
		}
		for _, score := range []attrib.Score{attrib.Logit, attrib.Probability, attrib.LogProbability} {
			a := attribute(t, open(t, backend, testnet.Branches(14, 19, 3)), array(t, net, values), attrib.Occlusion{
				Score: score, Window: attrib.Pixels(7), Stride: attrib.Pixels(7), Fill: attrib.Constant(5),
			})
			for x := range a.Grid.Cols {
				if d := a.Grid.Drop.At(0, x); d != 0 || math.Signbit(float64(d)) {
					t.Errorf("%s: drop %v of a window that changes nothing", score, d)
				}
			}
		}
	})
}

// TestConstantPicture makes a map of zeros, which is no failure.
func TestConstantPicture(t *testing.T) {
	net := testnet.Exact()
	p := open(t, testbackend.Go(), net)
	for _, fill := range []attrib.Fill{attrib.Mean, attrib.Blur, attrib.Noise, attrib.Zero} {
		a := attribute(t, p, array(t, net, make([]float32, 16)), attrib.Occlusion{Fill: fill})
		if lo, hi, ok := a.Map.Range(); !ok || lo != 0 || hi != 0 {
			t.Errorf("%s: map from %v to %v", fill, lo, hi)
		}
		if a.CleanProbability != 0.5 || a.Class != 0 || a.Label != "0" {
			t.Errorf("probability %v of class %d, %q", a.CleanProbability, a.Class, a.Label)
		}
	}
}

// TestOneOutput has a network whose only logit stands for a sigmoid.
func TestOneOutput(t *testing.T) {
	net := testnet.Make("one", testnet.Input(2, 2, models.Gray), nil, func(_ func(string) *Node, x *Node) *Node { return ReduceSum(x, 1, 2) })
	p, picture := open(t, testbackend.Go(), net), array(t, net, []float32{1, -2, 0, 3})
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for score, of := range map[attrib.Score]func(float64) float64{
		attrib.Logit: func(x float64) float64 { return x }, attrib.Probability: sigmoid,
		attrib.LogProbability: func(x float64) float64 { return math.Log(sigmoid(x)) },
	} {
		a := attribute(t, p, picture, attrib.Occlusion{Score: score, Window: attrib.Pixels(1), Fill: attrib.Zero})
		for i, without := range []float64{1, 4, 2, -1} {
			if want := of(2) - of(without); math.Abs(float64(a.Map.Values[i])-want) > 1e-6 {
				t.Errorf("%s: pixel %d is worth %v, want %v", score, i, a.Map.Values[i], want)
			}
		}
	}
}

func TestClasses(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	few := attrib.Occlusion{Window: attrib.Size{H: 14, W: 19}}
	for name, want := range map[string]int{"one": 0, "1": 1, "2": 2} {
		few.Class = name
		if a := attribute(t, p, picture, few); a.Class != want || a.Label != net.Labels[want] {
			t.Errorf("%q is class %d, %q", name, a.Class, a.Label)
		}
	}
	few.Class = ""
	answer, err := p.Classify(t.Context(), picture)
	if err != nil {
		t.Fatal(err)
	}
	if a, best := attribute(t, p, picture, few), answer.Top(1)[0]; a.Class != best.Index || a.Grid.Labels[a.Grid.Best[0]] == "" {
		t.Errorf("class %d explained, %d is best", a.Class, best.Index)
	}
}

func TestOptions(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	a := attribute(t, open(t, testbackend.Go(), net), noisy(t, net), attrib.Occlusion{
		Window: attrib.Size{H: 3, W: 9}, Fill: attrib.Noise, Seed: 4, Region: image.Rect(1, 2, 15, 8), Overlap: attrib.OverlapNone,
	})
	want := []attrib.Option{
		{Name: "window", Value: "3x9"}, {Name: "stride", Value: "1x2"}, {Name: "fill", Value: "noise"}, {Name: "border", Value: "cut"},
		{Name: "overlap", Value: "none"}, {Name: "seed", Value: "4"}, {Name: "region", Value: "1,2,14,6"},
	}
	if !slices.Equal(a.Options, want) {
		t.Errorf("options %v, want %v", a.Options, want)
	}
	if a.Map != nil {
		t.Error("a map that was not asked for")
	}
	if a.Method != "occlusion" || a.Network != "branches" || a.Backend != "go" || a.Score != attrib.Probability || a.Seed != 4 || a.Batch != 1 {
		t.Errorf("attribution %+v", a)
	}
	if a.Seconds < a.CompileSeconds || a.CompileSeconds <= 0 {
		t.Errorf("%v seconds, of which compiling took %v", a.Seconds, a.CompileSeconds)
	}
}

func TestOcclusionErrors(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	for want, o := range map[string]attrib.Occlusion{
		"window of 15×3 pixels is larger than the input of 14×19": {Window: attrib.Size{H: 15, W: 3}},
		"a window of 3x0 pixels":                                  {Window: attrib.Size{H: 3}},
		"a window of -1 pixels":                                   {Window: attrib.Pixels(-1)},
		"a stride of 0x2 pixels":                                  {Stride: attrib.Size{W: 2}},
		"longer than the window":                                  {Window: attrib.Pixels(3), Stride: attrib.Pixels(4)},
		"region 0,0,20,3 does not lie inside":                     {Region: image.Rect(0, 0, 20, 3)},
		"region -1,0,5,3 does not lie inside":                     {Region: image.Rect(-1, 0, 4, 3)},
		"is empty":                                                {Region: image.Rectangle{Min: image.Pt(3, 3), Max: image.Pt(3, 5)}},
		"unknown border":                                          {Border: "x"},
		"unknown overlap":                                         {Overlap: "x"},
		"unknown score":                                           {Score: "x"},
		"a batch of -1":                                           {Batch: -1},
		"give gray, black":                                        {Fill: "x"},
		"2 numbers for 3 channels":                                {Fill: "1,2"},
		"occurs at 1, 2; give the index":                          {Class: "two"},
		`no class "three"`:                                        {Class: "three"},
		`no class "3"`:                                            {Class: "3"},
	} {
		if _, err := o.Attribute(t.Context(), p, picture); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := (attrib.Occlusion{}).Attribute(t.Context(), p, array(t, testnet.Exact(), testnet.Counting(16))); err == nil || !strings.Contains(err.Error(), "prepared for another input") {
		t.Errorf("error %v for a picture of another network", err)
	}
}

// TestProgress counts every position once and ends with all of them.
func TestProgress(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		var updates []progress.Update
		ctx := progress.With(context.Background(), func(u progress.Update) { updates = append(updates, u) })
		a, err := attrib.Occlusion{Batch: 8}.Attribute(ctx, open(t, backend, net), noisy(t, net))
		if err != nil {
			t.Fatal(err)
		}
		if updates[0].Stage == "" || updates[1].Stage != "" { // the stage lasts until the network has answered
			t.Errorf("begins with %+v, %+v", updates[0], updates[1])
		}
		done := 0
		for _, u := range updates[1:] {
			if u.Done < done || u.Total != len(a.Grid.Windows) || u.Name != "Occlusion" || u.Unit != "positions" {
				t.Errorf("after %d: %+v", done, u)
			}
			done = u.Done
		}
		if done != len(a.Grid.Windows) {
			t.Errorf("ends at %d of %d", done, len(a.Grid.Windows))
		}
	})
}
