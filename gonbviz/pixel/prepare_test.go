package pixel_test

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
)

// net is an input of 2 rows and 3 columns whose numbers are easy to read: 0..255, less nothing.
func net(o models.ChannelOrder) models.Input {
	return models.Input{Height: 2, Width: 3, Order: o, High: 255}
}

func mustPrepare(t testing.TB, img image.Image, in models.Input) *pixel.Prepared {
	t.Helper()
	p, err := pixel.Prepare(img, in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// near compares numbers to a tolerance.
func near(got, want []float32, tolerance float64) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if !(math.Abs(float64(got[i]-want[i])) <= tolerance) {
			return false
		}
	}
	return true
}

// TestChannelOrder holds the values of a picture that needs no resizing, exactly, and that what is shown has the
// photograph's own colours whatever the network's order is.
func TestChannelOrder(t *testing.T) {
	img := parse("RGB/KWY", 1)
	for order, want := range map[models.ChannelOrder][]float32{
		models.RGB:  {255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 100, 100, 100},
		models.BGR:  {0, 0, 255, 0, 255, 0, 255, 0, 0, 0, 0, 0, 255, 255, 255, 100, 100, 100},
		models.Gray: {76.245, 149.685, 29.07, 0, 255, 100},
	} {
		p := mustPrepare(t, img, net(order))
		if !near(p.Values, want, 1e-5) {
			t.Errorf("%s: %v, want %v", order, p.Values, want)
		}
		if got := format(p.Shown, 1); got != "RGB/KWY" {
			t.Errorf("%s is shown as %s", order, got)
		}
		if got := format(p.Small, 1); order != models.Gray && got != "RGB/KWY" {
			t.Errorf("%s is shown small as %s", order, got)
		}
		if c := p.Small.At(0, 0); order == models.Gray && c != (color.RGBA{76, 76, 76, 255}) {
			t.Errorf("%s is shown small as %v", order, c)
		}
	}
}

// TestMean holds that mean and deviation meet the right channel.
func TestMean(t *testing.T) {
	in := models.Input{
		Height: 1, Width: 1, Order: models.BGR, High: 255, Mean: []float32{1, 2, 3}, Deviation: []float32{1, 2, 4},
	}
	p := mustPrepare(t, parse("R", 1), in)
	if want := []float32{-1, -1, 63}; !near(p.Values, want, 1e-5) {
		t.Errorf("%v, want %v", p.Values, want)
	}
	if got := format(p.Small, 1); got != "R" {
		t.Errorf("comes back as %s", got)
	}
}

func TestCrop(t *testing.T) {
	square := models.Input{Height: 1, Width: 1, High: 1}
	tall := models.Input{Height: 2, Width: 1, High: 1}
	for _, c := range []struct {
		rows  string
		in    models.Input
		shown string
		words string
	}{
		{"KRRK/KRRK", square, "RR/RR", "centre crop, 1 × 1"},
		{"KRRKK/KRRKK", square, "RR/RR", "centre crop, 1 × 1"}, // the odd pixel is lost on the right
		{"KK/RR/RR/KK/KK", square, "RR/RR", "centre crop, 1 × 1"},
		{"RR/RR", square, "RR/RR", "whole picture, 1 × 1"},
		{"KRK/KRK", tall, "R/R", "centre crop, 1 × 2"},
		{"KKK/RRR/RRR/KKK", net(models.RGB), "RRR/RRR", "centre crop, 3 × 2"},
		{"KRRRK/KRRRK", net(models.RGB), "RRR/RRR", "centre crop, 3 × 2"},
		{"R", tall, "R", "whole picture, 1 × 2"}, // no aspect makes a crop of no pixels
	} {
		p := mustPrepare(t, parse(c.rows, 1), c.in)
		if got := format(p.Shown, 1); got != c.shown || p.Crop != c.words {
			t.Errorf("%s: %s, %q, want %s, %q", c.rows, got, p.Crop, c.shown, c.words)
		}
		if p.Values[0] != c.in.High {
			t.Errorf("%s: the first value is %g", c.rows, p.Values[0])
		}
	}
}

// TestResize compares with the triangle filter computed by hand: its half-width is one pixel of the larger grid.
func TestResize(t *testing.T) {
	row := image.NewGray(image.Rect(0, 0, 4, 2))
	for x, v := range []uint8{0, 70, 140, 210} {
		row.SetGray(x, 0, color.Gray{v})
		row.SetGray(x, 1, color.Gray{v})
	}
	in := models.Input{Height: 1, Width: 2, Order: models.Gray, High: 255}
	// The pixels lie 0.5, 0.5 and 1.5 from the first output's middle, of a half-width of 2.
	w := []float32{0.75, 0.75, 0.25}
	first := (70*w[1] + 140*w[2]) / (w[0] + w[1] + w[2])
	if p := mustPrepare(t, row, in); !near(p.Values, []float32{first, 210 - first}, 0.01) {
		t.Errorf("smaller: %v, want %v", p.Values, []float32{first, 210 - first})
	}
	in.Height, in.Width = 2, 8
	p := mustPrepare(t, row.SubImage(image.Rect(0, 0, 4, 1)), in)
	want := []float32{0, 17.5, 52.5, 87.5, 122.5, 157.5, 192.5, 210}
	if !near(p.Values, append(want, want...), 0.01) {
		t.Errorf("larger: %v, want %v", p.Values, want)
	}
}

// TestSixteenBits holds that the values are finer than 8 bits.
func TestSixteenBits(t *testing.T) {
	img := image.NewGray16(image.Rect(0, 0, 3, 2))
	img.SetGray16(0, 0, color.Gray16{0x1234})
	p := mustPrepare(t, img, models.Input{Height: 2, Width: 3, Order: models.Gray, High: 0xffff})
	if !near(p.Values, []float32{0x1234, 0, 0, 0, 0, 0}, 0.01) {
		t.Errorf("%v", p.Values)
	}
}

func TestTransparencyLiesOverWhite(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	img.SetNRGBA(0, 0, color.NRGBA{255, 0, 0, 51}) // a fifth red, four fifths white
	img.SetNRGBA(1, 0, black)
	p := mustPrepare(t, img, net(models.RGB))
	want := []float32{255, 204, 204, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}
	if !near(p.Values, want, 0.01) {
		t.Errorf("%v, want %v", p.Values, want)
	}
	if c := p.Shown.At(0, 0); c != (color.RGBA{255, 204, 204, 255}) {
		t.Errorf("shown as %v", c)
	}
	if img.NRGBAAt(0, 0).A != 51 {
		t.Error("the picture was changed")
	}
}

// TestOrigins holds that a part of a larger picture is taken where it lies, for every kind of picture.
func TestOrigins(t *testing.T) {
	whole := parse("KKKKK/KRGBK/KKWYK/KKKKK", 1)
	part := image.Rect(1, 1, 4, 3)
	big := image.Rect(-3, -2, 2, 2)
	kinds := map[string]interface {
		image.Image
		Set(x, y int, c color.Color)
		SubImage(image.Rectangle) image.Image
	}{
		"RGBA": image.NewRGBA(big), "NRGBA": image.NewNRGBA(big), "RGBA64": image.NewRGBA64(big),
		"NRGBA64":  image.NewNRGBA64(big),
		"paletted": image.NewPaletted(big, color.Palette{red, green, blue, black, white, grey}),
	}
	for name, img := range kinds {
		for y := range 4 {
			for x := range 5 {
				img.Set(x+big.Min.X, y+big.Min.Y, whole.At(x, y))
			}
		}
		p := mustPrepare(t, img.SubImage(part.Add(big.Min)), net(models.RGB))
		want := []float32{255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 100, 100, 100}
		if !near(p.Values, want, 1e-5) || format(p.Shown, 1) != "RGB/KWY" {
			t.Errorf("%s: %s, %v", name, format(p.Shown, 1), p.Values)
		}
	}
	// A JPEG's colours have every second pixel only; the part begins between two of them.
	jpeg := image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio420)
	for i := range jpeg.Y {
		jpeg.Y[i] = uint8(10 * (i % 8))
	}
	for i := range jpeg.Cb {
		jpeg.Cb[i], jpeg.Cr[i] = 128, 128
	}
	p := mustPrepare(t, jpeg.SubImage(image.Rect(3, 3, 6, 5)), net(models.Gray))
	if !near(p.Values, []float32{30, 40, 50, 30, 40, 50}, 0.01) {
		t.Errorf("JPEG: %v", p.Values)
	}
}

func TestShapesOfPictures(t *testing.T) {
	in := models.Input{Height: 5, Width: 7, Order: models.BGR, High: 1, Mean: []float32{1, 1, 1}}
	for _, size := range []image.Point{{1, 1}, {1, 9000}, {9000, 1}, {2, 3}, {1500, 700}, {641, 640}} {
		img := image.NewGray(image.Rectangle{Max: size})
		for i := range img.Pix {
			img.Pix[i] = 255
		}
		p := mustPrepare(t, img, in)
		if len(p.Values) != 5*7*3 {
			t.Errorf("%v: %d values", size, len(p.Values))
		}
		for _, v := range p.Values {
			if v != 0 {
				t.Fatalf("%v: white is %g", size, v)
			}
		}
		if s := p.Shown.Bounds(); s.Dx() > pixel.ShownSide || s.Dy() > pixel.ShownSide || s.Empty() {
			t.Errorf("%v is shown as %v", size, s)
		}
		if p.Small.Bounds() != image.Rect(0, 0, 7, 5) {
			t.Errorf("%v is shown small as %v", size, p.Small.Bounds())
		}
	}
}

func TestPrepareErrors(t *testing.T) {
	good := net(models.RGB)
	var none *pixel.Photo
	var noArray *pixel.Array
	for want, c := range map[string]struct {
		img image.Image
		in  models.Input
	}{
		"there is no picture":         {nil, good},
		"there is no picture ":        {none, good},
		"there is no picture  ":       {pixel.Photo{Name: "x"}, good},
		"there is no array":           {noArray, good},
		"a picture of 0 × 0 pixels":   {image.NewRGBA(image.Rectangle{}), good},
		"cat.png: a picture of 0 × 2": {&pixel.Photo{Image: image.NewGray(image.Rect(0, 0, 0, 2)), Name: "cat.png"}, good},
		"up to 100 million":           {image.White, good},
		"input of 0×3 pixels":         {image.Black, models.Input{Width: 3, High: 1}},
		"network input: 100000 × 1":   {image.Black, models.Input{Width: 100_000, Height: 100_000, High: 1}},
	} {
		_, err := pixel.Prepare(c.img, c.in)
		if want = strings.TrimSpace(want); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestPhotoKeepsNameAndNotice(t *testing.T) {
	photo := pixel.Photo{Image: parse("RGB/KWY", 1), Name: "flag", Notice: "by someone"}
	for _, img := range []image.Image{photo, &photo} {
		p := mustPrepare(t, img, net(models.RGB))
		if p.Name != "flag" || p.Notice != "by someone" || format(p.Shown, 1) != "RGB/KWY" {
			t.Errorf("%q, %q", p.Name, p.Notice)
		}
	}
}

func TestPicture(t *testing.T) {
	in := models.Input{Height: 1, Width: 2, Order: models.BGR, Low: -1, High: 1}
	nan := float32(math.NaN())
	img := pixel.Picture([]float32{-1, 0, 1, -5, nan, 5}, in)
	if img.At(0, 0) != (color.RGBA{255, 128, 0, 255}) || img.At(1, 0) != (color.RGBA{255, 0, 0, 255}) {
		t.Errorf("%v, %v", img.At(0, 0), img.At(1, 0))
	}
	defer func() {
		if r := recover(); r == nil {
			t.Error("too few values pass")
		}
	}()
	pixel.Picture([]float32{1}, in)
}

// TestThereAndBack holds that a picture of the input's size comes back to the byte, through every kind of input.
func TestThereAndBack(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range 256 {
		img.SetRGBA(i%16, i/16, color.RGBA{uint8(i), uint8(255 - i), uint8(7 * i), 255})
	}
	for _, in := range []models.Input{
		{Order: models.RGB, High: 1, Mean: []float32{0.485, 0.456, 0.406}, Deviation: []float32{0.229, 0.224, 0.225}},
		{Order: models.BGR, High: 255, Mean: []float32{103.939, 116.779, 123.68}},
		{Order: models.RGB, Low: -1, High: 1},
	} {
		in.Height, in.Width = 16, 16
		p := mustPrepare(t, img, in)
		for i := range 256 {
			if got, want := p.Small.At(i%16, i/16), img.At(i%16, i/16); got != want {
				t.Fatalf("%+v: %v comes back as %v", in, want, got)
			}
		}
	}
}

func ExamplePrepare() {
	in := models.Input{Height: 1, Width: 1, Order: models.BGR, High: 255}
	p, err := pixel.Prepare(parse("KRK", 1), in)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Values, p.Crop)
	// Output: [0 0 255] centre crop, 1 × 1
}

func BenchmarkPrepare(b *testing.B) {
	img := image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420)
	in := models.Input{Height: 227, Width: 227, Order: models.BGR, High: 255}
	for b.Loop() {
		mustPrepare(b, img, in)
	}
}
