package attrib_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/progress"
)

// stopped cancels the work when some positions are done, and gives what it returns beside all that it would have.
func stopped(t *testing.T, backend compute.Backend, o attrib.Occlusion, after int) (part, whole *attrib.Attribution, err error) {
	t.Helper()
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, backend, net), noisy(t, net)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	part, err = o.Attribute(progress.With(ctx, func(u progress.Update) {
		if u.Done >= after {
			cancel()
		}
	}), p, picture)
	return part, attribute(t, p, picture, o), err
}

// TestStoppedTooLate cancels when all is done: nothing is missing, and nothing was stopped.
func TestStoppedTooLate(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	for _, m := range []attrib.Method{attrib.Occlusion{Window: attrib.Pixels(5)}, attrib.RISE{Masks: 10, Cells: 3}, attrib.ChannelAblation{Layer: "stem"}} {
		ctx, cancel := context.WithCancel(t.Context())
		a, err := m.Attribute(progress.With(ctx, func(u progress.Update) {
			if u.Total > 0 && u.Done == u.Total {
				cancel()
			}
		}), p, picture)
		if a == nil || err != nil || ctx.Err() == nil {
			t.Errorf("%T: %v", m, err)
		}
	}
}

// TestStopped returns what is known when the work is cancelled: the same numbers as those of all the work, beside
// others that are missing.
func TestStopped(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		for _, overlap := range []attrib.Overlap{attrib.OverlapMean, attrib.OverlapSum} {
			o := attrib.Occlusion{Batch: 4, Score: attrib.Logit, Window: attrib.Pixels(3), Stride: attrib.Pixels(2), Overlap: overlap}
			part, whole, err := stopped(t, backend, o, 20)
			if !errors.Is(err, context.Canceled) || part == nil {
				t.Fatalf("error %v beside %v", err, part)
			}
			g, all := part.Grid, whole.Grid
			done := len(g.Windows) - g.Unasked
			want := fmt.Sprintf("occlusion stopped at %d of %d positions: context canceled", done, len(g.Windows))
			if err.Error() != want || done < 20 || done > 24 {
				t.Errorf("error %q, want %q", err, want)
			}
			if all.Unasked != 0 || part.Clean != whole.Clean || part.Label != whole.Label || part.CleanProbability != whole.CleanProbability {
				t.Errorf("%d missing of all; %v %q %v of a part, %v %q %v of all", all.Unasked,
					part.Clean, part.Label, part.CleanProbability, whole.Clean, whole.Label, whole.CleanProbability)
			}
			known := 0
			for i, best := range g.Best {
				planes := [][2]field.Plane{{g.Drop, all.Drop}, {g.Probability, all.Probability}, {g.BestProbability, all.BestProbability}}
				for _, p := range planes {
					if got, want := p[0].Values[i], p[1].Values[i]; best >= 0 && got != want || best < 0 && got == got {
						t.Errorf("position %d, class %d: %v, and %v of all", i, best, got, want)
					}
				}
				if best >= 0 {
					known++
					if best != all.Best[i] || g.Labels[best] == "" {
						t.Errorf("position %d: class %d %q, and %d of all", i, best, g.Labels[best], all.Best[i])
					}
				}
			}
			if known != done {
				t.Errorf("%d positions are known, %d said to be", known, done)
			}
			checkMap(t, part, overlap == attrib.OverlapSum)
		}
	})
}

// TestStoppedChannels keeps the channels that are known, the same as of all the work.
func TestStoppedChannels(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		p, picture := open(t, backend, net), noisy(t, net)
		method := attrib.ChannelAblation{Layer: "stem", Score: attrib.Logit, Batch: 2}
		all := attribute(t, p, picture, method).Channels
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		a, err := method.Attribute(progress.With(ctx, func(u progress.Update) {
			if u.Done > 0 {
				cancel()
			}
		}), p, picture)
		if !errors.Is(err, context.Canceled) || a == nil {
			t.Fatalf("error %v beside %v", err, a)
		}
		c := a.Channels
		n := len(c.Drop)
		if want := fmt.Sprintf("channel ablation stopped at %d of %d channels: context canceled", n, len(all.Drop)); err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
		if n == 0 || n == len(all.Drop) || c.Unasked != len(all.Drop)-n || all.Unasked != 0 || len(c.Order) != n || len(c.Maps) != n {
			t.Errorf("%d channels are known, %d missing, %d in order, %d maps", n, c.Unasked, len(c.Order), len(c.Maps))
		}
		for i, d := range c.Drop {
			if d != all.Drop[i] || c.Best[i] != all.Best[i] || c.Probability[i] != all.Probability[i] {
				t.Errorf("channel %d: %v, and %v of all", i, d, all.Drop[i])
			}
		}
	})
}

// checkMap computes each pixel of a map anew from the positions.
func checkMap(t *testing.T, a *attrib.Attribution, sum bool) {
	t.Helper()
	missing := 0
	for y := range a.Map.H {
		for x := range a.Map.W {
			total, n := 0.0, 0.0
			for i, w := range a.Grid.Windows {
				if y >= w.Min.Y && y < w.Max.Y && x >= w.Min.X && x < w.Max.X && a.Grid.Best[i] >= 0 {
					total += float64(a.Grid.Drop.Values[i])
					n++
				}
			}
			want := total / n
			if sum && n > 0 {
				want = total
			}
			got := float64(a.Map.At(y, x))
			if math.IsNaN(want) {
				missing++
			}
			if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > 1e-6 {
				t.Errorf("pixel %d, %d of the map: %v, want %v", y, x, got, want)
			}
		}
	}
	if missing == 0 {
		t.Error("no pixel is missing; the test shows too little")
	}
}

// TestStoppedEarly has nothing to return.
func TestStoppedEarly(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	for name, stop := range map[string]func(progress.Update) bool{
		"before it compiled":         func(u progress.Update) bool { return u.Stage != "" },
		"before the first position":  func(u progress.Update) bool { return u.Stage == "" },
		"before it was asked at all": nil,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		if stop == nil {
			cancel()
		}
		a, err := (attrib.Occlusion{}).Attribute(progress.With(ctx, func(u progress.Update) {
			if stop != nil && stop(u) {
				cancel()
			}
		}), p, picture)
		if !errors.Is(err, context.Canceled) || a != nil {
			t.Errorf("%s: error %v beside %v", name, err, a)
		}
	}
}

// TestPreview holds that each preview is whole, shows what is known as it is, and comes nearer to the result.
func TestPreview(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		p, picture := open(t, backend, net), noisy(t, net)
		o := attrib.Occlusion{Batch: 8, Score: attrib.Logit}
		var previews []*attrib.Attribution
		ctx := progress.With(t.Context(), func(u progress.Update) {
			if (u.Done > 0) != (u.Preview != nil) {
				t.Errorf("a preview %t after %d positions", u.Preview != nil, u.Done)
			}
			if u.Preview != nil {
				previews = append(previews, u.Preview().(*attrib.Attribution))
			}
		})
		a, err := o.Attribute(ctx, p, picture)
		if err != nil {
			t.Fatal(err)
		}
		for k, early := range previews {
			if n := len(early.Grid.Windows) - early.Grid.Unasked; n < 1 || k > 0 && n <= len(early.Grid.Windows)-previews[k-1].Grid.Unasked {
				t.Errorf("preview %d of %d positions", k, n)
			}
			right := 0
			for i, v := range early.Grid.Drop.Values {
				if v == a.Grid.Drop.Values[i] && early.Grid.Best[i] == a.Grid.Best[i] {
					right++
				}
				if !(early.Grid.Probability.Values[i] >= 0) || early.Grid.Best[i] < 0 {
					t.Errorf("preview %d: position %d is missing", k, i)
				}
			}
			if right < len(early.Grid.Windows)-early.Grid.Unasked {
				t.Errorf("preview %d: %d positions are as they will be, but %d are known", k, right, len(early.Grid.Windows)-early.Grid.Unasked)
			}
			if _, _, ok := early.Map.Range(); !ok {
				t.Errorf("preview %d: an empty map", k)
			}
		}
		last := previews[len(previews)-1]
		if strings.Join(describe(last), "") != strings.Join(describe(a), "") {
			t.Error("the last preview is not the result")
		}
		if early, late := apart(previews[0], a), apart(previews[len(previews)/2], a); late >= early {
			t.Errorf("the first preview is %.3g away from the result, a later one %.3g", early, late)
		}
	})
}

func describe(a *attrib.Attribution) (lines []string) {
	return []string{fmt.Sprint(a.Grid), fmt.Sprint(a.Map)}
}

// apart is the mean distance of two maps.
func apart(a, b *attrib.Attribution) (sum float64) {
	for i, v := range a.Map.Values {
		sum += math.Abs(float64(v - b.Map.Values[i]))
	}
	return sum / float64(len(a.Map.Values))
}
