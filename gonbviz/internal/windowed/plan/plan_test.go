package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// network is a made-up network of whole numbers, one value a place, to be run as it is and as a plan says.
type network struct {
	ops    []Op
	fixed  map[int][]int
	weight []int
}

// randomNetwork draws operations of all kinds on an input that is seldom square.
func randomNetwork(r *rand.Rand) network {
	input := Op{Kind: Input, Map: [2]int{8 + r.IntN(30), 8 + r.IntN(30)}, Read: 1}
	net := network{ops: []Op{input}, fixed: map[int][]int{}, weight: []int{1}}
	add := func(op Op) {
		op.Place, op.Read, op.All = float64(1+r.IntN(50)), []float64{0.1, 20}[r.IntN(2)], 5
		net.ops = append(net.ops, op)
		net.weight = append(net.weight, 1+r.IntN(5))
	}
	for range 3 + r.IntN(12) {
		from := r.IntN(len(net.ops))
		m := net.ops[from].Map
		switch k := r.IntN(12); {
		case m[0] == 0 || net.ops[from].Kind == Fixed:
		case k == 0:
			add(Op{Kind: Sum, From: []int{from}})
		case k == 1:
			add(Op{Kind: Whole, From: []int{from}, Map: m})
		case k < 6:
			op := Op{Kind: Point, From: []int{from}, Map: m}
			for other, o := range net.ops {
				if o.Map == m && other != from && r.IntN(2) == 0 {
					op.From = append(op.From, other)
				}
			}
			if r.IntN(4) == 0 {
				values := make([]int, m[0]*m[1])
				for i := range values {
					values[i] = r.IntN(9)
				}
				net.fixed[len(net.ops)] = values
				op.From = append(op.From, len(net.ops))
				add(Op{Kind: Fixed, Map: m})
			}
			add(op)
		case k == 6: // branches that see more and less, and meet again
			stride := 1 + r.IntN(2)
			wide, narrow := Slide{Size: 3, Stride: stride, Dilation: 1 + r.IntN(2)}, Slide{Size: 1, Stride: 1, Dilation: 1}
			wide.Before = wide.Dilation
			small := [2]int{(m[0]-1)/stride + 1, (m[1]-1)/stride + 1}
			add(Op{Kind: Sliding, From: []int{from}, Map: small, Slide: [2]Slide{wide, wide}, Edge: float64(r.IntN(2))})
			join := Op{Kind: Point, From: []int{len(net.ops) - 1, from}, Map: small}
			strides := r.IntN(3) // the operation that has the stride, of three
			for k := range 3 {
				op, w := Op{Kind: []Kind{Point, Sliding}[r.IntN(2)], From: []int{join.From[1]}, Map: m}, narrow
				if k == strides && stride > 1 {
					op.Kind, w.Stride = Sliding, stride
				}
				if k >= strides {
					op.Map = small
				}
				op.Slide = [2]Slide{w, w}
				add(op)
				join.From[1] = len(net.ops) - 1
			}
			add(join)
		default:
			op := Op{Kind: Sliding, From: []int{from}, Edge: float64(r.IntN(2))}
			for axis, n := range m {
				w := Slide{Size: 1 + r.IntN(4), Stride: 1 + r.IntN(3), Dilation: 1 + r.IntN(2), Before: r.IntN(4) - 1}
				after := r.IntN(3) - 1
				op.Slide[axis], op.Map[axis] = w, (n+w.Before+after-w.extent())/w.Stride+1
				if n+w.Before+after < w.extent() {
					op.Map = [2]int{}
					break
				}
			}
			if op.Map[0] > 0 && op.Map[1] > 0 {
				add(op)
			}
		}
	}
	last := len(net.ops) - 1
	add(Op{Kind: Whole, From: slices.Compact([]int{r.IntN(last + 1), last})})
	return net
}

// garbage stands where nobody should look.
const garbage = 1 << 20

// place is the value at a place of an operation's output, of what it reads of its inputs there.
func (n network) place(i int, inputs []int) int {
	sum := 0
	for k, v := range inputs {
		sum += (k + 1) * v
	}
	sum = sum*n.weight[i] + i
	return max(sum%10007, 13*i) // not linear, as networks are
}

// run computes all outputs as they are.
func (n network) run(input []int) [][]int {
	out := make([][]int, len(n.ops))
	for i, op := range n.ops {
		switch op.Kind {
		case Input:
			out[i] = input
		case Fixed:
			out[i] = n.fixed[i]
		case Sum:
			sum := 0
			for _, v := range out[op.From[0]] {
				sum += v
			}
			out[i] = []int{sum}
		default:
			out[i] = n.all(i, out)
		}
	}
	return out
}

// all computes the whole output of an operation that is no Sum.
func (n network) all(i int, out [][]int) []int {
	op := n.ops[i]
	if op.Kind == Whole {
		sum := 0
		for _, from := range op.From {
			for k, v := range out[from] {
				sum += v * (k%97 + 1)
			}
		}
		values := make([]int, max(op.Map[0]*op.Map[1], 1))
		for k := range values {
			values[k] = n.place(i, []int{sum, k})
		}
		return values
	}
	var values []int
	for y := range op.Map[0] {
		for x := range op.Map[1] {
			var inputs []int
			for _, from := range op.From {
				m := n.ops[from].Map
				if op.Kind == Point {
					inputs = append(inputs, out[from][y*m[1]+x])
					continue
				}
				inputs = append(inputs, n.window(op, func(dy, dx int) int {
					yy, xx := y*op.Slide[0].Stride-op.Slide[0].Before+dy, x*op.Slide[1].Stride-op.Slide[1].Before+dx
					if yy < 0 || yy >= m[0] || xx < 0 || xx >= m[1] {
						return int(op.Edge)
					}
					return out[from][yy*m[1]+xx]
				}))
			}
			values = append(values, n.place(i, inputs))
		}
	}
	return values
}

// window is what a sliding window sees, as one number.
func (n network) window(op Op, at func(dy, dx int) int) int {
	sum := 0
	for ky := range op.Slide[0].Size {
		for kx := range op.Slide[1].Size {
			sum += (3*ky + kx + 1) * at(ky*op.Slide[0].Dilation, kx*op.Slide[1].Dilation)
		}
	}
	return sum
}

// follow computes the last output as a layout says, for one position; clean is what run gives for the unchanged input.
func (n network) follow(l *Layout, clean [][]int, changed []int, row, col int) []int {
	windows, whole := make([][]int, len(n.ops)), slices.Clone(clean)
	read := func(by, from int) []int {
		for k, r := range l.Reads {
			for _, u := range r.Uses {
				if r.From != from || u.By != by && (l.Windowed[by] || l.Windowed[u.By]) {
					continue
				}
				places := make([]int32, r.Size[0]*r.Size[1])
				l.Places(k, row, col, 0, places)
				table := slices.Concat(clean[from], []int{garbage}, windows[from])
				if r.Outside {
					table[len(clean[from])] = int(r.Edge)
				}
				var values []int
				for y := range u.Size[0] {
					for x := range u.Size[1] {
						values = append(values, table[places[(u.At[0]+y)*r.Size[1]+u.At[1]+x]])
					}
				}
				return values
			}
		}
		panic(fmt.Sprintf("no read of %d for %d", from, by))
	}
	for i, op := range n.ops {
		switch {
		case op.Kind == Fixed:
		case !l.Windowed[i] && op.Kind == Input:
			whole[i] = changed
		case !l.Windowed[i]:
			for _, from := range op.From {
				if windows[from] != nil {
					whole[from] = read(i, from)
				}
			}
			if op.Kind == Sum {
				whole[i] = []int{0}
				for _, v := range whole[op.From[0]] {
					whole[i][0] += v
				}
			} else {
				whole[i] = n.all(i, whole)
			}
		case op.Kind == Sum:
			sum := clean[i][0]
			from := op.From[0]
			before, size, m := read(i, from), l.Size[from], n.ops[from].Map
			oy, ox := l.Origin(from, row, col)
			for k, v := range windows[from] {
				if y, x := oy+k/size[1], ox+k%size[1]; y >= 0 && y < m[0] && x >= 0 && x < m[1] {
					sum += v - before[k]
				} else if before[k] != 0 {
					panic("a sum of places outside the map")
				}
			}
			whole[i] = []int{sum}
		default:
			windows[i] = n.inWindow(i, l, row, col, changed, windows, read)
		}
	}
	return whole[len(n.ops)-1]
}

func (n network) inWindow(i int, l *Layout, row, col int, changed []int, windows [][]int, read func(by, from int) []int) []int {
	op, size := n.ops[i], l.Size[i]
	oy, ox := l.Origin(i, row, col)
	inputs := map[int][]int{}
	for _, from := range op.From {
		if op.Kind == Point && n.ops[from].Kind != Fixed && l.Same(i, from) {
			inputs[from] = windows[from]
		} else {
			inputs[from] = read(i, from)
		}
	}
	var values []int
	for y := range size[0] {
		for x := range size[1] {
			var list []int
			switch op.Kind {
			case Input:
				values = append(values, changed[(oy+y)*op.Map[1]+ox+x])
				continue
			case Point:
				for _, from := range op.From {
					list = append(list, inputs[from][y*size[1]+x])
				}
			case Sliding:
				width := (size[1]-1)*op.Slide[1].Stride + op.Slide[1].extent()
				list = append(list, n.window(op, func(dy, dx int) int {
					return inputs[op.From[0]][(y*op.Slide[0].Stride+dy)*width+x*op.Slide[1].Stride+dx]
				}))
			}
			values = append(values, n.place(i, list))
		}
	}
	return values
}

// larger reports whether a window is larger than the largest change of its group.
func (n network) larger(g Group, p Problem, i int) bool {
	for axis, changes := range p.changes() {
		var members []int
		for _, at := range g.Positions {
			members = append(members, p.Positions[at][axis])
		}
		if g.Size[i][axis] > largest(changes[i], members) {
			return true
		}
	}
	return false
}

// missed is an operation whose window does not hold what changes at a position, −1 for none.
func (n network) missed(g Group, p Problem) (int, [2]int) {
	for axis, changes := range p.changes() {
		for i, size := range g.Size {
			if !g.Windowed[i] || size == [2]int{} { // sums have none
				continue
			}
			for _, k := range g.Positions {
				at := p.Positions[k]
				y, x := g.Origin(i, at[0], at[1])
				begin := [2]int{y, x}[axis]
				if r := changes[i][at[axis]]; r.Lo < r.Hi && (r.Lo < begin || r.Hi > begin+size[axis]) {
					return i, at
				}
			}
		}
	}
	return -1, [2]int{}
}

// TestPlan follows plans for made-up networks, at all positions of a grid with windows at every border, and compares
// with running them as they are.
func TestPlan(t *testing.T) {
	windows, wholes, sums, shared, wider, groups := 0, 0, 0, 0, 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		net := randomNetwork(r)
		m := net.ops[0].Map
		input := make([]int, m[0]*m[1])
		for i := range input {
			input[i] = r.IntN(100)
		}
		clean := net.run(input)
		p := Problem{Ops: net.ops, Batch: 4, Compile: float64(r.IntN(20000)), MostGroups: 1 + r.IntN(3), Windows: r.IntN(2) == 0}
		size := [2]int{1 + r.IntN(m[0]), 1 + r.IntN(m[1])}
		for axis := range 2 {
			for lo := 0; lo < m[axis]; lo += 1 + size[axis]/2 {
				p.Spans[axis] = append(p.Spans[axis], Span{lo, min(lo+size[axis], m[axis])})
			}
		}
		for row := range p.Spans[0] {
			for col := range p.Spans[1] {
				p.Positions = append(p.Positions, [2]int{row, col})
			}
		}
		solved := p.Solve()
		groups = max(groups, len(solved))
		seen := map[int]bool{}
		for _, g := range solved {
			if i, position := net.missed(g, p); i >= 0 {
				t.Fatalf("seed %d, position %v: the window of operation %d does not hold what changes", seed, position, i)
			}
			for i, w := range g.Windowed {
				if w {
					windows++
				} else {
					wholes++
				}
				if w && net.ops[i].Kind == Sum {
					sums++
				}
				if w && net.ops[i].Map[0] > 0 && net.ops[i].Kind != Fixed && net.larger(g, p, i) {
					wider++
				}
			}
			for _, r := range g.Reads {
				shared += len(r.Uses) - 1
			}
			for _, i := range g.Positions {
				seen[i] = true
				row, col := p.Positions[i][0], p.Positions[i][1]
				changed := slices.Clone(input)
				for y := p.Spans[0][row].Lo; y < p.Spans[0][row].Hi; y++ {
					for x := p.Spans[1][col].Lo; x < p.Spans[1][col].Hi; x++ {
						changed[y*m[1]+x] = 50 - changed[y*m[1]+x]
					}
				}
				want := net.run(changed)[len(net.ops)-1]
				if got := net.follow(g.Layout, clean, changed, row, col); !slices.Equal(got, want) {
					t.Fatalf("seed %d, position %v: %v, want %v\n%+v", seed, p.Positions[i], got, want, net.ops)
				}
			}
		}
		if len(seen) != len(p.Positions) {
			t.Fatalf("seed %d: %d of %d positions are in a group", seed, len(seen), len(p.Positions))
		}
	}
	t.Logf("%d operations in windows, %d of them sums, %d wider than what changes, %d as wholes, %d reads shared, up to %d groups", windows, sums, wider, wholes, shared, groups)
	if windows < 1000 || wholes < 1000 || sums < 20 || wider < 20 || shared < 100 || groups < 4 {
		t.Error("the networks leave something out")
	}
}

func TestPass(t *testing.T) {
	ops := []Op{
		{Kind: Input, Map: [2]int{4, 5}},
		{Kind: Point, From: []int{0}, Map: [2]int{4, 5}, Place: 3},
		{Kind: Sliding, From: []int{1}, Map: [2]int{2, 2}, Place: 7},
		{Kind: Point, From: []int{0}, Map: [2]int{4, 5}, Place: 100},
		{Kind: Whole, From: []int{2, 3}, All: 1000},
	}
	p := Problem{Ops: ops}
	if cost, n := p.Pass([]int{2, 1}); cost != 4*5*3+2*2*7 || n != 3 {
		t.Errorf("a part costs %v, of %d operations", cost, n)
	}
	if cost, n := p.Pass([]int{4}); cost != 88+2000+1000 || n != 5 {
		t.Errorf("all costs %v, of %d operations", cost, n)
	}
}
