package gonbviz

import (
	"context"
	"embed"
	"fmt"
	"image"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/cache"
	"github.com/convlens/convlens/gonbviz/internal/plugin"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/pixel"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/gonbviz/progress"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

// helperEnv has the test binary explain a picture once, as a cell of a notebook does, and say whether that was known.
const helperEnv = "GONBVIZ_TEST_HELPER"

// TestMain keeps the tests from the results that the user has, and from leaving any.
func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		lens := Must(OpenOn("go", testnet.Branches(23, 31, 1)))
		a := Must(lens.Explain(noise(23, 31), attrib.Occlusion{}))
		fmt.Println(a.Cached, a.Grid.Drop.Values)
		return
	}
	os.Setenv(NoCacheEnv, "1")
	os.Exit(m.Run())
}

// noise is a picture for testnet.Branches with whole numbers that don't repeat soon.
func noise(height, width int) *pixel.Array {
	values := make([]float32, height*width*3)
	for i := range values {
		values[i] = float32(i * i % 251)
	}
	return Must(pixel.NewArray(weights.Array{Shape: []int{height, width, 3}, Values: values}, pixel.NHWC, "noise"))
}

// caching has this test keep results in a folder of its own.
func caching(t testing.TB) *cache.Cache {
	t.Helper()
	home := t.TempDir()
	t.Setenv(plugin.HomeEnv, home)
	t.Setenv(NoCacheEnv, "")
	return cache.In(home)
}

func openGo(t testing.TB, net *models.Network) *Lens {
	t.Helper()
	lens, err := OpenOn("go", net)
	if err != nil {
		t.Fatal(err)
	}
	return lens
}

// setVariable gives a variable other values.
func setVariable(t testing.TB, v *model.Variable, values []float32) {
	t.Helper()
	if err := v.SetValue(tensors.FromFlatDataAndDimensions(values, v.Shape().Dimensions...)); err != nil {
		t.Fatal(err)
	}
}

// known reports whether work's last progress said that the result was there already.
func known(t testing.TB, work func(ctx context.Context) error) bool {
	t.Helper()
	var last progress.Update
	if err := work(progress.With(t.Context(), func(u progress.Update) { last = u })); err != nil {
		t.Fatal(err)
	}
	return last.Cached && last.Name != "" && last.Took > 0
}

// TestKnown asks for each result twice, the second time of a network opened anew.
func TestKnown(t *testing.T) {
	store := caching(t)
	ask := func() (results []any, hits []bool) {
		lens := openGo(t, testnet.Branches(23, 31, 1))
		picture, err := lens.Prepare(noise(23, 31))
		if err != nil {
			t.Fatal(err)
		}
		for _, work := range []func(ctx context.Context) (any, error){
			func(ctx context.Context) (any, error) { return lens.attribute(ctx, picture, attrib.Occlusion{}) },
			func(ctx context.Context) (any, error) {
				return lens.attribute(ctx, picture, attrib.Occlusion{Class: "one", Overlap: attrib.OverlapNone, Fill: attrib.Noise, Seed: 3})
			},
			func(ctx context.Context) (any, error) {
				return lens.maps(ctx, picture, probe.Maps{Layers: []string{"fire", "head"}, Top: 2, Sort: probe.ByStrength})
			},
			func(ctx context.Context) (any, error) {
				answer, err := lens.classify(ctx, picture)
				if err != nil {
					return nil, err
				}
				return []any{answer.Network, answer.Backend, answer.Picture, answer.Logits, answer.Top(0)}, nil
			},
		} {
			hits = append(hits, known(t, func(ctx context.Context) error {
				result, err := work(ctx)
				results = append(results, result)
				return err
			}))
		}
		return results, hits
	}
	fresh, hits := ask()
	if slices.Contains(hits, true) {
		t.Errorf("known before they were computed: %v", hits)
	}
	old, hits := ask()
	if slices.Contains(hits, false) {
		t.Errorf("not known when asked again: %v", hits)
	}
	for i := range fresh {
		if a, ok := old[i].(*attrib.Attribution); ok {
			if !a.Cached || fresh[i].(*attrib.Attribution).Cached {
				t.Error("Cached is not what it says")
			}
			a.Cached = false
		}
		a, b := fmt.Sprintf("%+v", plain(fresh[i])), fmt.Sprintf("%+v", plain(old[i]))
		if !reflect.DeepEqual(plain(fresh[i]), plain(old[i])) {
			t.Errorf("result %d came back as another one:\n%s\n%s", i, a, b)
		}
	}
	if list, err := store.List(); err != nil || len(list) != len(fresh) || !strings.Contains(list[3].What, "occlusion · branches") {
		t.Errorf("list %+v, %v", list, err)
	}
	t.Setenv(NoCacheEnv, "1")
	if _, hits := ask(); slices.Contains(hits, true) {
		t.Errorf("known although %s is set: %v", NoCacheEnv, hits)
	}
}

// plain is a result without what points into the network that made it.
func plain(result any) any {
	set, ok := result.(*probe.MapSet)
	if !ok {
		return result
	}
	copied := *set
	copied.Layers = slices.Clone(set.Layers)
	for i, l := range copied.Layers {
		copied.Layers[i].Layer = probe.Layer{Name: l.Layer.Name, Kind: l.Layer.Kind, Shape: l.Layer.Shape, Stride: l.Layer.Stride}
	}
	return copied
}

// setting is all that makes a result.
type setting struct {
	net     *models.Network
	backend string
	picture *pixel.Array
	method  attrib.Occlusion
	machine string // put after the one at hand
}

func usual() setting {
	return setting{testnet.Branches(23, 31, 1), "go", noise(23, 31), attrib.Occlusion{Window: attrib.Pixels(8)}, ""}
}

// TestNeverWrong changes one of the things that make a result, each by as little as can be.
func TestNeverWrong(t *testing.T) {
	caching(t)
	explain := func(s setting) *attrib.Attribution {
		t.Helper()
		lens, err := OpenOn(s.backend, s.net)
		if err != nil {
			t.Fatal(err)
		}
		lens.results.machine += s.machine
		a, err := lens.Explain(s.picture, s.method)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if explain(usual()).Cached || !explain(usual()).Cached {
		t.Fatal("the usual result is not kept")
	}
	for what, change := range map[string]func(*setting){
		"a weight": func(s *setting) {
			v := s.net.Store.GetVariable("/block/conv/weights")
			values := tensors.MustCopyFlatData[float32](v.MustValue())
			values[len(values)-1] = math.Nextafter32(values[len(values)-1], 9)
			setVariable(t, v, values)
		},
		"the function": func(s *setting) {
			inner := s.net.Logits
			s.net.Logits = func(scope *model.Scope, x *graph.Node) *graph.Node {
				return graph.MulScalar(inner(scope, x), 2)
			}
		},
		"a label":     func(s *setting) { s.net.Labels = []string{"one", "two", "three"} },
		"name":        func(s *setting) { s.net.Name = "twigs" },
		"white":       func(s *setting) { s.net.Input.High = 254 },
		"a pixel":     func(s *setting) { s.picture = noise(23, 31); s.picture.Values[100] += 0x1p-10 },
		"the class":   func(s *setting) { s.method.Class = "one" },
		"score":       func(s *setting) { s.method.Score = attrib.Logit },
		"window":      func(s *setting) { s.method.Window = attrib.Size{H: 8, W: 9} },
		"stride":      func(s *setting) { s.method.Stride = attrib.Size{H: 2, W: 3} },
		"fill":        func(s *setting) { s.method.Fill = "127.5" },
		"border":      func(s *setting) { s.method.Border = attrib.Inside },
		"overlap":     func(s *setting) { s.method.Overlap = attrib.OverlapSum },
		"region":      func(s *setting) { s.method.Region.Max.X, s.method.Region.Max.Y = 31, 22 },
		"seed":        func(s *setting) { s.method.Seed = 1 },
		"in full":     func(s *setting) { s.method.Exact = attrib.Full },
		"in parts":    func(s *setting) { s.method.Exact = attrib.Incremental },
		"the backend": func(s *setting) { s.backend = "go:parallelism=1" },
		"the version": func(s *setting) { s.machine = "." },
	} {
		s := usual()
		change(&s)
		if explain(s).Cached {
			t.Errorf("%s is changed, and the result taken for known", what)
		}
	}
	t.Run("the environment", func(t *testing.T) {
		t.Setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
		if explain(usual()).Cached {
			t.Error("a flag of XLA's is set, and the result taken for known")
		}
	})
	defaults := usual()
	defaults.method = attrib.Occlusion{Window: attrib.Pixels(8), Stride: attrib.Pixels(2), Score: attrib.Probability, Fill: attrib.Gray, Batch: 4, Exact: attrib.Auto}
	if !explain(defaults).Cached { // on this backend the batch is always 1
		t.Error("defaults that are written out make another result")
	}
	if !explain(usual()).Cached {
		t.Error("the usual result is gone")
	}
	if s := usual(); !Must(openGo(t, s.net).Explain(s.picture, &s.method)).Cached {
		t.Error("a pointer to the method makes another result")
	}
}

// TestTraining changes a weight of a network that is open, and again while it is explained.
func TestTraining(t *testing.T) {
	caching(t)
	net := testnet.Branches(23, 31, 1)
	lens := openGo(t, net)
	set := func(to float32) {
		setVariable(t, net.Store.GetVariable("/head/biases"), []float32{to, 0, 0})
	}
	explain := func(ctx context.Context) *attrib.Attribution {
		return Must(lens.attribute(ctx, Must(lens.Prepare(noise(23, 31))), attrib.Occlusion{Class: "one", Score: attrib.Logit}))
	}
	set(1)
	before := explain(t.Context())
	set(2)
	if after := explain(t.Context()); after.Cached || after.Clean != before.Clean+1 {
		t.Errorf("cached %t, clean %v after %v", after.Cached, after.Clean, before.Clean)
	}
	set(3)
	explain(progress.With(t.Context(), func(progress.Update) { set(4) }))
	for _, bias := range []float32{3, 4} {
		set(bias)
		if explain(t.Context()).Cached {
			t.Errorf("a result of changing weights is kept for the bias %v", bias)
		}
	}
}

// TestBatch has results of two batch sizes, which differ in their last bits.
func TestBatch(t *testing.T) {
	if testbackend.XLA(t); testing.Short() {
		t.Skip("compiles twice; -short leaves it out")
	}
	file, err := plugin.Find("cpu")
	if err != nil {
		t.Fatal(err)
	}
	caching(t)
	lens, err := OpenOn("xla:"+file, testnet.Branches(23, 31, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range []int{4, 8} {
		for _, want := range []bool{false, true} {
			if a := Must(lens.Explain(noise(23, 31), attrib.Occlusion{Batch: batch})); a.Cached != want || a.Batch != batch {
				t.Errorf("batch %d: cached %t at batch %d", batch, a.Cached, a.Batch)
			}
		}
	}
}

// TestGuessedNow keeps results apart from what is assumed of the input, which may be stated later.
func TestGuessedNow(t *testing.T) {
	caching(t)
	for _, guessed := range []string{"assumed: 0 to 255", "assumed: 0 to 255", ""} {
		net := testnet.Branches(23, 31, 1)
		net.Guessed = guessed
		lens := openGo(t, net)
		maps := Must(lens.Maps(noise(23, 31), probe.Maps{Layers: []string{"fire"}}))
		a := Must(lens.Explain(noise(23, 31), attrib.Occlusion{}))
		answer := Must(lens.Classify(noise(23, 31)))
		for got, result := range map[*string]any{&maps.Guessed: maps, &a.Guessed: a, &answer.Guessed: answer} {
			var text strings.Builder
			if err := WriteJSON(&text, result); err != nil || *got != guessed || !strings.Contains(text.String(), `"guessed":"`+guessed+`"`) {
				t.Errorf("%T (cached: %t) says %q, want %q; %v", result, a.Cached, *got, guessed, err)
			}
		}
	}
}

// TestNotice has what must be seen beside a network's results in the words of each figure and each document.
func TestNotice(t *testing.T) {
	caching(t)
	net := testnet.Branches(23, 31, 1)
	net.Notice = "© A. Nyone, 2026"
	lens, photo := openGo(t, net), noise(23, 31)
	parts := attrib.Occlusion{Regions: []image.Rectangle{image.Rect(1, 2, 9, 8)}, AllClasses: true}
	for range 2 { // the second time results are known
		a, maps, bank := Must(lens.Explain(photo, parts)), Must(lens.Maps(photo, probe.Maps{Layers: []string{"fire"}})), Must(lens.Filters("stem"))
		for what, result := range map[string]any{
			"answer": Must(lens.Classify(photo)), "filters": bank, "maps": maps, "layers": lens.LayerTable(), "occlusion": a,
			"RISE": Must(lens.Explain(photo, attrib.RISE{Masks: 9})), "channels": Must(lens.Explain(photo, attrib.ChannelAblation{Layer: "stem"})),
			"extremes": Extremes{Attribution: a}, "classes": Must(CompareClasses(a)), "patches": Must(Patches(a)),
			"two banks": Must(CompareFilters("", bank, bank)), "one unit": Must(CompareUnit(1, maps)),
		} {
			if figure := Must(FigureOf(result)); !strings.Contains(strings.Join(figure.Caption, " · "), net.Notice) {
				t.Errorf("%s: the caption is %q", what, figure.Caption)
			}
			var text strings.Builder
			if _, drawn := result.(picture.Figure); drawn {
				continue
			}
			if err := WriteJSON(&text, result); err != nil || !strings.Contains(text.String(), `"notice":"`+net.Notice) {
				t.Errorf("%s: %v, no notice in %.200s", what, err, text.String())
			}
		}
	}
}

// TestTensorsAnew has tensors that change while the network's answer does not, one of them with a layer's name.
func TestTensorsAnew(t *testing.T) {
	caching(t)
	for factor := range 3 {
		net := testnet.Branches(23, 31, 1)
		inner := net.Logits
		net.Tensors = func(scope *model.Scope, x *graph.Node) (*graph.Node, map[string]*graph.Node) {
			return inner(scope, x), map[string]*graph.Node{"stem": graph.MulScalar(graph.TransposeAllAxes(x, 0, 3, 1, 2), float64(factor))}
		}
		lens := openGo(t, net)
		maps := Must(lens.Maps(noise(23, 31), probe.Maps{Layers: []string{"stem"}})).Layers[0]
		if got, want := maps.Planes[0].Values[5], float32(factor)*noise(23, 31).Values[15]; got != want || maps.Layer.Kind != probe.Other || !slices.Equal(maps.Layer.Shape, []int{3, 23, 31}) {
			t.Errorf("%v of the kind %s, shape %v; want %v", got, maps.Layer.Kind, maps.Layer.Shape, want)
		}
	}
}

// inverted is a method from a cell that builds on one of ours.
type inverted struct{ attrib.Occlusion }

func (m inverted) Attribute(ctx context.Context, network *probe.Probe, picture *pixel.Prepared) (*attrib.Attribution, error) {
	a, err := m.Occlusion.Attribute(ctx, network, picture)
	if err == nil {
		a.Method = "inverted"
	}
	return a, err
}

// TestNotKept has methods, networks and lenses of which not all is known.
func TestNotKept(t *testing.T) {
	store := caching(t)
	lens := openGo(t, testnet.Branches(23, 31, 1))
	for _, method := range []attrib.Method{inverted{}, &inverted{}} {
		if a := Must(lens.Explain(noise(23, 31), method)); a.Method != "inverted" {
			t.Errorf("%T became %s", method, a.Method)
		}
	}
	lens.Probe = openGo(t, testnet.Branches(23, 31, 2)).Probe
	Must(lens.Explain(noise(23, 31), attrib.Occlusion{}))
	Must((&Lens{Probe: lens.Probe}).Classify(noise(23, 31)))
	if list, err := store.List(); err != nil || len(list) > 0 {
		t.Errorf("kept %+v, %v", list, err)
	}
	if _, err := openGo(t, testnet.Branches(23, 31, 1)).Explain(noise(23, 31), attrib.Occlusion{Window: attrib.Pixels(99)}); err == nil || !strings.Contains(err.Error(), "99") {
		t.Errorf("a wrong window: %v", err)
	}
}

// TestDamagedResult puts garbage in place of a result.
func TestDamagedResult(t *testing.T) {
	store := caching(t)
	lens := openGo(t, testnet.Branches(23, 31, 1))
	want := Must(lens.Classify(noise(23, 31)))
	files := Must(filepath.Glob(filepath.Join(store.Folder(), "*")))
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	if err := os.WriteFile(files[0], []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Must(lens.Classify(noise(23, 31))); !slices.Equal(got.Logits, want.Logits) {
		t.Errorf("got %v, want %v", got.Logits, want.Logits)
	}
}

// TestAcrossProcesses explains a picture in one process after the other.
func TestAcrossProcesses(t *testing.T) {
	caching(t)
	run := func() string {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), helperEnv+"=1")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	first, second := run(), run()
	if first == second || strings.Replace(first, "false ", "true ", 1) != second {
		t.Errorf("first %s\nthen %s", first, second)
	}
}

// TestSource holds the embedded text against the packages that compute.
func TestSource(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", `{{with .Module}}{{.Path}} {{$.ImportPath}} {{join $.GoFiles " "}}{{end}}`,
		modulePath+"/gonbviz/attrib", modulePath+"/gonbviz/internal/plugin", modulePath+"/gonbviz/internal/cache").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	others := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if words[0] != modulePath {
			others[words[0]] = true
			continue
		}
		for _, name := range words[2:] {
			file := path.Join(strings.TrimPrefix(words[1], modulePath+"/"), name)
			folder, name, _ := strings.Cut(file, "/")
			if _, err := fs.Stat(map[string]embed.FS{"gonbviz": source, "models": models.Source}[folder], name); err != nil {
				t.Errorf("%s computes and is not embedded", file)
			}
		}
	}
	for _, other := range slices.Sorted(maps.Keys(others)) {
		if !slices.Contains(computing, other) {
			t.Errorf("module %s computes and is not among those whose version is looked at", other)
		}
	}
	if _, known := codeIdentity(); !known {
		t.Error("the code of this program is not known")
	}
}

func BenchmarkKey(b *testing.B) {
	caching(b)
	lens := openGo(b, testnet.Branches(227, 227, 1))
	picture := Must(lens.Prepare(noise(227, 227)))
	for b.Loop() {
		Must(lens.key(picture, "", 8, ""))
	}
}
