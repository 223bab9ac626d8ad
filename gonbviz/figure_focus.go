package gonbviz

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/scale"
)

// Focused is an attribution with a part of the picture, and how much of what supports the class lies there.
type Focused struct {
	*attrib.Attribution
	Part *attrib.Focus
}

// Focus draws an attribution with a box on it and says which share of its positive values lies inside: whether the
// answer rests on what one thinks it does. The box is in pixels of the network's input. For a mask, for how concentrated
// the map is, and for the numbers in a file see FocusOn.
func Focus(a *attrib.Attribution, box image.Rectangle) (picture.Figure, error) {
	if a == nil {
		return picture.Figure{}, errNothing
	}
	f, err := FocusOn(a, box)
	if err != nil {
		return picture.Figure{}, err
	}
	return f.figure()
}

// FocusOn says how much of what supports the class lies in a part of the picture: an image.Rectangle in pixels of the
// network's input, a mask as a field.Plane of its size (see Lens.Mask), or a share, above 0 and up to 1, of the pixels
// that support it most.
func FocusOn(a *attrib.Attribution, part any) (Focused, error) {
	if a == nil {
		return Focused{}, errNothing
	}
	var focus *attrib.Focus
	var err error
	switch p := part.(type) {
	case image.Rectangle:
		focus, err = a.InBox(p)
	case field.Plane:
		focus, err = a.InMask(p)
	case float64:
		focus, err = a.InStrongest(p)
	default:
		err = fmt.Errorf("gonbviz: %T is no part of a picture; give an image.Rectangle, a field.Plane or a share", part)
	}
	return Focused{a, focus}, err
}

// Mask makes a mask of a picture that is white inside and black outside. One of the photograph's size is cropped and
// resized as the photograph is; what is grey then lies inside in part.
func (l *Lens) Mask(img image.Image) (field.Plane, error) {
	p, err := l.Prepare(img)
	if err != nil {
		return field.Plane{}, err
	}
	return luma(p), nil
}

// luma is how bright a picture is, 0 to 1, at the size of the network's input.
func luma(p *pixel.Prepared) field.Plane {
	m, b := field.New(p.Input.Height, p.Input.Width), p.Small.Bounds()
	for y := range m.H {
		for x := range m.W {
			m.Set(y, x, float32(color.Gray16Model.Convert(p.Small.At(b.Min.X+x, b.Min.Y+y)).(color.Gray16).Y)/0xffff)
		}
	}
	return m
}

// Sentence says it: "62 % of what supports “fox squirrel” lies inside the box, which covers 18 % of the picture: 3.4 times
// its share".
func (f Focused) Sentence() string {
	if f.Part.Strongest > 0 {
		return fmt.Sprintf("%s of what supports “%s” lies in the strongest %s of the pixels: %s times their share",
			percent(f.Part.Share), f.Explained(), percent(f.Part.Area), times(f.Part.Times()))
	}
	return fmt.Sprintf("%s of what supports “%s” lies inside the %s, which covers %s of the picture: %s times its share",
		percent(f.Part.Share), f.Explained(), f.word(), percent(f.Part.Area), times(f.Part.Times()))
}

// word names the part.
func (f Focused) word() string {
	switch {
	case f.Part.Strongest > 0:
		return "strongest pixels"
	case f.Part.Box.Empty():
		return "mask"
	}
	return "box"
}

// percent is a share in words that are read and not compared: whole from a tenth on.
func percent(share float64) string {
	if share < 0.0995 {
		return scale.Percent(share)
	}
	return scale.Fixed(100*share, 0) + "\u00a0%"
}

// times writes how many times: with one decimal below ten, and two below one.
func times(v float64) string {
	switch {
	case v < 0.995:
		return scale.Fixed(v, 2)
	case v < 9.95:
		return scale.Fixed(v, 1)
	}
	return scale.Fixed(v, 0)
}

func (f Focused) figure() (picture.Figure, error) {
	d, err := newDrawing(f.Attribution)
	if err != nil {
		return picture.Figure{}, err
	}
	if f.Part == nil {
		return picture.Figure{}, errors.New("gonbviz: no part of the picture to focus on; see FocusOn")
	}
	photo := inputPanel(f.Picture, "The "+f.word(), fmt.Sprintf("%s of the picture’s area", percent(f.Part.Area)))
	photo.Layers = append(photo.Layers, f.outline())
	photo.Below = []picture.Mark{
		picture.Meter{Label: "of the area", Value: f.Part.Area, Number: percent(f.Part.Area)},
		picture.Meter{Label: "of the " + strings.ToLower(d.words().value), Value: f.Part.Share, Number: percent(f.Part.Share)},
	}
	overlay := d.onPhotograph()
	overlay.Layers = append(overlay.Layers, f.outline())
	figure := d.figure(photo, d.heatmap(), overlay)
	figure.Title = fmt.Sprintf("Does “%s” rest on the %s?", f.Explained(), f.word())
	if f.Part.Strongest > 0 {
		figure.Title = fmt.Sprintf("How much of the picture does “%s” rest on?", f.Explained())
	}
	figure.Subtitle = f.Sentence()
	figure.Caption = append(figure.Caption, f.captionWords()...)
	figure.Text = fmt.Sprintf("%s: %s", f.Network, f.Sentence())
	figure.Alt = f.Sentence() + ". " + figure.Alt
	return figure, nil
}

// captionWords say what the part is, and how concentrated the map is by itself.
func (f Focused) captionWords() []string {
	var words []string
	if box := f.Part.Box; !box.Empty() {
		words = append(words, fmt.Sprintf("box from (%d, %d) to (%d, %d)", box.Min.X, box.Min.Y, box.Max.X, box.Max.Y))
	}
	tenth, err := f.InStrongest(0.1)
	if err != nil || f.Part.Strongest > 0 {
		return words
	}
	return append(words, fmt.Sprintf("the strongest 10\u00a0%% of the pixels hold %s", percent(tenth.Share)))
}

// outline draws the border of the part.
func (f Focused) outline() picture.Layer {
	if box := f.Part.Box; !box.Empty() {
		return picture.Patch{At: rect(box)}
	}
	return outlineOf(f.Part.Inside)
}

// outlineOf draws the border of what is 1 in a mask: a white line on a dark one.
func outlineOf(inside field.Plane) picture.Layer {
	const white, dark = 2, -1
	line := scale.Scale{
		Over: color.NRGBA{255, 255, 255, 255}, Under: color.NRGBA{A: 140}, NaN: color.NRGBA{255, 255, 255, 0},
	}
	edge := field.New(inside.H, inside.W)
	for y := range edge.H {
		for x := range edge.W {
			edge.Set(y, x, [...]float32{float32(math.NaN()), white, dark}[ring(inside, y, x)])
		}
	}
	return picture.Overlay{Plane: edge, Scale: line}
}

// filled lays a colour over what is 1 in a mask.
func filled(inside field.Plane) picture.Layer {
	return picture.Overlay{Plane: inside, Scale: scale.Scale{
		High: 0.5, Map: &scale.Map{Entries: []color.NRGBA{{255, 255, 255, 0}}}, Over: color.NRGBA{63, 144, 218, 170},
	}}
}

// ring is 1 for a pixel inside at the border, 2 for one outside at it, else 0.
func ring(inside field.Plane, y, x int) int {
	within := func(y, x int) bool { return inside.At(y, x) >= 0.5 }
	differs := func(v, u int) bool {
		return v >= 0 && v < inside.H && u >= 0 && u < inside.W && within(v, u) != within(y, x)
	}
	switch {
	case !differs(y-1, x) && !differs(y+1, x) && !differs(y, x-1) && !differs(y, x+1):
		return 0
	case within(y, x):
		return 1
	}
	return 2
}

// concentrations are the shares of the pixels for which a file says how much they hold.
var concentrations = []float64{0.01, 0.05, 0.1, 0.25, 0.5}

// document is the attribution's with the focus.
func (f Focused) document() any {
	d := attributionDocument(f.Attribution)
	if f.Part == nil {
		return d
	}
	focus := map[string]any{
		"part": f.word(), "box": nil, "words": f.Sentence(),
		"share": number(f.Part.Share), "area": number(f.Part.Area), "times": number(f.Part.Times()),
	}
	if box := f.Part.Box; !box.Empty() {
		focus["box"] = boxNumbers(box)
	}
	var list []map[string]any
	for _, share := range concentrations {
		if c, err := f.InStrongest(share); err == nil {
			list = append(list, map[string]any{"area": number(c.Area), "share": number(c.Share)})
		}
	}
	focus["strongest"] = list
	d["focus"] = focus
	return d
}
