package onnx

// window is how a kernel slides over the places of a map, one entry an axis.
type window struct {
	size, strides, dilations []int
	pads                     [][2]int // before and behind
	// extra is padding behind that only the last window of a rounded-up size reaches.
	extra []int
}

// window reads the attributes that convolutions and poolings share, for a map of some places.
func (c *call) window(size, places []int) window {
	n := len(places)
	w := window{size: size, strides: c.ints("strides"), dilations: c.ints("dilations"), extra: make([]int, n)}
	if w.strides == nil {
		w.strides = ones(n)
	}
	if w.dilations == nil {
		w.dilations = ones(n)
	}
	if len(size) != n || len(w.strides) != n || len(w.dilations) != n {
		c.fail("kernel %v, strides %v and dilations %v for %d axes", size, w.strides, w.dilations, n)
	}
	for i := range n {
		if min(size[i], w.strides[i], w.dilations[i]) < 1 || max(size[i], w.strides[i], w.dilations[i]) > 1<<20 {
			c.fail("kernel %v, strides %v, dilations %v", size, w.strides, w.dilations)
		}
	}
	w.pads = c.pads(w, places)
	for i := range n {
		if w.pads[i][0] < 0 || w.pads[i][1] < 0 || max(w.pads[i][0], w.pads[i][1]) > 1<<20 {
			c.fail("pads %v", w.pads)
		}
	}
	if c.oneOf("ceil_mode", 0, 1) == 1 {
		w.roundUp(places)
	}
	for i := range n {
		if w.count(i, places[i]) < 1 {
			c.fail("a kernel of %v, dilated by %v, does not fit a map of %v", w.size, w.dilations, places)
		}
	}
	return w
}

// reach is how many places a kernel spans along an axis.
func (w window) reach(i int) int { return (w.size[i]-1)*w.dilations[i] + 1 }

// still reports whether every window is just one place of the map, as where PyTorch's adaptive pooling finds a map of the
// size that it is to make.
func (w window) still() bool {
	for i := range w.size {
		if w.size[i] != 1 || w.strides[i] != 1 || w.pads[i] != [2]int{} {
			return false
		}
	}
	return true
}

// count is the number of windows along an axis.
func (w window) count(i, places int) int {
	room := places + w.pads[i][0] + w.pads[i][1] + w.extra[i] - w.reach(i)
	if room < 0 {
		return 0
	}
	return room/w.strides[i] + 1
}

// roundUp adds a window where some places are left over, unless it would lie in the padding behind alone.
func (w window) roundUp(places []int) {
	for i, n := range places {
		room := n + w.pads[i][0] + w.pads[i][1] - w.reach(i)
		windows := (room+w.strides[i]-1)/w.strides[i] + 1
		if (windows-1)*w.strides[i] >= n+w.pads[i][0] {
			windows--
		}
		w.extra[i] = max((windows-1)*w.strides[i]-room, 0)
	}
}

// pads are the paddings as given, or as auto_pad makes them.
func (c *call) pads(w window, places []int) [][2]int {
	n := len(places)
	pads := make([][2]int, n)
	switch mode := c.text("auto_pad", "NOTSET"); mode {
	case "VALID":
	case "SAME_UPPER", "SAME_LOWER":
		for i := range n {
			windows := (places[i] + w.strides[i] - 1) / w.strides[i]
			total := max((windows-1)*w.strides[i]+w.reach(i)-places[i], 0)
			pads[i] = [2]int{total / 2, total - total/2}
			if mode == "SAME_LOWER" {
				pads[i] = [2]int{total - total/2, total / 2}
			}
		}
	case "NOTSET", "":
		list := c.ints("pads")
		if list == nil {
			break
		}
		if len(list) != 2*n {
			c.fail("%d pads for %d axes", len(list), n)
		}
		for i := range n {
			pads[i] = [2]int{list[i], list[n+i]}
		}
	default:
		c.fail("auto_pad %q; it may be NOTSET, VALID, SAME_UPPER or SAME_LOWER", mode)
	}
	return pads
}
