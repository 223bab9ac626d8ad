package plan

import (
	"math"
	"slices"
)

// Problem is what a plan is made for.
type Problem struct {
	// Ops are the network's, the input first.
	Ops []Op
	// Spans of the input that change, downwards and across; a position is one of each.
	Spans     [2][]Span
	Positions [][2]int
	// Batch is the number of positions that a program computes at once.
	Batch int
	// Compile is what making one more program costs, in nanoseconds.
	Compile float64
	// MostGroups bounds the number of groups that the spans of an axis are put into.
	MostGroups int
	// Windows leaves out computing all as a whole, where anything can be told to a window.
	Windows bool
}

// Group are positions that one program is for.
type Group struct {
	*Layout
	// Positions are indices into the problem's.
	Positions []int
	// Cost of one position, in nanoseconds.
	Cost float64
}

// Full is one group in which nothing is computed in windows.
func (p Problem) Full() Group {
	changes := p.changes()
	all := members(p.Spans)
	l := newLayout(p.Ops, changes, all, 0)
	return Group{l, count(len(p.Positions)), l.cost()}
}

// Solve puts the positions into groups whose windows are alike, each with what is best computed in windows, such that
// all is done soonest. Where windows gain nothing it is one group that computes all as a whole.
func (p Problem) Solve() []Group {
	changes := p.changes()
	var parts [2][][][]int // by axis and number of groups, from 1 on: the groups' spans
	for axis := range parts {
		parts[axis] = p.partitions(changes, axis)
	}
	best := []Group{p.Full()}
	least := p.Total(best)
	if p.Windows {
		least = math.Inf(1)
	}
	for _, rows := range parts[0] {
		for _, cols := range parts[1] {
			groups := p.groups(changes, rows, cols)
			if t := p.Total(groups); t < least {
				best, least = groups, t
			}
		}
	}
	return best
}

// Cost is what computing all groups' positions costs, in nanoseconds. Each group asks for the unchanged input as well.
func (p Problem) Cost(groups []Group) float64 {
	sum := 0.0
	for _, g := range groups {
		sum += g.Cost * float64((len(g.Positions)+1+p.Batch-1)/p.Batch*p.Batch)
	}
	return sum
}

// Total is that with what compiling takes.
func (p Problem) Total(groups []Group) float64 {
	return p.Cost(groups) + p.Compile*float64(len(groups))
}

// Add adds a position: what changes of the input, downwards and across.
func (p *Problem) Add(rows, cols Span) {
	var at [2]int
	for axis, s := range [2]Span{rows, cols} {
		if at[axis] = slices.Index(p.Spans[axis], s); at[axis] < 0 {
			at[axis] = len(p.Spans[axis])
			p.Spans[axis] = append(p.Spans[axis], s)
		}
	}
	p.Positions = append(p.Positions, at)
}

// Pass is what computing some operations as a whole costs, with all that they depend on, in nanoseconds, and how many
// operations that takes.
func (p Problem) Pass(some []int) (cost float64, operations int) {
	wanted := make([]bool, len(p.Ops))
	for _, i := range some {
		wanted[i] = true
	}
	for i, op := range slices.Backward(p.Ops) {
		if !wanted[i] {
			continue
		}
		for _, from := range op.From {
			wanted[from] = true
		}
		cost += area(op.Map)*op.Place + op.All
		operations++
	}
	return cost, operations
}

func (p Problem) changes() [2][][]reach {
	return [2][][]reach{spans(p.Ops, 0, p.Spans[0]), spans(p.Ops, 1, p.Spans[1])}
}

func members(all [2][]Span) [2][]int { return [2][]int{count(len(all[0])), count(len(all[1]))} }

// count is 0, 1, … n−1.
func count(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// groups lays out each pair of groups of spans that has positions.
func (p Problem) groups(changes [2][][]reach, rows, cols [][]int) []Group {
	of := func(groups [][]int, n int) []int {
		group := make([]int, n)
		for g, spans := range groups {
			for _, s := range spans {
				group[s] = g
			}
		}
		return group
	}
	row, col := of(rows, len(p.Spans[0])), of(cols, len(p.Spans[1]))
	positions := make([][]int, len(rows)*len(cols))
	for i, at := range p.Positions {
		g := row[at[0]]*len(cols) + col[at[1]]
		positions[g] = append(positions[g], i)
	}
	var list []Group
	for g, some := range positions {
		if len(some) > 0 {
			l := p.bestCut(changes, [2][]int{rows[g/len(cols)], cols[g%len(cols)]})
			list = append(list, Group{l, some, l.cost()})
		}
	}
	return list
}

// bestCut computes all as a whole from the operation on from which windows cost more.
func (p Problem) bestCut(changes [2][][]reach, members [2][]int) *Layout {
	best := newLayout(p.Ops, changes, members, len(p.Ops))
	least := best.cost()
	last := slices.Index(best.Windowed, false)
	if last < 0 {
		last = len(p.Ops)
	}
	for cut := range last {
		if cut == 0 && p.Windows || cut > 0 && p.Ops[cut].Kind != Sliding {
			continue
		}
		if l := newLayout(p.Ops, changes, members, cut); l.cost() < least {
			best, least = l, l.cost()
		}
	}
	if !slices.ContainsFunc(best.Windowed[1:], func(w bool) bool { return w }) {
		return newLayout(p.Ops, changes, members, 0) // the input alone is no gain
	}
	return best
}

// cost of one position.
func (l *Layout) cost() float64 {
	sum := 0.0
	for i, op := range l.Ops {
		switch {
		case op.Kind == Fixed:
		case op.Kind == Sum && l.Windowed[i]:
			sum += area(l.Size[op.From[0]]) * 2 * l.Ops[op.From[0]].Read
		case l.Windowed[i]:
			sum += area(l.Size[i]) * op.Place
		default:
			sum += area(op.Map)*op.Place + op.All
		}
	}
	for _, r := range l.Reads {
		sum += area(r.Size) * l.Ops[r.From].Read
	}
	return sum
}

func area(size [2]int) float64 { return float64(size[0] * size[1]) }

// partitions puts the spans of an axis into 1, 2, … groups. It begins with groups of spans whose windows are alike, and
// merges, one after the other, the two that cost least together.
func (p Problem) partitions(changes [2][][]reach, axis int) [][][]int {
	weights := p.weights(changes, axis)
	var groups []class
	for s := range p.Spans[axis] {
		one := class{members: []int{s}, sizes: make([]int, len(p.Ops))}
		for i := range p.Ops {
			if changes[axis][i] != nil {
				one.sizes[i] = max(changes[axis][i][s].Hi-changes[axis][i][s].Lo, 1)
			}
		}
		if k := slices.IndexFunc(groups, func(g class) bool { return slices.Equal(g.sizes, one.sizes) }); k >= 0 {
			groups[k].members = append(groups[k].members, s)
		} else {
			groups = append(groups, one)
		}
	}
	var list [][][]int
	for {
		if len(groups) <= max(p.MostGroups, 1) {
			var spans [][]int
			for _, g := range groups {
				spans = append(spans, g.members)
			}
			list = append(list, spans)
		}
		if len(groups) <= 1 {
			slices.Reverse(list)
			return list
		}
		groups = mergeCheapest(groups, weights)
	}
}

// class are spans of an axis, with the window's length at each operation that holds all of theirs.
type class struct{ members, sizes []int }

func (c class) cost(weights []float64) float64 {
	sum := 0.0
	for i, n := range c.sizes {
		sum += weights[i] * float64(n)
	}
	return sum * float64(len(c.members))
}

func (c class) merge(d class) class {
	m := class{members: slices.Concat(c.members, d.members), sizes: slices.Clone(c.sizes)}
	for i, n := range d.sizes {
		m.sizes[i] = max(m.sizes[i], n)
	}
	slices.Sort(m.members)
	return m
}

func mergeCheapest(groups []class, weights []float64) []class {
	var best class
	bi, bk, least := 0, 0, 0.0
	for i := range groups {
		for k := range i {
			m := groups[i].merge(groups[k])
			more := m.cost(weights) - groups[i].cost(weights) - groups[k].cost(weights)
			if bi == 0 || more < least {
				best, bi, bk, least = m, i, k, more
			}
		}
	}
	groups[bk] = best
	return slices.Delete(groups, bi, bi+1)
}

// weights are what one place along an axis costs at each operation, its window along the other axis being as long as
// the mean.
func (p Problem) weights(changes [2][][]reach, axis int) []float64 {
	weights := make([]float64, len(p.Ops))
	for i, op := range p.Ops {
		other := changes[1-axis][i]
		if other == nil {
			continue
		}
		sum := 0
		for _, s := range other {
			sum += max(s.Hi-s.Lo, 1)
		}
		weights[i] = (op.Place + op.Read) * float64(sum) / float64(len(other))
	}
	return weights
}
