package gonbviz

import (
	"context"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
)

// Report is all that there is to show of a network and one picture, in the order in which one would ask: what the
// network says, what that rests on, what its layers answer, what its first filters look for, and what it is made of.
type Report struct {
	// Title names the network and the picture.
	Title string
	// Figures are all that is shown, in order.
	Figures []picture.Figure
}

// HTML is the report as one page that needs nothing else.
func (r *Report) HTML() []byte { return picture.Page(r.Title, r.Figures...) }

// Report makes the report on a picture. ctx stops it and hears of its progress.
func (l *Lens) Report(ctx context.Context, photo *pixel.Prepared) (*Report, error) {
	return l.ReportWith(ctx, photo, attrib.Occlusion{})
}

// ReportWith makes the report with a heatmap as o asks for: of another class, perhaps, or by another score.
func (l *Lens) ReportWith(ctx context.Context, photo *pixel.Prepared, o attrib.Occlusion) (*Report, error) {
	answer, err := l.classify(ctx, photo)
	if err != nil {
		return nil, err
	}
	occlusion, err := l.attribute(ctx, photo, o)
	if err != nil {
		return nil, err
	}
	heatmap, err := Heatmap(occlusion)
	if err != nil {
		return nil, err
	}
	results := []any{answer, occlusion, heatmap}
	if layers := l.tellingLayers(); len(layers) > 0 {
		maps, err := l.maps(ctx, photo, probe.Maps{Layers: layers, Sort: probe.ByStrength, Top: 12})
		if err != nil {
			return nil, err
		}
		results = append(results, maps)
	}
	if first := l.firstConvolution(); first != "" {
		// A kernel that is computed instead of stored can't be shown; the rest of the report can.
		if bank, err := l.Filters(first); err == nil {
			results = append(results, bank)
		}
	}
	report := &Report{Title: l.Network().Name + " and " + inputName(photo)}
	for _, result := range append(results, l.LayerTable()) {
		figure, err := FigureOf(result)
		if err != nil {
			return nil, err
		}
		report.Figures = append(report.Figures, figure)
	}
	return report, nil
}

// firstConvolution is the name of the layer whose filters can be looked at; empty where there is none.
func (l *Lens) firstConvolution() string {
	for _, layer := range l.Layers() {
		if layer.Kind == probe.Conv {
			return layer.Name
		}
	}
	return ""
}

// tellingLayers are the first convolution and the layers about a third, two thirds and all of the way down, of those
// that answer with maps of several values.
func (l *Lens) tellingLayers() []string {
	var names []string
	for _, layer := range l.Layers() {
		joins := layer.Kind == probe.Conv || layer.Kind == probe.Concat || layer.Kind == probe.Add
		if joins && layer.Stride != [2]int{} && layer.Shape[0]*layer.Shape[1] > 1 {
			names = append(names, layer.Name)
		}
	}
	const wanted = 4
	if len(names) <= wanted {
		return names
	}
	picked := make([]string, wanted)
	for i := range picked {
		picked[i] = names[i*(len(names)-1)/(wanted-1)]
	}
	return picked
}
