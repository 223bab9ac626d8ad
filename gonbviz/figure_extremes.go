package gonbviz

import (
	"fmt"
	"image"
	"strconv"
	"strings"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/scale"
)

// usualExtremes is how many positions Extremes shows of each kind where nobody says how many.
const usualExtremes = 3

// Extremes are the positions of an attribution at which hiding matters most and least, each with what the network then
// takes the picture for: "cover this and it says wallaby".
type Extremes struct {
	*attrib.Attribution
	// N is how many of each kind are shown at most: 3 as a default.
	N int
	// Near also takes positions whose windows overlap one that is shown already.
	Near bool
}

// Strongest are the positions at which the score falls most; none where the attribution has no positions.
func (e Extremes) Strongest() []attrib.Extreme { return e.grid().Strongest(e.number(), !e.Near) }

// Weakest are the positions at which the score falls least, or rises.
func (e Extremes) Weakest() []attrib.Extreme { return e.grid().Weakest(e.number(), !e.Near) }

// grid is the attribution's, or one without positions.
func (e Extremes) grid() *attrib.Grid {
	if e.Attribution == nil || e.Grid == nil {
		return &attrib.Grid{}
	}
	return e.Grid
}

func (e Extremes) number() int {
	if e.N > 0 {
		return e.N
	}
	return usualExtremes
}

func (e Extremes) figure() (picture.Figure, error) {
	d, err := newDrawing(e.Attribution)
	if err != nil {
		return picture.Figure{}, err
	}
	strongest, weakest := e.Strongest(), e.Weakest()
	figure := d.figure()
	figure.Title = d.coverTitle()
	figure.Subtitle = "What the frame encloses is hidden; below, what the network then says, and its probability"
	if e.Grid.Revealed {
		figure.Subtitle = "Only what the frame encloses shows; below, what the network then says, and its probability"
	}
	if len(strongest) > 0 {
		most, least := d.extremeHeadings(weakest)
		figure.Body = []picture.Mark{
			picture.Row{Size: rowOfFour, Marks: d.extremes(most, strongest)},
			picture.Row{Size: rowOfFour, Marks: d.extremes(least, weakest)},
		}
		strong, weak := d.extremeWords(strongest), d.extremeWords(weakest)
		figure.Text = fmt.Sprintf("%s, %s; strongest: %s; weakest: %s", e.Network, e.Explained(), strong, weak)
		figure.Alt = fmt.Sprintf("Parts of %s. Strongest: %s. Weakest: %s.", inputName(e.Picture), strong, weak)
	}
	if !e.Near {
		figure.Caption = append(figure.Caption, "windows that don’t overlap")
	}
	return figure, nil
}

// coverTitle is the question that extremes ask of the class, the unit, or the measure.
func (d drawing) coverTitle() string {
	cover, still := "Cover this", " still"
	if d.Grid.Revealed {
		cover, still = "Show only this", ""
	}
	switch d.Score {
	case attrib.Activation:
		return fmt.Sprintf("%s, and does “%s”%s answer?", cover, d.Explained(), still)
	case attrib.Measured:
		return fmt.Sprintf("%s, and what is left of “%s”?", cover, d.Explained())
	}
	return fmt.Sprintf("%s, and is it%s “%s”?", cover, still, d.Label)
}

// rowOfFour is the width of one of four panels.
const rowOfFour = 200

// extremeHeadings stand above the strongest positions and above the weakest.
func (d drawing) extremeHeadings(weakest []attrib.Extreme) (most, least string) {
	negative := weakest[0].Drop < 0
	switch {
	case d.Grid.Revealed && negative:
		return "The score rises most", "It rises least, or falls"
	case d.Grid.Revealed:
		return "The score rises most", "It rises least"
	case negative:
		return "The score falls most", "It falls least, or rises"
	}
	return "The score falls most", "It falls least"
}

// change is what a position does to the score: "drop 0.94".
func (d drawing) change(e attrib.Extreme) string {
	return strings.ToLower(d.words().value) + " " + scale.Number(e.Drop)
}

// extremes are a panel with all positions on the picture and a panel for each.
func (d drawing) extremes(heading string, list []attrib.Extreme) []picture.Mark {
	all := picture.Panel{
		Heading: heading, Note: "where they lie", Layers: []picture.Layer{d.pale},
		Alt: "Where the positions lie: " + d.placeWords(list),
	}
	marks := []picture.Mark{all}
	for _, e := range list {
		lies := picture.Layer(picture.Photo{Image: d.part(e.Window), Over: rect(e.Window)})
		if d.Grid.Segments != nil { // the rectangle around a part shows more than was hidden
			lies = filled(d.segment(e.Position))
		}
		all.Layers = append(all.Layers, lies, d.frame(e.Position))
		marks = append(marks, d.crop(e))
	}
	marks[0] = all
	return marks
}

// part is a window of the picture in its colours.
func (d drawing) part(w image.Rectangle) image.Image {
	if cut, ok := d.Picture.Small.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok {
		return cut.SubImage(w.Add(d.Picture.Small.Bounds().Min))
	}
	return nil
}

// crop shows a position with as much of the picture around it again, and what the network says while it is hidden.
func (d drawing) crop(e attrib.Extreme) picture.Panel {
	panel := inputPanel(d.Picture, title(d.place(e.Window)), d.change(e))
	panel.View = d.around(e.Window)
	panel.Layers = append(panel.Layers, d.frame(e.Position))
	panel.Below = []picture.Mark{picture.Panel{Heading: e.Label, Aside: scale.Probability(e.BestProbability)}}
	panel.Alt = fmt.Sprintf("Cut-out in the %s; the network then says %s %s", d.place(e.Window), e.Label, scale.Probability(e.BestProbability))
	return panel
}

// around is a square twice as long as a window, about it where the picture reaches that far.
func (d drawing) around(w image.Rectangle) picture.Rect {
	in := d.Picture.Input
	side := min(2*max(w.Dx(), w.Dy()), in.Width, in.Height)
	at := func(from, to, most int) int { return min(max((from+to)/2-side/2, 0), most-side) }
	corner := image.Pt(at(w.Min.X, w.Max.X, in.Width), at(w.Min.Y, w.Max.Y, in.Height))
	return rect(image.Rectangle{Min: corner, Max: corner.Add(image.Pt(side, side))})
}

func (d drawing) placeWords(list []attrib.Extreme) string {
	words := make([]string, len(list))
	for i, e := range list {
		words[i] = d.place(e.Window)
	}
	return strings.Join(words, ", ")
}

// extremeWords say of each position where it lies, the drop, and what the network says then.
func (d drawing) extremeWords(list []attrib.Extreme) string {
	words := make([]string, len(list))
	for i, e := range list {
		words[i] = fmt.Sprintf("%s, %s: %s %s", d.place(e.Window), d.change(e), e.Label, scale.Probability(e.BestProbability))
	}
	return strings.Join(words, "; ")
}

// table has a row for each position, the strongest first, then the weakest.
func (e Extremes) table() [][]string {
	rows := [][]string{{
		"kind", "position", "x", "y", "width", "height", "drop", "probability", "best_class", "best_label", "best_probability",
	}}
	short := func(v float64) string { return fmt.Sprint(float32(v)) }
	add := func(kind string, list []attrib.Extreme) {
		for _, p := range list {
			w := p.Window
			rows = append(rows, []string{
				kind, strconv.Itoa(p.Position), strconv.Itoa(w.Min.X), strconv.Itoa(w.Min.Y), strconv.Itoa(w.Dx()), strconv.Itoa(w.Dy()),
				short(p.Drop), short(p.Probability), strconv.Itoa(p.Best), escaped(p.Label), short(p.BestProbability),
			})
		}
	}
	add("strongest", e.Strongest())
	add("weakest", e.Weakest())
	return rows
}

// document is the attribution's with the positions.
func (e Extremes) document() any {
	d := attributionDocument(e.Attribution)
	d["strongest"], d["weakest"] = extremeDocuments(e.Strongest()), extremeDocuments(e.Weakest())
	return d
}

func extremeDocuments(list []attrib.Extreme) []map[string]any {
	documents := make([]map[string]any, len(list))
	for i, e := range list {
		documents[i] = map[string]any{
			"position": e.Position, "window": boxNumbers(e.Window), "drop": number(e.Drop), "probability": number(e.Probability),
			"best_class":       map[string]any{"index": e.Best, "label": e.Label},
			"best_probability": number(e.BestProbability),
		}
	}
	return documents
}

// boxNumbers are x, y, width and height, as the command line takes them.
func boxNumbers(r image.Rectangle) [4]int { return [4]int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} }
