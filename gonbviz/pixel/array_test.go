package pixel_test

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

// count is an array of that shape, its values numbered.
func count(shape ...int) weights.Array {
	n := 1
	for _, d := range shape {
		n *= d
	}
	a := weights.Array{Shape: shape, Values: make([]float32, n)}
	for i := range a.Values {
		a.Values[i] = float32(i)
	}
	return a
}

func TestArray(t *testing.T) {
	last := []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}
	first := []float32{0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 16, 5, 11, 17}
	for _, c := range []struct {
		shape  []int
		layout pixel.Layout
		order  models.ChannelOrder
		want   []float32
	}{
		{[]int{2, 3, 3}, pixel.NHWC, models.RGB, last}, {[]int{2, 3, 3}, "", models.BGR, last},
		{[]int{1, 2, 3, 3}, pixel.NHWC, models.BGR, last},
		{[]int{3, 2, 3}, pixel.NCHW, models.RGB, first}, {[]int{1, 3, 2, 3}, pixel.NCHW, models.BGR, first},
		{[]int{2, 3}, pixel.NHWC, models.Gray, last[:6]}, {[]int{1, 2, 3}, pixel.NHWC, models.Gray, last[:6]},
		{[]int{2, 3, 1}, pixel.NHWC, models.Gray, last[:6]}, {[]int{1, 2, 3, 1}, pixel.NHWC, models.Gray, last[:6]},
		{[]int{2, 3}, pixel.NCHW, models.Gray, last[:6]}, {[]int{1, 2, 3}, pixel.NCHW, models.Gray, last[:6]},
		{[]int{1, 1, 2, 3}, pixel.NCHW, models.Gray, last[:6]},
	} {
		a, err := pixel.NewArray(count(c.shape...), c.layout, "a")
		if err != nil {
			t.Fatal(err)
		}
		p := mustPrepare(t, a, net(c.order))
		if !slices.Equal(p.Values, c.want) {
			t.Errorf("%v %s: %v, want %v", c.shape, c.layout, p.Values, c.want)
		}
		if p.Name != "a" || p.Crop != "array as it is, 3 × 2" {
			t.Errorf("%q, %q", p.Name, p.Crop)
		}
		p.Values[0] = 99
		if a.Values[0] != 0 {
			t.Error("the array was changed")
		}
	}
}

// TestArrayIsShownInTrueColours holds that blue comes first for a network that wants it so.
func TestArrayIsShownInTrueColours(t *testing.T) {
	a, err := pixel.NewArray(weights.Array{Shape: []int{1, 1, 3}, Values: []float32{300, 100, 0}}, "", "")
	if err != nil {
		t.Fatal(err)
	}
	p := mustPrepare(t, a, models.Input{Height: 1, Width: 1, Order: models.BGR, High: 255})
	if c := p.Shown.At(0, 0); c != (color.RGBA{0, 100, 255, 255}) {
		t.Errorf("shown as %v", c)
	}
}

func TestArrayErrors(t *testing.T) {
	for want, c := range map[string]struct {
		shape  []int
		layout pixel.Layout
		order  models.ChannelOrder
	}{
		"a: the array's shape is [3 2 3], the network's input is [2 3 3] (nhwc)": {[]int{3, 2, 3}, "", models.RGB},
		"shape is [2 3 3], the network's input is [3 2 3] (nchw)":                {[]int{2, 3, 3}, pixel.NCHW, models.RGB},
		"shape is [3 2], the network's input is [2 3 1] (nhwc)":                  {[]int{3, 2}, "", models.Gray},
		"shape is [2 3], the network's input is [2 3 3]":                         {[]int{2, 3}, "", models.RGB},
		"shape [1 1 2 3 3]; a picture":                                           {[]int{1, 1, 2, 3, 3}, "", models.RGB},
		"shape [2 2 3 3]; a picture":                                             {[]int{2, 2, 3, 3}, "", models.RGB},
		"shape [6]; a picture":                                                   {[]int{6}, "", models.Gray},
		"shape []; a picture":                                                    {nil, "", models.Gray},
		`unknown layout "hwc"`:                                                   {[]int{2, 3}, "hwc", models.Gray},
		"0 values for shape":                                                     {[]int{0, 3}, "", models.Gray},
	} {
		a, err := pixel.NewArray(count(c.shape...), c.layout, "a")
		if err == nil {
			_, err = pixel.Prepare(a, net(c.order))
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", c.shape, err, want)
		}
	}
}

// TestArrayAsPicture holds the stand-in that a picture without a network is.
func TestArrayAsPicture(t *testing.T) {
	for _, c := range []struct {
		a      weights.Array
		layout pixel.Layout
		want   string
	}{
		{weights.Array{Shape: []int{1, 2, 3}, Values: []float32{9, -1, -1, -1, 9, -1}}, pixel.NHWC, "RG"},
		{weights.Array{Shape: []int{1, 3, 1, 2}, Values: []float32{9, -1, -1, 9, -1, -1}}, pixel.NCHW, "RG"},
		{weights.Array{Shape: []int{1, 2, 5}, Values: []float32{0, 0, 0, 0, 0, 7, 7, 7, 7, 7}}, pixel.NHWC, "KKKKK/WWWWW"},
		{weights.Array{Shape: []int{2, 1, 2}, Values: []float32{0, 5, 1, 5}}, pixel.NHWC, "K/?"},
		{weights.Array{Shape: []int{1, 2}, Values: []float32{3, 3}}, pixel.NHWC, "KK"},
	} {
		a, err := pixel.NewArray(c.a, c.layout, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := format(a, 1); got != c.want {
			t.Errorf("%v %s: %s, want %s", c.a.Shape, c.layout, got, c.want)
		}
		if a.At(-1, 0) != (color.RGBA{}) {
			t.Error("outside is not transparent")
		}
	}
	var _ image.Image = (*pixel.Array)(nil)
}

func TestOpenArray(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.npy")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := weights.WriteNPY(f, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := pixel.OpenArray(path, pixel.NHWC)
	if err != nil || a.Name != path || a.Values[5] != 6 {
		t.Errorf("%v, %v", a, err)
	}
	if _, err := pixel.OpenArray(path, "hwc"); err == nil || !strings.HasPrefix(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if _, err := pixel.OpenArray(path+"x", ""); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

func ExampleNewArray() {
	numbers := weights.Array{Shape: []int{1, 2, 3}, Values: []float32{0, 1, 2, 3, 4, 5}}
	a, err := pixel.NewArray(numbers, pixel.NCHW, "ramp")
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := pixel.Prepare(a, models.Input{Height: 2, Width: 3, Order: models.Gray, High: 5})
	fmt.Println(p.Values, p.Crop, err)
	// Output: [0 1 2 3 4 5] array as it is, 3 × 2 <nil>
}
