package pixel

import (
	"errors"
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/draw"

	"github.com/convlens/convlens/models"
)

// ShownSide is the most pixels that Prepared.Shown has on its longer side.
const ShownSide = 300

// Prepared is a picture on its way into a network, with what is needed to show it beside the results.
type Prepared struct {
	// Input is the network's.
	Input models.Input
	// Values is what the network gets, Input.Height × Input.Width × channels, the channel running fastest.
	Values []float32
	// Shown is the cropped photograph in its true colours, at most ShownSide pixels on its longer side.
	Shown image.Image
	// Small is the picture as the network sees it, at the input's resolution, in true colours.
	Small image.Image
	// Name and Notice are the Photo's; empty where the picture has none.
	Name, Notice string
	// Crop says for captions what was fed, width before height: "centre crop, 227 × 227", "whole picture, 227 × 227",
	// "array as it is, 28 × 28".
	Crop string
}

// Prepare makes a network's input of a picture: it lays transparency over white, crops about the centre to the
// input's aspect, resizes with bilinear interpolation (antialiased where it shrinks, as Pillow does; kept at 16 bits a
// channel, where Pillow rounds to 8), and gives the channels in the input's order through Input.Value. A grey channel
// is the luma of Rec. 601: 0.299 red + 0.587 green + 0.114 blue. An *Array is taken as it is and must have the input's
// shape. The picture is not changed. Errors are one line.
func Prepare(img image.Image, in models.Input) (*Prepared, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	if err := checkSize(in.Width, in.Height); err != nil {
		return nil, fmt.Errorf("network input: %w", err)
	}
	p := &Prepared{Input: in}
	// A Photo is unwrapped because resizing knows the types of the decoders and is far slower without.
	switch photo := img.(type) {
	case *Array:
		return prepareArray(photo, in)
	case *Photo:
		if photo != nil {
			img, p.Name, p.Notice = photo.Image, photo.Name, photo.Notice
		} else {
			img = nil
		}
	case Photo:
		img, p.Name, p.Notice = photo.Image, photo.Name, photo.Notice
	}
	if img == nil {
		return nil, errors.New("there is no picture")
	}
	b := img.Bounds()
	if err := checkSize(b.Dx(), b.Dy()); err != nil {
		if p.Name != "" {
			err = fmt.Errorf("%s: %w", p.Name, err)
		}
		return nil, err
	}
	crop := centre(b, in.Width, in.Height)
	p.Crop = fmt.Sprintf("centre crop, %d × %d", in.Width, in.Height)
	if crop == b {
		p.Crop = fmt.Sprintf("whole picture, %d × %d", in.Width, in.Height)
	}
	p.Values = values(img, crop, in)
	p.Shown = shown(img, crop)
	p.Small = Picture(p.Values, in)
	return p, nil
}

func prepareArray(a *Array, in models.Input) (*Prepared, error) {
	if a == nil {
		return nil, errors.New("there is no array")
	}
	v, err := a.input(in)
	if err != nil {
		if a.Name != "" {
			err = fmt.Errorf("%s: %w", a.Name, err)
		}
		return nil, err
	}
	small := Picture(v, in)
	return &Prepared{
		Input: in, Values: v, Shown: small, Small: small, Name: a.Name,
		Crop: fmt.Sprintf("array as it is, %d × %d", in.Width, in.Height),
	}, nil
}

// centre is the largest rectangle of aspect w : h about the centre of b, to the nearest pixel and at least one; an odd
// pixel left over is cut off on the right or at the bottom.
func centre(b image.Rectangle, w, h int) image.Rectangle {
	bw, bh := int64(b.Dx()), int64(b.Dy())
	cw, ch := bw, bh
	if bw*int64(h) > bh*int64(w) {
		cw = max(1, (2*bh*int64(w)+int64(h))/(2*int64(h)))
	} else {
		ch = max(1, (2*bw*int64(h)+int64(w))/(2*int64(w)))
	}
	x, y := b.Min.X+int(bw-cw)/2, b.Min.Y+int(bh-ch)/2
	return image.Rect(x, y, x+int(cw), y+int(ch))
}

// white is a ground of the given size to lay a picture on.
func white(dst draw.Image) draw.Image {
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	return dst
}

// values resizes the crop to the input and reads it.
func values(img image.Image, crop image.Rectangle, in models.Input) []float32 {
	small := image.NewRGBA64(image.Rect(0, 0, in.Width, in.Height))
	draw.BiLinear.Scale(white(small), small.Bounds(), img, crop, draw.Over, nil)
	c := in.Channels()
	out := make([]float32, 0, in.Height*in.Width*c)
	for y := range in.Height {
		for x := range in.Width {
			px := ordered(small.RGBA64At(x, y), in.Order)
			for k := range c {
				out = append(out, in.Value(px[k], k))
			}
		}
	}
	return out
}

// ordered gives an opaque colour's channels as the network wants them, each 0..1; of grey only the first counts.
func ordered(px color.RGBA64, o models.ChannelOrder) [3]float32 {
	r, g, b := float32(px.R)/0xffff, float32(px.G)/0xffff, float32(px.B)/0xffff
	switch o {
	case models.BGR:
		return [3]float32{b, g, r}
	case models.Gray:
		// In whole numbers, so that a grey pixel stays exactly what it is.
		return [3]float32{float32(299*uint64(px.R)+587*uint64(px.G)+114*uint64(px.B)) / (1000 * 0xffff)}
	}
	return [3]float32{r, g, b}
}

// shown is the crop on white, made smaller where it is too large.
func shown(img image.Image, crop image.Rectangle) image.Image {
	w, h := crop.Dx(), crop.Dy()
	if long := max(w, h); long > ShownSide {
		w, h = max(1, (w*ShownSide+long/2)/long), max(1, (h*ShownSide+long/2)/long)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == crop.Dx() && h == crop.Dy() {
		draw.Draw(white(dst), dst.Bounds(), img, crop.Min, draw.Over)
	} else {
		draw.BiLinear.Scale(white(dst), dst.Bounds(), img, crop, draw.Over, nil)
	}
	return dst
}

// Picture is the way back from a network's input to a picture in true colours; a value darker than black is shown
// black, one brighter than white white. It panics if values are not as many as the input has.
func Picture(values []float32, in models.Input) image.Image {
	c := in.Channels()
	if len(values) != in.Height*in.Width*c {
		panic(fmt.Sprintf("pixel: %d values for an input of %d×%d×%d", len(values), in.Height, in.Width, c))
	}
	img := image.NewRGBA(image.Rect(0, 0, in.Width, in.Height))
	for i := range in.Height * in.Width {
		px := img.Pix[4*i:][:4]
		for k := range 3 {
			j := k // where red, green and blue stand in the input
			switch in.Order {
			case models.BGR:
				j = 2 - k
			case models.Gray:
				j = 0
			}
			px[k] = byte8(in.Colour(values[i*c+j], j))
		}
		px[3] = 255
	}
	return img
}

// byte8 rounds a colour value to 0..255; what is not a number is black.
func byte8(v float32) uint8 {
	if !(v > 0) {
		return 0
	}
	return uint8(min(v, 1)*255 + 0.5)
}
