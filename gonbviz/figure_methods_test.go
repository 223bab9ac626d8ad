package gonbviz_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/scale"
)

// methods are those beside a plain occlusion, with words that their figure's title, subtitle and caption must have.
var methods = map[string]struct {
	method attrib.Method
	words  []string
}{
	"ablation": {attrib.Ablation{Superpixels: 8, Overlap: attrib.OverlapNone}, []string{"One part of the picture after the other is hidden", "ablation: superpixels 8, fill gray", " parts"}},
	"segments": {attrib.Occlusion{Segments: make([]int, 23*31)}, []string{"segments given", "1 position"}},
	"regions":  {attrib.Occlusion{Regions: []image.Rectangle{image.Rect(0, 0, 5, 5), image.Rect(3, 3, 20, 20)}, Fill: attrib.PatchMean}, []string{"regions 2, fill patchmean", "2 parts"}},
	"soft":     {attrib.Occlusion{Window: attrib.Pixels(8), Soft: 2, Score: attrib.Margin, Fill: attrib.Black}, []string{"window 8, stride 2, soft 2, fill black", "score margin"}},
	"channels": {attrib.Occlusion{Window: attrib.Share(0.3), Stride: attrib.Share(0.2), Channels: []int{2, 0}}, []string{"window 7, stride 5", "channels 2,0"}},
	"inpaint":  {attrib.Occlusion{Window: attrib.Pixels(8), Fill: attrib.Inpaint}, []string{"An inpainted patch slides", "fill inpaint"}},
	"unit":     {attrib.Occlusion{Window: attrib.Pixels(8), Unit: attrib.Unit{Layer: "stem", Channel: 3}}, []string{"What “stem, channel 3” rests on", "unit stem, channel 3; class", "score activation", "positive supports the unit"}},
	"measure": {attrib.Occlusion{Window: attrib.Pixels(8), Measure: func(logits []float32) float64 { return float64(logits[0] - logits[1]) }},
		[]string{"score own measure"}},
	"reveal":         {attrib.Reveal{Window: attrib.Pixels(8)}, []string{"Only a patch of the picture shows", "reveal: window 8", "Gain of the probability"}},
	"reveal parts":   {attrib.Reveal{Superpixels: 8}, []string{"Only one part of the picture shows"}},
	"rise":           {attrib.RISE{Masks: 20, Seed: 3}, []string{"through 20 random masks", "RISE: masks 20, cells 7, keep 0.5, fill gray, seed 3", "standard error"}},
	"layer channels": {attrib.ChannelAblation{Layer: "stem", To: attrib.ToMean}, []string{"Which channels of stem", "One of 4 channels after the other is set to its mean", "channel ablation: layer stem"}},
	"dense channels": {attrib.ChannelAblation{Layer: "head"}, []string{"Which channels of head"}},
}

// TestMethodFigures draws what each method finds, and saves it in all forms.
func TestMethodFigures(t *testing.T) {
	net := testnet.Branches(23, 31, 5)
	net.Labels = []string{"<i>one</i>", "two", "two"}
	lens, photo := open(t, net), stripes(40, 33)
	for name, test := range methods {
		t.Run(name, func(t *testing.T) {
			a := must(lens.Explain(photo, test.method))(t)
			figure := must(gonbviz.FigureOf(a))(t)
			checkFigure(t, figure)
			all := strings.Join(append([]string{figure.Title, figure.Subtitle, figure.HTML()}, figure.Caption...), " ")
			for _, words := range test.words {
				if !strings.Contains(all, words) {
					t.Errorf("%q is not in the figure's words: %q, %q, %q", words, figure.Title, figure.Subtitle, figure.Caption)
				}
			}
			for _, reading := range []gonbviz.Reading{gonbviz.Drop, gonbviz.Probability, gonbviz.BestClass} {
				if a.Grid != nil && (!a.Grid.Lattice() || a.Grid.Revealed) { // the others are drawn as every occlusion is
					checkFigure(t, must(gonbviz.FigureOf(gonbviz.Panels{Attribution: a, Show: reading}))(t))
				}
			}
			for _, ending := range []string{".npy", ".csv", ".json", ".png"} {
				path := filepath.Join(t.TempDir(), "result"+ending)
				if err := gonbviz.Save(path, a); err != nil {
					t.Fatalf("%s: %v", ending, err)
				}
				if data := must(os.ReadFile(path))(t); len(data) < 50 {
					t.Errorf("%s is %d bytes", ending, len(data))
				}
			}
		})
	}
}

// TestMethodDocuments looks at what is particular about methods' numbers.
func TestMethodDocuments(t *testing.T) {
	lens, photo := open(t, testnet.Branches(23, 31, 5)), stripes(40, 33)
	document := func(m attrib.Method) map[string]any {
		var text bytes.Buffer
		if err := gonbviz.WriteJSON(&text, must(lens.Explain(photo, m))(t)); err != nil {
			t.Fatal(err)
		}
		var d map[string]any
		if err := json.Unmarshal(text.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	length := func(v any) int { list, _ := v.([]any); return len(list) }
	if d := document(attrib.RISE{Masks: 5}); d["method"] != "RISE" || length(d["standard_error"]) != 23 || length(d["map"]) != 23 {
		t.Errorf("RISE: %v", d)
	}
	if d := document(attrib.ChannelAblation{Layer: "stem"}); d["layer"] != "stem/relu" && d["layer"] != "stem" || length(d["drop"]) != 4 || length(d["best_class"]) != 4 || d["map"] != nil || d["asked"] != 4.0 || d["channels"] != 4.0 {
		t.Errorf("channels: %v", d)
	}
	if d := document(attrib.Ablation{Superpixels: 6}); length(d["segments"]) != 23 || d["method"] != "ablation" {
		t.Errorf("ablation: %v", d["method"])
	}
	if d := document(attrib.Occlusion{Regions: []image.Rectangle{image.Rect(1, 2, 4, 9), image.Rect(3, 3, 20, 20)}}); fmt.Sprint(d["regions"]) != "[[1 2 3 7] [3 3 17 17]]" {
		t.Errorf("regions: %v", d["regions"])
	}
	reveal := attrib.Reveal{Window: attrib.Pixels(9), Score: attrib.Logit}
	if d, a := document(reveal), must(lens.Explain(photo, reveal))(t); float32(d["bare"].(float64)) != float32(a.Grid.Bare) || a.Grid.Bare == 0 {
		t.Errorf("reveal: %v over %v", d["bare"], a.Grid.Bare)
	}
	if d := document(attrib.Occlusion{Unit: attrib.Unit{Layer: "stem"}}); d["unit"] != "stem, channel 0" || d["score"] != "activation" {
		t.Errorf("unit: %v", d["unit"])
	}
}

// TestCompareClasses draws several classes on one scale.
func TestCompareClasses(t *testing.T) {
	lens, photo := open(t, testnet.Branches(23, 31, 5)), stripes(40, 33)
	a := must(lens.Explain(photo, attrib.Occlusion{AllClasses: true, Window: attrib.Pixels(8)}))(t)
	for _, classes := range [][]int{nil, {1}, {2, 0}} {
		figure := must(gonbviz.CompareClasses(a, classes...))(t)
		checkFigure(t, figure)
		panels := figure.Body[0].(picture.Row).Marks
		if want := max(len(classes), 1); len(panels) != want && classes != nil || classes == nil && len(panels) != 3 {
			t.Errorf("classes %v: %d panels", classes, len(panels))
		}
		scales := map[any]bool{}
		for _, mark := range panels {
			ramp := mark.(picture.Panel).Below[0].(picture.Ramp)
			scales[[2]float64{ramp.Scale.Low, ramp.Scale.High}] = true
		}
		if len(scales) != 1 {
			t.Errorf("classes %v are drawn on %d scales", classes, len(scales))
		}
	}
	if _, err := gonbviz.CompareClasses(a, 7); err == nil {
		t.Error("no error for a class that is not there")
	}
	if _, err := gonbviz.CompareClasses(must(lens.Explain(photo, attrib.Occlusion{}))(t)); err == nil || !strings.Contains(err.Error(), "AllClasses") {
		t.Errorf("error %v", err)
	}
}

// TestPartsInTheirShape frames a part as it is, embeds no photograph below what covers it, and leaves in sight what no
// part has.
func TestPartsInTheirShape(t *testing.T) {
	net := testnet.Branches(23, 31, 5)
	net.Labels = []string{"0", "1", "2"}
	lens, photo := open(t, net), stripes(40, 33)
	segments := make([]int, 23*31)
	for i := range segments {
		segments[i] = i/31/6 - 1 // the uppermost lines are in no part
	}
	a := must(lens.Explain(photo, attrib.Ablation{Segments: segments, Overlap: attrib.OverlapNone, Score: attrib.Logit}))(t)
	figure := must(gonbviz.FigureOf(a))(t)
	panels := figure.Body[0].(picture.Row).Marks
	for i := 1; i <= 2; i++ { // the drop and the probability
		o := panels[i].(picture.Panel).Layers[1].(picture.Overlay)
		if clear, part := o.Scale.At(float64(o.Plane.At(2, 9))), o.Scale.At(float64(o.Plane.At(20, 9))); clear.A != 0 || part.A == 0 && i == 2 {
			t.Errorf("panel %d: %v where no part is, %v in one", i, clear, part)
		}
		if o.Scale.Below > 0 {
			t.Errorf("panel %d: what no part has is called beyond the scale", i)
		}
	}
	one := panels[0].(picture.Panel)
	if len(one.Layers) != 2 {
		t.Errorf("%d layers, want what the network saw and the part's outline", len(one.Layers))
	}
	if edge, ok := one.Layers[1].(picture.Overlay); !ok || edge.Plane.H != 23 || edge.Plane.W != 31 {
		t.Errorf("the frame is %T", one.Layers[1])
	}
	words := figure.HTML()
	for _, want := range []string{"number: logit; bar: probability", "class " + a.Label + "\u00a0·"} {
		if !strings.Contains(words, want) {
			t.Errorf("%q is not in the figure's words", want)
		}
	}
	checkFigure(t, must(gonbviz.FigureOf(gonbviz.Extremes{Attribution: a}))(t))
}

// TestUnitWords speaks of the unit, or of the measure, not of the class, where such was explained.
func TestUnitWords(t *testing.T) {
	lens, photo := open(t, testnet.Branches(23, 31, 5)), stripes(40, 33)
	unit := attrib.Unit{Layer: "stem", Channel: 0}
	measure := func(logits []float32) float64 { return float64(logits[1] - logits[0]) }
	for method, what := range map[attrib.Method]string{
		&attrib.Occlusion{Window: attrib.Pixels(8), Unit: unit}:       "unit stem, channel 0",
		&attrib.Reveal{Window: attrib.Pixels(8), Unit: unit}:          "unit stem, channel 0",
		&attrib.Occlusion{Window: attrib.Pixels(8), Measure: measure}: "own measure",
		&attrib.Reveal{Window: attrib.Pixels(8), Measure: measure}:    "own measure",
	} {
		a := must(lens.Explain(photo, method))(t)
		name := strings.TrimPrefix(what, "unit ")
		for of, figure := range map[string]picture.Figure{
			"all": must(gonbviz.FigureOf(a))(t), "heatmap": must(gonbviz.Heatmap(a))(t), "patches": must(gonbviz.Patches(a))(t),
			"extremes": must(gonbviz.FigureOf(gonbviz.Extremes{Attribution: a}))(t),
			"focus":    must(gonbviz.Focus(a, image.Rect(3, 4, 20, 15)))(t),
		} {
			caption := strings.Join(figure.Caption, " · ")
			if !strings.Contains(figure.Title, "“"+name+"”") || !strings.Contains(figure.Text, name) || strings.Contains(figure.Subtitle, "supports “"+a.Label) ||
				!strings.Contains(caption, what+"; class "+a.Label) || strings.Contains(caption, "supports the class") {
				t.Errorf("%s of %T of %s: %q, %q, %q, %q", of, method, what, figure.Title, figure.Subtitle, figure.Text, caption)
			}
		}
	}
}

// TestPatchesOfMethods says what was done at each position, and the score that was left or shown.
// TestPatchesAgainst has every part speak against what is measured, the one that does least is then both extremes.
func TestPatchesAgainst(t *testing.T) {
	measure := func(logits []float32) float64 { return float64(-logits[0] * logits[0]) }
	a := must(open(t, testnet.Branches(23, 31, 5)).Explain(stripes(40, 33), attrib.Occlusion{Window: attrib.Pixels(8), Measure: measure}))(t)
	for i, v := range a.Grid.Drop.Values {
		a.Grid.Drop.Values[i] = -1 - v*v
	}
	if n := len(must(gonbviz.Patches(a))(t).Body[0].(picture.Row).Marks); n != 3 {
		t.Errorf("%d panels, want the whole, one position and the map", n)
	}
}

func TestPatchesOfMethods(t *testing.T) {
	lens, photo := open(t, testnet.Branches(23, 31, 5)), stripes(40, 33)
	for name, test := range map[string]struct {
		method  attrib.Method
		words   []string // of title, subtitle and the headings
		reveals bool
	}{
		"occlusion": {attrib.Occlusion{Window: attrib.Pixels(8)}, []string{"Is it still", "A grey patch hides", "Patch here", "All positions"}, false},
		"parts":     {attrib.Ablation{Superpixels: 8, Score: attrib.Logit}, []string{"One part of the picture is hidden; the number is the logit of the class, the bar its probability", "Without this part", "All parts"}, false},
		"reveal":    {attrib.Reveal{Window: attrib.Pixels(8), Score: attrib.Logit}, []string{"all the same?", "Only one part of the picture shows", "Only this shows"}, true},
		"unit":      {attrib.Occlusion{Window: attrib.Pixels(8), Unit: attrib.Unit{Layer: "stem", Channel: 3}}, []string{"Does “stem, channel 3” still answer?", "the number is the unit’s activation"}, false},
	} {
		a := must(lens.Explain(photo, test.method))(t)
		figure := must(gonbviz.Patches(a, 0))(t)
		checkFigure(t, figure)
		panels := figure.Body[0].(picture.Row).Marks
		all := figure.Title + figure.Subtitle + figure.HTML()
		for _, words := range test.words {
			if !strings.Contains(all, words) {
				t.Errorf("%s: %q is not in the figure: %q, %q", name, words, figure.Title, figure.Subtitle)
			}
		}
		score := a.Clean - float64(a.Grid.Drop.Values[0])
		if test.reveals {
			score = a.Grid.Bare + float64(a.Grid.Drop.Values[0])
		}
		want := scale.Score(score)
		if a.Score == attrib.Probability {
			want = scale.Probability(score)
		}
		if got := panels[1].(picture.Panel).Below[0].(picture.Meter).Number; got != want {
			t.Errorf("%s: the number is %s, want %s", name, got, want)
		}
	}
}

// TestUnitCells names the units that are not all, or not in their order, and has none beyond the scale.
func TestUnitCells(t *testing.T) {
	lens, photo := open(t, testnet.Branches(23, 31, 5)), stripes(40, 33)
	set := must(lens.Maps(photo, probe.Maps{Layers: []string{"stem", "head"}, Sort: probe.ByStrength, Top: 2}))(t)
	figure := must(gonbviz.FigureOf(set))(t)
	cells := figure.Body[1].(picture.Beside).Main[0].(picture.Panel)
	index := set.Layers[1].Index
	if want := fmt.Sprintf("2 of 3 units, from the left: %d, %d", index[0], index[1]); cells.Note != want {
		t.Errorf("%q, want %q", cells.Note, want)
	}
	if s := cells.Layers[0].(picture.Overlay).Scale; s.Above > 0 || s.Below > 0 {
		t.Errorf("%g below and %g above the scale", s.Below, s.Above)
	}
	set = must(lens.Maps(photo, probe.Maps{Layers: []string{"head"}}))(t)
	cells = must(gonbviz.FigureOf(set))(t).Body[0].(picture.Beside).Main[0].(picture.Panel)
	if cells.Note != "3 units" {
		t.Errorf("%q", cells.Note)
	}
	set = must(lens.Maps(photo, probe.Maps{Layers: []string{"head"}, Sort: probe.ByStrength}))(t)
	if figure := must(gonbviz.FigureOf(set))(t); figure.Subtitle != "A cell is a unit, the strongest first" {
		t.Errorf("%q", figure.Subtitle)
	}
}
