package picture

import (
	"image"
	"image/color"
	"math"
)

// encodeJPEG writes a colour photograph as baseline JPEG without subsampling: the standard library's encoder halves the
// resolution of colours, which frays red against green. The Huffman codes are made for each photograph, so that this
// costs few bytes.
func encodeJPEG(img *image.RGBA, quality int) []byte {
	tables := [2][64]int{quantizer(lumaTable, quality), quantizer(chromaTable, quality)}
	planes := components(img)
	var symbols [3][]symbol
	for i, p := range planes {
		symbols[i] = p.symbols(&tables[min(i, 1)])
	}
	blocks := interleave(symbols, planes[0].blocks())
	codes := codesFor(blocks)
	return assemble(img.Bounds().Dx(), img.Bounds().Dy(), &tables, &codes, blocks)
}

// Quantization tables of the JPEG standard's annex K, row by row.
var (
	lumaTable = [64]int{
		16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
		14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
		49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
	}
	chromaTable = [64]int{
		17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
		47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	}
	// zigzag lists the places of a block from low to high frequency.
	zigzag = zigzagOrder()
	// cosines are the rows of the transform, in units of 1/4096: whole numbers, so that all machines agree.
	cosines = cosineTable()
)

const cosineBits = 12

// quantizer scales a table to a quality of 50 to 100.
func quantizer(table [64]int, quality int) (q [64]int) {
	for i, v := range table {
		q[i] = max(1, min(255, (v*(200-2*quality)+50)/100))
	}
	return q
}

func zigzagOrder() (order [64]int) {
	x, y, step := 0, 0, 1
	for i := range order {
		order[i] = 8*y + x
		switch nx, ny := x+step, y-step; {
		case nx > 7:
			y, step = y+1, -step
		case ny > 7:
			x, step = x+1, -step
		case ny < 0:
			x, step = nx, -step
		case nx < 0:
			y, step = ny, -step
		default:
			x, y = nx, ny
		}
	}
	return order
}

func cosineTable() (c [8][8]int) {
	for u := range 8 {
		for x := range 8 {
			v := math.Cos(float64((2*x+1)*u)*math.Pi/16) / 2
			if u == 0 {
				v = math.Sqrt2 / 4
			}
			c[u][x] = int(math.Round(v * (1 << cosineBits)))
		}
	}
	return c
}

// component is one of brightness and two colour differences, edges repeated to whole blocks.
type component struct {
	w, h    int
	samples []uint8
}

func components(img *image.RGBA) (c [3]component) {
	b := img.Bounds()
	w, h := (b.Dx()+7)/8*8, (b.Dy()+7)/8*8
	for i := range c {
		c[i] = component{w, h, make([]uint8, w*h)}
	}
	for y := range h {
		for x := range w {
			p := img.RGBAAt(b.Min.X+min(x, b.Dx()-1), b.Min.Y+min(y, b.Dy()-1))
			c[0].samples[y*w+x], c[1].samples[y*w+x], c[2].samples[y*w+x] = color.RGBToYCbCr(p.R, p.G, p.B)
		}
	}
	return c
}

func (c component) blocks() int { return c.w * c.h / 64 }

// symbol is a Huffman-coded number and the plain bits that follow it. One component's blocks are told apart by first.
type symbol struct {
	value  uint8
	size   uint8 // how many plain bits
	bits   uint16
	first  bool // the first of a block: a difference from the block before
	chroma bool
}

// symbols are the quantized coefficients of all blocks.
func (c component) symbols(q *[64]int) []symbol {
	var out []symbol
	before := 0
	for y := 0; y < c.h; y += 8 {
		for x := 0; x < c.w; x += 8 {
			block := c.transform(x, y, q)
			size, bits := plain(block[0] - before)
			out = append(out, symbol{value: size, size: size, bits: bits, first: true})
			before = block[0]
			out = appendRest(out, &block)
		}
	}
	return out
}

// appendRest adds the coefficients after the first, as runs of zeros each with the number that ends it.
func appendRest(out []symbol, block *[64]int) []symbol {
	zeros := 0
	for _, v := range block[1:] {
		if v == 0 {
			zeros++
			continue
		}
		for ; zeros > 15; zeros -= 16 {
			out = append(out, symbol{value: 0xf0})
		}
		size, bits := plain(v)
		out = append(out, symbol{value: uint8(zeros)<<4 | size, size: size, bits: bits})
		zeros = 0
	}
	if zeros > 0 {
		out = append(out, symbol{value: 0})
	}
	return out
}

// plain is how many bits v takes, and they.
func plain(v int) (size uint8, bits uint16) {
	a := max(v, -v)
	for a>>size > 0 {
		size++
	}
	if v < 0 {
		v += 1<<size - 1
	}
	return size, uint16(v)
}

// transform is the block at x, y as frequencies, quantized, in zigzag order.
func (c component) transform(x, y int, q *[64]int) (out [64]int) {
	var rows [64]int // by row, then frequency
	for r := range 8 {
		line := c.samples[(y+r)*c.w+x:][:8]
		for u := range 8 {
			sum := 0
			for i, s := range line {
				sum += (int(s) - 128) * cosines[u][i]
			}
			rows[8*r+u] = sum
		}
	}
	for i, at := range zigzag {
		u, v := at%8, at/8
		sum := 0
		for r := range 8 {
			sum += rows[8*r+u] * cosines[v][r]
		}
		out[i] = divide(sum, q[at]<<(2*cosineBits))
	}
	return out
}

// divide rounds to the nearest, halves away from 0.
func divide(a, b int) int {
	if a < 0 {
		return -((-a + b/2) / b)
	}
	return (a + b/2) / b
}

// interleave puts the three components' blocks in the order of the file: one of each in turn.
func interleave(symbols [3][]symbol, blocks int) []symbol {
	out := make([]symbol, 0, len(symbols[0])+len(symbols[1])+len(symbols[2]))
	var at [3]int
	for range blocks {
		for c, list := range symbols {
			for begin := at[c]; at[c] < len(list) && (at[c] == begin || !list[at[c]].first); at[c]++ {
				s := list[at[c]]
				s.chroma = c > 0
				out = append(out, s)
			}
		}
	}
	return out
}

// assemble writes the file: header, tables, picture.
func assemble(w, h int, tables *[2][64]int, codes *[4]huffman, symbols []symbol) []byte {
	out := []byte{0xff, 0xd8}
	out = segment(out, 0xe0, []byte{'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0})
	for i := range tables {
		body := []byte{byte(i)}
		for _, at := range zigzag {
			body = append(body, byte(tables[i][at]))
		}
		out = segment(out, 0xdb, body)
	}
	out = segment(out, 0xc0, []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1})
	for i := range codes {
		body := []byte{byte(i/2<<4 | i%2)}
		for _, n := range codes[i].counts[1:] {
			body = append(body, byte(n))
		}
		out = segment(out, 0xc4, append(body, codes[i].values...))
	}
	out = segment(out, 0xda, []byte{3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0})
	return append(appendBits(out, codes, symbols), 0xff, 0xd9)
}

func segment(out []byte, marker byte, body []byte) []byte {
	n := len(body) + 2
	return append(append(out, 0xff, marker, byte(n>>8), byte(n)), body...)
}

// appendBits writes the symbols, a byte of ones followed by one of zeros so that it is no marker.
func appendBits(out []byte, codes *[4]huffman, symbols []symbol) []byte {
	var bits uint64
	n := 0
	put := func(v uint16, size uint8) {
		bits, n = bits<<size|uint64(v), n+int(size)
		for ; n >= 8; n -= 8 {
			b := byte(bits >> (n - 8))
			if out = append(out, b); b == 0xff {
				out = append(out, 0)
			}
		}
	}
	for _, s := range symbols {
		h := &codes[s.table()]
		put(h.code[s.value], h.length[s.value])
		put(s.bits, s.size)
	}
	put(0x7f, 7) // fills the last byte
	return out
}
