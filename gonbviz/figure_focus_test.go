package gonbviz_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
)

// quarter is an attribution whose positive values lie in the upper left quarter but for one in ten.
func quarter(t *testing.T) (*gonbviz.Lens, *attrib.Attribution) {
	t.Helper()
	net := testnet.Branches(20, 20, 5)
	net.Labels = []string{"fox <squirrel>", "two", "three"}
	lens := open(t, net)
	a := must(lens.Explain(stripes(20, 20), attrib.Occlusion{Class: "0", Window: attrib.Pixels(5), Stride: attrib.Pixels(5)}))(t)
	for i := range a.Map.Values {
		switch y, x := i/20, i%20; {
		case y < 10 && x < 10:
			a.Map.Values[i] = 9
		case y < 10:
			a.Map.Values[i] = 1
		default:
			a.Map.Values[i] = -3
		}
	}
	return lens, a
}

// TestFocusSays holds the sentence for each kind of part, and that the figure and the file say the same.
func TestFocusSays(t *testing.T) {
	lens, a := quarter(t)
	disc := image.NewGray(image.Rect(0, 0, 20, 20))
	for y := range 10 {
		for x := range 5 {
			disc.SetGray(x, y, color.Gray{255})
		}
	}
	mask := must(lens.Mask(disc))(t)
	for _, test := range []struct {
		part  any
		share float64
		want  string
	}{
		{image.Rect(0, 0, 10, 10), 0.9, "90\u00a0%| lies inside the box, which covers 25\u00a0% of the picture: 3.6 times its share"},
		{image.Rect(10, 0, 20, 20), 0.1, "10\u00a0%| lies inside the box, which covers 50\u00a0% of the picture: 0.20 times its share"},
		{mask, 0.45, "45\u00a0%| lies inside the mask, which covers 12\u00a0% of the picture: 3.6 times its share"},
		{0.05, 0.18, "18\u00a0%| lies in the strongest 5.0\u00a0% of the pixels: 3.6 times their share"},
	} {
		f := must(gonbviz.FocusOn(a, test.part))(t)
		said := f.Sentence()
		if want := strings.Replace(test.want, "|", " of what supports “fox <squirrel>”", 1); said != want {
			t.Errorf("says %q, want %q", said, want)
		}
		figure := must(gonbviz.FigureOf(f))(t)
		checkFigure(t, figure)
		if figure.Subtitle != said || !strings.Contains(figure.Text, said) || !strings.Contains(figure.Alt, said) {
			t.Errorf("the figure says %q, %q, %q", figure.Subtitle, figure.Text, figure.Alt)
		}
		var out bytes.Buffer
		if err := gonbviz.WriteJSON(&out, f); err != nil {
			t.Fatal(err)
		}
		var document struct {
			Model string
			Grid  [][]float64
			Focus struct {
				Words              string
				Share, Area, Times float64
				Box                []int
				Strongest          []struct{ Area, Share float64 }
			}
		}
		if err := json.Unmarshal(out.Bytes(), &document); err != nil {
			t.Fatal(err)
		}
		d := document.Focus
		_, isBox := test.part.(image.Rectangle)
		if d.Words != said || math.Abs(d.Share-test.share) > 1e-6 || math.Abs(d.Times-d.Share/d.Area) > 1e-6 || len(d.Box) == 4 != isBox ||
			len(d.Strongest) != 5 || d.Strongest[3].Area != 0.25 || math.Abs(d.Strongest[3].Share-0.9) > 1e-6 || len(document.Grid) != 4 {
			t.Errorf("the file says %+v", document)
		}
	}
	if figure := must(gonbviz.Focus(a, image.Rect(0, 0, 10, 10)))(t); !strings.HasPrefix(figure.Subtitle, "90") {
		t.Errorf("Focus says %q", figure.Subtitle)
	}
}

// TestMask is cropped as the photograph is, and counts grey in part.
func TestMask(t *testing.T) {
	lens := open(t, testnet.Branches(20, 10, 5))
	img := image.NewGray(image.Rect(7, 3, 47, 23)) // of which the middle 10 columns are shown
	for y := 3; y < 23; y++ {
		for x := 7; x < 47; x++ {
			img.SetGray(x, y, color.Gray{uint8(map[bool]int{false: 255, true: 51}[x >= 22 && x < 27])})
		}
	}
	mask := must(lens.Mask(img))(t)
	for y := range 20 {
		for x := range 10 {
			want := float32(1)
			if x < 5 {
				want = 0.2
			}
			if got := mask.At(y, x); math.Abs(float64(got-want)) > 1e-3 {
				t.Fatalf("row %d, column %d: %v, want %v", y, x, got, want)
			}
		}
	}
}

func TestFocusRefuses(t *testing.T) {
	_, a := quarter(t)
	for want, err := range map[string]error{
		"no part of a picture":  third(gonbviz.FocusOn(a, "the squirrel")),
		"no attribution":        third(gonbviz.FocusOn(nil, 0.1)),
		"does not lie inside":   third(gonbviz.FocusOn(a, image.Rect(0, 0, 21, 5))),
		"a mask of 3×1":         third(gonbviz.FocusOn(a, field.New(1, 3))),
		"FocusOn":               second(gonbviz.FigureOf(gonbviz.Focused{Attribution: a})),
		"there is no attributi": second(gonbviz.Focus(nil, image.Rect(0, 0, 1, 1))),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	a.Grid = nil
	if _, err := gonbviz.FigureOf(gonbviz.Extremes{Attribution: a}); err == nil || !strings.Contains(err.Error(), "no positions") {
		t.Errorf("extremes without positions: %v", err)
	}
}

func third(_ gonbviz.Focused, err error) error { return err }

// TestExtremesSay holds that what the network says while a part is hidden stands in figure and file.
func TestExtremesSay(t *testing.T) {
	lens := open(t, testnet.Branches(23, 31, 5))
	a := must(lens.Explain(stripes(40, 33), attrib.Occlusion{Window: attrib.Pixels(8), Score: attrib.Logit}))(t)
	e := gonbviz.Extremes{Attribution: a, N: 2}
	figure := must(gonbviz.FigureOf(e))(t)
	var document struct {
		Strongest, Weakest []struct {
			Position        int
			Window          [4]int
			Drop            float64
			BestProbability float64 `json:"best_probability"`
			BestClass       struct {
				Index int
				Label string
			} `json:"best_class"`
		}
	}
	var out bytes.Buffer
	if err := gonbviz.WriteJSON(&out, e); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil || len(document.Strongest) != 2 || len(document.Weakest) != 2 {
		t.Fatalf("%v: %+v", err, document)
	}
	for i, s := range document.Strongest {
		w := a.Grid.Windows[s.Position]
		if float32(s.Drop) != a.Grid.Drop.Values[s.Position] || s.Window != [4]int{w.Min.X, w.Min.Y, w.Dx(), w.Dy()} ||
			s.BestClass.Index != a.Grid.Best[s.Position] || float32(s.BestProbability) != a.Grid.BestProbability.Values[s.Position] {
			t.Errorf("position %d: %+v", i, s)
		}
		if !strings.Contains(figure.HTML(), ">"+s.BestClass.Label+"<") || !strings.Contains(figure.Text, s.BestClass.Label) {
			t.Errorf("%q is not in the figure", s.BestClass.Label)
		}
		if s.Drop < document.Weakest[i].Drop {
			t.Errorf("the strongest drops by %v, the weakest by %v", s.Drop, document.Weakest[i].Drop)
		}
	}
}
