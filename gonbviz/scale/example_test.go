package scale_test

import (
	"fmt"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/scale"
)

func ExampleFit() {
	weights := field.Plane{H: 1, W: 5, Values: []float32{-0.2, 0.1, 0, 0.187, 5}}
	s := scale.Fit{Trim: 0.2, Round: true}.Symmetric(weights)
	for _, t := range s.Ticks() {
		fmt.Println(t.Label)
	}
	fmt.Printf("%.1f of the values lie beyond\n", s.Below+s.Above)
	// Output:
	// −0.2
	// 0
	// +0.2
	// 0.2 of the values lie beyond
}

func ExampleScale() {
	s := scale.Scale{High: 450} // from 0 in lipari
	fmt.Println(s.At(0), s.At(1000), s.Colours().Name)
	// Output: {3 19 38 255} {253 245 218 255} lipari
}

func ExampleProbability() {
	fmt.Println(scale.Probability(0.9942), scale.Probability(0.99951), scale.Probability4(0.00262))
	// Output: 0.994 >0.999 0.0026
}
