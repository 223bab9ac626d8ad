package picture_test

import (
	"math"

	"github.com/convlens/convlens/gonbviz/picture"
)

// A loss that falls while a network is trained: of a batch, and its moving average.
func ExampleCurve() {
	var steps, batch, mean []float64
	for i := range 400 {
		v := 2.4/(1+float64(i)/40) + float64(i*7919%101-50)/400
		if i == 0 {
			mean = append(mean, v)
		} else {
			mean = append(mean, 0.95*mean[i-1]+0.05*v)
		}
		steps, batch = append(steps, float64(i+1)), append(batch, v)
	}
	for i := 250; i < 260; i++ {
		batch[i] = math.NaN() // a gap
	}
	curve := picture.Curve{
		Heading: "Loss", Aside: "cross-entropy",
		Series: []picture.Series{{Name: "average", Steps: steps, Values: mean}, {Name: "batch", Steps: steps, Values: batch}},
		Alt:    "The loss falls from 2.5 to 0.2 over 400 steps",
	}
	f := picture.Figure{
		Title: "How training went", Body: []picture.Mark{curve},
		Caption: []string{"Tiny network", "400 steps"}, Text: "loss 0.2 after 400 steps",
	}
	show("curve", f)
	showPixels("curve", f, picture.Raster{Density: 1})
	curve.Log = true
	f.Body, f.Width = []picture.Mark{curve}, picture.Narrow
	show("curve-narrow", f)
	showPixels("curve-narrow", f, picture.Raster{Density: 1, Dark: true})
	// Output:
	// loss 0.2 after 400 steps
	// loss 0.2 after 400 steps
	// loss 0.2 after 400 steps
	// loss 0.2 after 400 steps
}
