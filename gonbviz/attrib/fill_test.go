package attrib

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/convlens/convlens/models"
)

// colours is a network's input of 5×7 pixels with means and deviations.
var colours = models.Input{
	Height: 5, Width: 7, Order: models.BGR, Low: -1, High: 3, Mean: []float32{0, 1, 2}, Deviation: []float32{1, 2, 4},
}

func someValues() []float32 {
	random := rand.New(rand.NewPCG(2, 2))
	values := make([]float32, 5*7*3)
	for i := range values {
		values[i] = random.Float32()*8 - 4
	}
	return values
}

func filled(t *testing.T, f Fill, seed uint64) []float32 {
	t.Helper()
	p, err := f.picture(someValues(), colours, Size{H: 2, W: 3}, seed)
	if err != nil {
		t.Fatal(err)
	}
	if len(p) != 5*7*3 {
		t.Fatalf("%q fills %d values", f, len(p))
	}
	return p
}

// TestConstantFills holds fills of one colour to its values in each channel.
func TestConstantFills(t *testing.T) {
	var sums [3]float64
	for i, v := range someValues() {
		sums[i%3] += float64(v)
	}
	for fill, want := range map[Fill][3]float32{
		"": {1, 0, -0.25}, Gray: {1, 0, -0.25}, Black: {-1, -1, -0.75}, White: {3, 1, 0.25}, Zero: {0, 0, 0},
		"2.5": {2.5, 2.5, 2.5}, "-1, 0,1e1": {-1, 0, 10}, Constant(0.1, -2, 3): {0.1, -2, 3},
		Mean: {float32(sums[0] / 35), float32(sums[1] / 35), float32(sums[2] / 35)},
	} {
		for i, v := range filled(t, fill, 0) {
			if v != want[i%3] {
				t.Errorf("%q: value %d is %v, want %v", fill, i, v, want)
				break
			}
		}
	}
}

// TestBlurFill compares with a Gaussian over both axes at once.
func TestBlurFill(t *testing.T) {
	values, sigma := someValues(), 1.5 // half the window's longer side
	weight := func(d int) float64 {
		if math.Abs(float64(d)) > 3*sigma {
			return 0
		}
		return math.Exp(-float64(d*d) / (2 * sigma * sigma))
	}
	got := filled(t, Blur, 0)
	for y := range 5 {
		for x := range 7 {
			for c := range 3 {
				sum, weights := 0.0, 0.0
				for dy := -6; dy <= 6; dy++ {
					for dx := -6; dx <= 6; dx++ {
						w := weight(dy) * weight(dx)
						yy, xx := min(max(y+dy, 0), 4), min(max(x+dx, 0), 6)
						sum += w * float64(values[(yy*7+xx)*3+c])
						weights += w
					}
				}
				if v := float64(got[(y*7+x)*3+c]); math.Abs(v-sum/weights) > 1e-6 {
					t.Errorf("pixel %d,%d channel %d is %v, want %v", y, x, c, v, sum/weights)
				}
			}
		}
	}
}

// TestNoiseFill makes the same noise of the same seed, with each channel's mean and deviation over a large picture.
func TestNoiseFill(t *testing.T) {
	if !slices.Equal(filled(t, Noise, 1), filled(t, Noise, 1)) || slices.Equal(filled(t, Noise, 1), filled(t, Noise, 2)) {
		t.Error("noise does not follow its seed")
	}
	small, _ := Noise.picture(someValues(), colours, Pixels(1), 1)
	if !slices.Equal(small, filled(t, Noise, 1)) {
		t.Error("noise follows the window")
	}
	in := models.Input{Height: 200, Width: 150, Order: models.RGB, High: 1}
	values := make([]float32, 200*150*3)
	for i := range values {
		values[i] = []float32{10, 20, 30}[i%3] + []float32{1, 2, 0}[i%3]*float32(1-2*(i/3%2))
	}
	p, err := Noise.picture(values, in, Pixels(3), 5)
	if err != nil {
		t.Fatal(err)
	}
	mean, deviation := moments(p, 3)
	for c := range 3 {
		wantMean, wantDeviation := float64(10+10*c), []float64{1, 2, 0}[c]
		if math.Abs(mean[c]-wantMean) > 0.05 || math.Abs(deviation[c]-wantDeviation) > 0.05 {
			t.Errorf("channel %d: mean %v, deviation %v; want %v, %v", c, mean[c], deviation[c], wantMean, wantDeviation)
		}
	}
}

func TestFillErrors(t *testing.T) {
	for _, f := range []Fill{"grey?", "1,", "NaN", "1,inf", "1e99", ",", " "} {
		if err := f.Check(); err == nil || !strings.Contains(err.Error(), "give gray, black") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v", f, err)
		}
	}
	if _, err := Fill("1,2").picture(someValues(), colours, Pixels(1), 0); err == nil || !strings.Contains(err.Error(), "2 numbers for 3 channels") {
		t.Errorf("error %v", err)
	}
}

func TestLogProbability(t *testing.T) {
	for _, test := range []struct {
		logits []float32
		class  int
		want   float64
	}{
		{[]float32{0, 0}, 1, -math.Ln2},
		{[]float32{0, 2000}, 0, -2000},
		{[]float32{0, 2000}, 1, 0},
		{[]float32{50, 10}, 0, -math.Exp(-40)},
		{[]float32{5, 5, 3000}, 1, -2995},
		{[]float32{0}, 0, -math.Ln2},
		{[]float32{-1000}, 0, -1000},
		{[]float32{1000}, 0, 0},
		{[]float32{40}, 0, -math.Exp(-40)},
	} {
		if got := logProbability(test.class, test.logits); math.Abs(got-test.want) > 1e-12*math.Abs(test.want) {
			t.Errorf("class %d of %v: %v, want %v", test.class, test.logits, got, test.want)
		}
	}
}

// TestEstimate says how long a slow run takes and what would be quicker.
func TestEstimate(t *testing.T) {
	o, err := Occlusion{}.complete(227, 227)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := o.estimate(500e6, 676), "about 5m38s for 676 positions on the pure-Go backend; a stride of 34 takes about 25s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := (Occlusion{Superpixels: 9}).estimate(5e9, 9), "about 45s for 9 positions on the pure-Go backend"; got != want {
		t.Errorf("%q, want %q: parts have no stride", got, want)
	}
	if got := o.estimate(1e6, 676); got != "" {
		t.Errorf("%q for a run of a second", got)
	}
	o.Stride = o.Window
	if got, want := o.estimate(1e9, 49), "about 49s for 49 positions on the pure-Go backend"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
