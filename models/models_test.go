package models_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/models"
)

var caffe = models.Input{
	Height: 2, Width: 3, Order: models.BGR, Low: 0, High: 255, Mean: []float32{103.939, 116.779, 123.68},
}

func TestValue(t *testing.T) {
	tf := models.Input{Order: models.RGB, Low: -1, High: 1}
	torch := models.Input{Order: models.RGB, High: 1, Mean: []float32{0.5, 0.25, 0}, Deviation: []float32{0.5, 0.25, 2}}
	for _, c := range []struct {
		in      models.Input
		v       float32
		channel int
		want    float32
	}{
		{caffe, 0, 0, -103.939}, {caffe, 1, 2, 255 - 123.68}, {caffe, 0.2, 1, 51 - 116.779},
		{tf, 0, 0, -1}, {tf, 1, 1, 1}, {tf, 0.5, 2, 0},
		{torch, 1, 0, 1}, {torch, 0, 1, -1}, {torch, 1, 2, 0.5},
	} {
		got := c.in.Value(c.v, c.channel)
		if math.Abs(float64(got-c.want)) > 1e-4 {
			t.Errorf("%+v: %g in channel %d becomes %g, want %g", c.in, c.v, c.channel, got, c.want)
		}
		if back := c.in.Colour(got, c.channel); math.Abs(float64(back-c.v)) > 1e-6 {
			t.Errorf("%+v: %g in channel %d comes back as %g", c.in, c.v, c.channel, back)
		}
	}
}

func TestCheck(t *testing.T) {
	logits := func(_ *model.Scope, x *graph.Node) *graph.Node { return x }
	good := models.Network{Name: "n", Logits: logits, Store: model.NewStore(), Input: caffe}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for want, spoil := range map[string]func(*models.Network){
		"has no Logits function":                 func(n *models.Network) { n.Logits = nil },
		"has no Store":                           func(n *models.Network) { n.Store = nil },
		"input of 0×3 pixels":                    func(n *models.Network) { n.Input.Height = 0 },
		"input of 2×-1 pixels":                   func(n *models.Network) { n.Input.Width = -1 },
		"unknown channel order 3":                func(n *models.Network) { n.Input.Order = 3 },
		"black is 1 and white is 1":              func(n *models.Network) { n.Input.Low, n.Input.High = 1, 1 },
		"black is NaN and white is 255":          func(n *models.Network) { n.Input.Low = nan },
		"black is 0 and white is +Inf":           func(n *models.Network) { n.Input.High = inf },
		"1 means and 0 deviations for 3 channel": func(n *models.Network) { n.Input.Mean = []float32{1} },
		"3 means and 2 deviations for 3 channel": func(n *models.Network) { n.Input.Deviation = []float32{1, 1} },
		"a mean of NaN":                          func(n *models.Network) { n.Input.Mean = []float32{0, nan, 0} },
		"a deviation of 0":                       func(n *models.Network) { n.Input.Deviation = []float32{1, 0, 1} },
		"a deviation of +Inf":                    func(n *models.Network) { n.Input.Deviation = []float32{1, 1, inf} },
	} {
		bad := good
		spoil(&bad)
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestClass(t *testing.T) {
	net := models.Network{Labels: []string{"crane", "tabby", "7", "crane", "tabby cat"}}
	for name, want := range map[string]int{"tabby": 1, "7": 2, "4": 4, "0": 0} {
		if i, err := net.Class(name, 5); err != nil || i != want {
			t.Errorf("%q is class %d (%v), want %d", name, i, err, want)
		}
	}
	for name, want := range map[string]string{
		"crane": "occurs at 0, 3", "5": "0 to 4", "-1": "0 to 4", "TABBY": "tabby, tabby cat", "dog": "0 to 4", "": "0 to 4",
	} {
		if _, err := net.Class(name, 5); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", name, err, want)
		}
	}
}

func ExampleNetwork_Label() {
	net := models.Network{Labels: []string{"zero", "one"}}
	fmt.Println(net.Label(1), net.Label(2))
	// Output: one 2
}

func ExampleInput_Value() {
	in := models.Input{Height: 224, Width: 224, Order: models.RGB, Low: -1, High: 1}
	fmt.Println(in.Value(0, 0), in.Value(0.5, 0), in.Value(1, 0), in.Channels())
	// Output: -1 0 1 3
}
