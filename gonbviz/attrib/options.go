package attrib

import (
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/pixel"
)

// windowed reports whether positions are windows of a grid.
func (o Occlusion) windowed() bool {
	return o.Regions == nil && o.Superpixels == 0 && o.Segments == nil
}

// completeMore fills in and checks what is measured, and positions other than windows, for an input of height × width.
func (o Occlusion) completeMore(height, width int) (Occlusion, error) {
	switch {
	case o.Unit.Layer != "":
		o.Score = Activation
	case o.Measure != nil:
		o.Score = Measured
	default:
		o.Score, _ = o.Score.check()
	}
	whole := image.Rect(0, 0, width, height)
	switch {
	case o.Superpixels > width*height:
		return o, wrong("superpixels", "%d superpixels in an input of %d×%d pixels", o.Superpixels, height, width)
	case o.Segments != nil && len(o.Segments) != width*height:
		return o, wrong("segments", "%d labels for an input of %d×%d pixels", len(o.Segments), height, width)
	case o.Segments != nil && slices.Max(o.Segments) < 0:
		return o, wrong("segments", "no segments to hide; all labels are negative")
	case o.Soft > max(height, width):
		return o, wrong("soft", "a ramp of %d pixels in an input of %d×%d", o.Soft, height, width)
	}
	for _, r := range o.Regions {
		if r.Empty() || !r.In(whole) {
			return o, wrong("regions", "region %d,%d,%d,%d does not lie inside the input of %d×%d", r.Min.X, r.Min.Y, r.Dx(), r.Dy(), height, width)
		}
	}
	return o, nil
}

// checkChannels checks the settings that depend on how many channels the input has.
func (o Occlusion) checkChannels(height, width, channels int) error {
	for _, c := range o.Channels {
		if c >= channels {
			return wrong("channels", "the input has no channel %d; there are %d, from 0 on", c, channels)
		}
	}
	if o.Fill == OtherPicture && len(o.FillPicture) != height*width*channels {
		return wrong("fill", "the picture to fill with has %d values for an input of %d×%d×%d",
			len(o.FillPicture), height, width, channels)
	}
	if o.Fill != OtherPicture && o.FillPicture != nil {
		return wrong("fill", "there is a picture to fill with, and fill %s", o.Fill)
	}
	if o.Soft > 0 && o.windowed() && o.Soft > (min(o.Window.H, o.Window.W)-1)/2 {
		return wrong("soft", "ramps of %d pixels leave nothing of a window of %s", o.Soft, o.Window)
	}
	return nil
}

// where are the settings that say what is hidden.
func (o Occlusion) where() []Option {
	var list []Option
	switch {
	case o.Regions != nil:
		list = append(list, Option{"regions", fmt.Sprint(len(o.Regions))})
	case o.Superpixels > 0:
		list = append(list, Option{"superpixels", fmt.Sprint(o.Superpixels)})
	case o.Segments != nil:
		list = append(list, Option{"segments", "given"})
	default:
		list = append(list, Option{"window", o.Window.String()}, Option{"stride", o.Stride.String()})
	}
	if o.Soft > 0 {
		list = append(list, Option{"soft", fmt.Sprint(o.Soft)})
	}
	return list
}

// lay is the grid of positions, of which nothing is known yet.
func (o Occlusion) lay(picture *pixel.Prepared) *Grid {
	if o.windowed() {
		rows, cols, list := windows(o.Region, o.Window, o.Stride, o.Border == Inside)
		return newGrid(rows, cols, list, o)
	}
	if o.Regions != nil {
		return newGrid(1, len(o.Regions), o.Regions, o)
	}
	labels := o.Segments
	if labels == nil {
		labels = Segment(picture, o.Superpixels)
	}
	labels = numbered(labels)
	s := newSegments(labels, picture.Input.Height, picture.Input.Width)
	g := newGrid(1, s.count(), s.boxes, o)
	g.Segments = labels
	return g
}

// numbered gives each distinct label from 0 on its place among them, and −1 to all others.
func numbered(labels []int) []int {
	distinct := slices.Clone(labels)
	slices.Sort(distinct)
	distinct = slices.DeleteFunc(slices.Compact(distinct), func(l int) bool { return l < 0 })
	list := make([]int, len(labels))
	for i, l := range labels {
		list[i] = -1
		if at, found := slices.BinarySearch(distinct, l); found {
			list[i] = at
		}
	}
	return list
}

// masks are those of the positions, before they are turned round where those are revealed.
func (g *Grid) masks(height, width int) masks {
	switch {
	case g.Segments != nil:
		return newSegments(g.Segments, height, width)
	case g.Settings.Soft > 0:
		return softBoxes{boxes(g.Windows), g.Settings.Soft}
	}
	return boxes(g.Windows)
}

// hiding is how the positions hide a picture.
func (g *Grid) hiding(picture *pixel.Prepared) (hiding, error) {
	in, o := picture.Input, g.Settings
	if err := o.checkChannels(in.Height, in.Width, in.Channels()); err != nil {
		return hiding{}, err
	}
	fill := o.FillPicture
	if o.Fill != OtherPicture {
		var err error
		if fill, err = o.Fill.picture(picture.Values, in, o.Window, o.Seed); err != nil {
			return hiding{}, err
		}
	}
	h := hiding{
		height: in.Height, width: in.Width, channels: in.Channels(),
		picture: picture.Values, fill: fill, masks: g.masks(in.Height, in.Width), mean: o.Fill == PatchMean,
	}
	if len(o.Channels) > 0 {
		h.hides = make([]float32, in.Channels())
		for _, c := range o.Channels {
			h.hides[c] = 1
		}
	}
	if o.Fill == Inpaint {
		h.patches = newPatches(g.Windows, picture.Values, in.Height, in.Width, in.Channels())
	}
	if g.Revealed {
		if o.Fill == Inpaint {
			return hiding{}, Reveal(o).Check()
		}
		h.masks = others{withNothing(h.masks), in.Height, in.Width}
	}
	return h, nil
}

// Lattice reports whether positions are windows in rows and columns; otherwise they are parts of their own, in one row.
func (g *Grid) Lattice() bool { return g.Settings.windowed() }

// Owners is for each pixel of the input, row by row, the position that hides most of it, of several the last one; −1 where
// none hides half of it. Height and width are those of the input: segments of another have no pixel.
func (g *Grid) Owners(height, width int) []int {
	list, most := slices.Repeat([]int{-1}, height*width), slices.Repeat([]float32{0.5}, height*width)
	if g.Segments != nil && len(g.Segments) != len(list) {
		return list
	}
	masks := g.masks(height, width)
	for i := range g.Windows {
		b := masks.bounds(i)
		for k, w := range masks.weights(i) {
			y, x := b.Min.Y+k/b.Dx(), b.Min.X+k%b.Dx()
			if p := y*width + x; y < height && x < width && w >= most[p] {
				list[p], most[p] = i, w
			}
		}
	}
	return list
}

// measure is what is measured of an answer: the logits, and behind them the unit's value where there is one.
func (o Occlusion) measure(class int, answer []float32, probabilities []float64) float64 {
	switch o.Score {
	case Activation:
		return float64(answer[len(answer)-1])
	case Measured:
		return o.Measure(answer)
	}
	return o.Score.of(class, answer, probabilities)
}

// logits are those of an answer.
func (o Occlusion) logits(answer []float32) []float32 {
	if o.Unit.Layer != "" {
		return answer[:len(answer)-1]
	}
	return answer
}

// Explained names what was explained: the class by its label, the unit, or the caller's own measure.
func (a *Attribution) Explained() string {
	switch {
	case a.Grid != nil && a.Grid.Settings.Unit.Layer != "":
		return a.Grid.Settings.Unit.String()
	case a.Score == Measured:
		return a.Score.Words()
	}
	return a.Label
}

// For is the attribution of another class, made of what the network said already: what Attribute would have found, up to
// rounding. The method must have been asked for AllClasses, and not for a Unit or a Measure.
func (a *Attribution) For(class int) (*Attribution, error) {
	g := a.Grid
	switch {
	case g == nil || g.Logits == nil:
		return nil, errors.New("attrib: the logits of other classes were not kept; ask for AllClasses")
	case a.Score == Activation || a.Score == Measured:
		return nil, fmt.Errorf("attrib: what was measured is no class but the %s", a.Score.Words())
	case class < 0 || class >= len(g.CleanLogits):
		return nil, fmt.Errorf("attrib: no class %d; there are %d, from 0 on", class, len(g.CleanLogits))
	}
	other, grid := *a, *g
	other.Class, other.Label, other.Grid = class, g.Labels[class], &grid
	grid.Drop, grid.Probability = field.New(g.Rows, g.Cols), field.New(g.Rows, g.Cols)
	other.reckon()
	other.spread(&grid)
	return &other, nil
}
