package plan

import (
	"fmt"
	"slices"
)

// Layout is how one program computes a network: what in windows, of which sizes, and what as a whole. It is the same
// for all positions that the program is for; Starts are what differs.
type Layout struct {
	// Windowed operations are computed in a window of Size rows and columns; the others as a whole.
	Ops      []Op
	Windowed []bool
	Size     [][2]int
	// Reads are what windows and whole maps are put together from, in the order in which they are needed.
	Reads []Read

	origin [2][][]int // by axis, operation and span: where the window begins
	member [2][]int   // by axis and span of the input: its place in origin
}

// Read is a window of an operation's output, put together from the window that was computed and, around it, the map
// of the unchanged input.
type Read struct {
	// By is the operation that reads, and From the one whose output is read.
	By, From int
	// Size of the part read.
	Size [2]int
	// Clean leaves out what was computed: it reads the unchanged map alone.
	Clean bool
	// Outside says that at some position a part of it lies outside the map.
	Outside bool
}

// newLayout lays out the operations before cut in windows, for the given members of each axis' spans, of which changes
// holds what changes.
func newLayout(ops []Op, changes [2][][]Span, members [2][]int, cut int) *Layout {
	l := &Layout{Windowed: make([]bool, len(ops)), Size: make([][2]int, len(ops)), Ops: ops}
	for axis := range 2 {
		l.origin[axis] = make([][]int, len(ops))
		l.member[axis] = make([]int, len(changes[axis][0]))
		for place, m := range members[axis] {
			l.member[axis][m] = place
		}
	}
	windowable := Windowable(ops)
	for i, op := range ops {
		if i >= cut && op.Kind != Fixed || !windowable[i] {
			continue
		}
		l.Windowed[i] = !slices.ContainsFunc(op.From, func(from int) bool { return !l.Windowed[from] })
		if op.Kind == Sum || op.Kind == Fixed || !l.Windowed[i] {
			continue
		}
		for axis := range 2 {
			l.Size[i][axis] = largest(changes[axis][i], members[axis])
		}
		if l.Size[i] == op.Map {
			l.Windowed[i] = false // its window is its map
			continue
		}
		for axis := range 2 {
			l.origin[axis][i] = origins(changes[axis][i], members[axis], l.Size[i][axis], op.Map[axis])
		}
	}
	l.findReads()
	return l
}

// largest is the length of the longest of some spans, at least 1.
func largest(list []Span, members []int) int {
	n := 1
	for _, m := range members {
		n = max(n, list[m].Hi-list[m].Lo)
	}
	return n
}

// origins are where windows of size places begin that hold some spans and lie inside a map of n places.
func origins(list []Span, members []int, size, n int) []int {
	begin := make([]int, len(members))
	for place, m := range members {
		begin[place] = max(min(list[m].Lo, n-size), 0)
	}
	return begin
}

// findReads lists what has to be put together before each operation.
func (l *Layout) findReads() {
	whole := map[int]bool{}
	for i, op := range l.Ops {
		switch {
		case !l.Windowed[i]:
			for _, from := range op.From {
				if k := l.Ops[from].Kind; l.Windowed[from] && k != Sum && k != Fixed && !whole[from] {
					whole[from] = true // put together once, for all that read it
					l.Reads = append(l.Reads, Read{By: i, From: from, Size: l.Ops[from].Map})
				}
			}
		case op.Kind == Sliding:
			r := Read{By: i, From: op.From[0], Size: l.input(i)}
			r.Outside = l.leaves(r)
			l.Reads = append(l.Reads, r)
		case op.Kind == Sum:
			l.Reads = append(l.Reads, Read{By: i, From: op.From[0], Size: l.Size[op.From[0]], Clean: true})
		case op.Kind == Point:
			for k, from := range op.From {
				if !l.Same(i, from) && !slices.Contains(op.From[:k], from) {
					l.Reads = append(l.Reads, Read{By: i, From: from, Size: l.Size[i], Clean: l.Ops[from].Kind == Fixed})
				}
			}
		}
	}
}

// leaves reports whether a read leaves the map anywhere.
func (l *Layout) leaves(r Read) bool {
	for axis, by := range l.Ops[r.By].Slide {
		for _, o := range l.origin[axis][r.By] {
			start := o*by.Stride - by.Before
			if start < 0 || start+r.Size[axis] > l.Ops[r.From].Map[axis] {
				return true
			}
		}
	}
	return false
}

// input is the size of what a Sliding reads for its window.
func (l *Layout) input(i int) [2]int {
	var size [2]int
	for axis, w := range l.Ops[i].Slide {
		size[axis] = (l.Size[i][axis]-1)*w.Stride + w.extent()
	}
	return size
}

// Same reports whether two operations have the same window at every position.
func (l *Layout) Same(i, k int) bool {
	return l.Size[i] == l.Size[k] && slices.Equal(l.origin[0][i], l.origin[0][k]) && slices.Equal(l.origin[1][i], l.origin[1][k])
}

// Key tells layouts apart that need programs of their own.
func (l *Layout) Key() string { return fmt.Sprint(l.Windowed, l.Size, l.Reads) }

// Origin is where the window of an operation begins at a position: the span of the input downwards, and across.
func (l *Layout) Origin(op, row, col int) (y, x int) {
	return l.origin[0][op][l.member[0][row]], l.origin[1][op][l.member[1][col]]
}

// start is where a read begins at a position, along an axis, in places of the map that is read.
func (l *Layout) start(r Read, axis, span int) int {
	by := l.Ops[r.By]
	if !l.Windowed[r.By] {
		return 0
	}
	member := l.member[axis][span]
	switch by.Kind {
	case Sliding:
		return l.origin[axis][r.By][member]*by.Slide[axis].Stride - by.Slide[axis].Before
	case Sum:
		return l.origin[axis][r.From][member]
	}
	return l.origin[axis][r.By][member]
}

// Places fills in, for one position, where each place of a read comes from, row by row. Numbers from 0 on count the
// places of the unchanged map; then comes one for what lies outside the map; then the places of the computed window of
// the position, which is the nth of the program's batch.
func (l *Layout) Places(r Read, row, col, nth int, to []int32) {
	m, size := l.Ops[r.From].Map, l.Size[r.From]
	outside := m[0] * m[1]
	first := outside + 1 + nth*size[0]*size[1]
	ys, xs := l.start(r, 0, row), l.start(r, 1, col)
	var oy, ox int
	if !r.Clean {
		oy, ox = l.Origin(r.From, row, col)
	}
	k := 0
	for y := ys; y < ys+r.Size[0]; y++ {
		for x := xs; x < xs+r.Size[1]; x++ {
			switch {
			case y < 0 || y >= m[0] || x < 0 || x >= m[1]:
				to[k] = int32(outside)
			case !r.Clean && y >= oy && y < oy+size[0] && x >= ox && x < ox+size[1]:
				to[k] = int32(first + (y-oy)*size[1] + x - ox)
			default:
				to[k] = int32(y*m[1] + x)
			}
			k++
		}
	}
}
