// Package pixel brings photographs in and out: it opens and turns them upright, makes a network's input of them, and
// a picture of a network's input again.
package pixel

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"reflect"

	"github.com/bep/imagemeta"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"github.com/convlens/convlens/models/weights"
)

const (
	// MaxBytes is the size of the largest file that is read.
	MaxBytes = 256 << 20
	// MaxPixels is the number of pixels of the largest picture that is decoded or prepared.
	MaxPixels = 100_000_000
)

// Photo is a photograph that knows where it is from.
type Photo struct {
	image.Image
	// Name is what captions call it; Notice, where not empty, is what must be seen beside it: whose it is, its licence.
	Name, Notice string
}

// format is one kind of picture file, known by how it begins.
type format struct {
	name   string
	begins func(data []byte) bool
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	meta   imagemeta.ImageFormat // of the EXIF reader; 0: the format has no orientation
}

func prefix(s ...string) func([]byte) bool {
	return func(data []byte) bool {
		for _, p := range s {
			if bytes.HasPrefix(data, []byte(p)) {
				return true
			}
		}
		return false
	}
}

// formats are listed here, not taken from package image's register: what can be read must not depend on what else a
// program imports.
var formats = []format{
	{"PNG", prefix("\x89PNG\r\n\x1a\n"), png.DecodeConfig, png.Decode, imagemeta.PNG},
	{"JPEG", prefix("\xff\xd8"), jpeg.DecodeConfig, jpeg.Decode, imagemeta.JPEG},
	{"GIF", prefix("GIF87a", "GIF89a"), gif.DecodeConfig, gif.Decode, 0},
	{"WebP", isWebP, webp.DecodeConfig, webp.Decode, imagemeta.WebP},
}

func isWebP(data []byte) bool {
	return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

// Open reads the picture file at path: PNG, JPEG, the first frame of a GIF, or WebP, known by its content. A picture
// whose EXIF data says that it lies on its side is turned upright. The Photo's name is the path. Errors are one line
// that names the file. Go's decoder does not smooth a JPEG's colours between pixels as libjpeg does, so that at coloured
// edges a value can differ from Pillow's by some ten of 255.
func Open(path string) (*Photo, error) {
	f, err := weights.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Decode(f, path)
}

// Decode reads a picture as Open does; name is the Photo's and stands in errors.
func Decode(r io.Reader, name string) (*Photo, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, unwrapPath(err))
	}
	img, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Photo{Image: img, Name: name}, nil
}

// unwrapPath takes the path off an error that will be given its name again.
func unwrapPath(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func decode(data []byte) (image.Image, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("larger than %d MB; save it smaller", MaxBytes>>20)
	}
	f, err := find(data)
	if err != nil {
		return nil, err
	}
	c, err := f.config(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("this %s can't be read: %w", f.name, err)
	}
	if err := checkSize(c.Width, c.Height); err != nil {
		return nil, err
	}
	img, err := f.decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("this %s can't be read: %w", f.name, err)
	}
	// A GIF's frame can be smaller than its picture; what it leaves free is transparent.
	if all := image.Rect(0, 0, c.Width, c.Height); img.Bounds() != all {
		canvas := image.NewNRGBA(all)
		draw.Draw(canvas, img.Bounds(), img, img.Bounds().Min, draw.Src)
		img = canvas
	}
	return upright(img, orientation(data, f.meta)), nil
}

func find(data []byte) (format, error) {
	for _, f := range formats {
		if f.begins(data) {
			if isWebP(data) && len(data) > 20 && string(data[12:16]) == "VP8X" && data[20]&2 != 0 {
				return f, errors.New("an animated WebP; save one frame of it as PNG")
			}
			return f, nil
		}
	}
	if prefix("\x93NUMPY")(data) {
		return format{}, errors.New("an npy array, not a picture; OpenArray reads it")
	}
	return format{}, errors.New("not a picture that can be read: PNG, JPEG, GIF and WebP can")
}

func checkSize(w, h int) error {
	if w <= 0 || h <= 0 {
		return fmt.Errorf("a picture of %d × %d pixels", w, h)
	}
	if w > MaxPixels/h {
		return fmt.Errorf("%d × %d pixels; up to %d million can be read, save it smaller", w, h, MaxPixels/1_000_000)
	}
	return nil
}

// orientation is the EXIF value 1 to 8 of how the picture must be turned; 1, as it is, where the file says nothing
// that can be understood.
func orientation(data []byte, f imagemeta.ImageFormat) int {
	o := 1
	if f == 0 {
		return o
	}
	// Damaged metadata is no reason to refuse a picture, so the error is dropped.
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: f, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool { return t.Namespace == "IFD0" && t.Tag == "Orientation" },
		HandleTag: func(t imagemeta.TagInfo) error {
			if v := reflect.ValueOf(t.Value); v.CanUint() && v.Uint() >= 1 && v.Uint() <= 8 {
				o = int(v.Uint())
			}
			return imagemeta.ErrStopWalking
		},
	})
	return o
}

// upright turns and mirrors img by EXIF orientation o.
func upright(img image.Image, o int) image.Image {
	if o == 1 {
		return img
	}
	b := img.Bounds()
	r := image.Rect(0, 0, b.Dx(), b.Dy())
	if o >= 5 {
		r = image.Rect(0, 0, b.Dy(), b.Dx())
	}
	// Decoders' own types are fast to copy from as a whole and slow pixel by pixel, so first a plain copy.
	if deep(img) {
		src, dst := image.NewRGBA64(b), image.NewRGBA64(r)
		draw.Draw(src, b, img, b.Min, draw.Src)
		turn(dst.Pix, src.Pix, b.Dx(), b.Dy(), 8, o)
		return dst
	}
	src, dst := image.NewRGBA(b), image.NewRGBA(r)
	draw.Draw(src, b, img, b.Min, draw.Src)
	turn(dst.Pix, src.Pix, b.Dx(), b.Dy(), 4, o)
	return dst
}

// deep says whether the picture has 16 bits a channel.
func deep(img image.Image) bool {
	switch img.ColorModel() {
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		return true
	}
	return false
}

// turn copies w×h pixels of size bytes to where orientation o wants them: rows become columns from 5 on, and an axis
// of the source may run backwards.
func turn(dst, src []byte, w, h, size, o int) {
	dw, dh := w, h
	if o >= 5 {
		dw, dh = h, w
	}
	for y := range dh {
		for x := range dw {
			sx, sy := x, y
			if o >= 5 {
				sx, sy = y, x
			}
			if o == 2 || o == 3 || o == 7 || o == 8 {
				sx = w - 1 - sx
			}
			if o == 3 || o == 4 || o == 6 || o == 7 {
				sy = h - 1 - sy
			}
			copy(dst[(y*dw+x)*size:][:size], src[(sy*w+sx)*size:])
		}
	}
}
