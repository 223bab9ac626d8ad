package attrib_test

import (
	"context"
	"image"
	"slices"
	"testing"

	"github.com/gomlx/compute"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

// array is a network's input as it is.
func array(t testing.TB, net *models.Network, values []float32) *pixel.Prepared {
	t.Helper()
	in := net.Input
	a, err := pixel.NewArray(weights.Array{Shape: []int{in.Height, in.Width, in.Channels()}, Values: values}, pixel.NHWC, "made up")
	if err != nil {
		t.Fatal(err)
	}
	p, err := pixel.Prepare(a, in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func open(t testing.TB, backend compute.Backend, net *models.Network) *probe.Probe {
	t.Helper()
	p, err := probe.Open(backend, net)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func attribute(t testing.TB, p *probe.Probe, picture *pixel.Prepared, m attrib.Method) *attrib.Attribution {
	t.Helper()
	a, err := m.Attribute(context.Background(), p, picture)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var exact = attrib.Occlusion{
	Score: attrib.Logit, Window: attrib.Pixels(1), Stride: attrib.Pixels(1), Fill: attrib.Zero,
}

func TestOcclusionExact(t *testing.T) {
	large := exact
	large.Window, large.Stride = attrib.Pixels(3), attrib.Pixels(2)
	sum := large
	sum.Overlap = attrib.OverlapSum
	for name, test := range map[string]struct {
		options attrib.Occlusion
		want    []float32
	}{
		"window 1":           {exact, []float32{0, 1, 2, 3, 0, 4, 4, 4, 2, 7, 8, 4, 6, 7, 8, 0}},
		"window 3, stride 2": {large, []float32{44, 44, 38.5, 33, 44, 44, 38.5, 33, 49, 49, 44.5, 40, 54, 54, 50.5, 47}},
		"sum":                {sum, []float32{44, 44, 77, 33, 44, 44, 77, 33, 98, 98, 178, 80, 54, 54, 101, 47}},
	} {
		t.Run(name, func(t *testing.T) {
			testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
				net := testnet.Exact()
				p, picture := open(t, backend, net), array(t, net, testnet.Counting(16))
				for _, batch := range []int{0, 1, 2, 3, 5, 8, 100} {
					test.options.Batch = batch
					a := attribute(t, p, picture, test.options)
					if a.Clean != 54 {
						t.Fatalf("clean score %v, want 54", a.Clean)
					}
					if !slices.Equal(a.Map.Values, test.want) {
						t.Errorf("batch %d: map %v, want %v", batch, a.Map.Values, test.want)
					}
				}
			})
		})
	}
}

func TestOcclusionGrid(t *testing.T) {
	net := testnet.Branches(23, 31, 3)
	p := open(t, testbackend.Go(), net)
	picture := array(t, net, testnet.Counting(23*31*3))
	for name, test := range map[string]struct {
		options    attrib.Occlusion
		rows, cols int
		last       image.Rectangle
	}{
		"default":     {attrib.Occlusion{}, 21, 29, image.Rect(28, 20, 31, 23)},
		"cut":         {attrib.Occlusion{Window: attrib.Pixels(10), Stride: attrib.Pixels(4)}, 5, 7, image.Rect(24, 16, 31, 23)},
		"inside":      {attrib.Occlusion{Window: attrib.Pixels(10), Stride: attrib.Pixels(4), Border: attrib.Inside}, 5, 7, image.Rect(21, 13, 31, 23)},
		"not square":  {attrib.Occlusion{Window: attrib.Size{H: 5, W: 9}, Stride: attrib.Size{H: 5, W: 3}}, 5, 9, image.Rect(24, 20, 31, 23)},
		"whole":       {attrib.Occlusion{Window: attrib.Size{H: 23, W: 31}}, 1, 1, image.Rect(0, 0, 31, 23)},
		"region":      {attrib.Occlusion{Window: attrib.Pixels(6), Stride: attrib.Pixels(5), Region: image.Rect(3, 2, 16, 10)}, 2, 3, image.Rect(13, 7, 16, 10)},
		"tiny region": {attrib.Occlusion{Window: attrib.Pixels(6), Region: image.Rect(3, 2, 5, 6)}, 1, 1, image.Rect(3, 2, 5, 6)},
	} {
		t.Run(name, func(t *testing.T) {
			g := attribute(t, p, picture, test.options).Grid
			if g.Rows != test.rows || g.Cols != test.cols || g.Windows[len(g.Windows)-1] != test.last {
				t.Errorf("%d×%d positions, last window %v; want %d×%d, %v", g.Rows, g.Cols, g.Windows[len(g.Windows)-1], test.rows, test.cols, test.last)
			}
		})
	}
}

// TestOccluded holds that what a position is said to have shown is what the network was asked about.
func TestOccluded(t *testing.T) {
	net := testnet.Branches(11, 13, 2)
	p, picture := open(t, testbackend.Go(), net), array(t, net, testnet.Counting(11*13*3))
	for _, fill := range []attrib.Fill{attrib.Noise, attrib.Blur, attrib.Mean, attrib.White, attrib.Constant(1, 2, 3)} {
		a := attribute(t, p, picture, attrib.Occlusion{Score: attrib.Logit, Class: "1", Window: attrib.Size{H: 4, W: 5}, Stride: attrib.Pixels(4), Fill: fill, Seed: 7})
		for i := range a.Grid.Windows {
			values, err := a.Grid.Occluded(picture, i)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := p.Classify(t.Context(), array(t, net, values))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := float32(a.Clean-float64(answer.Logits[1])), a.Grid.Drop.Values[i]; got != want {
				t.Errorf("%s, position %d: drop %v by itself, %v in the grid", fill, i, got, want)
			}
		}
		if _, err := a.Grid.Occluded(picture, len(a.Grid.Windows)); err == nil {
			t.Error("no error for a position that is not there")
		}
	}
}
