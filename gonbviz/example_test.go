package gonbviz_test

import (
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models/lenet"
)

// three is a handwritten 3 of MNIST's.
func three() *pixel.Photo {
	digit := lenet.Digits()[18]
	return &pixel.Photo{Image: digit.Image, Name: digit.Name, Notice: digit.Notice}
}

// openLeNet opens a network for digits on the backend that needs nothing. Open takes the quickest one.
func openLeNet() *gonbviz.Lens { return gonbviz.Must(gonbviz.OpenOn("go", lenet.Network())) }

// coarse is an occlusion that takes but a moment.
var coarse = attrib.Occlusion{Score: attrib.Logit, Window: attrib.Pixels(8), Stride: attrib.Pixels(4)}

// Open a network, explain what it says to a picture, and save the figure; or the numbers, as .npy, .csv or .json.
func Example() {
	lens := gonbviz.Must(gonbviz.OpenOn("go", lenet.Network())) // or Open, which takes the quickest backend
	digit := lenet.Digits()[18]
	photo := &pixel.Photo{Image: digit.Image, Name: digit.Name, Notice: digit.Notice}
	a := gonbviz.Must(lens.Explain(photo, attrib.Occlusion{Window: attrib.Pixels(8), Stride: attrib.Pixels(4)}))

	folder := gonbviz.Must(os.MkdirTemp("", ""))
	defer os.RemoveAll(folder)
	if err := gonbviz.Save(filepath.Join(folder, "three.svg"), a); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %s with %.2f\n", photo.Name, a.Label, a.Clean)
	fmt.Println(gonbviz.Must(os.ReadDir(folder)))
	// Output:
	// MNIST test digit 18, a 3: 3 with 0.91
	// [- three.svg]
}

// Outside a notebook Show prints the numbers that matter.
func ExampleShow() {
	gonbviz.Show(openLeNet().Filters("conv1"))
	// Output: LeNet conv1: 24 filters, 1 × 7 × 7, weights from −0.256 to 0.486
}

// A report holds all that there is to show, one figure after the other.
func ExampleLens_Report() {
	lens := openLeNet()
	report, err := lens.Report(context.Background(), gonbviz.Must(lens.Prepare(three())))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, figure := range report.Figures {
		fmt.Println(figure.Title)
	}
	// Output:
	// What LeNet says
	// What “3” rests on
	// Where the evidence for “3” lies
	// What two layers answer to the picture
	// What conv1 looks for
	// What LeNet is made of
}

// The figure that asks whether the answer rests on a part of the picture.
func ExampleFocus() {
	a := gonbviz.Must(openLeNet().Explain(three(), coarse))
	figure := gonbviz.Must(gonbviz.Focus(a, image.Rect(6, 10, 22, 18)))
	fmt.Println(figure.Title)
	// Output: Does “3” rest on the box?
}

// How much of what speaks for a 3 lies in a box around its middle, and how much in the strongest tenth of the pixels?
func ExampleFocusOn() {
	a := gonbviz.Must(openLeNet().Explain(three(), coarse))
	for _, part := range []any{image.Rect(6, 10, 22, 18), 0.1} {
		f := gonbviz.Must(gonbviz.FocusOn(a, part))
		fmt.Printf("%.0f %% of it in %.0f %% of the picture\n", 100*f.Part.Share, 100*f.Part.Area)
	}
	// Output:
	// 30 % of it in 16 % of the picture
	// 27 % of it in 10 % of the picture
}

// What does the network take the digit for where the part that matters most is covered?
func ExampleExtremes() {
	a := gonbviz.Must(openLeNet().Explain(three(), coarse))
	for _, e := range (gonbviz.Extremes{Attribution: a, N: 2}).Strongest() {
		fmt.Printf("without %v the logit falls by %.1f: %s\n", e.Window, e.Drop, e.Label)
	}
	// Output:
	// without (8,12)-(16,20) the logit falls by 4.1: 8
	// without (8,0)-(16,8) the logit falls by 3.8: 5
}
