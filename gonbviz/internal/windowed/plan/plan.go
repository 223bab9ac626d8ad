// Package plan says which window of each of a network's maps changes with a window of its input, and which of the
// network's operations are best computed in those windows alone.
//
// It knows nothing of pixels, weights or backends: an operation is a rule along each of two axes, rows and columns. A
// window may always be larger than what changes, since all of it is computed anew from the right values; so the windows
// of many positions get one size, and with it one compiled program.
package plan

// Kind is how an operation's output depends on its inputs.
type Kind uint8

// The kinds.
const (
	// Input is the operation whose output is changed from outside; the first of all.
	Input Kind = iota
	// Point takes each place of the output from the same place of the inputs.
	Point
	// Sliding takes each place of the output from a window of its one input.
	Sliding
	// Sum adds up all places of its one input; its output has none.
	Sum
	// Fixed is read place by place, and never changes: what a Point takes from elsewhere than the input.
	Fixed
	// Whole is anything else: all of the output may change with any of the inputs.
	Whole
)

// Slide is a sliding window along one axis: the place i of the output sees Size places of the input, Dilation apart,
// from i·Stride − Before on. Places outside the input hold a value of the operation's own.
type Slide struct{ Size, Stride, Dilation, Before int }

// extent is the number of places from the first to the last that a window sees, both counted.
func (s Slide) extent() int { return (s.Size-1)*s.Dilation + 1 }

// Op is an operation that depends on the changed input, or is Fixed. Others are no part of a plan.
type Op struct {
	Kind Kind
	// From are the operations that it reads, each before it in the list.
	From []int
	// Slide is a Sliding's, downwards and across, and Edge what it sees outside the map.
	Slide [2]Slide
	Edge  float64
	// Map is the number of rows and columns of the output; zero where it has none.
	Map [2]int
	// Place is what computing one place of the output costs, All what the whole of an output without places costs, and
	// Read what moving one place of the output costs; in nanoseconds.
	Place, All, Read float64
}

// Span is a range of places along an axis: from Lo on, up to but without Hi. It is empty where Hi ≤ Lo.
type Span struct{ Lo, Hi int }

// reach is what changes along an axis of a map.
type reach struct {
	Span
	start int // where it would begin if the map went on beyond its border
}

// through is what changes behind a sliding window of n places where r changes before it.
func (r reach) through(w Slide, n int) reach {
	if r.Hi <= r.Lo {
		return reach{}
	}
	first := func(i int) int { return ceilDiv(w.Before+i-w.extent()+1, w.Stride) } // that sees the place i
	hi := floorDiv(w.Before+r.Hi-1, w.Stride) + 1
	return reach{Span{min(max(first(r.Lo), 0), n), max(min(hi, n), 0)}, first(r.start)}
}

// union is the smallest that holds both.
func (r reach) union(t reach) reach {
	switch {
	case r.Hi <= r.Lo:
		return t
	case t.Hi <= t.Lo:
		return r
	}
	return reach{Span{min(r.Lo, t.Lo), max(r.Hi, t.Hi)}, min(r.start, t.start)}
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func ceilDiv(a, b int) int { return -floorDiv(-a, b) }

// spans are what changes along an axis of each operation's map, for each span of the input. Operations without a map
// have none.
func spans(ops []Op, axis int, input []Span) [][]reach {
	all := make([][]reach, len(ops))
	for i, op := range ops {
		switch op.Kind {
		case Input:
			all[i] = make([]reach, len(input))
			for k, s := range input {
				all[i][k] = reach{s, s.Lo}
			}
		case Point, Sliding:
			all[i] = make([]reach, len(input))
			for _, from := range op.From {
				for k, r := range all[from] {
					if op.Kind == Sliding {
						r = r.through(op.Slide[axis], op.Map[axis])
					}
					all[i][k] = all[i][k].union(r)
				}
			}
		}
	}
	return all
}

// Windowable reports, for each operation, whether its changes can be told to a window: that of its map, or, for a Sum,
// that of the map that it adds up. Whatever depends on a whole output is none.
func Windowable(ops []Op) []bool {
	list := make([]bool, len(ops))
	for i, op := range ops {
		list[i] = op.Kind != Whole
		for _, from := range op.From {
			list[i] = list[i] && list[from] && ops[from].Kind != Sum
		}
	}
	return list
}
