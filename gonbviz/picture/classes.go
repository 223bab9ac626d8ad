package picture

import (
	"cmp"
	"image"
	"image/color"
	"slices"

	"github.com/convlens/convlens/gonbviz/scale"
)

// Classes is a layer that shows which class wins at each position. The explained class is clear: what lies below is
// seen. The others get colours by falling share, the eight most frequent; the rest share one.
type Classes struct {
	// H and W are the rows and columns, Index the class at each position, row by row; a negative one is not known.
	H, W  int
	Index []int
	// Clear is the explained class.
	Clear int
	// Over is the rectangle that the positions cover together; empty: one unit a position.
	Over Rect
}

func (c Classes) over() Rect {
	if c.Over.empty() {
		return Rect{0, 0, float64(c.W), float64(c.H)}
	}
	return c.Over
}

func (c Classes) extent() (w, h float64) { return c.over().X + c.over().W, c.over().Y + c.over().H }

func (c Classes) valid() bool { return c.H > 0 && c.W > 0 && len(c.Index) == c.H*c.W }

// rank lists the other classes by falling share, of equals the lower index first. All that are not known count as one.
func (c Classes) rank() (order []int, count map[int]int) {
	count = map[int]int{}
	for _, k := range c.Index {
		k = max(k, unknownClass)
		if count[k]++; count[k] == 1 && k != c.Clear && k >= 0 {
			order = append(order, k)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(count[b]-count[a], a-b) })
	return order, count
}

// unknownClass is what every negative index counts as.
const unknownClass = -1

// named is how many classes have a colour of their own.
const named = 8

func (c Classes) draw(v view) []shape {
	if !c.valid() {
		return nil
	}
	order, count := c.rank()
	index := map[int]uint8{c.Clear: 0}
	for i, k := range order {
		index[k] = uint8(1 + min(i, named))
	}
	img := image.NewPaletted(image.Rect(0, 0, c.W, c.H), color.Palette{color.NRGBA{}})
	for _, colour := range scale.Petroff10[:min(len(order), named+1)] {
		img.Palette = append(img.Palette, colour)
	}
	if count[unknownClass] > 0 {
		index[unknownClass] = uint8(len(img.Palette))
		img.Palette = append(img.Palette, scale.Missing)
	}
	for i, k := range c.Index {
		img.Pix[i] = index[max(k, unknownClass)]
	}
	return stretched(img, v.rect(c.over()))
}

// Key is the legend: each class with its share of the positions. label names a class; ground is the colour in which
// the explained class, which is clear, is seen: Backdrop of the photograph.
func (c Classes) Key(label func(class int) string, ground color.NRGBA) Key {
	if !c.valid() {
		return Key{}
	}
	share := func(n int) string { return scale.Percent(float64(n) / float64(len(c.Index))) }
	order, count := c.rank()
	k := Key{[]Entry{{ground, label(c.Clear), share(count[c.Clear])}}}
	rest := 0
	for i, class := range order {
		if i >= named {
			rest += count[class]
			continue
		}
		k.Entries = append(k.Entries, Entry{scale.Petroff10[i], label(class), share(count[class])})
	}
	if rest > 0 {
		k.Entries = append(k.Entries, Entry{scale.Petroff10[named], scale.Count(len(order)-named) + " others", share(rest)})
	}
	if n := count[unknownClass]; n > 0 {
		k.Entries = append(k.Entries, Entry{scale.Missing, "not asked", share(n)})
	}
	return k
}
