package gonbviz

import (
	"errors"
	"fmt"
	"image"
	"strings"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/photos"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/scale"
	"github.com/convlens/convlens/models"
)

// FigureOf draws a result as Show does: a photograph, or what one of the analyses returned. Change the Figure's fields
// for other words or another width.
func FigureOf(result any) (picture.Figure, error) {
	if err := checkResult(result); err != nil {
		return picture.Figure{}, err
	}
	switch r := result.(type) {
	case picture.Figure:
		return r, nil
	case *probe.Answer:
		return answerFigure(Top{r, usualTop}), nil
	case Top:
		return answerFigure(r), nil
	case LayerTable:
		return layersFigure(r), nil
	case *probe.FilterBank:
		return filtersFigure(r), nil
	case *probe.MapSet:
		return mapsFigure(r), nil
	case *attrib.Attribution:
		return Panels{Attribution: r}.figure()
	case Panels:
		return r.figure()
	case Extremes:
		return r.figure()
	case Focused:
		return r.figure()
	case *Report:
		return picture.Figure{}, errors.New("gonbviz: a report is several figures; draw its Figures one by one, or Show or Save it")
	case image.Image:
		return photoFigure(r), nil
	}
	return picture.Figure{}, fmt.Errorf("gonbviz: %T can't be shown; show a photograph or what an analysis returned", result)
}

// photoFigure is a photograph as it is.
func photoFigure(img image.Image) picture.Figure {
	name, notice := "A photograph", ""
	if p, ok := img.(*pixel.Photo); ok && p.Name != "" {
		name, notice = p.Name, p.Notice
		if file, err := photos.Open(name); err == nil && notice == "" {
			notice = file.Notice
		}
	}
	size := fmt.Sprintf("%d × %d", img.Bounds().Dx(), img.Bounds().Dy())
	return picture.Figure{
		Title: name,
		Body:  []picture.Mark{picture.Row{Marks: []picture.Mark{picture.Panel{Layers: []picture.Layer{picture.Photo{Image: img}}, Alt: "Photograph: " + name}}, Size: 320}},
		// The size is the file's; what a network gets of it stands with each result.
		Caption: []string{size + " pixels", notice},
		Alt:     "Photograph: " + name,
		Text:    fmt.Sprintf("photograph %s, %s pixels", name, size),
	}
}

// inputPanel is the photograph as the network gets it.
func inputPanel(p *pixel.Prepared, heading, note string) picture.Panel {
	in := p.Input
	return picture.Panel{
		Heading: heading, Note: note,
		Layers: []picture.Layer{picture.Photo{Image: p.Shown, Over: picture.Rect{W: float64(in.Width), H: float64(in.Height)}}},
		Alt:    "The input: " + inputName(p),
	}
}

// photoWord is what to call the input: small ones are digits and the like.
func photoWord(p *pixel.Prepared) string {
	const small = 64
	if max(p.Input.Height, p.Input.Width) <= small {
		return "picture"
	}
	return "photograph"
}

// title begins a heading.
func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// inputName is what the input is called in words.
func inputName(p *pixel.Prepared) string {
	if p.Name == "" {
		return "a picture"
	}
	return p.Name
}

// inputCaption is the caption's part on the input, with the notice that must be seen beside it.
func inputCaption(p *pixel.Prepared) string {
	words := "input " + inputName(p)
	if p.Notice != "" {
		words += " (" + p.Notice + ")"
	}
	return words + ", " + p.Crop
}

// networkCaption is the caption's part on the network, with the notice that must be seen beside its results.
func networkCaption(name, notice string) string {
	if notice != "" {
		name += " (" + notice + ")"
	}
	return name
}

// usualTop is how many classes are shown where nobody says how many.
const usualTop = 5

// Top is the N best classes of an answer; all of them with N = 0.
type Top struct {
	*probe.Answer
	N int
}

// Classes are the classes, best first.
func (t Top) Classes() []probe.Class { return t.Answer.Top(t.N) }

// answerFigure shows the most probable classes as bars.
func answerFigure(a Top) picture.Figure {
	top := a.Classes()
	bars := picture.Bars{Columns: []string{"probability", "logit", "vs. the best"}}
	rest, words := 1.0, make([]string, 0, len(top))
	for i, c := range top {
		rest -= c.Probability
		bars.Bars = append(bars.Bars, picture.Bar{
			Label: c.Label, Value: c.Probability, Strong: i == 0,
			Numbers: []string{scale.Probability4(c.Probability), scale.Fixed(float64(c.Logit), 2), scale.Versus(top[0].Probability, c.Probability)},
		})
		words = append(words, c.Label+" "+scale.Probability(c.Probability))
	}
	if others := len(a.Logits) - len(top); others > 0 {
		bars.Bars = append(bars.Bars, picture.Bar{
			Label: fmt.Sprintf("%s others", scale.Count(others)), Value: max(rest, 0), Rest: true,
			Numbers: []string{scale.Probability4(max(rest, 0))},
		})
	}
	subtitle, score := fmt.Sprintf("The %s most probable of %s classes", count(len(top)), scale.Count(len(a.Logits))), "softmax over "+scale.Count(len(a.Logits))+" classes"
	if len(top) == len(a.Logits) {
		subtitle = fmt.Sprintf("All %s classes, the most probable first", count(len(top)))
	}
	if len(a.Logits) == 1 {
		bars.Columns, subtitle, score = []string{"probability", "logit"}, "Its one class", "sigmoid of the logit"
	}
	return picture.Figure{
		Title: "What " + a.Network + " says", Subtitle: subtitle,
		Body: []picture.Mark{picture.Beside{
			Side: []picture.Mark{inputPanel(a.Picture, "", "")}, Main: []picture.Mark{bars}, Width: 176,
		}},
		Caption: []string{networkCaption(a.Network, a.Notice), inputCaption(a.Picture), a.Guessed, "score probability (" + score + ")", backendCaption(a.Backend)},
		Alt:     fmt.Sprintf("Bars of the most probable classes of %s: %s.", inputName(a.Picture), strings.Join(words, ", ")),
		Text:    fmt.Sprintf("%s on %s: %s", a.Network, inputName(a.Picture), strings.Join(words, ", ")),
	}
}

// backendCaption names a backend where it is one that a reader would want to know of: the slow one.
func backendCaption(backend string) string {
	if backend == "go" {
		return "pure-Go backend"
	}
	return ""
}

// count writes small numbers as words.
func count(n int) string {
	words := []string{"no", "one", "two", "three", "four", "five"}
	if n < len(words) {
		return words[n]
	}
	return scale.Count(n)
}

// layersFigure is the table of layers.
func layersFigure(t LayerTable) picture.Figure {
	right := func(head string) picture.Column { return picture.Column{Head: head, Right: true} }
	table := picture.Table{Columns: []picture.Column{
		{Head: "layer"}, {Head: "kind"}, right("output shape"), right("parameters"), right("receptive field"), right("stride"),
	}}
	total := 0
	for _, l := range t.Layers {
		total += l.Parameters
		table.Rows = append(table.Rows, layerRow(l))
	}
	words := fmt.Sprintf("%s layers, %s parameters", scale.Count(len(t.Layers)), scale.Count(total))
	return picture.Figure{
		Title:    "What " + t.Network + " is made of",
		Subtitle: "Layers in order of execution; receptive field and stride in pixels of the input, height × width",
		Body:     []picture.Mark{table},
		Caption: []string{networkCaption(t.Network, t.Notice), fmt.Sprintf("input %d × %d × %d, %s", t.Input.Height, t.Input.Width, t.Input.Channels(), t.Input.Order), feeding(t.Input), t.Guessed,
			words, "output shape is height × width × channels"},
		Alt:  fmt.Sprintf("Table of the layers of %s: %s.", t.Network, words),
		Text: fmt.Sprintf("%s: %s", t.Network, words),
	}
}

// feeding says what the network gets for a colour.
func feeding(in models.Input) string {
	words := fmt.Sprintf("black is %g and white %g", in.Low, in.High)
	if len(in.Mean) > 0 {
		words += ", less " + values(in.Mean)
	}
	if len(in.Deviation) > 0 {
		words += ", divided by " + values(in.Deviation)
	}
	return words
}

// values writes one number a channel.
func values(list []float32) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}

// layerRow is a layer as the table's words.
func layerRow(l probe.Layer) []string {
	words := func(sizes []int) string { return strings.ReplaceAll(join(sizes), "×", " × ") }
	parameters, stride := "", ""
	if l.Parameters > 0 {
		parameters = scale.Count(l.Parameters)
	}
	if l.Stride != [2]int{} {
		stride = words(l.Stride[:])
	}
	return []string{l.Name, string(l.Kind), words(l.Shape), parameters, words(l.ReceptiveField[:]), stride}
}
