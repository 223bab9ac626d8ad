package attrib_test

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
)

// slow is occlusion as one would write it down: a loop over windows, each a picture of its own, classified by itself.
type slow struct {
	window, stride attrib.Size
	inside         bool
	region         image.Rectangle
	mean           bool
	fill           []float32 // the whole picture that windows show
}

// result is what slow finds, in float64.
type result struct {
	clean     float64
	drop      []float64
	best      []int
	positions []image.Rectangle
	pixels    []float64
}

func (s slow) run(t *testing.T, p *probe.Probe, picture *pixel.Prepared, class int, score func(logits []float32, class int) float64) result {
	t.Helper()
	in := picture.Input
	ask := func(values []float32) []float32 {
		answer, err := p.Classify(t.Context(), &pixel.Prepared{Input: in, Values: values})
		if err != nil {
			t.Fatal(err)
		}
		return answer.Logits
	}
	r := result{clean: score(ask(picture.Values), class), pixels: make([]float64, in.Height*in.Width)}
	count := make([]float64, in.Height*in.Width)
	rows, cols := steps(s.region.Dy(), s.window.H, s.stride.H), steps(s.region.Dx(), s.window.W, s.stride.W)
	for i := range rows {
		for j := range cols {
			y, x := s.region.Min.Y+i*s.stride.H, s.region.Min.X+j*s.stride.W
			if s.inside {
				y, x = min(y, s.region.Max.Y-s.window.H), min(x, s.region.Max.X-s.window.W)
			}
			var hidden []int
			values := append([]float32(nil), picture.Values...)
			for yy := y; yy < min(y+s.window.H, s.region.Max.Y); yy++ {
				for xx := x; xx < min(x+s.window.W, s.region.Max.X); xx++ {
					pixel := yy*in.Width + xx
					hidden = append(hidden, pixel)
					for c := range in.Channels() {
						values[pixel*in.Channels()+c] = s.fill[pixel*in.Channels()+c]
					}
				}
			}
			logits := ask(values)
			drop := r.clean - score(logits, class)
			r.drop, r.best = append(r.drop, drop), append(r.best, probe.Best(logits))
			r.positions = append(r.positions, image.Rect(x, y, min(x+s.window.W, s.region.Max.X), min(y+s.window.H, s.region.Max.Y)))
			for _, pixel := range hidden {
				r.pixels[pixel] += drop
				count[pixel]++
			}
		}
	}
	for i := range r.pixels {
		if s.mean && count[i] > 0 {
			r.pixels[i] /= count[i]
		}
	}
	return r
}

// steps is Captum's number of positions along a side.
func steps(n, window, stride int) int {
	if n <= window {
		return 1
	}
	return int(math.Ceil(float64(n-window)/float64(stride))) + 1
}

// noisy is a picture of whole numbers from 0 to 255 for a network.
func noisy(t testing.TB, net *models.Network) *pixel.Prepared {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	values := make([]float32, net.Input.Height*net.Input.Width*net.Input.Channels())
	for i := range values {
		values[i] = float32(random.IntN(256))
	}
	return array(t, net, values)
}

// TestRule compares with the plain loop, bit by bit: the network's numbers are whole but for the mean at its end.
func TestRule(t *testing.T) {
	whole := image.Rect(0, 0, 19, 14)
	for name, o := range map[string]attrib.Occlusion{
		"cut":               {Window: attrib.Pixels(5), Stride: attrib.Pixels(3)},
		"inside":            {Window: attrib.Pixels(5), Stride: attrib.Pixels(3), Border: attrib.Inside},
		"not square":        {Window: attrib.Size{H: 3, W: 7}, Stride: attrib.Size{H: 2, W: 7}, Overlap: attrib.OverlapSum},
		"whole":             {Window: attrib.Size{H: 14, W: 19}},
		"wide":              {Window: attrib.Size{H: 4, W: 19}, Stride: attrib.Size{H: 4, W: 1}},
		"one pixel":         {Window: attrib.Pixels(1), Stride: attrib.Pixels(1), Region: image.Rect(3, 2, 8, 7)},
		"region":            {Window: attrib.Pixels(4), Stride: attrib.Pixels(3), Region: image.Rect(2, 5, 16, 13), Overlap: attrib.OverlapSum},
		"region, inside":    {Window: attrib.Pixels(4), Stride: attrib.Pixels(3), Region: image.Rect(2, 5, 16, 13), Border: attrib.Inside},
		"region below size": {Window: attrib.Pixels(9), Stride: attrib.Pixels(9), Region: image.Rect(10, 1, 19, 4)},
	} {
		t.Run(name, func(t *testing.T) {
			testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
				net := testnet.Branches(14, 19, 3)
				p, picture := open(t, backend, net), noisy(t, net)
				o := o
				o.Class, o.Score, o.Fill, o.Batch = "2", attrib.Logit, attrib.Constant(7, 8, 9), 4
				a := attribute(t, p, picture, o)
				reference := slow{window: o.Window, stride: o.Stride, inside: o.Border == attrib.Inside, region: o.Region, mean: o.Overlap != attrib.OverlapSum}
				if o.Region.Empty() {
					reference.region = whole
				}
				reference.window.H, reference.window.W = min(reference.window.H, reference.region.Dy()), min(reference.window.W, reference.region.Dx())
				if o.Stride == (attrib.Size{}) {
					reference.stride = attrib.Pixels(1)
				}
				for i := range picture.Values {
					reference.fill = append(reference.fill, float32(7+i%3))
				}
				want := reference.run(t, p, picture, 2, func(logits []float32, class int) float64 { return float64(logits[class]) })
				checkResult(t, a, want, 0)
			})
		})
	}
}

// checkResult compares an attribution with the plain loop's, to a share of the clean score (and a float32's precision).
func checkResult(t *testing.T, a *attrib.Attribution, want result, tolerance float64) {
	t.Helper()
	near := func(what string, got float32, want float64) {
		if math.Abs(float64(got)-float64(float32(want))) > tolerance*math.Abs(a.Clean) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	if math.Abs(a.Clean-want.clean) > tolerance*math.Abs(a.Clean) || len(a.Grid.Windows) != len(want.drop) || a.Grid.Rows*a.Grid.Cols != len(want.drop) {
		t.Fatalf("clean score %v, %d×%d positions; want %v, %d", a.Clean, a.Grid.Rows, a.Grid.Cols, want.clean, len(want.drop))
	}
	for i, d := range want.drop {
		near(fmt.Sprint("drop ", i), a.Grid.Drop.Values[i], d)
		if a.Grid.Windows[i] != want.positions[i] || a.Grid.Best[i] != want.best[i] {
			t.Errorf("window %d is %v, best class %d; want %v, %d", i, a.Grid.Windows[i], a.Grid.Best[i], want.positions[i], want.best[i])
		}
	}
	for i, v := range want.pixels {
		near(fmt.Sprint("pixel ", i), a.Map.Values[i], v)
	}
}

func TestScores(t *testing.T) {
	softmax := func(logits []float32, class int) float64 {
		sum := 0.0
		for _, l := range logits {
			sum += math.Exp(float64(l) - float64(logits[class]))
		}
		return 1 / sum
	}
	net := testnet.Branches(14, 19, 3)
	p, picture := open(t, testbackend.Go(), net), noisy(t, net)
	for i := range picture.Values {
		picture.Values[i] /= 4096 // logits of a few units
	}
	reference := slow{window: attrib.Pixels(7), stride: attrib.Pixels(7), region: image.Rect(0, 0, 19, 14), mean: true, fill: make([]float32, len(picture.Values))}
	for score, of := range map[attrib.Score]func([]float32, int) float64{
		attrib.Probability:    softmax,
		attrib.LogProbability: func(logits []float32, class int) float64 { return math.Log(softmax(logits, class)) },
		attrib.Logit:          func(logits []float32, class int) float64 { return float64(logits[class]) },
		"":                    softmax,
	} {
		a := attribute(t, p, picture, attrib.Occlusion{
			Score: score, Class: "1", Window: attrib.Pixels(7), Stride: attrib.Pixels(7), Fill: attrib.Zero,
		})
		checkResult(t, a, reference.run(t, p, picture, 1, of), 1e-6)
		if want := reference.run(t, p, picture, 1, softmax); math.Abs(a.CleanProbability-want.clean) > 1e-12 {
			t.Errorf("%s: probability %v, want %v", score, a.CleanProbability, want.clean)
		}
	}
}

// TestRealNetwork holds SqueezeNet's answers to the promise: 1e-5 of the largest logit, whatever the batch.
func TestRealNetwork(t *testing.T) {
	_, picture := photographed(t)
	o := attrib.Occlusion{Score: attrib.Logit, Region: image.Rect(90, 60, 130, 100), Window: attrib.Pixels(40)}
	var first *attrib.Attribution
	run := func(backend compute.Backend, batch int) *attrib.Attribution {
		o.Batch = batch
		net, _ := photographed(t)
		return attribute(t, open(t, backend, net), picture, o)
	}
	check := func(name string, a *attrib.Attribution) {
		for i, d := range a.Grid.Drop.Values {
			if math.Abs(float64(d-first.Grid.Drop.Values[i])) > 1e-5*first.Clean {
				t.Errorf("%s: drop %d is %v, with batch 1 it is %v", name, i, d, first.Grid.Drop.Values[i])
			}
		}
	}
	first = run(testbackend.XLA(t), 1)
	for _, batch := range []int{4, 32} {
		check(fmt.Sprint("batch ", batch), run(testbackend.XLA(t), batch))
	}
	if testing.Short() {
		t.Skip("pure Go takes seconds for two pictures")
	}
	check("pure Go", run(testbackend.Go(), 1))
}
