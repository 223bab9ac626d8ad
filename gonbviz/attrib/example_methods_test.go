package attrib_test

import (
	"context"
	"fmt"
	"image"

	"github.com/gomlx/compute/gobackend"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models/weights"
)

// must is the value of a call that can't fail here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// counting is a small network, open, and the picture 0, 1, … 15.
func counting() (*probe.Probe, *pixel.Prepared) {
	net := testnet.Exact()
	p := must(probe.Open(must(gobackend.New("")), net))
	picture := must(pixel.NewArray(weights.Array{Shape: []int{4, 4}, Values: testnet.Counting(16)}, pixel.NHWC, "counting"))
	return p, must(pixel.Prepare(picture, net.Input))
}

// The rows of a picture as parts of one's own: which of them does the answer rest on?
func ExampleAblation() {
	network, picture := counting()
	rows := []int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}
	a := must(attrib.Ablation{Score: attrib.Logit, Fill: attrib.Zero, Segments: rows}.Attribute(context.Background(), network, picture))
	fmt.Println(a.Clean, a.Grid.Drop.Values)
	// Output: 54 [4 16 40 50]
}

// What is the lower right of the picture worth by itself?
func ExampleReveal() {
	network, picture := counting()
	a := must(attrib.Reveal{Score: attrib.Logit, Fill: attrib.Zero, Regions: []image.Rectangle{image.Rect(1, 1, 4, 4)}}.Attribute(context.Background(), network, picture))
	fmt.Println(a.Clean, a.Grid.Drop.Values)
	// Output: 54 [32]
}

// Which of the network's two filters speaks for the answer, and which against it?
func ExampleChannelAblation() {
	network, picture := counting()
	a := must(attrib.ChannelAblation{Layer: "conv", Score: attrib.Logit}.Attribute(context.Background(), network, picture))
	fmt.Println(a.Clean, a.Channels.Drop, a.Channels.Order)
	// Output: 54 [54 -21] [0 1]
}

// One pass for all classes.
func ExampleAttribution_For() {
	network, picture := counting()
	a := must(attrib.Occlusion{Score: attrib.Logit, Fill: attrib.Zero, Window: attrib.Pixels(2), Stride: attrib.Pixels(2), AllClasses: true}.Attribute(context.Background(), network, picture))
	first := must(a.For(0))
	fmt.Println(first.Grid.Drop.Values, a.Grid.CleanLogits)
	// Output: [7 4 36 47] [54]
}

func ExampleShare() {
	fmt.Println(attrib.Share(0.15), attrib.Pixels(34))
	// Output: 15% 34
}
