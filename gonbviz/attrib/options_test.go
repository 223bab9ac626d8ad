package attrib_test

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
)

// byHand says how a method's positions hide a picture: how much of a pixel's channel, and what shows instead.
type byHand struct {
	method attrib.Method
	hidden func(position, y, x, c int) float64
	fill   func(position, y, x, c int) float64
	exact  bool // the network gets whole numbers alone
}

// picture is the picture with a position hidden.
func (h byHand) picture(clean *pixel.Prepared, position int) []float32 {
	in := clean.Input
	values := slices.Clone(clean.Values)
	for i, v := range clean.Values {
		y, x, c := i/in.Channels()/in.Width, i/in.Channels()%in.Width, i%in.Channels()
		if m := h.hidden(position, y, x, c); m > 0 {
			values[i] = float32((1-m)*float64(v) + m*h.fill(position, y, x, c))
		}
	}
	return values
}

// window5 is the window of 5×5 pixels of a position, with a stride of 3, in an input of 14×19.
func window5(position int) image.Rectangle {
	const cols = 6
	y, x := position/cols*3, position%cols*3
	return image.Rect(x, y, x+5, y+5).Intersect(image.Rect(0, 0, 19, 14))
}

func in(r image.Rectangle, y, x int) float64 {
	if image.Pt(x, y).In(r) {
		return 1
	}
	return 0
}

// ramp is a soft edge of n pixels inside a window.
func ramp(r image.Rectangle, y, x, n int) float64 {
	along := func(i, size int) float64 { return math.Min(1, float64(min(i+1, size-i))/float64(n+1)) }
	return in(r, y, x) * along(y-r.Min.Y, r.Dy()) * along(x-r.Min.X, r.Dx())
}

// someLabels are a corner, a slanted part beside it, an upright one and a single pixel, with labels that are neither in
// order nor without gaps, on a negative one.
func someLabels(height, width int) []int {
	labels := make([]int, height*width)
	for i := range labels {
		y, x := i/width, i%width
		switch labels[i] = -3; {
		case y == 13 && x == 18:
			labels[i] = 41
		case x == 12 && y > 3 && y < 9:
			labels[i] = 40
		case x+y < 5:
			labels[i] = 7
		case x+y < 8 && y < 6:
			labels[i] = 2
		}
	}
	return labels
}

// cases are methods with what they must show the network, for a picture of 14×19×3.
func cases(picture *pixel.Prepared) map[string]byHand {
	value := func(y, x, c int) float64 { return float64(picture.Values[(y*19+x)*3+c]) }
	nine := func(int, int, int, int) float64 { return 9 }
	window := func(p, y, x, _ int) float64 { return in(window5(p), y, x) }
	mean := func(hidden func(p, y, x, c int) float64) func(p, y, x, c int) float64 {
		return func(p, _, _, c int) float64 {
			sum, weight := 0.0, 0.0
			for y := range 14 {
				for x := range 19 {
					sum, weight = sum+hidden(p, y, x, c)*value(y, x, c), weight+hidden(p, y, x, c)
				}
			}
			return sum / weight
		}
	}
	base := attrib.Occlusion{Class: "2", Score: attrib.Logit, Window: attrib.Pixels(5), Stride: attrib.Pixels(3), Fill: attrib.Constant(9)}
	with := func(change func(o *attrib.Occlusion)) attrib.Occlusion {
		o := base
		change(&o)
		return o
	}
	soft := func(p, y, x, _ int) float64 { return ramp(window5(p), y, x, 1) }
	channels := func(p, y, x, c int) float64 {
		if c == 1 {
			return 0
		}
		return window(p, y, x, c)
	}
	regions := []image.Rectangle{image.Rect(0, 0, 2, 2), image.Rect(3, 2, 8, 7), image.Rect(5, 5, 6, 9), image.Rect(18, 13, 19, 14)}
	labels := someLabels(14, 19)
	segments := func(p, y, x, _ int) float64 {
		if labels[y*19+x] == []int{2, 7, 40, 41}[p] {
			return 1
		}
		return 0
	}
	parts := attrib.Segment(picture, 12)
	other := make([]float32, len(picture.Values))
	for i := range other {
		other[i] = float32(i * i % 97)
	}
	return map[string]byHand{
		"soft":         {with(func(o *attrib.Occlusion) { o.Soft = 1 }), soft, nine, false},
		"channels":     {with(func(o *attrib.Occlusion) { o.Channels = []int{2, 0} }), channels, nine, true},
		"other":        {with(func(o *attrib.Occlusion) { o.Fill, o.FillPicture = "", other }), window, func(_, y, x, c int) float64 { return float64(other[(y*19+x)*3+c]) }, true},
		"patch mean":   {with(func(o *attrib.Occlusion) { o.Fill = attrib.PatchMean }), window, mean(window), false},
		"soft mean":    {with(func(o *attrib.Occlusion) { o.Fill, o.Soft = attrib.PatchMean, 1 }), soft, mean(soft), false},
		"inpaint":      {with(func(o *attrib.Occlusion) { o.Fill = attrib.Inpaint }), window, relaxed(picture), false},
		"regions":      {with(func(o *attrib.Occlusion) { o.Regions = regions }), func(p, y, x, _ int) float64 { return in(regions[p], y, x) }, nine, true},
		"segments":     {with(func(o *attrib.Occlusion) { o.Segments = labels }), segments, nine, true},
		"segment mean": {with(func(o *attrib.Occlusion) { o.Segments, o.Fill = labels, attrib.PatchMean }), segments, mean(segments), false},
		"ablation": {attrib.Ablation(with(func(o *attrib.Occlusion) { o.Superpixels = 12 })), func(p, y, x, _ int) float64 {
			if parts[y*19+x] == p {
				return 1
			}
			return 0
		}, nine, true},
		"reveal":      {attrib.Reveal(base), func(p, y, x, c int) float64 { return 1 - window(p, y, x, c) }, nine, true},
		"soft reveal": {attrib.Reveal(with(func(o *attrib.Occlusion) { o.Soft = 1 })), func(p, y, x, c int) float64 { return 1 - soft(p, y, x, c) }, nine, false},
		"reveal segments": {attrib.Reveal(with(func(o *attrib.Occlusion) { o.Segments = labels })), func(p, y, x, c int) float64 {
			return 1 - segments(p, y, x, c)
		}, nine, true},
	}
}

// relaxed solves Laplace's equation in each window by going through its pixels until nothing changes any more.
func relaxed(picture *pixel.Prepared) func(position, y, x, c int) float64 {
	solved := map[int][]float64{}
	solve := func(position int) []float64 {
		u := make([]float64, len(picture.Values))
		for i, v := range picture.Values {
			u[i] = float64(v)
		}
		w := window5(position)
		for range 2000 {
			for y := w.Min.Y; y < w.Max.Y; y++ {
				for x := w.Min.X; x < w.Max.X; x++ {
					for c := range 3 {
						sum, n := 0.0, 0.0
						for _, q := range [][2]int{{y - 1, x}, {y + 1, x}, {y, x - 1}, {y, x + 1}} {
							if q[0] >= 0 && q[0] < 14 && q[1] >= 0 && q[1] < 19 {
								sum, n = sum+u[(q[0]*19+q[1])*3+c], n+1
							}
						}
						u[(y*19+x)*3+c] = sum / n
					}
				}
			}
		}
		return u
	}
	return func(position, y, x, c int) float64 {
		if solved[position] == nil {
			solved[position] = solve(position)
		}
		return solved[position][(y*19+x)*3+c]
	}
}

// TestHidden asks the network about each position's picture, hidden by hand, and compares: in full and in windows, on
// both backends, to the last bit where the network gets whole numbers.
func TestHidden(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		p, picture := open(t, backend, net), noisy(t, net)
		logit := func(values []float32) float64 {
			answer, err := p.Classify(t.Context(), array(t, net, values))
			if err != nil {
				t.Fatal(err)
			}
			return float64(answer.Logits[2])
		}
		clean := logit(picture.Values)
		nothing := logit(slices.Repeat([]float32{9}, len(picture.Values)))
		for name, test := range cases(picture) {
			for _, exact := range []attrib.Exact{attrib.Full, attrib.Incremental} {
				t.Run(fmt.Sprint(name, " ", exact), func(t *testing.T) {
					a := attribute(t, p, picture, exactly(test.method, exact))
					if a.Engine != exact && a.Method == "occlusion" {
						t.Errorf("it was computed by %s", a.Engine)
					}
					tolerance := 1e-5 * math.Abs(clean)
					if test.exact {
						tolerance = 0
					}
					want := make([]float64, len(a.Grid.Windows))
					for i := range a.Grid.Windows {
						values := test.picture(picture, i)
						shown, err := a.Grid.Occluded(picture, i)
						if err != nil {
							t.Fatal(err)
						}
						for k, v := range values {
							if math.Abs(float64(v-shown[k])) > 1e-4 {
								t.Fatalf("position %d is said to show %v at value %d, want %v", i, shown[k], k, v)
							}
						}
						want[i] = clean - logit(values)
						if a.Method == "reveal" {
							want[i] = logit(values) - nothing
						}
						if got := float64(a.Grid.Drop.Values[i]); math.Abs(got-float64(float32(want[i]))) > tolerance {
							t.Errorf("position %d gives %v, want %v", i, got, want[i])
						}
					}
					test.checkMap(t, a, want, tolerance)
				})
			}
		}
	})
}

// exactly is the method computed in one way.
func exactly(m attrib.Method, exact attrib.Exact) attrib.Method {
	switch m := m.(type) {
	case attrib.Occlusion:
		m.Exact = exact
		return m
	case attrib.Ablation:
		m.Exact = exact
		return m
	case attrib.Reveal:
		m.Exact = exact
		return m
	}
	panic("unknown method")
}

// checkMap compares the map with the weighted mean over the positions.
func (h byHand) checkMap(t *testing.T, a *attrib.Attribution, value []float64, tolerance float64) {
	t.Helper()
	for y := range 14 {
		for x := range 19 {
			sum, weight := 0.0, 0.0
			for i, v := range value {
				w := math.Max(h.hidden(i, y, x, 0), h.hidden(i, y, x, 2))
				if a.Method == "reveal" {
					w = 1 - w
				}
				sum, weight = sum+w*v, weight+w
			}
			if weight > 0 {
				sum /= weight
			}
			if got := float64(a.Map.At(y, x)); math.Abs(got-sum) > tolerance+1e-6*math.Abs(sum) {
				t.Fatalf("the map is %v at %d,%d, want %v", got, y, x, sum)
			}
		}
	}
}

// TestPartsExact works parts out on paper, on the network that is solved in testnet.
func TestPartsExact(t *testing.T) {
	// Hiding pixels 0..15 by zero one by one drops the answer by these (see TestOcclusionExact).
	one := []float32{0, 1, 2, 3, 0, 4, 4, 4, 2, 7, 8, 4, 6, 7, 8, 0}
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Exact()
		p, picture := open(t, backend, net), array(t, net, testnet.Counting(16))
		each := make([]int, 16)
		for i := range each {
			each[i] = 100 - i // the labels' order is the reverse of the pixels'
		}
		a := attribute(t, p, picture, attrib.Ablation{Score: attrib.Logit, Fill: attrib.Zero, Segments: each})
		if !slices.Equal(a.Map.Values, one) || a.Clean != 54 {
			t.Errorf("map %v of %v, want %v of 54", a.Map.Values, a.Clean, one)
		}
		if a.Grid.Segments[0] != 15 || a.Grid.Drop.Values[1] != 8 || a.Grid.Windows[15] != image.Rect(0, 0, 1, 1) {
			t.Errorf("segments %v, drops %v", a.Grid.Segments, a.Grid.Drop.Values)
		}
		// The upper left 3×3 by itself is a sum of 45, less 50 and 75: nothing is left. Of the lower right 3×3 the four places
		// see 30, 48, 57 and 90, less 50 that is 0, 0, 7 and 40, less 75 it is 0, 0, 0 and 15: 7 + 40 − 15.
		regions := []image.Rectangle{image.Rect(0, 0, 3, 3), image.Rect(0, 0, 4, 4), image.Rect(1, 1, 4, 4)}
		revealed := attribute(t, p, picture, attrib.Reveal{Score: attrib.Logit, Fill: attrib.Zero, Regions: regions})
		if got := revealed.Grid.Drop.Values; !slices.Equal(got, []float32{0, 54, 32}) {
			t.Errorf("revealed: %v", got)
		}
	})
}

// TestShareOfPicture turns shares into pixels.
func TestShareOfPicture(t *testing.T) {
	net := testnet.Branches(20, 30, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	for share, want := range map[float64]string{0.15: "3", 0.125: "3", 0.12: "2", 0.01: "1", 1: "20"} {
		a := attribute(t, p, picture, attrib.Occlusion{Window: attrib.Share(share), Stride: attrib.Share(min(share, 0.05)), Region: image.Rect(0, 0, 3, 20)})
		if got := a.Options[0].Value; got != want && share < 0.2 {
			t.Errorf("a share of %v is a window of %s, want %s", share, got, want)
		}
		if a.Options[1] != (attrib.Option{Name: "stride", Value: "1"}) {
			t.Errorf("stride %v", a.Options[1])
		}
	}
	if got := attrib.Share(0.125).String(); got != "12.5%" {
		t.Errorf("written as %s", got)
	}
	for _, bad := range []attrib.Size{attrib.Share(-0.1), attrib.Share(1.01), attrib.Share(math.NaN()), {H: 3, Part: 0.5}} {
		if _, err := (attrib.Occlusion{Window: bad}).Attribute(t.Context(), p, picture); err == nil || !strings.Contains(err.Error(), "give pixels, or a share") {
			t.Errorf("%v: error %v", bad, err)
		}
	}
}

// TestAllClasses makes the map of each class from one pass, equal to the one that is asked for by itself.
func TestAllClasses(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		p, picture := open(t, backend, net), noisy(t, net)
		o := attrib.Occlusion{Score: attrib.Logit, Window: attrib.Pixels(5), Stride: attrib.Pixels(3), Fill: attrib.Zero}
		for _, score := range []attrib.Score{attrib.Logit, attrib.Probability, attrib.Margin} {
			o.Score = score
			for _, method := range []func(o attrib.Occlusion) attrib.Method{
				func(o attrib.Occlusion) attrib.Method { return o },
				func(o attrib.Occlusion) attrib.Method { return attrib.Reveal(o) },
			} {
				all := o
				all.AllClasses = true
				a := attribute(t, p, picture, method(all))
				for class := range 3 {
					o.Class = fmt.Sprint(class)
					want := attribute(t, p, picture, method(o))
					got, err := a.For(class)
					if err != nil {
						t.Fatal(err)
					}
					if got.Label != want.Label || got.Clean != want.Clean || !slices.Equal(got.Map.Values, want.Map.Values) ||
						!slices.Equal(got.Grid.Probability.Values, want.Grid.Probability.Values) || got.CleanProbability != want.CleanProbability {
						t.Errorf("%s, class %d: %v, clean %v; by itself %v, %v", score, class, got.Grid.Drop.Values, got.Clean, want.Grid.Drop.Values, want.Clean)
					}
				}
				o.Class = ""
				if _, err := a.For(3); err == nil {
					t.Error("no error for a class that is not there")
				}
			}
		}
		if _, err := attribute(t, p, picture, o).For(1); err == nil {
			t.Error("no error where nothing was kept")
		}
	})
}

// TestMargin compares with the logits, and a Measure that computes the same.
func TestMargin(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	margin := func(logits []float32) float64 {
		return float64(logits[1]) - math.Max(float64(logits[0]), float64(logits[2]))
	}
	o := attrib.Occlusion{Class: "1", Score: attrib.Margin, Window: attrib.Pixels(7), Stride: attrib.Pixels(7), Fill: attrib.Zero}
	reference := slow{window: o.Window, stride: o.Stride, region: image.Rect(0, 0, 19, 14), mean: true, fill: make([]float32, len(picture.Values))}
	want := reference.run(t, p, picture, 1, func(logits []float32, _ int) float64 { return margin(logits) })
	checkResult(t, attribute(t, p, picture, o), want, 0)
	o.Measure = margin
	a := attribute(t, p, picture, o)
	checkResult(t, a, want, 0)
	if a.Score != attrib.Measured || a.CleanProbability < 0 || a.CleanProbability > 1 {
		t.Errorf("score %q, probability %v", a.Score, a.CleanProbability)
	}
}

// TestUnit explains a channel and a value of inner layers, in full and in windows, and compares with the maps that the
// layers answer with.
func TestUnit(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		net := testnet.Branches(14, 19, 3)
		p, picture := open(t, backend, net), noisy(t, net)
		for _, unit := range []attrib.Unit{
			{Layer: "stem", Channel: 2}, {Layer: "fire/right", Channel: 1, At: true, Row: 1, Column: 2}, {Layer: "head", Channel: 1},
		} {
			value := func(values []float32) float64 {
				set, err := p.Maps(t.Context(), array(t, net, values), probe.Maps{Layers: []string{unit.Layer}})
				if err != nil {
					t.Fatal(err)
				}
				plane := set.Layers[0].Planes[unit.Channel]
				if unit.At {
					return float64(plane.At(unit.Row, unit.Column))
				}
				sum := 0.0
				for _, v := range plane.Values {
					sum += float64(v)
				}
				return sum / float64(len(plane.Values))
			}
			for _, exact := range []attrib.Exact{attrib.Full, attrib.Incremental} {
				a := attribute(t, p, picture, attrib.Occlusion{Unit: unit, Window: attrib.Pixels(6), Stride: attrib.Pixels(5), Fill: attrib.Zero, Exact: exact})
				clean := value(picture.Values)
				if math.Abs(a.Clean-clean) > 1e-5*math.Abs(clean) || a.Score != attrib.Activation || a.Explained() != unit.String() {
					t.Fatalf("%v: %s is %v, want %v", unit, a.Explained(), a.Clean, clean)
				}
				changed := false
				for i, d := range a.Grid.Drop.Values {
					shown, _ := a.Grid.Occluded(picture, i)
					if want := clean - value(shown); math.Abs(float64(d)-want) > 1e-5*math.Abs(clean) {
						t.Errorf("%v, %s, position %d: drop %v, want %v", unit, exact, i, d, want)
					}
					changed = changed || d != 0
					answer, err := p.Classify(t.Context(), array(t, net, shown))
					if err != nil {
						t.Fatal(err)
					}
					if probability := float32(answer.Probabilities[a.Class]); math.Abs(float64(probability-a.Grid.Probability.Values[i])) > 1e-5 {
						t.Errorf("%v, position %d: probability %v, want %v", unit, i, a.Grid.Probability.Values[i], probability)
					}
				}
				if !changed {
					t.Errorf("%v never changes", unit)
				}
			}
		}
	})
}

// TestOptionErrors refuses what can't be.
func TestOptionErrors(t *testing.T) {
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	for words, o := range map[string]attrib.Occlusion{
		"give one of Regions":         {Superpixels: 3, Segments: make([]int, 14*19)},
		"no regions":                  {Regions: []image.Rectangle{}},
		"does not lie inside":         {Regions: []image.Rectangle{image.Rect(0, 0, 20, 5)}},
		"-1 superpixels":              {Superpixels: -1},
		"3 labels for":                {Segments: make([]int, 3)},
		"no segments to hide":         {Segments: slices.Repeat([]int{-1}, 14*19)},
		"ramp of -1":                  {Soft: -1},
		"leave nothing of a window":   {Window: attrib.Pixels(6), Soft: 3},
		"no soft edges":               {Superpixels: 3, Soft: 1},
		"is for windows and regions":  {Superpixels: 3, Fill: attrib.Inpaint},
		"no channel 3":                {Channels: []int{3}},
		"has 2 values":                {FillPicture: make([]float32, 2)},
		"has 0 values":                {Fill: attrib.OtherPicture},
		"and fill gray":               {Fill: attrib.Gray, FillPicture: make([]float32, 14*19*3)},
		"no layer \"stam\"":           {Unit: attrib.Unit{Layer: "stam"}},
		"has no channel 4":            {Unit: attrib.Unit{Layer: "stem", Channel: 4}},
		"without a row 9":             {Unit: attrib.Unit{Layer: "block/conv", At: true, Row: 9}},
		"no rows and columns":         {Unit: attrib.Unit{Layer: "head", At: true}},
		"must give finite numbers":    {Measure: func([]float32) float64 { return math.NaN() }},
		"both a Unit and a Measure":   {Unit: attrib.Unit{Layer: "stem"}, Measure: func([]float32) float64 { return 0 }},
		"logit, logprob and margin":   {Score: attrib.Activation},
		"probability, logit, logprob": {Score: "loss"},
	} {
		if _, err := o.Attribute(t.Context(), p, picture); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want %q", err, words)
		}
	}
	if _, err := (attrib.Reveal{Fill: attrib.Inpaint}).Attribute(t.Context(), p, picture); err == nil || !strings.Contains(err.Error(), "all but a window") {
		t.Errorf("error %v", err)
	}
}

// TestSegment cuts a picture of flat quarters along their edges, and any into about as many parts as asked for, each in
// one piece and numbered in the order of their first pixels.
func TestSegment(t *testing.T) {
	net := testnet.Branches(40, 60, 1)
	values := make([]float32, 40*60*3)
	for i := range values {
		y, x := i/3/60, i/3%60
		values[i] = []float32{20, 220}[(y/20+x/30)%2]
	}
	quarters := attrib.Segment(array(t, net, values), 24)
	colour := map[int]float32{}
	for i, part := range quarters {
		if v, found := colour[part]; found && v != values[3*i] {
			t.Fatalf("part %d is of several colours", part)
		}
		colour[part] = values[3*i]
	}
	photograph := testnet.Photograph(t, net, "squirrel")
	for _, n := range []int{1, 6, 24, 100} {
		parts := attrib.Segment(photograph, n)
		count, pieces := slices.Max(parts)+1, pieces(parts, 40, 60)
		if count != pieces || count < n/2 || count > 2*n {
			t.Errorf("asked for %d parts: %d in %d pieces", n, count, pieces)
		}
		next := 0
		for _, part := range parts {
			if part > next {
				t.Fatalf("part %d comes before part %d", part, next)
			}
			next = max(next, part+1)
		}
	}
}

// pieces counts the connected pieces of equal labels.
func pieces(labels []int, height, width int) int {
	seen, count := make([]bool, len(labels)), 0
	var fill func(y, x, label int)
	fill = func(y, x, label int) {
		if y < 0 || y >= height || x < 0 || x >= width || seen[y*width+x] || labels[y*width+x] != label {
			return
		}
		seen[y*width+x] = true
		fill(y-1, x, label)
		fill(y+1, x, label)
		fill(y, x-1, label)
		fill(y, x+1, label)
	}
	for i, label := range labels {
		if !seen[i] {
			count++
			fill(i/width, i%width, label)
		}
	}
	return count
}
