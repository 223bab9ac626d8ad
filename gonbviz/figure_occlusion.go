package gonbviz

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/scale"
)

// Reading is one way to read an occlusion.
type Reading string

// The readings.
const (
	// Drop shows how far the score falls while each part is hidden.
	Drop Reading = "drop"
	// Probability shows the probability of the class while each position is hidden (Zeiler and Fergus 2014, figure 7 d).
	Probability Reading = "probability"
	// BestClass shows the most probable class while each position is hidden (figure 7 e).
	BestClass Reading = "class"
)

// Panels shows one reading of an attribution; with no Show all of them beside each other, as Show of the Attribution
// itself does. Saved as an array, Probability and BestClass are the grid of positions.
type Panels struct {
	*attrib.Attribution
	Show Reading
}

// Heatmap is the figure of an attribution as a map by itself and laid over the photograph.
func Heatmap(a *attrib.Attribution) (picture.Figure, error) {
	d, err := newDrawing(a)
	if err != nil {
		return picture.Figure{}, err
	}
	in := a.Picture.Input
	panels := []picture.Mark{inputPanel(a.Picture, title(photoWord(a.Picture)), fmt.Sprintf("%d × %d, as the network gets it", in.Width, in.Height)), d.heatmap(), d.onPhotograph()}
	if a.Error != nil {
		panels = append(panels, d.errorPanel())
	}
	figure := d.figure(panels...)
	figure.Title = fmt.Sprintf("Where the evidence for “%s” lies", a.Explained())
	return figure, nil
}

func (p Panels) figure() (picture.Figure, error) {
	if p.Attribution != nil && p.Channels != nil {
		return channelsFigure(p.Attribution), nil
	}
	d, err := newDrawing(p.Attribution)
	if err != nil {
		return picture.Figure{}, err
	}
	return p.drawn(d)
}

// drawn is the figure of the panels to show.
func (p Panels) drawn(d drawing) (picture.Figure, error) {
	if p.Grid == nil {
		return Heatmap(p.Attribution)
	}
	switch p.Show {
	case Drop:
		return d.figure(d.position(), d.heatmap(), d.onPhotograph()), nil
	case Probability:
		return d.figure(d.position(), d.probability()), nil
	case BestClass:
		return d.figure(d.position(), d.best()), nil
	case "":
		return d.figure(d.position(), d.overlay(), d.probability(), d.best()), nil
	}
	return picture.Figure{}, p.check()
}

// gridNumbers is the grid that Probability and BestClass read.
func (p Panels) gridNumbers() (shape []int, values []float32, err error) {
	g := p.Grid
	values = g.Probability.Values
	if p.Show == BestClass {
		values = make([]float32, len(g.Best))
		for i, class := range g.Best {
			values[i] = float32(class)
		}
	}
	return []int{g.Rows, g.Cols}, values, nil
}

// drawing is an attribution on its way to a figure.
type drawing struct {
	*attrib.Attribution
	plane  field.Plane  // what the heatmap shows: the pixel map, or the grid where there is none
	over   picture.Rect // where it lies on the input
	whole  picture.Rect // the input
	scale  scale.Scale
	pale   picture.Photo
	grid   picture.Rect // where the cells of the positions lie
	owners []int        // by pixel, the part that has it; nil where positions are windows in rows and columns
	early  bool         // a preview: positions that were not asked show what the nearest one does
}

func newDrawing(a *attrib.Attribution) (drawing, error) {
	if err := checkAttribution(a); err != nil {
		return drawing{}, err
	}
	if a.Map == nil && a.Grid == nil {
		return drawing{}, errors.New("gonbviz: this attribution has neither a map nor a grid")
	}
	in := a.Picture.Input
	whole := picture.Rect{W: float64(in.Width), H: float64(in.Height)}
	d := drawing{Attribution: a, over: whole, whole: whole, pale: picture.Photo{Image: a.Picture.Small, Pale: true, Over: whole}}
	if a.Grid != nil {
		if d.grid = whole; d.parts() {
			d.owners = a.Grid.Owners(in.Height, in.Width)
		} else {
			d.grid = cells(a.Grid)
		}
		d.plane, d.over = d.painted(a.Grid.Drop), d.grid
	}
	if a.Map != nil {
		d.plane, d.over = *a.Map, whole
		d.scale = scale.Fit{}.Symmetric(d.plane)
	} else {
		d.scale = clearBelow(scale.Fit{}.Symmetric(a.Grid.Drop))
	}
	return d, nil
}

// cells is the rectangle that the positions cover together when the middle of each cell lies where its window's does.
func cells(g *attrib.Grid) picture.Rect {
	x, w := span(g.Cols, func(i int) (int, int) { return g.Windows[i].Min.X, g.Windows[0].Dx() })
	y, h := span(g.Rows, func(i int) (int, int) { return g.Windows[i*g.Cols].Min.Y, g.Windows[0].Dy() })
	return picture.Rect{X: x, Y: y, W: w, H: h}
}

// span is where n cells begin and how far they reach, given where each window begins and how long a whole one is. A
// window that the border cuts counts in full, so that the cells stay equally far apart.
func span(n int, window func(i int) (start, length int)) (start, length float64) {
	first, size := window(0)
	middle := float64(first) + float64(size)/2
	if n == 1 {
		return float64(first), float64(size)
	}
	second, _ := window(1)
	step := float64(second - first)
	return middle - step/2, step * float64(n)
}

// strongestPosition is the position with the largest drop, the first of equals.
func (d drawing) strongestPosition() int {
	best := 0
	for i, v := range d.Grid.Drop.Values {
		if v > d.Grid.Drop.Values[best] || math.IsNaN(float64(d.Grid.Drop.Values[best])) {
			best = i
		}
	}
	return best
}

// position shows the photograph with the window at its strongest position.
func (d drawing) position() picture.Panel {
	i := d.strongestPosition()
	w := d.Grid.Windows[i]
	part := d.words().part
	panel := inputPanel(d.Picture, "One position", fmt.Sprintf("%d × %d %s, %s", w.Dy(), w.Dx(), d.fillWords(), d.rankWords()))
	panel.Layers = d.hiding(panel.Layers, i)
	after, label := d.Clean-float64(d.Grid.Drop.Values[i]), part+" here"
	panel.Alt = fmt.Sprintf("%s with a %s in the %s", inputName(d.Picture), part, d.place(w))
	if d.parts() {
		panel.Heading, panel.Note, label = "One part", fmt.Sprintf("%s, %s", d.fillWords(), d.rankWords()), "without it"
	}
	if d.Grid.Revealed {
		after, label = d.Grid.Bare+float64(d.Grid.Drop.Values[i]), "only this"
		panel.Note = fmt.Sprintf("%s around it, %s", d.fillWords(), d.rankWords())
		panel.Alt = fmt.Sprintf("%s of which only a %s in the %s shows", inputName(d.Picture), part, d.place(w))
	}
	panel.Below = []picture.Mark{d.meter("all visible", d.Clean, d.CleanProbability), d.meter(label, after, float64(d.Grid.Probability.Values[i]))}
	if d.Score != attrib.Probability && d.Score != attrib.Activation {
		panel.Below = append(panel.Below, picture.Note{Text: fmt.Sprintf("number: %s; bar: probability", d.Score.Words())})
	}
	return panel
}

// fillWords are the fill as the command line names it; numbers need a word before them.
func (d drawing) fillWords() string {
	fill := d.option("fill")
	switch attrib.Fill(fill) {
	case attrib.PatchMean:
		return "of its own mean"
	case attrib.Inpaint:
		return "inpainted"
	case attrib.OtherPicture:
		return "of another picture"
	}
	if strings.ContainsAny(fill, "0123456789") {
		return "of " + fill
	}
	return fill
}

// rankWords say of how many positions the one that is shown is the strongest.
func (d drawing) rankWords() string {
	if d.asked() == 1 {
		return "the only one"
	}
	return "strongest of " + scale.Count(d.asked())
}

// asked is at how many positions the network was asked.
func (d drawing) asked() int { return len(d.Grid.Windows) - d.Grid.Unasked }

// positionWords count the positions.
func (d drawing) positionWords() string {
	if len(d.Grid.Windows) == 1 {
		return "1 position"
	}
	what := " positions"
	if d.parts() {
		what = " parts"
	}
	words := scale.Count(len(d.Grid.Windows)) + what
	if d.Grid.Unasked > 0 {
		words = scale.Count(d.asked()) + " of " + words
	}
	return words
}

// meter is a score as a number; its bar is the probability, which every score has.
func (d drawing) meter(label string, score, probability float64) picture.Meter {
	if d.Score == attrib.Activation { // which says nothing of a class: of the clean one
		probability = max(min(score/d.Clean, 1), 0)
	}
	return picture.Meter{Label: label, Value: probability, Number: d.number(score)}
}

// number writes a score.
func (d drawing) number(v float64) string {
	if d.Score == attrib.Probability {
		return scale.Probability(v)
	}
	return scale.Score(v)
}

func rect(r image.Rectangle) picture.Rect {
	return picture.Rect{X: float64(r.Min.X), Y: float64(r.Min.Y), W: float64(r.Dx()), H: float64(r.Dy())}
}

// place names the ninth of the picture in which the middle of a window lies.
func (d drawing) place(w image.Rectangle) string {
	in := d.Picture.Input
	p := field.New(3, 3)
	p.Set((w.Min.Y+w.Max.Y)/2*3/in.Height, (w.Min.X+w.Max.X)/2*3/in.Width, 1)
	return ninth(p)
}

// hiding are the layers of a photograph with a position's window on it as the network saw it, framed. A picture of all
// that the network saw takes the photograph's place, which would be embedded and not be seen.
func (d drawing) hiding(photo []picture.Layer, position int) []picture.Layer {
	if d.plain() {
		return append(photo, d.hidden(position)...)
	}
	if seen := d.shown(position); seen != nil {
		photo = seen
	}
	return append(photo, d.frame(position))
}

// frame encloses what a position hides or shows: the rectangle, or the part in its shape.
func (d drawing) frame(position int) picture.Layer {
	if d.Grid.Segments == nil {
		return picture.Patch{At: rect(d.Grid.Windows[position])}
	}
	return outlineOf(d.segment(position))
}

// segment is 1 at the pixels of a part.
func (d drawing) segment(position int) field.Plane {
	inside := field.New(d.Picture.Input.Height, d.Picture.Input.Width)
	for i, owner := range d.Grid.Segments {
		if owner == position {
			inside.Values[i] = 1
		}
	}
	return inside
}

// hidden are the layers that show a position's window as the network saw it, framed, where it hides all in a rectangle.
func (d drawing) hidden(position int) []picture.Layer {
	w := d.Grid.Windows[position]
	patch := picture.Patch{At: rect(w)}
	switch attrib.Fill(d.option("fill")) {
	case attrib.Gray:
		patch.Fill = color.NRGBA{128, 128, 128, 255}
	case attrib.Black:
		patch.Fill = color.NRGBA{0, 0, 0, 255}
	case attrib.White:
		patch.Fill = color.NRGBA{255, 255, 255, 255}
	default:
		if values, err := d.Grid.Occluded(d.Picture, position); err == nil {
			shown := image.NewNRGBA(image.Rect(0, 0, w.Dx(), w.Dy()))
			draw.Draw(shown, shown.Rect, pixel.Picture(values, d.Picture.Input), w.Min, draw.Src)
			return []picture.Layer{picture.Photo{Image: shown, Over: rect(w)}, patch}
		}
	}
	return []picture.Layer{patch}
}

// option is one of the settings.
func (d drawing) option(name string) string {
	for _, o := range d.Options {
		if o.Name == name {
			return o.Value
		}
	}
	return ""
}

// dropNote says how the map was made of the positions.
func (d drawing) dropNote() string {
	switch {
	case d.early:
		return "preview: " + d.positionWords()
	case d.Map == nil:
		return d.centredNote()
	case d.option("overlap") == string(attrib.OverlapSum):
		return strings.Replace(d.words().per, "mean over", "sum over", 1)
	}
	return d.words().per
}

func (d drawing) dropHeading() string {
	if d.Score == attrib.Measured {
		return d.words().value + " of the measure"
	}
	return d.words().value + " of the " + d.Score.Words()
}

// blank lies under a map by itself, so that one that covers a part of the input stands where that part is.
var blank = image.NewNRGBA(image.Rect(0, 0, 1, 1))

// heatmap is the map by itself.
func (d drawing) heatmap() picture.Panel {
	return picture.Panel{
		Heading: d.dropHeading(), Note: d.dropNote(),
		Layers: []picture.Layer{picture.Photo{Image: blank, Over: d.whole}, picture.Overlay{Plane: d.plane, Scale: d.scale, Over: d.over}},
		Alt:    "Heatmap of the " + strings.ToLower(d.words().value) + ", " + rangeWords(d.plane),
		Below:  []picture.Mark{picture.Ramp{Scale: d.scale, LowWords: "against", HighWords: d.forWords()}},
	}
}

// overlay is the map over the greyed photograph.
func (d drawing) overlay() picture.Panel {
	veiled := d.scale
	veiled.Veil = true
	return picture.Panel{
		Heading: d.dropHeading(), Note: d.dropNote(),
		Layers: append([]picture.Layer{d.pale, picture.Overlay{Plane: d.plane, Scale: veiled, Over: d.over}}, d.region()...),
		Alt:    "Heatmap of the " + strings.ToLower(d.words().value) + " over the " + photoWord(d.Picture) + ", " + rangeWords(d.plane),
		Below:  []picture.Mark{picture.Ramp{Scale: veiled, LowWords: "against", HighWords: d.forWords(), Ground: picture.Backdrop(d.Picture.Shown)}},
	}
}

// region is the frame of the part that was asked about, where it is not the whole picture: the 0 outside says nothing.
func (d drawing) region() []picture.Layer {
	if d.Grid == nil || d.option("region") == "" {
		return nil
	}
	var all image.Rectangle
	for _, w := range d.Grid.Windows {
		all = all.Union(w)
	}
	return []picture.Layer{picture.Border{At: rect(all)}}
}

// onPhotograph is the overlay beside the heatmap that it repeats.
func (d drawing) onPhotograph() picture.Panel {
	panel := d.overlay()
	panel.Heading, panel.Note = "On the "+photoWord(d.Picture), "the same, strong values opaque"
	return panel
}

// centredNote says where the values of positions are drawn.
func (d drawing) centredNote() string {
	if d.early {
		return "preview: " + d.positionWords()
	}
	switch g := d.Grid; {
	case g.Revealed && d.parts():
		return "while only that part shows"
	case g.Revealed:
		return "while only the patch there shows"
	case d.parts():
		return "while that part is hidden"
	}
	return "while the patch is centred there"
}

// probability shows the probability of the class at each position.
func (d drawing) probability() picture.Panel {
	s := scale.Scale{Low: 0, High: 1}
	return picture.Panel{
		Heading: "Probability of the class", Note: d.centredNote(),
		Layers: []picture.Layer{d.pale, picture.Overlay{Plane: d.painted(d.Grid.Probability), Scale: clearBelow(s), Over: d.grid}},
		Alt:    fmt.Sprintf("Probability of %s at %s %s positions, %s", d.Label, scale.Count(d.asked()), d.words().part, rangeWords(d.painted(d.Grid.Probability))),
		Below: []picture.Mark{picture.Ramp{Scale: s, Mark: d.CleanProbability,
			MarkWords: "mark: all visible, " + scale.Probability(d.CleanProbability)}},
	}
}

// best shows the most probable class at each position.
func (d drawing) best() picture.Panel {
	classes := d.classes()
	key := classes.Key(func(class int) string { return d.Grid.Labels[class] }, picture.Backdrop(d.Picture.Shown))
	var words []string
	for _, e := range key.Entries {
		words = append(words, e.Label+" "+e.Value)
	}
	return picture.Panel{
		Heading: "Most probable class", Note: d.centredNote(),
		Layers: []picture.Layer{d.pale, picture.Border{At: d.grid}, classes},
		Alt:    fmt.Sprintf("Most probable class at %s %s positions: %s", scale.Count(d.asked()), d.words().part, strings.Join(words, ", ")),
		Below:  []picture.Mark{key},
	}
}

// figure puts the words around the panels.
func (d drawing) figure(panels ...picture.Mark) picture.Figure {
	subtitle, positions := "Pixel by pixel", d.errorCaption()
	if d.Error != nil {
		subtitle = fmt.Sprintf("The %s shows through %s random masks; what goes with a high score when it shows is red", photoWord(d.Picture), scale.Count(d.masks()))
	}
	value, part := strings.ToLower(d.words().value), d.words().part
	text := fmt.Sprintf("%s, %s %s, %s of the whole picture; %s", d.Network, d.Explained(), d.number(d.Clean), d.Score.Words(), d.Method)
	if g := d.Grid; g != nil {
		subtitle, positions = d.subtitle(), d.gridWords()
		i := d.strongestPosition()
		text += fmt.Sprintf(" at %s: largest %s %s with the %s in the %s", d.positionWords(), value, scale.Number(float64(g.Drop.Values[i])), part, d.place(g.Windows[i]))
	}
	row := picture.Row{Marks: panels, Size: 200}
	if len(panels) < 4 {
		row.Size = 273 // a third of the width: two or three are large, and never blown up beyond that
	}
	return picture.Figure{
		Title: fmt.Sprintf("What “%s” rests on", d.Explained()), Subtitle: subtitle, Body: []picture.Mark{row},
		Caption: []string{networkCaption(d.Network, d.Notice), inputCaption(d.Picture), d.Guessed, d.explainedCaption(),
			fmt.Sprintf("score %s, %s with all visible", d.Score.Words(), d.number(d.Clean)),
			d.methodCaption(), positions, engineWords(d.Engine), "positive supports the " + strings.TrimPrefix(d.forWords(), "for the "), backendCaption(d.Backend)},
		Alt:  fmt.Sprintf("%s. The %s is %s.", text, value, rangeWords(d.plane)),
		Text: text,
	}
}

// subtitle says what was done, or how far it came.
func (d drawing) subtitle() string {
	switch {
	case d.early && d.parts():
		return fmt.Sprintf("Preview: %s; what was not asked yet is grey", d.positionWords())
	case d.early:
		return fmt.Sprintf("Preview: %s; the rest shows what the nearest of them does", d.positionWords())
	case d.Grid.Unasked > 0:
		return fmt.Sprintf("Stopped at %s; what was not asked is grey", d.positionWords())
	}
	photo := photoWord(d.Picture)
	switch g := d.Grid; {
	case g.Revealed && d.parts():
		return fmt.Sprintf("Only one part of the %s shows after the other; the gain is over none at all", photo)
	case g.Revealed:
		return fmt.Sprintf("Only a patch of the %s shows, at one position after the other; the gain is over none at all", photo)
	case d.parts():
		return fmt.Sprintf("One part of the %s after the other is hidden; the network is asked again each time", photo)
	}
	return fmt.Sprintf("%s patch slides over the %s; the network is asked again at each position", d.patchWords(), photo)
}

// gridWords are the caption's on the positions.
func (d drawing) gridWords() string {
	switch g := d.Grid; {
	case d.early:
		return "preview: " + d.positionWords()
	case g.Unasked > 0:
		return "stopped at " + d.positionWords()
	case d.parts():
		return d.positionWords()
	default:
		return fmt.Sprintf("%d × %d = %s", g.Rows, g.Cols, d.positionWords())
	}
}

// engineWords say in which way the network's answers were computed.
func engineWords(e attrib.Exact) string {
	switch e {
	case attrib.Full:
		return "each computed in full"
	case attrib.Incremental:
		return "computed incrementally"
	}
	return ""
}

// patchWords name the patch by its fill.
func (d drawing) patchWords() string {
	switch fill := d.option("fill"); attrib.Fill(fill) {
	case attrib.Gray:
		return "A grey"
	case attrib.Black, attrib.White:
		return "A " + fill
	case attrib.Blur:
		return "A blurred"
	case attrib.Noise:
		return "A noisy"
	case attrib.Inpaint:
		return "An inpainted"
	}
	return "A"
}
