package picture_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/picture"
)

var update = flag.Bool("update", false, "write the golden files anew")

// show prints a figure's line of text, and compares its SVG and HTML with the golden files of that name.
func show(name string, f picture.Figure) {
	fmt.Println(f.Plain())
	compare(name+".svg", f.SVG(), bytes.Equal)
	compare(name+".html", picture.Page(f.Title, f), bytes.Equal)
}

// showPixels prints a figure's line of text, and compares its PNG with the golden file, within a tolerance.
func showPixels(name string, f picture.Figure, r picture.Raster) {
	fmt.Println(f.Plain())
	data, err := f.PNG(r)
	if err != nil {
		fmt.Println(err)
	}
	compare(name+".png", data, samePixels)
}

// compare leaves what differs in the folder for temporary files, to look at.
func compare(name string, got []byte, same func(a, b []byte) bool) {
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			fmt.Println(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err == nil && same(got, want) {
		return
	}
	file := filepath.Join(os.TempDir(), "got-"+name)
	_ = os.WriteFile(file, got, 0o644) // only a help: the test fails either way
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	fmt.Printf("%s differs from %s from byte %d on (go test -update writes it anew)\n", file, path, at)
}

// samePixels allows for other roundings on other machines: a colour may differ by 2 of 255, and in one pixel of a
// thousand, at the edges of letters and squares, by more.
func samePixels(a, b []byte) bool {
	x, err1 := png.Decode(bytes.NewReader(a))
	y, err2 := png.Decode(bytes.NewReader(b))
	if err1 != nil || err2 != nil || x.Bounds() != y.Bounds() {
		return false
	}
	r, off := x.Bounds(), 0
	for py := r.Min.Y; py < r.Max.Y; py++ {
		for px := r.Min.X; px < r.Max.X; px++ {
			if distance(x.At(px, py), y.At(px, py)) > 2 {
				off++
			}
		}
	}
	return 1000*off <= r.Dx()*r.Dy()
}

func distance(a, b color.Color) (most int) {
	x, y := color.NRGBAModel.Convert(a).(color.NRGBA), color.NRGBAModel.Convert(b).(color.NRGBA)
	for _, d := range []int{int(x.R) - int(y.R), int(x.G) - int(y.G), int(x.B) - int(y.B), int(x.A) - int(y.A)} {
		most = max(most, d, -d)
	}
	return most
}

// hill is a made-up field: a hill of height 1 in a plain, in steps that are exact on every machine.
func hill(h, w, y, x int) field.Plane {
	p := field.New(h, w)
	for i := range p.Values {
		dy, dx := i/w-y, i%w-x
		p.Values[i] = float32(max(0, 64-dy*dy-dx*dx)) / 64
	}
	return p
}

// waves is a made-up field of stripes between −1 and 1.
func waves(h, w, y, x int) field.Plane {
	p := field.New(h, w)
	for i := range p.Values {
		p.Values[i] = float32((i/w*y+i%w*x)%9-4) / 4
	}
	return p
}

// scenery is a made-up photograph.
func scenery(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{uint8(40 + 120*x/w), uint8(180 - 100*y/h), 90, 255}
			if dx, dy := x-w/2, y-h/2; dx*dx+dy*dy < h*h/9 {
				c = color.RGBA{200, uint8(90 + x%32), 40, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// digit is a made-up drawing of light strokes on black.
func digit() image.Image {
	img := image.NewGray(image.Rect(0, 0, 14, 14))
	for i := 2; i < 12; i++ {
		img.SetGray(9, i, color.Gray{255})
		if i > 4 && i < 10 {
			img.SetGray(i, 2, color.Gray{255})
			img.SetGray(i, 7, color.Gray{200})
			img.SetGray(i, 11, color.Gray{255})
		}
	}
	return img
}

// busy is a figure with many maps.
func busy() picture.Figure {
	var tiles []picture.Tile
	for i := range 36 {
		tiles = append(tiles, picture.Tile{Image: zeroToOne.Image(hill(56, 56, i, i)), Label: fmt.Sprint(i), Value: "1"})
	}
	return picture.Figure{Title: "Many maps", Body: []picture.Mark{
		picture.Row{Marks: []picture.Mark{picture.Panel{Layers: []picture.Layer{picture.Photo{Image: scenery(227, 227)}}}}},
		picture.Tiles{Tiles: tiles, Framed: true},
	}}
}

func BenchmarkSVG(b *testing.B) {
	for f := busy(); b.Loop(); {
		f.SVG()
	}
}

func BenchmarkHTML(b *testing.B) {
	for f := busy(); b.Loop(); {
		f.HTML()
	}
}

func BenchmarkPNG(b *testing.B) {
	for f := busy(); b.Loop(); {
		if _, err := f.PNG(picture.Raster{}); err != nil {
			b.Fatal(err)
		}
	}
}
