package picture

import "slices"

// huffman is a code: the number of codes of each length, the values in order, and each value's code and length.
type huffman struct {
	counts [17]int
	values []uint8
	code   [256]uint16
	length [256]uint8
}

// table is which of the four codes a symbol takes.
func (s symbol) table() (i int) {
	if s.chroma {
		i = 1
	}
	if !s.first {
		i += 2
	}
	return i
}

// codesFor makes the shortest codes for the symbols.
func codesFor(symbols []symbol) (codes [4]huffman) {
	var count [4][257]int
	for _, s := range symbols {
		count[s.table()][s.value]++
	}
	for i := range codes {
		codes[i] = newHuffman(count[i])
	}
	return codes
}

// newHuffman makes a code from how often each value occurs. The value 256 takes the code of ones alone, which the
// format forbids.
func newHuffman(count [257]int) (h huffman) {
	count[256] = 1
	depth := depths(count)
	var counts [64]int
	for _, d := range depth {
		counts[d]++
	}
	shorten(&counts)
	longest := 16
	for counts[longest] == 0 {
		longest--
	}
	counts[longest]--
	copy(h.counts[1:], counts[1:17])
	for v := range 256 {
		if count[v] > 0 {
			h.values = append(h.values, uint8(v))
		}
	}
	slices.SortStableFunc(h.values, func(a, b uint8) int { return depth[a] - depth[b] })
	code, i := 0, 0
	for length := 1; length <= 16; length++ {
		for range h.counts[length] {
			h.code[h.values[i]], h.length[h.values[i]] = uint16(code), uint8(length)
			code++
			i++
		}
		code <<= 1
	}
	return h
}

// depths joins the two rarest groups of values until one is left; a value is as deep as its group was joined often.
func depths(count [257]int) (depth [257]int) {
	type set struct {
		weight  int
		members []int
	}
	var sets []set
	for v, n := range count {
		if n > 0 {
			sets = append(sets, set{n, []int{v}})
		}
	}
	for len(sets) > 1 {
		slices.SortStableFunc(sets, func(a, b set) int { return b.weight - a.weight })
		a, b := sets[len(sets)-1], sets[len(sets)-2]
		joined := set{a.weight + b.weight, slices.Concat(a.members, b.members)}
		for _, v := range joined.members {
			depth[v]++
		}
		sets = append(sets[:len(sets)-2], joined)
	}
	return depth
}

// shorten moves pairs of codes longer than 16 bits up: one takes its parent's place, the other splits a shorter code.
func shorten(counts *[64]int) {
	counts[0] = 0
	for i := len(counts) - 1; i > 16; i-- {
		for counts[i] > 0 {
			j := i - 2
			for counts[j] == 0 {
				j--
			}
			counts[i] -= 2
			counts[i-1]++
			counts[j+1] += 2
			counts[j]--
		}
	}
}
