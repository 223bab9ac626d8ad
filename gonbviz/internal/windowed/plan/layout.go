package plan

import (
	"fmt"
	"slices"
)

// Layout is how one program computes a network: what in windows, of which sizes, and what as a whole. It is the same
// for all positions that the program is for; where windows begin is what differs. At the border of a map a window may
// go on beyond it, where it holds nothing that anyone reads.
type Layout struct {
	// Windowed operations are computed in a window of Size rows and columns; the others as a whole.
	Ops      []Op
	Windowed []bool
	Size     [][2]int
	// Reads are what windows and whole maps are put together from, in the order in which they are needed.
	Reads []Read

	member [2][]int   // by axis and span of the input: its place in what follows
	origin [2][][]int // by axis, operation and place: where the window begins
	begin  [][2][]int // by read, axis and place: where it begins
	users  [][]int    // by operation: those that read it
}

// Read is a part of an operation's output, put together from the window that was computed and, around it, the map of
// the unchanged input.
type Read struct {
	// From is the operation whose output is read.
	From int
	// Uses are what it is read for.
	Uses []Use
	// Size of the part read.
	Size [2]int
	// Clean leaves out what was computed: it reads the unchanged map alone.
	Clean bool
	// Outside says that at some position one that reads it sees places outside the map, which hold Edge; of a Sum, that the
	// window which it adds up goes on beyond its map.
	Outside bool
	Edge    float64
}

// Use is an operation that reads, and the part of what is read that it sees.
type Use struct {
	By       int
	At, Size [2]int
}

// newLayout lays out the operations before cut in windows, for the given members of each axis' spans, of which changes
// holds what changes.
func newLayout(ops []Op, changes [2][][]reach, members [2][]int, cut int) *Layout {
	l := &Layout{Windowed: make([]bool, len(ops)), Size: make([][2]int, len(ops)), Ops: ops, users: make([][]int, len(ops))}
	for axis := range 2 {
		l.origin[axis] = make([][]int, len(ops))
		l.member[axis] = make([]int, len(changes[axis][0]))
		for place, m := range members[axis] {
			l.member[axis][m] = place
		}
	}
	windowable := Windowable(ops)
	for i, op := range ops {
		for k, from := range op.From {
			if !slices.Contains(op.From[:k], from) {
				l.users[from] = append(l.users[from], i)
			}
		}
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
			last := op.Map[axis]
			if op.Kind == Input {
				last -= l.Size[i][axis] // it is cut from the picture
			}
			l.origin[axis][i] = origins(changes[axis][i], members[axis], l.Size[i][axis], last)
		}
	}
	l.widen()
	l.findReads()
	return l
}

// largest is the length of the longest of some spans, at least 1.
func largest(list []reach, members []int) int {
	n := 1
	for _, m := range members {
		n = max(n, list[m].Hi-list[m].Lo)
	}
	return n
}

// origins are where windows of size places begin that hold some spans: where those would begin if the map had no border,
// so that the distance between the windows of two operations is the same at all positions, where that can be. None
// begins behind last.
func origins(list []reach, members []int, size, last int) []int {
	begin := make([]int, len(members))
	for place, m := range members {
		if r := list[m]; r.Lo < r.Hi {
			begin[place] = min(max(r.start, r.Hi-size), last)
		}
	}
	return begin
}

// widen computes operations in the larger window of the Point that reads them, where that costs less than putting
// together the window's rim from the unchanged map.
func (l *Layout) widen() {
	for by, op := range slices.Backward(l.Ops) {
		if !l.Windowed[by] || op.Kind != Point {
			continue
		}
		for _, from := range op.From {
			if l.Ops[from].Kind == Fixed || l.Same(by, from) {
				continue
			}
			for _, i := range l.worthwhile(by, from) {
				l.Size[i] = l.Size[by]
				for axis := range 2 {
					l.origin[axis][i] = l.origin[axis][by]
				}
			}
		}
	}
}

// worthwhile are operations to be computed in the window of by, which reads the first of them; each reads the next, and all
// have the places of by.
func (l *Layout) worthwhile(by, first int) []int {
	least := area(l.Size[by]) * l.Ops[first].Read
	limit, more := least, 0.0
	var chain, best []int
	for i := first; ; i = l.Ops[i].From[0] {
		op := l.Ops[i]
		alone := !slices.ContainsFunc(l.users[i], func(u int) bool {
			return u != by && !slices.Contains(chain, u) && (!l.Windowed[u] || l.Ops[u].Kind != Point || !l.Same(u, by))
		})
		if !alone || len(op.From) != 1 || op.Kind != Point && op.Kind != Sliding {
			return best
		}
		chain = append(chain, i)
		more += (area(l.Size[by]) - area(l.Size[i])) * op.Place
		if more >= limit {
			return best
		}
		from := op.From[0]
		if cost := more + l.seen(i, by, from) - l.seen(i, i, from); cost < least {
			least, best = cost, slices.Clone(chain)
		}
		if op.Kind == Sliding {
			return best // what it reads has other places than by
		}
	}
}

// seen is what putting together the part of from costs that i sees from the window of like. What others see is there
// anyway.
func (l *Layout) seen(i, like, from int) float64 {
	if l.Ops[i].Kind == Point && l.Same(like, from) {
		return 0
	}
	u, start := l.sees(i, like, from)
	least := area(u.Size)
	for _, other := range l.users[from] {
		if other == i || !l.Windowed[other] || l.Ops[other].Kind != Sliding {
			continue
		}
		v, begin := l.sees(other, other, from)
		if _, size, ok := together(start, u.Size, begin, v.Size); ok {
			least = min(least, area(size)-area(v.Size))
		}
	}
	return least * l.Ops[from].Read
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
					l.add(Read{From: from}, Use{By: i, Size: l.Ops[from].Map}, [2][]int{})
				}
			}
		case op.Kind == Sliding:
			l.read(Read{Outside: l.leaves(i), Edge: op.Edge}, i, op.From[0])
		case op.Kind == Sum:
			l.read(Read{Clean: true, Outside: l.overhangs(op.From[0])}, i, op.From[0])
		case op.Kind == Point:
			for k, from := range op.From {
				if !l.Same(i, from) && !slices.Contains(op.From[:k], from) {
					l.read(Read{Clean: l.Ops[from].Kind == Fixed}, i, from)
				}
			}
		}
	}
}

// read adds what an operation reads, to another's read where the two lie to each other in the same way at all positions
// and overlap.
func (l *Layout) read(r Read, by, from int) {
	r.From = from
	u, start := l.sees(by, by, from)
	for k := range l.Reads {
		o := &l.Reads[k]
		if o.From != from || o.Clean != r.Clean || !l.Windowed[o.Uses[0].By] || r.Outside && o.Outside && r.Edge != o.Edge {
			continue
		}
		at, size, ok := together(l.begin[k], o.Size, start, u.Size)
		if !ok || area(size) > area(o.Size)+area(u.Size) {
			continue
		}
		for axis, d := range at {
			u.At[axis] = max(d, 0)
			if d < 0 {
				l.begin[k][axis] = start[axis]
				for j := range o.Uses {
					o.Uses[j].At[axis] -= d
				}
			}
		}
		if r.Outside {
			o.Outside, o.Edge = true, r.Edge
		}
		o.Uses, o.Size = append(o.Uses, u), size
		return
	}
	l.add(r, u, start)
}

func (l *Layout) add(r Read, u Use, begin [2][]int) {
	r.Uses, r.Size = []Use{u}, u.Size
	l.Reads = append(l.Reads, r)
	l.begin = append(l.begin, begin)
}

// together is the part that holds two, a and b, and where b lies in a, if that is the same at all positions.
func together(a [2][]int, aSize [2]int, b [2][]int, bSize [2]int) (at, size [2]int, ok bool) {
	for axis := range 2 {
		at[axis] = b[axis][0] - a[axis][0]
		for place := range a[axis] {
			if b[axis][place]-a[axis][place] != at[axis] {
				return at, size, false
			}
		}
		size[axis] = max(aSize[axis], at[axis]+bSize[axis]) - min(at[axis], 0)
	}
	return at, size, true
}

// sees is what an operation sees of another from the window of like, and where that begins, by axis and span.
func (l *Layout) sees(by, like, from int) (Use, [2][]int) {
	u := Use{By: by, Size: l.Size[like]}
	starts := [2][]int{l.origin[0][like], l.origin[1][like]}
	switch op := l.Ops[by]; op.Kind {
	case Sum:
		return Use{By: by, Size: l.Size[from]}, [2][]int{l.origin[0][from], l.origin[1][from]}
	case Sliding:
		for axis, w := range op.Slide {
			u.Size[axis] = (u.Size[axis]-1)*w.Stride + w.extent()
			starts[axis] = slices.Clone(starts[axis])
			for place, o := range starts[axis] {
				starts[axis][place] = o*w.Stride - w.Before
			}
		}
	}
	return u, starts
}

// overhangs reports whether at some position the window of an operation goes on beyond its map.
func (l *Layout) overhangs(i int) bool {
	for axis, n := range l.Ops[i].Map {
		if slices.ContainsFunc(l.origin[axis][i], func(o int) bool { return o < 0 || o+l.Size[i][axis] > n }) {
			return true
		}
	}
	return false
}

// leaves reports whether at some position a Sliding sees places outside the map that it reads.
func (l *Layout) leaves(i int) bool {
	op := l.Ops[i]
	for axis, w := range op.Slide {
		for _, o := range l.origin[axis][i] {
			first, last := max(o, 0), min(o+l.Size[i][axis], op.Map[axis])-1
			if first*w.Stride < w.Before || last*w.Stride-w.Before+w.extent() > l.Ops[op.From[0]].Map[axis] {
				return true
			}
		}
	}
	return false
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

// Places fills in, for one position, where each place of the kth read comes from, row by row. Numbers from 0 on count the
// places of the unchanged map; then comes one for what lies outside the map; then the places of the computed window of
// the position, which is the nth of the program's batch.
func (l *Layout) Places(k, row, col, nth int, to []int32) {
	r := l.Reads[k]
	m, size := l.Ops[r.From].Map, l.Size[r.From]
	outside := m[0] * m[1]
	first := outside + 1 + nth*size[0]*size[1]
	var ys, xs, oy, ox int
	if l.Windowed[r.Uses[0].By] {
		ys, xs = l.begin[k][0][l.member[0][row]], l.begin[k][1][l.member[1][col]]
	}
	if !r.Clean {
		oy, ox = l.Origin(r.From, row, col)
	}
	place := 0
	for y := ys; y < ys+r.Size[0]; y++ {
		for x := xs; x < xs+r.Size[1]; x++ {
			switch {
			case y < 0 || y >= m[0] || x < 0 || x >= m[1]:
				to[place] = int32(outside)
			case !r.Clean && y >= oy && y < oy+size[0] && x >= ox && x < ox+size[1]:
				to[place] = int32(first + (y-oy)*size[1] + x - ox)
			default:
				to[place] = int32(y*m[1] + x)
			}
			place++
		}
	}
}
