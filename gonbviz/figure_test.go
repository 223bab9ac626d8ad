package gonbviz_test

import (
	"context"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

// open opens a network on the pure-Go backend.
func open(t testing.TB, net *models.Network) *gonbviz.Lens {
	t.Helper()
	lens, err := gonbviz.OpenOn("go", net)
	if err != nil {
		t.Fatal(err)
	}
	return lens
}

// stripes is a picture that is not square and of one colour in each half.
func stripes(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{200, 40, 10, 255}
			if x > w/2 {
				c = color.NRGBA{10, 80, 220, 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return &pixel.Photo{Image: img, Name: "<stripes> & more"}
}

// must is the value of a call that has to work.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestFigures draws every kind of result of small networks and looks for what each figure must have.
func TestFigures(t *testing.T) {
	net := testnet.Branches(23, 31, 5)
	net.Name = `"Branches" <b>`
	net.Labels = []string{"<i>one</i>", "two", "two"}
	lens, photo := open(t, net), stripes(40, 33)
	answer := must(lens.Classify(photo))(t)
	maps := must(lens.Activations(photo, "stem", "fire"))(t)
	pre := must(lens.Maps(photo, probe.Maps{Layers: []string{"stem", "block/conv"}, Pre: true}))(t)
	units := must(lens.Maps(photo, probe.Maps{Layers: []string{"head"}}))(t)
	occlusion := must(lens.Explain(photo, attrib.Occlusion{Window: attrib.Pixels(8), Class: "0", Score: attrib.Logit}))(t)
	grid := must(lens.Explain(photo, attrib.Occlusion{Window: attrib.Pixels(8), Overlap: attrib.OverlapNone, Fill: attrib.Noise}))(t)
	for name, result := range map[string]any{
		"photo": photo, "classes": answer, "all classes": gonbviz.Top{Answer: answer}, "layers": lens.LayerTable(),
		"colour filters": must(lens.Filters("stem"))(t),
		"layer scale":    must(lens.FilterBank(probe.Filters{Layer: "stem", Scale: probe.PerLayer}))(t),
		"filter scale":   must(lens.FilterBank(probe.Filters{Layer: "stem", Scale: probe.PerFilter}))(t),
		"inner filters":  must(lens.FilterBank(probe.Filters{Layer: "fire/right", Scale: probe.PerFilter}))(t),
		"mixing filters": must(lens.FilterBank(probe.Filters{Layer: "fire/left", Scale: probe.PerFilter}))(t),
		"maps":           maps, "maps before": pre, "units": units,
		"occlusion": occlusion, "grid": grid,
		"drop": gonbviz.Panels{Attribution: occlusion, Show: gonbviz.Drop}, "probability": gonbviz.Panels{Attribution: grid, Show: gonbviz.Probability},
		"extremes": gonbviz.Extremes{Attribution: occlusion}, "many extremes": gonbviz.Extremes{Attribution: grid, N: 5, Near: true},
		"class": gonbviz.Panels{Attribution: occlusion, Show: gonbviz.BestClass}, "heatmap": must(gonbviz.Heatmap(grid))(t),
	} {
		t.Run(name, func(t *testing.T) {
			figure := must(gonbviz.FigureOf(result))(t)
			checkFigure(t, figure)
		})
	}
}

// checkFigure looks for what every figure must have: words, and nothing that a stranger's name could break.
func checkFigure(t *testing.T, figure picture.Figure) {
	t.Helper()
	if figure.Title == "" || figure.Alt == "" || figure.Text == "" || len(figure.Caption) == 0 {
		t.Errorf("a figure without title, alt, text or caption: %q %q %q %q", figure.Title, figure.Alt, figure.Text, figure.Caption)
	}
	html, svg := figure.HTML(), string(figure.SVG())
	for _, text := range []string{html, svg} {
		for _, raw := range []string{"<stripes>", "<b>", "<i>one", "NaN", "+Inf", "%!"} {
			if strings.Contains(text, raw) {
				t.Errorf("%q is in the markup", raw)
			}
		}
	}
	if strings.Contains(figure.Text, "\n") {
		t.Errorf("text of several lines: %q", figure.Text)
	}
	if _, err := figure.PNG(picture.Raster{Density: 1}); err != nil {
		t.Error(err)
	}
}

// constant is a network whose answer does not depend on the picture, with one filter of zeros.
func constant(classes int) *models.Network {
	store := model.NewStore()
	testnet.Set(store, "/conv/weights", make([]float32, 3*3*1*2), 3, 3, 1, 2)
	testnet.Set(store, "/conv/biases", make([]float32, 2), 2)
	testnet.Set(store, "/head/weights", make([]float32, 2*classes), 2, classes)
	return &models.Network{
		Name: "constant", Store: store, Input: testnet.Input(6, 9, models.Gray),
		Logits: func(scope *model.Scope, x *graph.Node) *graph.Node {
			x = testnet.Relu(testnet.Convolve(scope.In("conv"), x, 1, false))
			return graph.Dot(graph.ReduceMean(x, 1, 2), scope.In("head").GetVariable("weights").NodeValue(x)).Product()
		},
	}
}

// TestNothingToSee draws what is zero everywhere: dead filters, silent maps, a heatmap without a drop, one class alone.
func TestNothingToSee(t *testing.T) {
	for _, classes := range []int{1, 2} {
		lens, photo := open(t, constant(classes)), stripes(9, 6)
		for _, result := range []any{
			must(lens.Filters("conv"))(t), must(lens.Activations(photo, "conv"))(t), must(lens.Classify(photo))(t),
			must(lens.Explain(photo, attrib.Occlusion{}))(t),
		} {
			figure := must(gonbviz.FigureOf(result))(t)
			checkFigure(t, figure)
			if _, isBank := result.(*probe.FilterBank); isBank && !strings.Contains(figure.HTML(), "dead") {
				t.Error("a filter of zeros is not called dead")
			}
		}
	}
}

// TestNotFinite draws a heatmap with numbers that are none.
func TestNotFinite(t *testing.T) {
	lens, photo := open(t, constant(2)), stripes(9, 6)
	a := must(lens.Explain(photo, attrib.Occlusion{}))(t)
	a.Map.Values[3], a.Grid.Drop.Values[0] = float32(math.NaN()), float32(math.NaN())
	a.Map.Values[4] = float32(math.Inf(1))
	checkFigure(t, must(gonbviz.FigureOf(a))(t))
}

func TestFigureOfUnknown(t *testing.T) {
	for _, result := range []any{nil, 7, "conv1", struct{}{}} {
		if _, err := gonbviz.FigureOf(result); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: error %v", result, err)
		}
	}
	if _, err := gonbviz.FigureOf(gonbviz.Panels{}); err == nil {
		t.Error("no error for an attribution that is not there")
	}
}

// TestCaption holds the order of a caption's parts.
func TestCaption(t *testing.T) {
	lens := open(t, testnet.Branches(23, 31, 5))
	a := must(lens.Explain(stripes(40, 33), attrib.Occlusion{Window: attrib.Pixels(8), Stride: attrib.Size{H: 8, W: 4}}))(t)
	want := "branches · input <stripes> & more, centre crop, 31 × 23 · class two (1) · score probability, >0.999 with all visible · " +
		"occlusion: window 8, stride 8x4, fill gray, border cut, overlap mean · 3 × 7 = 21 positions · each computed in full · positive supports the class · pure-Go backend"
	parts := slices.DeleteFunc(must(gonbviz.FigureOf(a))(t).Caption, func(part string) bool { return part == "" })
	if got := strings.Join(parts, " · "); got != want {
		t.Errorf("caption\n%s, want\n%s", got, want)
	}
}

// TestClassWords counts the classes that are shown.
func TestClassWords(t *testing.T) {
	answer := must(open(t, testnet.Branches(23, 31, 5)).Classify(stripes(40, 33)))(t)
	for n, want := range map[int]string{2: "The two most probable of 3 classes", 0: "All three classes, the most probable first"} {
		if figure := must(gonbviz.FigureOf(gonbviz.Top{Answer: answer, N: n}))(t); figure.Subtitle != want {
			t.Errorf("%q, want %q", figure.Subtitle, want)
		}
	}
}

// TestPhoto opens embedded photographs by name and says what there is where a name is none.
func TestPhoto(t *testing.T) {
	photo := must(gonbviz.Photo("camera"))(t)
	if photo.Name != "camera" || photo.Bounds().Empty() {
		t.Errorf("photo %q of %v", photo.Name, photo.Bounds())
	}
	_, err := gonbviz.Photo("no such\nfile")
	if err == nil || !strings.Contains(err.Error(), "squirrel") {
		t.Errorf("error %v does not name the embedded photographs", err)
	}
}

// BenchmarkOpen is what each cell of a notebook does first.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		lens := open(b, squeezenet.Network())
		if _, err := lens.Prepare(gonbviz.Must(gonbviz.Photo("squirrel"))); err != nil {
			b.Fatal(err)
		}
	}
}

// fromTheCell is a method that a reader writes in a cell: it works wherever those of the library do.
type fromTheCell struct{}

func (fromTheCell) Attribute(_ context.Context, network *probe.Probe, photo *pixel.Prepared) (*attrib.Attribution, error) {
	m := field.New(photo.Input.Height, photo.Input.Width)
	for i := range m.Values {
		m.Values[i] = photo.Values[i*photo.Input.Channels()]
	}
	return &attrib.Attribution{Method: "brightness", Network: network.Network().Name, Picture: photo, Label: "bright", Score: attrib.Logit, Map: &m}, nil
}

func TestMethodFromTheCell(t *testing.T) {
	lens := open(t, testnet.Branches(23, 31, 5))
	checkFigure(t, must(gonbviz.FigureOf(must(lens.Explain(stripes(31, 23), fromTheCell{}))(t)))(t))
}

// TestCompare draws results beside each other, and refuses those that don't belong together.
func TestCompare(t *testing.T) {
	one, two := open(t, testnet.Branches(23, 31, 5)), open(t, testnet.Branches(23, 31, 6))
	photo, other := stripes(40, 33), stripes(31, 23)
	figure := must(gonbviz.CompareFilters("Two networks", must(one.Filters("stem"))(t), must(two.Filters("stem"))(t)))(t)
	checkFigure(t, figure)
	if strings.Count(figure.Text, "roughness") != 2 {
		t.Errorf("the roughness of both is not in %q", figure.Text)
	}
	all := probe.Maps{Layers: []string{"fire"}}
	checkFigure(t, must(gonbviz.CompareUnit(2, must(one.Maps(photo, all))(t), must(one.Maps(other, all))(t)))(t))
	a := must(one.Explain(photo, attrib.Occlusion{Window: attrib.Pixels(8)}))(t)
	checkFigure(t, must(gonbviz.Patches(a))(t))
	checkFigure(t, must(gonbviz.Patches(a, 0, 3))(t))
	if _, err := a.Share(image.Rect(0, 0, 31, 23)); err == nil {
		checkFigure(t, must(gonbviz.Focus(a, image.Rect(3, 4, 20, 15)))(t))
	}
	for name, err := range map[string]error{
		"one bank":           second(gonbviz.CompareFilters("", must(one.Filters("stem"))(t))),
		"different layers":   second(gonbviz.CompareFilters("", must(one.Filters("stem"))(t), must(one.Filters("fire/right"))(t))),
		"no such channel":    second(gonbviz.CompareUnit(9, must(one.Maps(photo, all))(t))),
		"two layers":         second(gonbviz.CompareUnit(0, must(one.Activations(photo, "stem", "fire"))(t))),
		"no such position":   second(gonbviz.Patches(a, 9999)),
		"box outside":        second(gonbviz.Focus(a, image.Rect(0, 0, 32, 23))),
		"nothing to compare": second(gonbviz.CompareUnit(0)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func second(_ picture.Figure, err error) error { return err }

// TestReport makes the page with everything, of a small network.
func TestReport(t *testing.T) {
	lens := open(t, testnet.Branches(23, 31, 5))
	report := must(lens.Report(t.Context(), must(lens.Prepare(stripes(40, 33)))(t)))(t)
	for _, figure := range report.Figures {
		checkFigure(t, figure)
	}
	page := string(report.HTML())
	for _, want := range []string{"<h1", "What branches says", "rests on", "layers answer", "What stem looks for", "is made of", "&lt;stripes&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Count(page, "http") != strings.Count(page, "xmlns='http://www.w3.org/2000/svg'") || strings.Contains(page, "<script") {
		t.Error("the page needs something from elsewhere")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lens.Report(ctx, must(lens.Prepare(stripes(9, 9)))(t)); err == nil {
		t.Error("a report that was stopped is no error")
	}
}
