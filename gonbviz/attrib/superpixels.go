package attrib

import (
	"image/color"
	"math"

	"github.com/convlens/convlens/gonbviz/pixel"
)

// The constants of SLIC as its authors use them.
const (
	slicCompactness = 10
	slicRounds      = 10
)

// Segment cuts a picture, as the network gets it, into about n connected parts of alike pixels, superpixels, and returns
// the part's number for each pixel, row by row; parts are numbered from 0 on in the order of their first pixels. Nothing
// in it is random.
//
// It is SLIC (R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua and S. Süsstrunk, SLIC Superpixels Compared to
// State-of-the-Art Superpixel Methods, IEEE Transactions on Pattern Analysis and Machine Intelligence 34, 2012): centres
// begin on a grid with a step S, each moved to the flattest of the 3×3 pixels around it; then, ten times, each pixel goes
// to the centre with the least D² = d_colour² + (d_place/S)²·m² among those at most S away on each axis, with distances
// in CIELAB and m = 10, and each centre to the mean of its pixels. At last, connected pieces of less than a quarter of
// S² pixels join the piece before them.
func Segment(picture *pixel.Prepared, n int) []int {
	s := newSLIC(picture, n)
	for range slicRounds {
		s.assign()
		s.move()
	}
	return s.connect()
}

// point is a colour in CIELAB and a place.
type point struct{ l, a, b, x, y float64 }

type slic struct {
	height, width int
	pixels        []point
	centres       []point
	step          float64
	labels        []int
	nearest       []float64
}

func newSLIC(picture *pixel.Prepared, n int) *slic {
	in := picture.Input
	s := &slic{height: in.Height, width: in.Width, labels: make([]int, in.Height*in.Width), nearest: make([]float64, in.Height*in.Width)}
	shown := pixel.Picture(picture.Values, in)
	for y := range s.height {
		for x := range s.width {
			s.pixels = append(s.pixels, lab(shown.At(x, y), x, y))
		}
	}
	s.step = math.Sqrt(float64(s.height*s.width) / float64(min(max(n, 1), len(s.pixels))))
	rows, cols := max(int(math.Round(float64(s.height)/s.step)), 1), max(int(math.Round(float64(s.width)/s.step)), 1)
	for i := range rows {
		for j := range cols {
			s.centres = append(s.centres, s.flattest((2*i+1)*s.height/(2*rows), (2*j+1)*s.width/(2*cols)))
		}
	}
	return s
}

// lab is a colour in CIELAB, seen under the daylight D65 of sRGB.
func lab(c color.Color, x, y int) point {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		u := float64(v) / 0xffff
		if u <= 0.04045 {
			return u / 12.92
		}
		return math.Pow((u+0.055)/1.055, 2.4)
	}
	lr, lg, lb := linear(r), linear(g), linear(b)
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (t*24389/27 + 16) / 116
	}
	fx := f((0.4124564*lr + 0.3575761*lg + 0.1804375*lb) / 0.95047)
	fy := f(0.2126729*lr + 0.7151522*lg + 0.0721750*lb)
	fz := f((0.0193339*lr + 0.1191920*lg + 0.9503041*lb) / 1.08883)
	return point{116*fy - 16, 500 * (fx - fy), 200 * (fy - fz), float64(x), float64(y)}
}

func (p point) colourTo(q point) float64 {
	return (p.l-q.l)*(p.l-q.l) + (p.a-q.a)*(p.a-q.a) + (p.b-q.b)*(p.b-q.b)
}

// flattest is the pixel with the least gradient of the 3×3 around a place, the place itself of equals.
func (s *slic) flattest(y, x int) point {
	at := func(y, x int) point { return s.pixels[min(max(y, 0), s.height-1)*s.width+min(max(x, 0), s.width-1)] }
	gradient := func(y, x int) float64 {
		return at(y, x+1).colourTo(at(y, x-1)) + at(y+1, x).colourTo(at(y-1, x))
	}
	best, least := at(y, x), gradient(y, x)
	for v := max(y-1, 0); v <= min(y+1, s.height-1); v++ {
		for u := max(x-1, 0); u <= min(x+1, s.width-1); u++ {
			if g := gradient(v, u); g < least {
				best, least = at(v, u), g
			}
		}
	}
	return best
}

// assign gives each pixel to the nearest centre.
func (s *slic) assign() {
	for i := range s.labels {
		s.labels[i], s.nearest[i] = -1, math.Inf(1)
	}
	weight := slicCompactness * slicCompactness / (s.step * s.step)
	for k, c := range s.centres {
		for y := max(int(c.y-s.step), 0); y <= min(int(c.y+s.step), s.height-1); y++ {
			for x := max(int(c.x-s.step), 0); x <= min(int(c.x+s.step), s.width-1); x++ {
				i := y*s.width + x
				p := s.pixels[i]
				// The inner conversions keep the steps apart, so that every machine rounds alike.
				d := p.colourTo(c) + float64(weight*(float64((p.x-c.x)*(p.x-c.x))+float64((p.y-c.y)*(p.y-c.y))))
				if d < s.nearest[i] {
					s.labels[i], s.nearest[i] = k, d
				}
			}
		}
	}
}

// move takes each centre to the mean of its pixels.
func (s *slic) move() {
	sums, counts := make([]point, len(s.centres)), make([]float64, len(s.centres))
	for i, k := range s.labels {
		if k < 0 { // too far from all centres; it joins a neighbour at last
			continue
		}
		p, c := s.pixels[i], &sums[k]
		c.l, c.a, c.b, c.x, c.y = c.l+p.l, c.a+p.a, c.b+p.b, c.x+p.x, c.y+p.y
		counts[k]++
	}
	for k, n := range counts {
		if n > 0 {
			c := sums[k]
			s.centres[k] = point{c.l / n, c.a / n, c.b / n, c.x / n, c.y / n}
		}
	}
}

// connect numbers the connected pieces of one label, in the order of their first pixels; small ones join the piece of a
// pixel before their first one.
func (s *slic) connect() []int {
	out := make([]int, len(s.labels))
	for i := range out {
		out[i] = -1
	}
	small, next := s.step*s.step/4, 0
	for i := range out {
		if out[i] >= 0 {
			continue
		}
		piece := s.piece(i, out, next)
		before := i - 1
		if i%s.width == 0 {
			before = i - s.width
		}
		if before < 0 || float64(len(piece)) >= small && s.labels[i] >= 0 {
			next++
			continue
		}
		for _, p := range piece {
			out[p] = out[before]
		}
	}
	return out
}

// piece fills the connected pixels of i's label in out with a number, and lists them.
func (s *slic) piece(i int, out []int, number int) []int {
	list := []int{i}
	out[i] = number
	for k := 0; k < len(list); k++ {
		p := list[k]
		y, x := p/s.width, p%s.width
		for _, q := range [][2]int{{y, x - 1}, {y - 1, x}, {y, x + 1}, {y + 1, x}} {
			if q[0] < 0 || q[0] >= s.height || q[1] < 0 || q[1] >= s.width {
				continue
			}
			if j := q[0]*s.width + q[1]; out[j] < 0 && s.labels[j] == s.labels[i] {
				out[j] = number
				list = append(list, j)
			}
		}
	}
	return list
}
