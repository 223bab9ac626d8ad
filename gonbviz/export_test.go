package gonbviz_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/field"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models/weights"
)

// results is one result of each kind, of a small network.
func results(t *testing.T) map[string]any {
	t.Helper()
	lens, photo := open(t, testnet.Branches(31, 21, 1)), stripes(40, 30)
	occlusion := must(lens.Explain(photo, attrib.Occlusion{Window: attrib.Size{H: 10, W: 7}, Stride: attrib.Size{H: 5, W: 7}}))(t)
	supported := *occlusion
	supported.Map = &field.Plane{H: 31, W: 21, Values: slices.Repeat([]float32{1}, 31*21)}
	return map[string]any{
		"filters":     must(lens.Filters("stem"))(t),
		"maps":        must(lens.Maps(photo, probe.Maps{Layers: []string{"stem"}}))(t),
		"units":       must(lens.Maps(photo, probe.Maps{Layers: []string{"head"}}))(t),
		"answer":      must(lens.Classify(photo))(t),
		"layers":      lens.LayerTable(),
		"occlusion":   occlusion,
		"probability": gonbviz.Panels{Attribution: occlusion, Show: gonbviz.Probability},
		"class":       gonbviz.Panels{Attribution: occlusion, Show: gonbviz.BestClass},
		"extremes":    gonbviz.Extremes{Attribution: occlusion},
		"focused":     must(gonbviz.FocusOn(&supported, 0.1))(t),
		"photograph":  photo,
	}
}

// begin is how each kind of file begins.
var begin = map[string]string{".svg": "<svg", ".html": "<!DOCTYPE html>", ".png": "\x89PNG", ".npy": "\x93NUMPY", ".csv": "", ".json": "{"}

func TestSave(t *testing.T) {
	shapes := map[string][]int{
		"filters": {4, 3, 3, 3}, "maps": {4, 15, 10}, "units": {3}, "occlusion": {31, 21}, "probability": {6, 3}, "class": {6, 3},
		"extremes": {31, 21}, "focused": {31, 21},
	}
	for name, result := range results(t) {
		dir := t.TempDir()
		for _, ending := range gonbviz.Endings(result) {
			path := filepath.Join(dir, "out"+strings.ToUpper(ending))
			if err := gonbviz.Save(path, result); err != nil {
				t.Errorf("%s as %s: %v", name, ending, err)
				continue
			}
			data := must(os.ReadFile(path))(t)
			if !bytes.HasPrefix(data, []byte(begin[ending])) || len(data) == 0 {
				t.Errorf("%s as %s begins with %.20q", name, ending, data)
			}
			switch ending {
			case ".npy":
				if a := must(weights.OpenNPY(path, 1<<20))(t); !slices.Equal(a.Shape, shapes[name]) {
					t.Errorf("%s as an array is %v, want %v", name, a.Shape, shapes[name])
				}
			case ".csv":
				rows := must(csv.NewReader(bytes.NewReader(data)).ReadAll())(t)
				if len(rows) < 2 {
					t.Errorf("%s as a table has %d rows", name, len(rows))
				}
			case ".json":
				var document map[string]any
				if err := json.Unmarshal(data, &document); err != nil || document["model"] != "branches" {
					t.Errorf("%s as JSON: %v, model %v", name, err, document["model"])
				}
			}
		}
		if left := must(os.ReadDir(dir))(t); len(left) != len(gonbviz.Endings(result)) {
			t.Errorf("%s: %d files for %d endings", name, len(left), len(gonbviz.Endings(result)))
		}
		for _, path := range []string{"out", "out.bmp", ""} {
			if err := gonbviz.Save(path, result); err == nil || !strings.Contains(err.Error(), ".svg") {
				t.Errorf("%s saved as %q: %v", name, path, err)
			}
		}
	}
}

// What stands where a result is saved: kept permissions, links and folders.
func TestSaveOver(t *testing.T) {
	table := open(t, testnet.Exact()).LayerTable()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string, mode fs.FileMode) {
		t.Helper()
		if err := os.WriteFile(in(name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("private.csv", "old", 0o600)
	write("precious", "keep", 0o644)
	if err := os.Symlink("precious", in("link.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", in("broken.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(in("folder.csv"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"new.csv", "private.csv", "link.csv", "broken.csv"} {
		if err := errors.Join(gonbviz.CanSave(in(name)), gonbviz.Save(in(name), table)); err != nil {
			t.Error(err)
		}
		if info := must(os.Lstat(in(name)))(t); !info.Mode().IsRegular() || info.Size() < 10 || (name == "private.csv") != (info.Mode().Perm() == 0o600) {
			t.Errorf("%s: %v, %d bytes", name, info.Mode(), info.Size())
		}
	}
	if text := must(os.ReadFile(in("precious")))(t); string(text) != "keep" {
		t.Errorf("the link's target holds %q", text)
	}
	for name, want := range map[string]string{
		"folder.csv": "is a folder", "no/such.csv": "folder does not exist", "precious/x.csv": "not a directory",
		strings.Repeat("n", 300) + ".csv": "name too long",
	} {
		for what, err := range map[string]error{"CanSave": gonbviz.CanSave(in(name)), "Save": gonbviz.Save(in(name), table)} {
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "/.gonbviz") {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
	if files := must(os.ReadDir(dir))(t); len(files) != 6 {
		t.Errorf("files are left over: %v", files)
	}
}

// A result that can't be written leaves what was there.
func TestSaveFailing(t *testing.T) {
	lens := open(t, testnet.Branches(31, 21, 1))
	set := must(lens.Maps(stripes(40, 30), probe.Maps{Layers: []string{"stem", "head"}}))(t)
	path := filepath.Join(t.TempDir(), "two.npy")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := gonbviz.Save(path, set); err == nil || !strings.Contains(err.Error(), "2 layers") {
		t.Errorf("two layers as one array: %v", err)
	}
	if text := must(os.ReadFile(path))(t); string(text) != "old" {
		t.Errorf("the file holds %q", text)
	}
	if files := must(os.ReadDir(filepath.Dir(path)))(t); len(files) != 1 {
		t.Errorf("files are left over: %v", files)
	}
}

func TestWriteJSON(t *testing.T) {
	a := must(open(t, testnet.Branches(31, 21, 1)).Explain(stripes(40, 30), attrib.Occlusion{Window: attrib.Pixels(21), Stride: attrib.Pixels(21)}))(t)
	a.Label = "a\x1b[1m\u009b\u202e\U000e0001<b>\n"
	a.Clean = math.NaN()
	a.Map = &field.Plane{H: 1, W: 3, Values: []float32{float32(math.Inf(-1)), 0.1, 1e-9}}
	var out bytes.Buffer
	if err := gonbviz.WriteJSON(&out, a); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{`"clean":null`, `"map":[[null,0.1,1e-09]]`, `\u001b[1m\u009b\u202e\udb40\udc01<b>\n`, `"probability":[[`, `"seed":0`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	var document struct {
		Class     struct{ Label string }
		Positions int
		Grid      [][]float64
		BestClass [][]int `json:"best_class"`
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil || strings.Count(text, "\n") != 1 {
		t.Fatalf("%v: %s", err, text)
	}
	if document.Class.Label != a.Label || document.Positions != 2 || len(document.Grid) != 2 || len(document.BestClass[1]) != 1 {
		t.Errorf("read back: %+v", document)
	}
	a.Map = nil
	out.Reset()
	if err := gonbviz.WriteJSON(&out, a); err != nil || !strings.Contains(out.String(), `"map":null`) {
		t.Errorf("without a map: %v, %s", err, out.String())
	}
}

func TestTableIsEscaped(t *testing.T) {
	net := testnet.Branches(31, 21, 1)
	net.Labels = []string{"a,\"b\"", "\x1b[31mred", "two\u202e"}
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := gonbviz.Save(path, must(open(t, net).Classify(stripes(40, 30)))(t)); err != nil {
		t.Fatal(err)
	}
	rows := must(csv.NewReader(bytes.NewReader(must(os.ReadFile(path))(t))).ReadAll())(t)
	labels := map[string]bool{}
	for _, row := range rows {
		labels[row[1]] = true
	}
	if !labels[`a,"b"`] || !labels[`\u001b[31mred`] || !labels[`two\u202e`] || len(rows) != 4 {
		t.Errorf("rows %q", rows)
	}
}
