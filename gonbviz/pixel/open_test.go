package pixel_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/models"
)

var (
	red   = color.NRGBA{255, 0, 0, 255}
	green = color.NRGBA{0, 255, 0, 255}
	blue  = color.NRGBA{0, 0, 255, 255}
	black = color.NRGBA{0, 0, 0, 255}
	white = color.NRGBA{255, 255, 255, 255}
	grey  = color.NRGBA{100, 100, 100, 255}
)

// letters are six colours, to write pictures down.
var letters = map[rune]color.NRGBA{'R': red, 'G': green, 'B': blue, 'K': black, 'W': white, 'Y': grey, '.': {}}

// parse makes a picture of rows of letters, "RGB/KWY", each letter a square of size pixels.
func parse(rows string, size int) *image.NRGBA {
	lines := strings.Split(rows, "/")
	img := image.NewNRGBA(image.Rect(0, 0, size*len(lines[0]), size*len(lines)))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			img.SetNRGBA(x, y, letters[rune(lines[y/size][x/size])])
		}
	}
	return img
}

// format is the inverse of parse: of every square the pixel in the middle, as the letter nearest to it.
func format(img image.Image, size int) string {
	var rows []string
	b := img.Bounds()
	for y := b.Min.Y + size/2; y < b.Max.Y; y += size {
		var row strings.Builder
		for x := b.Min.X + size/2; x < b.Max.X; x += size {
			row.WriteRune(nearest(img.At(x, y)))
		}
		rows = append(rows, row.String())
	}
	return strings.Join(rows, "/")
}

func nearest(c color.Color) rune {
	r, g, b, a := c.RGBA()
	best, at := 1<<20, '?'
	for l, k := range letters {
		kr, kg, kb, ka := k.RGBA()
		d := 0
		for _, p := range [4][2]uint32{{r, kr}, {g, kg}, {b, kb}, {a, ka}} {
			d = max(d, int(max(p[0], p[1])-min(p[0], p[1])))
		}
		if d < best {
			best, at = d, l
		}
	}
	if best > 0x2800 {
		return '?'
	}
	return at
}

func encodePNG(img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func encodeJPEG(img image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 100}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// exif is a TIFF structure with the orientation alone.
func exif(o binary.AppendByteOrder, orientation uint16) []byte {
	b := []byte("MM")
	if o == binary.AppendByteOrder(binary.LittleEndian) {
		b = []byte("II")
	}
	b = o.AppendUint32(o.AppendUint16(b, 42), 8)
	b = o.AppendUint16(o.AppendUint16(o.AppendUint16(b, 1), 0x112), 3)
	b = o.AppendUint16(o.AppendUint16(o.AppendUint32(b, 1), orientation), 0)
	return o.AppendUint32(b, 0)
}

// pngChunk puts a chunk behind the header of a PNG.
func pngChunk(file []byte, kind string, data []byte) []byte {
	const behind = 8 + 25
	c := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	c = append(append(c, kind...), data...)
	c = binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
	return append(append(append([]byte(nil), file[:behind]...), c...), file[behind:]...)
}

// app1 puts EXIF data behind the start of a JPEG.
func app1(file, tiff []byte) []byte {
	data := append([]byte("Exif\x00\x00"), tiff...)
	b := []byte{0xff, 0xd8, 0xff, 0xe1}
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)+2))
	return append(append(b, data...), file[2:]...)
}

func decode(t testing.TB, file []byte) *pixel.Photo {
	t.Helper()
	p, err := pixel.Decode(bytes.NewReader(file), "test")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOrientation holds all eight EXIF orientations on a picture that is no square, in both byte orders.
func TestOrientation(t *testing.T) {
	want := []string{"RGB/KWY", "BGR/YWK", "YWK/BGR", "KWY/RGB", "RK/GW/BY", "KR/WG/YB", "YB/WG/KR", "BY/GW/RK"}
	flat, deep := encodePNG(parse("RGB/KWY", 1)), image.NewNRGBA64(image.Rect(0, 0, 3, 2))
	for i := range 6 {
		deep.Set(i%3, i/3, parse("RGB/KWY", 1).At(i%3, i/3))
	}
	for i, w := range want {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			tiff := exif(order, uint16(i+1))
			if got := format(decode(t, pngChunk(flat, "eXIf", tiff)), 1); got != w {
				t.Errorf("PNG, orientation %d: %s, want %s", i+1, got, w)
			}
			if got := format(decode(t, pngChunk(encodePNG(deep), "eXIf", tiff)), 1); got != w {
				t.Errorf("PNG of 16 bits, orientation %d: %s, want %s", i+1, got, w)
			}
			if got := format(decode(t, app1(encodeJPEG(parse("RGB/KWY", 16)), tiff)), 16); got != w {
				t.Errorf("JPEG, orientation %d: %s, want %s", i+1, got, w)
			}
		}
	}
	for _, wrong := range [][]byte{
		exif(binary.BigEndian, 0), exif(binary.BigEndian, 9), []byte("MM\x00\x2a\xff\xff\xff\xff"), []byte("II"),
	} {
		if got := format(decode(t, pngChunk(flat, "eXIf", wrong)), 1); got != want[0] {
			t.Errorf("damaged EXIF data: %s", got)
		}
	}
}

func TestDeepOrientationKeepsDepth(t *testing.T) {
	img := image.NewGray16(image.Rect(0, 0, 2, 1))
	img.SetGray16(0, 0, color.Gray16{0x1234})
	p := decode(t, pngChunk(encodePNG(img), "eXIf", exif(binary.BigEndian, 6)))
	if r, _, _, _ := p.At(0, 0).RGBA(); r != 0x1234 || p.Bounds() != image.Rect(0, 0, 1, 2) {
		t.Errorf("%v: %#x", p.Bounds(), r)
	}
}

func TestFormats(t *testing.T) {
	const rows = "RGB/KW."
	src := parse(rows, 1)
	paletted := image.NewPaletted(src.Rect, color.Palette{red, green, blue, black, white, color.Transparent})
	grey16 := image.NewGray16(src.Rect)
	deep := image.NewNRGBA64(src.Rect)
	for i := range 6 {
		c := src.At(i%3, i/3)
		paletted.Set(i%3, i/3, c)
		grey16.Set(i%3, i/3, c)
		deep.Set(i%3, i/3, c)
	}
	var g bytes.Buffer
	if err := gif.Encode(&g, paletted, nil); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"PNG": encodePNG(src), "PNG of 16 bits": encodePNG(deep), "PNG with a palette": encodePNG(paletted), "GIF": g.Bytes(),
		"WebP": read(t, "lossless.webp"),
	} {
		if got := format(decode(t, file), 1); got != rows {
			t.Errorf("%s: %s", name, got)
		}
	}
	if c := decode(t, encodePNG(grey16)).At(2, 0).(color.Gray16); c.Y>>8 != 29 {
		t.Errorf("blue in grey is %d", c.Y>>8)
	}
	if got := format(decode(t, encodeJPEG(image.NewGray(image.Rect(0, 0, 16, 8)))), 8); got != "KK" {
		t.Errorf("grey JPEG: %s", got)
	}
	if got := format(decode(t, read(t, "cmyk.jpg")), 8); got != "RW" {
		t.Errorf("CMYK JPEG: %s", got)
	}
	// This one has EXIF data with orientation 6, so that left becomes top.
	turned := decode(t, read(t, "lossy_turned.webp"))
	if c := turned.At(8, 8).(color.RGBA); turned.Bounds() != image.Rect(0, 0, 16, 32) || c.B < 150 || c.R > 80 {
		t.Errorf("lossy WebP: %v, at the top %v", turned.Bounds(), c)
	}
}

// read opens a picture that Go can't make; Pillow made them.
func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestFrame holds that a GIF's first frame lies where it belongs on the picture.
func TestFrame(t *testing.T) {
	one := image.NewPaletted(image.Rect(1, 1, 3, 2), color.Palette{red, green})
	one.SetColorIndex(2, 1, 1)
	two := image.NewPaletted(image.Rect(0, 0, 4, 3), color.Palette{blue})
	var b bytes.Buffer
	err := gif.EncodeAll(&b, &gif.GIF{
		Image: []*image.Paletted{one, two}, Delay: []int{0, 0}, Config: image.Config{Width: 4, Height: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := format(decode(t, b.Bytes()), 1), "..../.RG./...."; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// large gives a PNG's header other sizes.
func large(w, h uint32) []byte {
	file := encodePNG(parse("R", 1))
	binary.BigEndian.PutUint32(file[16:], w)
	binary.BigEndian.PutUint32(file[20:], h)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	return file
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty.png":  {nil, "not a picture that can be read: PNG, JPEG, GIF and WebP can"},
		"text.jpg":   {[]byte("hello\n"), "not a picture that can be read"},
		"a.tif":      {[]byte("II*\x00\x08\x00\x00\x00"), "not a picture that can be read"},
		"half.png":   {encodePNG(parse("RGB", 9))[:60], "this PNG can't be read"},
		"half.jpg":   {encodeJPEG(parse("RGB", 9))[:400], "this JPEG can't be read"},
		"half.gif":   {[]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"), "this GIF can't be read"},
		"half.webp":  {read(t, "lossless.webp")[:25], "this WebP can't be read"},
		"moves.webp": {read(t, "animated.webp"), "an animated WebP; save one frame of it as PNG"},
		"a.npy":      {[]byte("\x93NUMPY\x01\x00"), "an npy array, not a picture"},
		"wide.png":   {large(20_000, 20_000), "20000 × 20000 pixels; up to 100 million can be read"},
		"bomb.png":   {large(1<<31-1, 1<<31-1), "this PNG can't be read"},
		"none.png":   {large(0, 0), "PNG"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := pixel.Open(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing.png")} {
		if _, err := pixel.Open(path); err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("error %v, want one that names %s", err, path)
		}
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a picture.txt") // known by its content
	if err := os.WriteFile(path, encodePNG(parse("RG", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := pixel.Open(path)
	if err != nil || p.Name != path || format(p, 1) != "RG" {
		t.Errorf("%v, %v", p, err)
	}
}

func ExampleDecode() {
	file := bytes.NewReader(encodePNG(parse("RGB/KWY", 1)))
	photo, err := pixel.Decode(file, "flag.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(photo.Name, photo.Bounds().Dx(), photo.Bounds().Dy())
	_, err = pixel.Decode(strings.NewReader("hello"), "notes.txt")
	fmt.Println(err)
	// Output:
	// flag.png 3 2
	// notes.txt: not a picture that can be read: PNG, JPEG, GIF and WebP can
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"lossless.webp", "lossy_turned.webp", "animated.webp", "cmyk.jpg"} {
		f.Add(read(f, name))
	}
	var g bytes.Buffer
	if err := gif.Encode(&g, parse("RGB/KW.", 2), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(g.Bytes())
	f.Add(pngChunk(encodePNG(parse("RGB/KW.", 2)), "eXIf", exif(binary.LittleEndian, 6)))
	f.Add(app1(encodeJPEG(parse("RGB/KWY", 3)), exif(binary.BigEndian, 5)))
	f.Add(large(1, 2))
	in := models.Input{Height: 2, Width: 3, Order: models.BGR, High: 1}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1<<18 {
			t.Skip("slow, and nothing new")
		}
		p, err := pixel.Decode(bytes.NewReader(data), "fuzz")
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		prepared, err := pixel.Prepare(p, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range prepared.Values {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("value %g", v)
			}
		}
	})
}
