package picture

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"sync"

	"golang.org/x/image/draw"
)

// raster is a picture to embed: data as it is, photographs small enough for where they stand.
type raster struct {
	img   image.Image
	photo bool
	once  sync.Once
	data  string
}

// url is the picture as a data URL.
func (r *raster) url() string {
	r.once.Do(func() { r.data = r.encode() })
	return r.data
}

func (r *raster) encode() string {
	kind, data := "image/png", []byte(nil)
	if r.photo && !tiny(r.img) {
		kind, data = "image/jpeg", encodePhoto(r.img)
	} else {
		var b bytes.Buffer
		must((&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, r.img))
		data = b.Bytes()
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)
}

// encodePhoto writes a photograph, with enough quality that halved colours don't show. A pale grey ground needs less.
func encodePhoto(img image.Image) []byte {
	quality := 92
	if _, grey := img.(*image.Gray); grey {
		quality = 85
	}
	var b bytes.Buffer
	must(jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}))
	return b.Bytes()
}

// indexed is img with a palette, where its colours have room in one: a ramp or a table is then several times smaller.
func indexed(img image.RGBA64Image) image.Image {
	out := image.NewPaletted(img.Bounds(), nil)
	known := map[color.RGBA64]uint8{}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := img.RGBA64At(x, y)
			i, ok := known[c]
			if !ok {
				if len(known) == 256 {
					return img
				}
				i = uint8(len(known))
				known[c] = i
				out.Palette = append(out.Palette, c)
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}

// must holds for encoders that write to memory: they fail on no picture that the marks make.
func must(err error) {
	if err != nil {
		panic("picture: " + err.Error())
	}
}

// tiny pictures are data even where they are photographs: a digit's pixels must not blur.
func tiny(img image.Image) bool { return img.Bounds().Dx() <= 64 && img.Bounds().Dy() <= 64 }

// photograph makes the raster of the part view of img, at most limit pixels wide and high.
func photograph(img image.Image, view image.Rectangle, grey bool, limit int) *raster {
	w, h := view.Dx(), view.Dy()
	if longest := max(w, h); longest > limit {
		w, h = max(1, w*limit/longest), max(1, h*limit/longest)
	}
	flat := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(flat, flat.Bounds(), image.White, image.Point{}, draw.Src)
	if w == view.Dx() && h == view.Dy() {
		draw.Draw(flat, flat.Bounds(), img, view.Min, draw.Over)
	} else {
		draw.CatmullRom.Scale(flat, flat.Bounds(), img, view, draw.Over, nil)
	}
	if grey {
		return &raster{img: paled(flat), photo: true}
	}
	return &raster{img: flat, photo: true}
}

// darkDrawing tells light strokes on black, such as a digit: pale, they are shown dark on light, since a grey ground
// would take the colours' contrast.
func darkDrawing(img image.Image) bool {
	if !tiny(img) {
		return false
	}
	b, dark := img.Bounds(), 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 32 {
				dark++
			}
		}
	}
	return 2*dark > b.Dx()*b.Dy()
}

// paled is the photograph as a pale grey ground on which colours are seen.
func paled(img image.Image) *image.Gray {
	r := img.Bounds()
	invert := darkDrawing(img)
	out := image.NewGray(r)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			g := color.GrayModel.Convert(img.At(x, y)).(color.Gray)
			if invert {
				g.Y = 255 - g.Y
			}
			out.SetGray(x, y, color.Gray{pale(int(g.Y))})
		}
	}
	return out
}

// pale lifts a grey to 0.52 + 0.46·y.
func pale(y int) uint8 { return uint8((52*255 + 46*y + 50) / 100) }

// atlas holds the pictures of a grid, each with its edge repeated around it so that none bleeds into the next.
type atlas struct {
	raster *raster
	at     []image.Rectangle // empty where there is no picture
}

const atlasEdge = 2

func newAtlas(tiles []Tile) *atlas {
	var w, h, n int
	for _, t := range tiles {
		if !t.empty() {
			n++
			w, h = max(w, t.Image.Bounds().Dx()), max(h, t.Image.Bounds().Dy())
		}
	}
	a := &atlas{at: make([]image.Rectangle, len(tiles))}
	columns := 1
	for columns*columns < n {
		columns++
	}
	w, h = w+2*atlasEdge, h+2*atlasEdge
	dst := atlasImage(tiles, image.Rect(0, 0, columns*w, (n+columns-1)/columns*h))
	n = 0
	for i, t := range tiles {
		if t.empty() {
			continue
		}
		b := t.Image.Bounds()
		at := image.Pt(n%columns*w+atlasEdge, n/columns*h+atlasEdge)
		a.at[i] = image.Rectangle{at, at.Add(b.Size())}
		copyPadded(dst, a.at[i], t.Image)
		n++
	}
	a.raster = &raster{img: dst}
	return a
}

// atlasImage is indexed where the tiles' palettes have room in one.
func atlasImage(tiles []Tile, r image.Rectangle) draw.Image {
	var palette color.Palette
	known := map[color.Color]bool{}
	for _, t := range tiles {
		if t.empty() {
			continue
		}
		p, indexed := t.Image.(*image.Paletted)
		if !indexed {
			return image.NewNRGBA(r)
		}
		for _, c := range p.Palette {
			if !known[c] {
				known[c] = true
				palette = append(palette, c)
			}
		}
	}
	if len(palette) > 256 {
		return image.NewNRGBA(r)
	}
	return image.NewPaletted(r, palette)
}

// copyPadded copies src to the rectangle at of dst and repeats its outermost pixels around it.
func copyPadded(dst draw.Image, at image.Rectangle, src image.Image) {
	set := setter(dst, src)
	b := src.Bounds()
	for y := -atlasEdge; y < b.Dy()+atlasEdge; y++ {
		for x := -atlasEdge; x < b.Dx()+atlasEdge; x++ {
			sx, sy := max(0, min(b.Dx()-1, x)), max(0, min(b.Dy()-1, y))
			set(at.Min.X+x, at.Min.Y+y, b.Min.X+sx, b.Min.Y+sy)
		}
	}
}

// setter copies one pixel; indices go through a table, since looking a colour up in a palette is slow.
func setter(dst draw.Image, src image.Image) func(x, y, sx, sy int) {
	to, indexed := dst.(*image.Paletted)
	if !indexed {
		return func(x, y, sx, sy int) { dst.Set(x, y, src.At(sx, sy)) }
	}
	from := src.(*image.Paletted)
	place := map[color.Color]uint8{}
	for i, c := range to.Palette {
		place[c] = uint8(i)
	}
	table := make([]uint8, len(from.Palette))
	for i, c := range from.Palette {
		table[i] = place[c]
	}
	return func(x, y, sx, sy int) { to.SetColorIndex(x, y, table[from.ColorIndexAt(sx, sy)]) }
}
