package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"
)

// decoded is the picture after encoding, and the mean squared difference of its channels.
func decoded(t *testing.T, img *image.RGBA, quality int) (image.Image, float64) {
	t.Helper()
	out, err := jpeg.Decode(bytes.NewReader(encodeJPEG(img, quality)))
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	b := img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			p, q := img.RGBAAt(b.Min.X+x, b.Min.Y+y), color.RGBAModel.Convert(out.At(x, y)).(color.RGBA)
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B)} {
				sum += float64(d * d)
			}
		}
	}
	return out, sum / float64(3*b.Dx()*b.Dy())
}

func TestJPEG(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {8, 8}, {9, 17}, {64, 40}, {227, 227}} {
		img := image.NewRGBA(image.Rect(0, 0, size[0], size[1]))
		for y := range size[1] {
			for x := range size[0] {
				img.SetRGBA(x, y, color.RGBA{uint8(255 * (x / 5 % 2)), uint8(3 * y), uint8(x ^ y), 255})
			}
		}
		out, _ := decoded(t, img, 88)
		if got := out.Bounds().Size(); got != img.Bounds().Size() {
			t.Errorf("%v became %v", size, got)
		}
		if got := out.(*image.YCbCr).SubsampleRatio; got != image.YCbCrSubsampleRatio444 {
			t.Errorf("subsampled: %v", got)
		}
		if _, e := decoded(t, img, 100); e > 2 {
			t.Errorf("%v at quality 100: mean squared difference %.2f", size, e)
		}
	}
}

// Red stripes of one pixel on green keep their colour; with subsampled colours they would be brown.
func TestJPEGKeepsColours(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		c := color.RGBA{200, 40, 40, 255}
		if i%2 == 0 {
			c = color.RGBA{40, 160, 40, 255}
		}
		img.SetRGBA(i%64, i/64, c)
	}
	if _, e := decoded(t, img, 88); e > 60 {
		t.Errorf("mean squared difference %.0f", e)
	}
}

// A skewed distribution makes long codes: none may be longer than 16 bits, and no value may lose its own.
func TestHuffmanLengths(t *testing.T) {
	var count [257]int
	a, b := 1, 1
	for v := range 30 {
		count[v] = a
		a, b = b, a+b
	}
	h := newHuffman(count)
	var room float64
	for v := range 30 {
		if h.length[v] == 0 || h.length[v] > 16 {
			t.Errorf("value %d has %d bits", v, h.length[v])
		}
		room += math.Pow(2, -float64(h.length[v]))
	}
	if room >= 1 {
		t.Errorf("the codes take %v of the room", room)
	}
}

func TestJPEGIsTheSameEachTime(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 40, 40))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * i)
	}
	if !bytes.Equal(encodeJPEG(img, 88), encodeJPEG(img, 88)) {
		t.Error("differs")
	}
}

func BenchmarkJPEG(b *testing.B) {
	img := image.NewRGBA(image.Rect(0, 0, 227, 227))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 7)
	}
	for b.Loop() {
		encodeJPEG(img, 88)
	}
}
