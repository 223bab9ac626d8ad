package gonbviz

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models/weights"
)

// Save writes a result to a file, by the file's ending: as a picture (.svg, .html, .png), as an array (.npy), as a
// table (.csv) or with everything known about it (.json). Not every result has all of them; the error lists those it
// has. The file appears whole or not at all: it is written beside path under another name and then renamed. What stands
// at path is replaced and keeps its permissions; a link is replaced, not followed. No folder is made.
func Save(path string, result any) error {
	ending := strings.ToLower(filepath.Ext(path))
	if !slices.Contains(Endings(result), ending) {
		return fmt.Errorf("%s: this result can't be saved as %q; give one of %s", path, ending, strings.Join(Endings(result), ", "))
	}
	file, err := beside(path)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails, as it should, once the file has its name
	err = write(file, ending, result)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return named(path, err)
}

// CanSave reports what would keep Save from writing at path, to be known before the work and not after it.
func CanSave(path string) error {
	file, err := beside(path)
	if err != nil {
		return err
	}
	file.Close()
	return named(path, os.Remove(file.Name()))
}

// beside makes the file that will become path.
func beside(path string) (*os.File, error) {
	old, err := os.Lstat(path)
	exists := err == nil
	switch {
	case exists && old.IsDir():
		return nil, fmt.Errorf("%s is a folder; give a file's name", path)
	case exists && !old.Mode().IsRegular() && old.Mode().Type() != os.ModeSymlink:
		return nil, fmt.Errorf("%s is no ordinary file and is left alone; give another name", path)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, named(path, err)
	}
	// Not os.CreateTemp, whose files only their owner can read: a new file gets what the user's umask allows.
	name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".gonbviz-%016x", rand.Uint64()))
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(path)); err == nil {
			return nil, fmt.Errorf("%s: no file can be made in this folder; choose another", path)
		}
		return nil, fmt.Errorf("%s: the folder does not exist; make it first", path)
	}
	if err != nil {
		return nil, named(path, err)
	}
	if exists && old.Mode().IsRegular() {
		err = file.Chmod(old.Mode().Perm())
	}
	if err != nil {
		file.Close()
		os.Remove(name)
		return nil, named(path, err)
	}
	return file, nil
}

// named is err about the file at path, which the system's errors about another name would hide.
func named(path string, err error) error {
	var onPath *os.PathError
	var onLink *os.LinkError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &onPath):
		err = onPath.Err
	case errors.As(err, &onLink):
		err = onLink.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Endings lists the file endings that a result can be saved under.
func Endings(result any) []string {
	pictures := []string{".svg", ".html", ".png"}
	switch result.(type) {
	case *attrib.Attribution, Panels, Extremes, Focused:
		return append(pictures, ".npy", ".csv", ".json")
	case *probe.FilterBank, *probe.MapSet:
		return append(pictures, ".npy", ".json")
	case *probe.Answer, Top, LayerTable:
		return append(pictures, ".csv", ".json")
	case *Report:
		return []string{".html"}
	}
	return pictures
}

func write(w io.Writer, ending string, result any) error {
	if err := checkResult(result); err != nil {
		return err
	}
	switch ending {
	case ".npy":
		shape, values, err := numbers(result)
		if err != nil {
			return err
		}
		return weights.WriteNPY(w, shape, values)
	case ".csv":
		return csv.NewWriter(w).WriteAll(table(result))
	case ".json":
		return WriteJSON(w, result)
	}
	if report, ok := result.(*Report); ok {
		_, err := w.Write(report.HTML())
		return err
	}
	figure, err := FigureOf(result)
	if err != nil {
		return err
	}
	var data []byte
	switch ending {
	case ".svg":
		data = figure.SVG()
	case ".html":
		data = picture.Page(figure.Title, figure)
	case ".png":
		data, err = figure.PNG(picture.Raster{})
	}
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// numbers is a result as one array.
func numbers(result any) (shape []int, values []float32, err error) {
	switch r := result.(type) {
	case *probe.FilterBank:
		return []int{r.Out, r.In, r.H, r.W}, r.Weights, nil
	case *probe.MapSet:
		if len(r.Layers) != 1 {
			return nil, nil, fmt.Errorf("an array holds one layer's maps; there are %d layers", len(r.Layers))
		}
		return mapNumbers(r.Layers[0])
	case Panels:
		if r.Show == Probability || r.Show == BestClass {
			return r.gridNumbers()
		}
		return numbers(r.Attribution)
	case Extremes:
		return numbers(r.Attribution)
	case Focused:
		return numbers(r.Attribution)
	case *attrib.Attribution:
		if r.Channels != nil {
			return []int{len(r.Channels.Drop)}, r.Channels.Drop, nil
		}
		if r.Map == nil {
			return []int{r.Grid.Rows, r.Grid.Cols}, r.Grid.Drop.Values, nil
		}
		return []int{r.Map.H, r.Map.W}, r.Map.Values, nil
	}
	return nil, nil, fmt.Errorf("%T is no array", result)
}

// mapNumbers is C×H×W, or C for a layer without places.
func mapNumbers(l probe.LayerMaps) (shape []int, values []float32, err error) {
	for _, p := range l.Planes {
		values = append(values, p.Values...)
	}
	if l.TensorShape != nil && len(l.Planes) == l.Total && slices.IsSorted(l.Index) {
		return l.TensorShape, values, nil
	}
	shape = []int{len(l.Planes)}
	if !l.Units() {
		shape = append(shape, l.Planes[0].H, l.Planes[0].W)
	}
	return shape, values, nil
}

// table is a result as rows of text, a header first.
func table(result any) [][]string {
	switch r := result.(type) {
	case Panels:
		return table(r.Attribution)
	case Extremes:
		return r.table()
	case Focused:
		return table(r.Attribution)
	case *attrib.Attribution:
		return gridTable(r)
	case *probe.Answer:
		return table(Top{r, 0})
	case Top:
		rows := [][]string{{"index", "label", "probability", "logit"}}
		for _, c := range r.Classes() {
			rows = append(rows, []string{strconv.Itoa(c.Index), escaped(c.Label), fmt.Sprint(c.Probability), fmt.Sprint(c.Logit)})
		}
		return rows
	case LayerTable:
		rows := [][]string{{"name", "kind", "shape", "parameters", "receptive_field", "stride"}}
		for _, l := range r.Layers {
			stride := ""
			if l.Stride != [2]int{} { // a layer without places has none
				stride = join(l.Stride[:])
			}
			rows = append(rows, []string{escaped(l.Name), string(l.Kind), join(l.Shape), strconv.Itoa(l.Parameters), join(l.ReceptiveField[:]), stride})
		}
		return rows
	}
	return nil
}

// pixelTable has a row for each pixel of a map without positions, with its standard error where there is one.
func pixelTable(a *attrib.Attribution) [][]string {
	rows := [][]string{{"row", "column", "value"}}
	if a.Error != nil {
		rows[0] = append(rows[0], "standard_error")
	}
	for i, v := range a.Map.Values {
		row := []string{strconv.Itoa(i / a.Map.W), strconv.Itoa(i % a.Map.W), fmt.Sprint(v)}
		if a.Error != nil {
			row = append(row, fmt.Sprint(a.Error.Values[i]))
		}
		rows = append(rows, row)
	}
	return rows
}

// channelTable has a row for each channel.
func channelTable(c *attrib.Channels) [][]string {
	rows := [][]string{{"channel", "drop", "probability", "best_class", "best_label"}}
	for i, d := range c.Drop {
		rows = append(rows, []string{strconv.Itoa(i), fmt.Sprint(d), fmt.Sprint(c.Probability[i]), strconv.Itoa(c.Best[i]), escaped(c.Labels[c.Best[i]])})
	}
	return rows
}

// gridTable has a row for each position.
func gridTable(a *attrib.Attribution) [][]string {
	switch {
	case a.Channels != nil:
		return channelTable(a.Channels)
	case a.Grid == nil && a.Map != nil:
		return pixelTable(a)
	}
	rows := [][]string{{"row", "column", "x", "y", "width", "height", "drop", "probability", "best_class", "best_label"}}
	for i, w := range a.Grid.Windows {
		best := a.Grid.Best[i]
		rows = append(rows, []string{
			strconv.Itoa(i / a.Grid.Cols), strconv.Itoa(i % a.Grid.Cols),
			strconv.Itoa(w.Min.X), strconv.Itoa(w.Min.Y), strconv.Itoa(w.Dx()), strconv.Itoa(w.Dy()),
			fmt.Sprint(a.Grid.Drop.Values[i]), fmt.Sprint(a.Grid.Probability.Values[i]), strconv.Itoa(best), escaped(a.Grid.Labels[best]),
		})
	}
	return rows
}

// join writes sizes as 113×113×64.
func join(sizes []int) string {
	words := make([]string, len(sizes))
	for i, s := range sizes {
		words[i] = strconv.Itoa(s)
	}
	return strings.Join(words, "×")
}

// number is a float that JSON can hold: NaN and infinities become null.
type number float64

// MarshalJSON writes null for what is not finite, and float32 numbers as short as they are.
func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	if float64(float32(v)) == v {
		return strconv.AppendFloat(nil, v, 'g', -1, 32), nil
	}
	return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
}

// rows is a plane as JSON has it: a list of rows.
func rows(p *field.Plane) [][]number {
	if p == nil {
		return nil
	}
	list := make([][]number, p.H)
	for y := range list {
		list[y] = make([]number, p.W)
		for x := range list[y] {
			list[y][x] = number(p.At(y, x))
		}
	}
	return list
}

// WriteJSON writes a result with all that made it as one JSON document in one line.
func WriteJSON(w io.Writer, result any) error {
	if err := checkResult(result); err != nil {
		return err
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document(result)); err != nil {
		return err
	}
	// The encoder leaves some of what a terminal obeys as it is.
	_, err := io.WriteString(w, escaped(strings.TrimSuffix(text.String(), "\n"))+"\n")
	return err
}

// escaped writes control characters, and the marks that turn or hide text, as JSON does.
func escaped(text string) string {
	hidden := func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !hidden(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

func document(result any) any {
	switch r := result.(type) {
	case Panels:
		return document(r.Attribution)
	case Extremes:
		return r.document()
	case Focused:
		return r.document()
	case *attrib.Attribution:
		return attributionDocument(r)
	case *probe.Answer:
		return document(Top{r, 0})
	case Top:
		return map[string]any{"model": r.Network, "input": inputDocument(r.Picture), "backend": r.Backend, "versions": Versions(), "classes": r.Classes(), "options": map[string]any{"top": r.N}, "seed": 0, "guessed": r.Guessed, "notice": r.Notice}
	case LayerTable:
		return map[string]any{
			"model": r.Network, "layers": layerDocuments(r.Layers), "versions": Versions(), "guessed": r.Guessed, "notice": r.Notice,
			"options": map[string]any{}, "backend": r.Backend, "seed": 0, // there are none, and nothing was run
		}
	case *probe.FilterBank:
		return map[string]any{
			"model": r.Network, "layer": layerDocuments([]probe.Layer{r.Layer})[0], "options": map[string]string{"scale": r.Filters.Scale.String()},
			"shape": []int{r.Out, r.In, r.H, r.W}, "weights": nest(r.Weights, r.Out, r.In, r.H, r.W), "versions": Versions(),
			"backend": r.Backend, "seed": 0, // nothing was run
			"notice": r.Notice,
		}
	case *probe.MapSet:
		return mapsDocument(r)
	}
	return result
}

// inputDocument says what was fed.
func inputDocument(p *pixel.Prepared) any {
	in := p.Input
	return map[string]any{
		"name": p.Name, "crop": p.Crop, "height": in.Height, "width": in.Width, "channels": in.Order.String(),
		"low": in.Low, "high": in.High, "mean": in.Mean, "deviation": in.Deviation,
	}
}

// nest makes nested lists of a flat one.
func nest(values []float32, shape ...int) any {
	if len(shape) == 0 {
		return number(values[0])
	}
	if len(shape) == 1 {
		list := make([]number, len(values))
		for i, v := range values {
			list[i] = number(v)
		}
		return list
	}
	list := make([]any, shape[0])
	step := len(values) / max(shape[0], 1)
	for i := range list {
		list[i] = nest(values[i*step:(i+1)*step], shape[1:]...)
	}
	return list
}

func mapsDocument(set *probe.MapSet) any {
	layers := make([]map[string]any, len(set.Layers))
	for i, l := range set.Layers {
		shape, values, _ := mapNumbers(l)
		strength := make([]number, len(l.Strength))
		for j, s := range l.Strength {
			strength[j] = number(s)
		}
		layers[i] = map[string]any{
			"layer": layerDocuments([]probe.Layer{l.Layer})[0], "point": l.After, "index": l.Index, "strength": strength,
			"shape": shape, "maps": nest(values, shape...),
		}
	}
	return map[string]any{
		"model": set.Network, "input": inputDocument(set.Picture), "backend": set.Backend, "versions": Versions(), "layers": layers,
		"options": map[string]any{"sort": set.Maps.Sort.String(), "top": set.Maps.Top, "pre": set.Maps.Pre}, "seed": 0,
		"guessed": set.Guessed, "notice": set.Notice,
	}
}

func layerDocuments(layers []probe.Layer) []map[string]any {
	list := make([]map[string]any, len(layers))
	for i, l := range layers {
		list[i] = map[string]any{
			"name": l.Name, "kind": l.Kind, "shape": l.Shape, "parameters": l.Parameters,
			"receptive_field": l.ReceptiveField, "stride": l.Stride,
		}
	}
	return list
}

// numberOptions are the options whose values are always numbers. Others may look like one (a window of "34", not "34x20").
var numberOptions = []string{"soft", "superpixels", "regions", "masks", "cells", "keep", "seed"}

func attributionDocument(a *attrib.Attribution) map[string]any {
	options := map[string]any{}
	for _, o := range a.Options {
		options[o.Name] = o.Value
		if slices.Contains(numberOptions, o.Name) && json.Valid([]byte(o.Value)) { // a method from a cell may mean another by it
			options[o.Name] = json.Number(o.Value)
		}
	}
	d := map[string]any{
		"model": a.Network, "method": a.Method, "input": inputDocument(a.Picture),
		"class": map[string]any{"index": a.Class, "label": a.Label}, "score": a.Score,
		"clean": number(a.Clean), "options": options, "map": nil, "seed": a.Seed, "batch": a.Batch,
		"seconds": a.Seconds, "compile_seconds": a.CompileSeconds, "peak_memory_bytes": a.PeakMemory,
		"guessed": a.Guessed, "notice": a.Notice, "cached": a.Cached, "backend": a.Backend, "versions": Versions(),
	}
	if a.Map != nil {
		d["map"] = rows(a.Map)
	}
	if a.Error != nil {
		d["standard_error"] = rows(a.Error)
	}
	if u := unitOf(a); u.Layer != "" {
		d["unit"] = u.String()
	}
	if c := a.Channels; c != nil {
		d["layer"], d["drop"], d["probability"], d["best_class"] = c.Layer, nest(c.Drop, len(c.Drop)), nest(c.Probability, len(c.Probability)), c.Best
		d["channels"], d["asked"] = len(c.Drop)+c.Unasked, len(c.Drop) // fewer where it was stopped: the first ones
	}
	if g := a.Grid; g != nil && g.Segments != nil {
		d["segments"] = labelRows(g.Segments, a.Picture.Input.Width)
	}
	if g := a.Grid; g != nil {
		best := make([][]int, g.Rows)
		for y := range best {
			best[y] = g.Best[y*g.Cols : (y+1)*g.Cols]
		}
		d["positions"], d["grid"], d["probability"], d["best_class"] = len(g.Windows), rows(&g.Drop), rows(&g.Probability), best
		d["asked"] = len(g.Windows) - g.Unasked // fewer where it was stopped: the others are null, their class −1
		if len(g.Settings.Regions) > 0 {
			d["regions"] = boxes(g.Settings.Regions)
		}
		if g.Revealed {
			d["bare"] = number(g.Bare) // what the values of positions are over
		}
		if a.Engine != "" {
			d["engine"], options["exact"] = a.Engine, string(g.Settings.Exact)
		}
	}
	return d
}

// unitOf is the unit that was explained in place of a class.
func unitOf(a *attrib.Attribution) attrib.Unit {
	if a.Grid == nil {
		return attrib.Unit{}
	}
	return a.Grid.Settings.Unit
}

// boxes are rectangles as the command line takes them: x, y, width and height.
func boxes(list []image.Rectangle) [][4]int {
	numbers := make([][4]int, len(list))
	for i, r := range list {
		numbers[i] = boxNumbers(r)
	}
	return numbers
}

// labelRows is an image of labels as a list of rows.
func labelRows(labels []int, width int) [][]int {
	list := make([][]int, len(labels)/width)
	for y := range list {
		list[y] = labels[y*width : (y+1)*width]
	}
	return list
}

const modulePath = "github.com/convlens/convlens"

// Versions lists the versions of what computed a result: this module, Go, GoMLX and its backends.
func Versions() map[string]string {
	versions := map[string]string{"go": runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, m := range append(info.Deps, &info.Main) {
		switch m.Path {
		case modulePath:
			versions["gonbviz"] = m.Version
		case "github.com/gomlx/gomlx", "github.com/gomlx/compute", "github.com/gomlx/go-xla":
			versions[filepath.Base(m.Path)] = m.Version
		}
	}
	return versions
}
