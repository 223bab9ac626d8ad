package attrib

import (
	"image"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// patches show in each box a picture of its own: the smoothest that meets the pixels around it, which is the solution of
// Laplace's equation. Every pixel in the box is the mean of its neighbours, those outside the box being the picture's
// own and those outside the picture left out.
type patches struct {
	boxes                   []image.Rectangle
	picture                 []float32
	height, width, channels int
	most                    image.Point // the largest box
}

func newPatches(list []image.Rectangle, picture []float32, height, width, channels int) *patches {
	p := &patches{boxes: list, picture: picture, height: height, width: width, channels: channels}
	for _, b := range list {
		p.most = image.Pt(max(p.most.X, b.Dx()), max(p.most.Y, b.Dy()))
	}
	return p
}

func (p *patches) shapes(batch int) []shapes.Shape {
	return []shapes.Shape{shapes.Make(dtypes.Int32, batch, 2), shapes.Make(dtypes.Float32, batch, p.most.Y, p.most.X, p.channels)}
}

func (p *patches) values(positions []int) []*tensors.Tensor {
	corners := make([]int32, 2*len(positions))
	row := p.most.X * p.channels
	all := make([]float32, len(positions)*p.most.Y*row)
	for i, position := range positions {
		if position < 0 {
			continue
		}
		b := p.boxes[position]
		corners[2*i], corners[2*i+1] = int32(b.Min.Y), int32(b.Min.X)
		made, n := p.solve(b), b.Dx()*p.channels
		for y := range b.Dy() {
			copy(all[(i*p.most.Y+y)*row:], made[y*n:(y+1)*n])
		}
	}
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(corners, len(positions), 2),
		tensors.FromFlatDataAndDimensions(all, len(positions), p.most.Y, p.most.X, p.channels),
	}
}

// build lays each patch at its corner in h × w pixels from an origin on, zeros around it. Each pixel is a sum in which
// all but one value are multiplied by 0, which is exact.
func (p *patches) build(values []*graph.Node, origin *graph.Node, h, w int) *graph.Node {
	batch := origin.Shape().Dimensions[0]
	choose := func(axis, n, size int) *graph.Node { // [batch, n, size]: 1 where a place is the patch's
		corner := graph.Slice(values[0], graph.AxisRange(), graph.AxisRange(axis, axis+1))
		within := graph.Sub(places(origin, axis, n), graph.BroadcastToDims(corner, batch, n))
		index := graph.Iota(origin.Graph(), shapes.Make(dtypes.Int32, batch, n, size), 2)
		return graph.ConvertDType(graph.Equal(graph.BroadcastToDims(graph.InsertAxes(within, -1), batch, n, size), index), dtypes.Float32)
	}
	rows := graph.Einsum("byr,brcd->bycd", choose(0, h, p.most.Y), values[1])
	return graph.Einsum("bxc,bycd->byxd", choose(1, w, p.most.X), rows)
}

// whole is the picture with a position's patch in its place.
func (p *patches) whole(position int) []float32 {
	out := append([]float32(nil), p.picture...)
	b := p.boxes[position]
	made, n := p.solve(b), b.Dx()*p.channels
	for y := range b.Dy() {
		copy(out[((b.Min.Y+y)*p.width+b.Min.X)*p.channels:], made[y*n:(y+1)*n])
	}
	return out
}

// solve is what a box shows, height × width × channels. Where the box is the whole picture nothing is known around it,
// and it shows the picture's mean.
func (p *patches) solve(b image.Rectangle) []float32 {
	if b == image.Rect(0, 0, p.width, p.height) {
		mean, _ := moments(p.picture, p.channels)
		out := make([]float32, len(p.picture))
		for i := range out {
			out[i] = float32(mean[i%p.channels])
		}
		return out
	}
	rows := laplacian(b.Dy(), b.Min.Y > 0, b.Max.Y < p.height)
	cols := laplacian(b.Dx(), b.Min.X > 0, b.Max.X < p.width)
	out := make([]float32, b.Dy()*b.Dx()*p.channels)
	for c := range p.channels {
		for i, v := range solveLaplace(p.around(b, c), rows, cols) {
			out[i*p.channels+c] = float32(v)
		}
	}
	return out
}

// around is for each pixel of a box the sum of its neighbours outside the box.
func (p *patches) around(b image.Rectangle, channel int) []float64 {
	sums := make([]float64, b.Dy()*b.Dx())
	whole := image.Rect(0, 0, p.width, p.height)
	add := func(at, step image.Point) {
		if from := at.Add(step); from.In(whole) {
			sums[(at.Y-b.Min.Y)*b.Dx()+at.X-b.Min.X] += float64(p.picture[(from.Y*p.width+from.X)*p.channels+channel])
		}
	}
	for x := b.Min.X; x < b.Max.X; x++ {
		add(image.Pt(x, b.Min.Y), image.Pt(0, -1))
		add(image.Pt(x, b.Max.Y-1), image.Pt(0, 1))
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		add(image.Pt(b.Min.X, y), image.Pt(-1, 0))
		add(image.Pt(b.Max.X-1, y), image.Pt(1, 0))
	}
	return sums
}

// modes are the eigenvectors of a second difference along n places, of length 1, one a row, with their eigenvalues.
type modes struct {
	vectors [][]float64
	values  []float64
}

// laplacian has the modes of the second difference whose ends have a known neighbour beyond them or none: sines and
// cosines (G. Strang, The Discrete Cosine Transform, SIAM Review 41, 1999).
func laplacian(n int, before, after bool) modes {
	m := modes{make([][]float64, n), make([]float64, n)}
	for k := range n {
		m.vectors[k] = make([]float64, n)
		wave := func(j int) float64 { return math.Cos(math.Pi * float64(k) * (float64(j) + 0.5) / float64(n)) }
		angle := math.Pi * float64(k) / float64(n)
		switch {
		case before && after:
			angle = math.Pi * float64(k+1) / float64(n+1)
			wave = func(j int) float64 { return math.Sin(angle * float64(j+1)) }
		case after:
			angle = math.Pi * float64(2*k+1) / float64(2*n+1)
			wave = func(j int) float64 { return math.Cos(angle * (float64(j) + 0.5)) }
		case before:
			angle = math.Pi * float64(2*k+1) / float64(2*n+1)
			wave = func(j int) float64 { return math.Cos(angle * (float64(n-1-j) + 0.5)) }
		}
		m.values[k] = 2 - 2*math.Cos(angle)
		length := 0.0
		for j := range n {
			m.vectors[k][j] = wave(j)
			length += wave(j) * wave(j)
		}
		for j := range n {
			m.vectors[k][j] /= math.Sqrt(length)
		}
	}
	return m
}

// solveLaplace solves Laplace's equation on a rectangle, given what its known neighbours add to each place, by turning
// both axes to their modes, in which each place stands by itself (R. E. Lynch, J. R. Rice and D. H. Thomas, Direct
// solution of partial difference equations by tensor product methods, Numerische Mathematik 6, 1964).
func solveLaplace(known []float64, rows, cols modes) []float64 {
	h, w := len(rows.values), len(cols.values)
	x := turn(known, h, w, rows.vectors, cols.vectors, false)
	for i := range x {
		x[i] /= rows.values[i/w] + cols.values[i%w]
	}
	return turn(x, h, w, rows.vectors, cols.vectors, true)
}

// turn multiplies h × w values by a matrix from the left and another from the right, both the other way round if back.
func turn(values []float64, h, w int, rows, cols [][]float64, back bool) []float64 {
	at := func(m [][]float64, i, j int) float64 {
		if back {
			i, j = j, i
		}
		return m[i][j]
	}
	half, out := make([]float64, h*w), make([]float64, h*w)
	for i := range h {
		for j := range h {
			f := at(rows, i, j)
			for k := range w {
				half[i*w+k] += f * values[j*w+k]
			}
		}
	}
	for k := range w {
		for j := range w {
			f := at(cols, k, j)
			for i := range h {
				out[i*w+k] += f * half[i*w+j]
			}
		}
	}
	return out
}
