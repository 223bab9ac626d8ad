package gonbviz

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/progress"
)

// stop explains a picture and stops it when some positions are done.
func stop(t testing.TB, lens *Lens, method attrib.Occlusion, after int) (*attrib.Attribution, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in := lens.Network().Input
	return lens.attribute(progress.With(ctx, func(u progress.Update) {
		if u.Done >= after {
			cancel()
		}
	}), Must(lens.Prepare(noise(in.Height, in.Width))), method)
}

// TestStoppedFigure says in the picture and in its words how far the work came, and draws what is missing in grey.
func TestStoppedFigure(t *testing.T) {
	lens := openGo(t, testnet.Branches(23, 31, 1))
	a, err := stop(t, lens, attrib.Occlusion{Window: attrib.Pixels(3)}, 7)
	if !errors.Is(err, context.Canceled) || a == nil {
		t.Fatalf("error %v beside %v", err, a)
	}
	for _, show := range []Reading{"", Drop, Probability, BestClass} {
		figure := Must(FigureOf(Panels{Attribution: a, Show: show}))
		caption := strings.Join(figure.Caption, " · ")
		if !strings.Contains(caption, "stopped at 7 of 609 positions") || !strings.Contains(figure.Subtitle, "Stopped at 7 of 609 positions") {
			t.Errorf("%q: subtitle %q, caption %q", show, figure.Subtitle, caption)
		}
		if grey := strings.Contains(figure.HTML(), ">not asked<"); grey != (show == "" || show == BestClass) {
			t.Errorf("%q: a legend for what was not asked: %t", show, grey)
		}
		if words := caption + figure.Alt + figure.Text; strings.Contains(words, "NaN") || strings.Contains(words, "not a number") {
			t.Errorf("%q: numbers that are none in %q", show, words)
		}
		if _, err := figure.PNG(picture.Raster{Density: 1}); err != nil {
			t.Error(err)
		}
	}
}

// TestStoppedIsNotKept asks again after the work was stopped.
func TestStoppedIsNotKept(t *testing.T) {
	store := caching(t)
	lens := openGo(t, testnet.Branches(23, 31, 1))
	if _, err := stop(t, lens, attrib.Occlusion{}, 5); err == nil {
		t.Fatal("the work was not stopped")
	}
	if list, err := store.List(); err != nil || len(list) > 0 {
		t.Errorf("kept of work that was stopped: %v, %v", list, err)
	}
	if a := Must(lens.Explain(noise(23, 31), attrib.Occlusion{})); a.Cached || a.Grid.Unasked > 0 {
		t.Errorf("cached %t, %d positions missing", a.Cached, a.Grid.Unasked)
	}
}

// TestPreviewFigure is marked as what it is.
func TestPreviewFigure(t *testing.T) {
	lens := openGo(t, testnet.Branches(23, 31, 1))
	var figures []picture.Figure
	ctx := progress.With(t.Context(), func(u progress.Update) {
		if u.Preview != nil && u.Done%100 == 0 {
			figures = append(figures, Must(previewFigure(u.Preview().(*attrib.Attribution))))
		}
	})
	Must(lens.attribute(ctx, Must(lens.Prepare(noise(23, 31))), attrib.Occlusion{Window: attrib.Pixels(3)}))
	if len(figures) != 6 {
		t.Errorf("%d previews", len(figures))
	}
	for i, figure := range figures {
		want := fmt.Sprintf("review: %d of 609 positions", 100*(i+1))
		html := figure.HTML()
		n := strings.Count(strings.ReplaceAll(html, "\u2009", ""), want)
		if n < 5 || strings.Contains(html, "stopped") || strings.Contains(html, "not asked") {
			t.Errorf("%q is there %d times", want, n)
		}
	}
}

// TestPreviewOfMethods is that of masks and of channels: with how many of them are known.
func TestPreviewOfMethods(t *testing.T) {
	lens := openGo(t, testnet.Branches(23, 31, 1))
	for want, method := range map[string]attrib.Method{
		"Preview: the picture shows through 40 random masks": attrib.RISE{Masks: 50, Cells: 4},
		"Preview: one of 4 channels after the other":         attrib.ChannelAblation{Layer: "stem", Batch: 2},
	} {
		seen := false
		ctx := progress.With(t.Context(), func(u progress.Update) {
			if u.Preview != nil && u.Done != u.Total {
				figure := Must(previewFigure(u.Preview().(*attrib.Attribution)))
				seen = seen || strings.HasPrefix(figure.Subtitle, want)
				if words := strings.Join(figure.Caption, " ") + figure.Alt + figure.Text; strings.Contains(words, "NaN") {
					t.Errorf("numbers that are none in %q", words)
				}
			}
		})
		Must(lens.attribute(ctx, Must(lens.Prepare(noise(23, 31))), method))
		if !seen {
			t.Errorf("no preview says %q", want)
		}
	}
}

// TestPreviewPace draws seldom: not at once, not when the result is near, and not so often that it slows the work.
func TestPreviewPace(t *testing.T) {
	lens := openGo(t, testnet.Branches(23, 31, 1))
	a := Must(lens.Explain(noise(23, 31), attrib.Occlusion{}))
	const drawing = 20 * time.Millisecond
	var drawn []time.Time
	p := newPreview(func(picture.Figure) {
		drawn = append(drawn, time.Now())
		time.Sleep(drawing)
	})
	step := func(done int) {
		p.update(progress.Update{Done: done, Total: 1000, Preview: func() any { return a }})
	}
	begin := time.Now()
	step(0)
	for done := 1; time.Since(begin) < firstPreview+3*nextPreview; done++ {
		step(min(done, 50)) // which will take long
		time.Sleep(time.Millisecond)
	}
	if len(drawn) < 2 || drawn[0].Sub(begin) < firstPreview {
		t.Fatalf("drawn %d times, first after %v", len(drawn), drawn[0].Sub(begin))
	}
	for i := range drawn[1:] {
		if pause := drawn[i+1].Sub(drawn[i]); pause < max(nextPreview, previewShare*drawing) {
			t.Errorf("drawn again after %v", pause)
		}
	}
	n := len(drawn)
	p.due = time.Now()
	if step(999); len(drawn) != n {
		t.Error("drawn when the result was about to come")
	}
	if p.update(progress.Update{Done: 10, Total: 1000}); len(drawn) != n {
		t.Error("drawn without a preview")
	}
}

// BenchmarkPreview is what drawing a preview of SqueezeNet's default heatmap costs.
func BenchmarkPreview(b *testing.B) {
	const side = 227
	lens := openGo(b, testnet.Branches(side, side, 1))
	a := Must(lens.Explain(Must(Photo("squirrel")), attrib.Occlusion{Stride: attrib.Pixels(34)}))
	for b.Loop() {
		Must(previewFigure(a)).HTML()
	}
}
