package gonbviz

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/scale"
)

// mostValues is how many values of maps one figure may hold before its bytes get out of hand; the maps that go beyond
// are left out, and the figure says so.
const mostValues = 64 * 113 * 113

func mapsFigure(set *probe.MapSet) picture.Figure {
	common := mapScale(set.Layers)
	var body []picture.Mark
	var layers, words []string
	for i, l := range set.Layers {
		side := []picture.Mark{}
		if i == 0 {
			panel := inputPanel(set.Picture, title(photoWord(set.Picture)), "")
			panel.Aside = fmt.Sprintf("%d × %d", set.Picture.Input.Width, set.Picture.Input.Height)
			side = append(side, panel, picture.Ramp{Scale: common, Head: "response, " + afterWords(set)}, picture.Note{Text: zeroWords(common)})
		} else if zoom, ok := zoomPanel(set, l); ok {
			side = append(side, zoom...)
		}
		body = append(body, picture.Beside{Side: side, Main: []picture.Mark{layerTiles(l, common, len(set.Layers))}})
		layers = append(layers, layerWords(l))
		words = append(words, fmt.Sprintf("%s strongest channel %s", l.Layer.Name, strongest(l)))
	}
	sorted := "sorted by standard deviation over the map"
	subtitle := "The strongest maps first. Below each: its channel, and its strength (standard deviation over the map)"
	if set.Maps.Sort == probe.ByIndex {
		sorted, subtitle = "in order of the channels", "Below each map: its channel, and its strength (standard deviation over the map)"
	}
	if len(set.Layers) == 1 && set.Layers[0].Units() {
		sorted, subtitle = strings.Replace(sorted, "standard deviation over the map", "absolute value", 1), "A cell is a unit, line by line from 0 at the upper left"
		if set.Maps.Sort == probe.ByStrength {
			subtitle = "A cell is a unit, the strongest first"
		}
	}
	low, high := common.Domain()
	return picture.Figure{
		Title: "What " + layerTitle(set) + " to the " + photoWord(set.Picture), Subtitle: subtitle, Body: body,
		Caption: []string{networkCaption(set.Network, set.Notice), inputCaption(set.Picture), set.Guessed, strings.Join(layers, " and "), afterWords(set), sorted,
			fmt.Sprintf("one scale, %s to %s", scale.Number(low), scale.Number(high)), backendCaption(set.Backend)},
		Alt:  fmt.Sprintf("Activation maps of %s for %s; %s.", strings.Join(layers, ", "), inputName(set.Picture), strings.Join(words, "; ")),
		Text: fmt.Sprintf("%s on %s: %s; values from %s to %s", set.Network, inputName(set.Picture), strings.Join(words, "; "), scale.Number(common.Least), scale.Number(common.Most)),
	}
}

// mapScale is the one scale of all maps shown: from 0 where nothing is negative, else symmetric about it.
func mapScale(layers []probe.LayerMaps) scale.Scale {
	var planes []field.Plane
	negative := false
	for _, l := range layers {
		planes = append(planes, l.Planes...)
		for _, p := range l.Planes {
			lo, _, ok := p.Range()
			negative = negative || ok && lo < 0
		}
	}
	fit := scale.Fit{Trim: 0.003, Round: true}
	units := func(l probe.LayerMaps) bool { return len(l.Planes) > 0 && len(l.Planes[0].Values) == 1 }
	if slices.ContainsFunc(layers, units) {
		fit.Trim = 0 // units are so few beside the values of maps that all of them might be beyond the end
	}
	if negative {
		return fit.Symmetric(planes...)
	}
	return fit.Linear(planes...)
}

// layerTitle names the layers as the subject of a sentence.
func layerTitle(set *probe.MapSet) string {
	if n := len(set.Layers); n > 1 {
		return count(n) + " layers answer"
	}
	return layerName(set.Layers[0]) + " answers"
}

// layerName is the name that a person asked with where the point's own is that of its activation function.
func layerName(l probe.LayerMaps) string {
	name := l.Layer.Name
	if l.Layer.Kind == probe.Activation {
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			name = name[:i]
		}
	}
	return name
}

// layerWords is a layer with how many maps it has.
func layerWords(l probe.LayerMaps) string {
	what := "maps"
	if l.Units() {
		what = "units"
	}
	words := fmt.Sprintf("%s (%s %s", layerName(l), scale.Count(l.Total), what)
	if len(l.Planes) < l.Total {
		words += fmt.Sprintf(", %d shown", len(l.Planes))
	}
	if l.Silent > 0 {
		words += fmt.Sprintf(", %d silent here", l.Silent)
	}
	return words + ")"
}

// afterWords say what the values have been through: once where all layers agree.
func afterWords(set *probe.MapSet) string {
	words := set.Layers[0].After
	for _, l := range set.Layers[1:] {
		if l.After != words {
			return "of the layers’ outputs"
		}
	}
	switch len(set.Layers) {
	case 1:
		return words
	case 2:
		return words + ", both layers"
	}
	return words + ", all layers"
}

// zeroWords say what zero looks like and how much lies beyond the scale.
func zeroWords(s scale.Scale) string {
	words := "Zero is dark."
	if s.Diverging {
		words = "Zero is pale."
	}
	if beyond := s.Below + s.Above; beyond > 0 {
		words += fmt.Sprintf(" %s of the values lie beyond the scale (largest: %s).", scale.Percent(beyond), scale.Number(math.Max(-s.Least, s.Most)))
	}
	return words
}

// strongest is the channel with the largest strength.
func strongest(l probe.LayerMaps) string {
	best := 0
	for i, s := range l.Strength {
		if s > l.Strength[best] {
			best = i
		}
	}
	return fmt.Sprintf("%d (%s)", l.Index[best], scale.Number(l.Strength[best]))
}

// layerTiles is the grid of a layer's maps, or for a layer without places its units as cells of one map.
func layerTiles(l probe.LayerMaps, s scale.Scale, layers int) picture.Mark {
	tiles := picture.Tiles{Heading: layerName(l), Framed: true}
	if l.Units() {
		return unitCells(l, s)
	}
	h, w := l.Planes[0].H, l.Planes[0].W
	fits := max(mostValues/layers/(h*w), 1)
	tiles.Aside = fmt.Sprintf("%d × %d each", h, w)
	if stride := l.Layer.Stride; stride[0] == stride[1] && stride[0] > 1 {
		tiles.Aside += fmt.Sprintf(", one value every %d pixels", stride[0])
	}
	if fits < len(l.Planes) {
		tiles.Aside += fmt.Sprintf("; first %d of %d maps", fits, len(l.Planes))
	}
	for i, p := range l.Planes[:min(fits, len(l.Planes))] {
		tiles.Tiles = append(tiles.Tiles, picture.Tile{
			Image: s.Image(p), Label: fmt.Sprint(l.Index[i]), Value: scale.Number(l.Strength[i]),
			Alt: fmt.Sprintf("%s channel %d, %s", layerName(l), l.Index[i], rangeWords(p)),
		})
	}
	return tiles
}

// unitCells lays the units of a dense layer out in lines of a map, one cell each.
func unitCells(l probe.LayerMaps, s scale.Scale) picture.Mark {
	const most = 40
	lines := (len(l.Planes) + most - 1) / most
	columns := (len(l.Planes) + lines - 1) / lines // lines as even as can be: few cells are left without a unit
	cells := field.New(lines, columns)
	for i := range cells.Values {
		cells.Values[i] = float32(math.NaN())
		if i < len(l.Planes) {
			cells.Values[i] = l.Planes[i].Values[0]
		}
	}
	note := scale.Count(len(l.Planes)) + " units"
	if len(l.Planes) < l.Total {
		note = fmt.Sprintf("%s of %s units", scale.Count(len(l.Planes)), scale.Count(l.Total))
	}
	if lines > 1 {
		note += fmt.Sprintf(", %d a line", columns)
	}
	if !slices.IsSorted(l.Index) || len(l.Planes) < l.Total { // else a cell's place says which unit it is
		note += ", from the left: " + joinNumbers(l.Index)
	}
	return picture.Panel{
		Heading: layerName(l), Note: note,
		Layers: []picture.Layer{picture.Overlay{Plane: cells, Scale: s}},
		Alt:    fmt.Sprintf("%d units of %s, %s", len(l.Planes), layerName(l), rangeWords(cells)),
	}
}

// joinNumbers lists numbers; of many the first ones.
func joinNumbers(numbers []int) string {
	const most = 40
	words := make([]string, 0, most)
	for _, n := range numbers[:min(len(numbers), most)] {
		words = append(words, fmt.Sprint(n))
	}
	if len(numbers) > most {
		words = append(words, "…")
	}
	return strings.Join(words, ", ")
}

// rangeWords say where a map's values lie and where the largest is.
func rangeWords(p field.Plane) string {
	lo, hi, ok := p.Range()
	if !ok {
		return "without a finite value"
	}
	if lo == hi {
		return "everywhere " + scale.Number(float64(lo))
	}
	return fmt.Sprintf("%s to %s, largest in the %s", scale.Number(float64(lo)), scale.Number(float64(hi)), ninth(p))
}

// ninth names the part of the picture that holds the largest value.
func ninth(p field.Plane) string {
	best := -1
	for i, v := range p.Values {
		if !math.IsNaN(float64(v)) && (best < 0 || v > p.Values[best]) {
			best = i
		}
	}
	y, x := best/p.W*3/p.H, best%p.W*3/p.W
	if y == 1 && x == 1 {
		return "centre"
	}
	return strings.TrimSpace([]string{"upper", "", "lower"}[y] + " " + []string{"left", "middle", "right"}[x])
}

// zoomPanel is a cut-out of the photograph as large as what one value of the layer sees, with the layer's step drawn on
// it: why its maps are coarse.
func zoomPanel(set *probe.MapSet, l probe.LayerMaps) ([]picture.Mark, bool) {
	in, field, stride := set.Picture.Input, l.Layer.ReceptiveField, l.Layer.Stride
	side := max(field[0], field[1])
	if stride[0] < 2 || stride[1] < 2 || side > min(in.Height, in.Width) || side < stride[0]*2 {
		return nil, false
	}
	view := picture.Rect{X: float64((in.Width - side) / 2), Y: float64((in.Height - side) / 2), W: float64(side), H: float64(side)}
	panel := inputPanel(set.Picture, "Coarser with depth", "")
	panel.View = view
	panel.Layers = append(panel.Layers, picture.Mesh{StepX: float64(stride[1]), StepY: float64(stride[0]), X: view.X, Y: view.Y})
	panel.Alt = "Cut-out from the middle of the " + photoWord(set.Picture) + " with a grid of the layer's step"
	first := set.Layers[0]
	note := fmt.Sprintf("Squares: the %d-pixel step of %s", stride[0], layerName(l))
	if first.Layer.Stride[0] > 0 {
		note += fmt.Sprintf("; %s steps by %d", layerName(first), first.Layer.Stride[0])
	}
	note += fmt.Sprintf(". One value of %s sees as much as this cut-out (%d × %d pixels).", layerName(l), field[0], field[1])
	return []picture.Mark{panel, picture.Note{Text: note}}, true
}
