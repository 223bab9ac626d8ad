package attrib

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/convlens/convlens/models"
)

// Fill says what a window shows instead of the picture. Beside the constants it may be a finite number, or one a
// channel with commas between, in units of the network's input: "0.5", "-1,0,1".
type Fill string

// The fills. An empty Fill is Gray.
const (
	// Gray, Black and White are that colour as the network would see it; Gray is the middle of the colour range.
	Gray  Fill = "gray"
	Black Fill = "black"
	White Fill = "white"
	// Zero is 0 in units of the network's input.
	Zero Fill = "zero"
	// Mean is each channel's mean over the picture.
	Mean Fill = "mean"
	// Blur is the picture, blurred once as a whole by a Gaussian with a deviation of half the window's longer side,
	// cut at three deviations, the picture's edges repeated. Where parts are hidden in place of windows it is half of the
	// usual window.
	Blur Fill = "blur"
	// Noise is one picture of normal noise with each channel's mean and deviation over the picture, made from the seed.
	Noise Fill = "noise"
	// PatchMean is each channel's mean over what a position hides, weighed by how much of each pixel it hides.
	PatchMean Fill = "patchmean"
	// Inpaint is the smoothest picture that meets the pixels around a window: the solution of Laplace's equation, in which
	// each hidden pixel is the mean of its neighbours, those outside the picture left out. It is for windows and regions.
	// A window that is the whole picture shows the picture's mean.
	Inpaint Fill = "inpaint"
	// OtherPicture is the picture in Occlusion.FillPicture.
	OtherPicture Fill = "picture"
)

// Constant fills with one value, or one a channel, in units of the network's input.
func Constant(values ...float32) Fill {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = strconv.FormatFloat(float64(v), 'g', -1, 32)
	}
	return Fill(strings.Join(words, ","))
}

// Check reports a Fill that can't be.
func (f Fill) Check() error {
	switch f {
	case "", Gray, Black, White, Zero, Mean, Blur, Noise, PatchMean, Inpaint, OtherPicture:
		return nil
	}
	_, err := f.numbers()
	return err
}

func (f Fill) numbers() ([]float32, error) {
	var values []float32
	for word := range strings.SplitSeq(string(f), ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(word), 32)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, wrong("fill", "%q is no fill; give gray, black, white, mean, patchmean, blur, noise, inpaint, zero or finite numbers with commas between", string(f))
		}
		values = append(values, float32(v))
	}
	return values, nil
}

// picture is the whole picture, height × width × channels, whose pixels windows show.
func (f Fill) picture(values []float32, in models.Input, window Size, seed uint64) ([]float32, error) {
	channels := in.Channels()
	colour := func(v float32) []float32 {
		list := make([]float32, channels)
		for c := range list {
			list[c] = in.Value(v, c)
		}
		return list
	}
	switch f {
	case "", Gray:
		return repeat(colour(0.5), len(values)), nil
	case Black:
		return repeat(colour(0), len(values)), nil
	case White:
		return repeat(colour(1), len(values)), nil
	case Zero, PatchMean, Inpaint: // the last two are made position by position
		return make([]float32, len(values)), nil
	case Mean:
		mean, _ := moments(values, channels)
		list := make([]float32, channels)
		for c := range list {
			list[c] = float32(mean[c])
		}
		return repeat(list, len(values)), nil
	case Blur:
		return blur(values, in, float64(max(window.H, window.W))/2), nil
	case Noise:
		return noise(values, channels, seed), nil
	}
	list, err := f.numbers()
	if err != nil {
		return nil, err
	}
	if len(list) != 1 && len(list) != channels {
		return nil, wrong("fill", "%q has %d numbers for %d channels", string(f), len(list), channels)
	}
	return repeat(list, len(values)), nil
}

// repeat goes through list again and again.
func repeat(list []float32, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = list[i%len(list)]
	}
	return out
}

// moments are each channel's mean and standard deviation.
func moments(values []float32, channels int) (mean, deviation []float64) {
	mean, deviation = make([]float64, channels), make([]float64, channels)
	n := float64(len(values) / channels)
	for i, v := range values {
		mean[i%channels] += float64(v)
	}
	for c := range mean {
		mean[c] /= n
	}
	for i, v := range values {
		d := float64(v) - mean[i%channels]
		deviation[i%channels] += d * d
	}
	for c := range deviation {
		deviation[c] = math.Sqrt(deviation[c] / n)
	}
	return mean, deviation
}

// noise draws one value after the other in the picture's own order, so that nothing else bears on it.
func noise(values []float32, channels int, seed uint64) []float32 {
	mean, deviation := moments(values, channels)
	random := rand.New(rand.NewPCG(seed, 0))
	out := make([]float32, len(values))
	for i := range out {
		// The inner conversion keeps the two steps apart, so that every machine rounds alike.
		out[i] = float32(mean[i%channels] + float64(deviation[i%channels]*random.NormFloat64()))
	}
	return out
}

// blur convolves with a Gaussian, downwards and then across.
func blur(values []float32, in models.Input, sigma float64) []float32 {
	radius := int(3 * sigma)
	taps := make([]float64, 2*radius+1)
	sum := 0.0
	for i := range taps {
		d := float64(i-radius) / sigma
		taps[i] = math.Exp(-d * d / 2)
		sum += taps[i]
	}
	for i := range taps {
		taps[i] /= sum
	}
	down := blurAxis(values, taps, in.Height, in.Width*in.Channels())
	return blurAxis(down, taps, in.Width, in.Channels())
}

// blurAxis weighs each value with its neighbours along an axis of n places that are step values apart.
func blurAxis(values []float32, taps []float64, n, step int) []float32 {
	out := make([]float32, len(values))
	radius := len(taps) / 2
	for k := range values {
		place := k / step % n
		first := k - place*step
		sum := 0.0
		for t, weight := range taps {
			neighbour := min(max(place+t-radius, 0), n-1)
			sum += weight * float64(values[first+neighbour*step])
		}
		out[k] = float32(sum)
	}
	return out
}
