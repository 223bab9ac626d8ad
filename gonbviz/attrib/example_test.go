package attrib_test

import (
	"context"
	"fmt"
	"image"
	"slices"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/lenet"
	"github.com/convlens/convlens/models/weights"
)

// A network that compares the brightness of the picture's left half with that of its right half: what does its answer
// rest on?
func ExampleOcclusion() {
	net := &models.Network{
		Name: "balance", Store: model.NewStore(), Labels: []string{"left", "right"},
		Input: models.Input{Height: 2, Width: 4, Order: models.Gray, High: 1},
		Logits: func(_ *model.Scope, x *graph.Node) *graph.Node {
			left := graph.Slice(x, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(0, 2))
			right := graph.Slice(x, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(2, 4))
			return graph.Concatenate([]*graph.Node{graph.ReduceSum(left, 1, 2), graph.ReduceSum(right, 1, 2)}, -1)
		},
	}
	array, err := pixel.NewArray(weights.Array{Shape: []int{2, 4}, Values: []float32{5, 1, 0, 1, 2, 0, 3, 0}}, pixel.NHWC, "spots")
	if err != nil {
		panic(err)
	}
	picture, err := pixel.Prepare(array, net.Input)
	if err != nil {
		panic(err)
	}
	backend, err := gobackend.New("")
	if err != nil {
		panic(err)
	}
	p, err := probe.Open(backend, net)
	if err != nil {
		panic(err)
	}
	result, err := attrib.Occlusion{
		Class: "left", Score: attrib.Logit,
		Window: attrib.Pixels(1), Fill: attrib.Black,
	}.Attribute(context.Background(), p, picture)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s of %q: %v\n", result.Score, result.Label, result.Clean)
	for y := range result.Map.H {
		fmt.Println(result.Map.Values[y*result.Map.W : (y+1)*result.Map.W])
	}
	// Output:
	// logit of "left": 8
	// [5 1 0 0]
	// [2 0 0 0]
}

// Random masks find what the answer rests on as well, with an error that tells how well.
func ExampleRISE() {
	network, picture := counting()
	a := must(attrib.RISE{Score: attrib.Logit, Fill: attrib.Zero, Cells: 4, Masks: 500}.Attribute(context.Background(), network, picture))
	best := slices.Index(a.Map.Values, slices.Max(a.Map.Values))
	fmt.Printf("row %d, column %d: %.0f ± %.0f\n", best/4, best%4, a.Map.Values[best], a.Error.Values[best])
	// Output: row 2, column 2: 4 ± 1
}

// A picture that is dark on the left, bright on the right, in two parts.
func ExampleSegment() {
	values := slices.Repeat([]float32{0, 0, 0, 1, 1, 1}, 4)
	array := must(pixel.NewArray(weights.Array{Shape: []int{4, 6}, Values: values}, pixel.NHWC, "step"))
	picture := must(pixel.Prepare(array, models.Input{Height: 4, Width: 6, Order: models.Gray, High: 1}))
	for row := range slices.Chunk(attrib.Segment(picture, 2), 6) {
		fmt.Println(row)
	}
	// Output:
	// [0 0 0 1 1 1]
	// [0 0 0 1 1 1]
	// [0 0 0 1 1 1]
	// [0 0 0 1 1 1]
}

// What does one filter rest on, whatever the class?
func ExampleUnit() {
	network, picture := counting()
	a := must(attrib.Occlusion{
		Unit: attrib.Unit{Layer: "conv", Channel: 1, At: true, Row: 1, Column: 1},
		Fill: attrib.Zero, Window: attrib.Pixels(2), Stride: attrib.Pixels(2),
	}.Attribute(context.Background(), network, picture))
	fmt.Printf("%s: %v %v\n", a.Explained(), a.Clean, a.Grid.Drop.Values)
	// Output: conv, channel 1 at row 1, column 1: 15 [5 13 15 15]
}

// What makes the network say 3 and not 8? A measure of one's own is the logit of the one less that of the other.
func ExampleOcclusion_measure() {
	net := lenet.Network()
	p := must(probe.Open(must(gobackend.New("")), net))
	picture := must(pixel.Prepare(lenet.Digits()[18].Image, net.Input))
	a := must(attrib.Occlusion{
		Measure: func(logits []float32) float64 { return float64(logits[3] - logits[8]) },
		Window:  attrib.Pixels(7), Stride: attrib.Pixels(7),
	}.Attribute(context.Background(), p, picture))
	fmt.Printf("%s: %.1f\n", a.Score.Words(), a.Clean)
	for row := range slices.Chunk(a.Grid.Drop.Values, a.Grid.Cols) {
		fmt.Printf("%5.1f\n", row)
	}
	// Output:
	// own measure: 2.7
	// [ -0.8   3.6   1.5   0.7]
	// [ -2.6  -0.6   0.9   1.6]
	// [  0.3   3.8   1.5   1.2]
	// [ -1.4  -0.7  -1.2   0.2]
}

// How much of what supports the answer lies in the lower right?
func ExampleAttribution_InBox() {
	network, picture := counting()
	a := must(attrib.Occlusion{Score: attrib.Logit, Fill: attrib.Zero, Window: attrib.Pixels(1)}.Attribute(context.Background(), network, picture))
	box := must(a.InBox(image.Rect(1, 1, 4, 4)))
	fmt.Printf("%.2f of it in %.2f of the picture, %.1f times as much as if it were spread evenly\n", box.Share, box.Area, box.Times())
	// Output: 0.77 of it in 0.56 of the picture, 1.4 times as much as if it were spread evenly
}

// A mask may count a pixel in part: here half of the third column, and all of the last one.
func ExampleAttribution_InMask() {
	network, picture := counting()
	a := must(attrib.Occlusion{Score: attrib.Logit, Fill: attrib.Zero, Window: attrib.Pixels(1)}.Attribute(context.Background(), network, picture))
	mask := field.Plane{H: 4, W: 4, Values: slices.Repeat([]float32{0, 0, 0.5, 1}, 4)}
	f := must(a.InMask(mask))
	fmt.Printf("%.2f of it in %.2f of the picture\n", f.Share, f.Area)
	// Output: 0.37 of it in 0.38 of the picture
}

func ExampleConstant() {
	fmt.Println(attrib.Constant(0.5), attrib.Constant(-1, 0, 1))
	// Output: 0.5 -1,0,1
}
