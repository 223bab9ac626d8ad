package picture

import (
	"image"
	"image/color"
	"math"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/scale"
)

// Photo is a photograph.
type Photo struct {
	Image image.Image
	// Pale shows it in light grey, as the ground for an overlay.
	Pale bool
	// Over is the rectangle it covers; empty: the size of the image.
	Over Rect
	// Most is how many pixels it has at most along its longer side, where it stands often in one figure; 0: as many as a
	// sharp screen shows.
	Most int
}

func (p Photo) over() Rect {
	if p.Over.empty() && p.Image != nil {
		b := p.Image.Bounds()
		return Rect{0, 0, float64(b.Dx()), float64(b.Dy())}
	}
	return p.Over
}

func (p Photo) extent() (w, h float64) { return p.over().X + p.over().W, p.over().Y + p.over().H }

// draw embeds no more of the photograph than is seen, and no finer than a sharp screen shows.
func (p Photo) draw(v view) []shape {
	if p.Image == nil || p.Image.Bounds().Empty() {
		return nil
	}
	b, over := p.Image.Bounds(), p.over()
	sx, sy := float64(b.Dx())/over.W, float64(b.Dy())/over.H
	part := image.Rect(int(math.Floor((v.from.X-over.X)*sx)), int(math.Floor((v.from.Y-over.Y)*sy)),
		int(math.Ceil((v.from.X+v.from.W-over.X)*sx)), int(math.Ceil((v.from.Y+v.from.H-over.Y)*sy))).
		Intersect(image.Rect(0, 0, b.Dx(), b.Dy()))
	if part.Empty() {
		return nil
	}
	at := v.rect(Rect{over.X + float64(part.Min.X)/sx, over.Y + float64(part.Min.Y)/sy, float64(part.Dx()) / sx, float64(part.Dy()) / sy})
	limit := photoLimit(max(v.w, v.h))
	if p.Most > 0 {
		limit = min(limit, p.Most)
	}
	r := photograph(p.Image, part.Add(b.Min), p.Pale, limit)
	return []shape{bitmap{at.X, at.Y, at.W, at.H, r, r.img.Bounds()}}
}

// photoLimit is how many pixels of a photograph are worth their bytes at a width on the page.
func photoLimit(w float64) int {
	if w <= 260 {
		return 400
	}
	return int(min(1.5*w, 800))
}

// Backdrop is the grey that a pale photograph has on average: the ground on which a veiled scale's legend is drawn.
func Backdrop(img image.Image) color.NRGBA {
	b := img.Bounds()
	sum, n := 0, 0
	step := max(1, max(b.Dx(), b.Dy())/64)
	for y := b.Min.Y; y < b.Max.Y; y += step {
		for x := b.Min.X; x < b.Max.X; x += step {
			sum += int(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
			n++
		}
	}
	if n == 0 {
		return defaultBackdrop
	}
	g := pale(sum / n)
	if darkDrawing(img) {
		g = pale(255 - sum/n)
	}
	return color.NRGBA{g, g, g, 255}
}

var defaultBackdrop = color.NRGBA{191, 191, 191, 255}

// Overlay is a plane of values seen through a scale, one rectangle a value.
type Overlay struct {
	Plane field.Plane
	Scale scale.Scale
	// Over is the rectangle that the values cover together; empty: the plane's own size, one unit a value.
	Over Rect
}

func (o Overlay) over() Rect {
	if o.Over.empty() {
		return Rect{0, 0, float64(o.Plane.W), float64(o.Plane.H)}
	}
	return o.Over
}

func (o Overlay) extent() (w, h float64) { return o.over().X + o.over().W, o.over().Y + o.over().H }

func (o Overlay) draw(v view) []shape { return stretched(o.Scale.Image(o.Plane), v.rect(o.over())) }

func stretched(img image.Image, at Rect) []shape {
	if img.Bounds().Empty() {
		return nil
	}
	return []shape{bitmap{at.X, at.Y, at.W, at.H, &raster{img: img}, img.Bounds()}}
}

// Patch is a rectangle that hides what is below it, framed so that it is seen on any photograph.
type Patch struct {
	At Rect
	// Fill is its colour; the zero value leaves what is below in sight.
	Fill color.NRGBA
}

func (p Patch) extent() (w, h float64) { return 0, 0 }

func (p Patch) draw(v view) []shape {
	r := v.rect(p.At)
	var s []shape
	if p.Fill.A > 0 {
		s = append(s, box{x: r.X, y: r.Y, w: r.W, h: r.H, fill: flat(p.Fill)})
	}
	r = Rect{r.X - 0.75, r.Y - 0.75, r.W + 1.5, r.H + 1.5}
	return append(s,
		outline{x: r.X, y: r.Y, w: r.W, h: r.H, width: 3.5, stroke: flat(color.NRGBA{A: 140})},
		outline{x: r.X, y: r.Y, w: r.W, h: r.H, width: 1.75, stroke: flat(white)})
}

var white = color.NRGBA{255, 255, 255, 255}

// Border is a thin white frame: where positions lie.
type Border struct{ At Rect }

func (b Border) extent() (w, h float64) { return 0, 0 }

func (b Border) draw(v view) []shape {
	r := v.rect(b.At)
	return []shape{outline{x: r.X, y: r.Y, w: r.W, h: r.H, width: 0.75, stroke: flat(white)}}
}

// Mesh is thin white lines at a distance: the step of a layer on the photograph.
type Mesh struct {
	// Step is the distance of the lines, X and Y where the first ones lie.
	StepX, StepY float64
	X, Y         float64
}

func (m Mesh) extent() (w, h float64) { return 0, 0 }

func (m Mesh) draw(v view) []shape {
	line := flat(color.NRGBA{255, 255, 255, 150})
	var s []shape
	for _, x := range steps(m.X, m.StepX, v.from.X, v.from.W) {
		s = append(s, box{x: v.rect(Rect{X: x}).X - 0.5, w: 1, h: v.h, fill: line})
	}
	for _, y := range steps(m.Y, m.StepY, v.from.Y, v.from.H) {
		s = append(s, box{y: v.rect(Rect{Y: y}).Y - 0.5, w: v.w, h: 1, fill: line})
	}
	return s
}

// steps are the places of lines inside an interval; none where they would be too close to be told apart.
func steps(first, step, from, length float64) []float64 {
	if !(step > 0) || length/step > 100 {
		return nil
	}
	var at []float64
	for i := math.Ceil((from - first) / step); first+i*step < from+length; i++ {
		if p := first + i*step; p > from {
			at = append(at, p)
		}
	}
	return at
}
