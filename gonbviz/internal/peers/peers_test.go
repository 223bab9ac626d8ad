package main

import (
	"bytes"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/gonbviz/probe"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/squeezenet"
)

// TestArguments refuses what can't be measured before anything is installed.
func TestArguments(t *testing.T) {
	t.Setenv("CONVLENS_HOME", filepath.Join(t.TempDir(), "home"))
	for line, want := range map[string]string{
		"forward --models lenet":               "unknown network",
		"forward --peers captum":               "unknown library",
		"forward --rounds 0":                   "0 rounds",
		"forward --batches 1,64":               "a batch of 64",
		"forward --out table.txt":              ".csv or .json",
		"forward squeezenet1_1":                "unknown command",
		"occlusion --windows 4":                "don't cover",
		"occlusion --windows 300":              "don't cover",
		"occlusion --stride 0":                 "don't cover",
		"occlusion --models alexnet,resnet152": `unknown network "resnet152"`,
	} {
		cmd := command()
		cmd.SetArgs(strings.Fields(line))
		cmd.SetOut(&bytes.Buffer{})
		cmd.SetErr(&bytes.Buffer{})
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	if _, err := os.Stat(os.Getenv("CONVLENS_HOME")); err == nil {
		t.Error("something was installed")
	}
}

func sample() table {
	t := table{title: "Times", columns: []string{"network", "batch", "library", "ms", "difference"}}
	t.add("alexnet", 1, "torch", 123.456, 2.1e-7)
	t.add("alexnet", 1, "gonbviz", "~7.5", nil)
	t.add("alexnet", 32, "gonbviz", 0.25, 0.0)
	return t
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	s := sample()
	s.print(&out)
	want := `Times

network  batch  library    ms  difference
alexnet      1  torch     123       2e-07
                gonbviz  ~7.5
            32  gonbviz  0.25           0

`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
}

func TestTableFiles(t *testing.T) {
	for name, want := range map[string]string{
		"t.csv":  "alexnet,1,torch,123.456,2.1e-07\nalexnet,1,gonbviz,~7.5,\n",
		"t.json": `"ms": 123.456`,
	} {
		path := filepath.Join(t.TempDir(), name)
		s := sample()
		if err := s.write(path, []string{"a machine"}, nil); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}

func TestDifference(t *testing.T) {
	if got := difference([]float32{1, -4}, []float32{1.5, -4}); got != 0.125 {
		t.Errorf("%v, want 0.125", got)
	}
	if got := difference([]float32{1}, nil); !math.IsNaN(got) {
		t.Errorf("%v of lists of two lengths", got)
	}
	if got := median([]float64{4, 1, 2, 9}); got != 3 {
		t.Errorf("median %v, want 3", got)
	}
}

// TestStaticRatio has the ratio for SqueezeNet that was worked out from its layers by hand: 1.89 for windows of 32 pixels
// at 676 positions, 2.06 for 15 at 784, by a bound on the changed places that holds for windows at any pixel. Windows 8
// pixels apart change a little less.
func TestStaticRatio(t *testing.T) {
	p, err := probe.Open(testbackend.Go(), squeezenet.Network())
	if err != nil {
		t.Fatal(err)
	}
	for window, want := range map[int]float64{32: 1.89, 15: 2.06} {
		var list []image.Rectangle
		const side, stride = 227, 8
		for y := 0; y < side-window+stride; y += stride {
			for x := 0; x < side-window+stride; x += stride {
				list = append(list, image.Rect(x, y, x+window, y+window).Intersect(image.Rect(0, 0, side, side)))
			}
		}
		got, err := staticRatio(p, list)
		if err != nil || got < want-0.005 || got > 1.03*want {
			t.Errorf("window %d, %d positions: %v (%v), want %v", window, len(list), got, err, want)
		}
	}
}

// small takes pictures through convolutions of 8×8 pixels, 8 apart, and of 3×3, the sum of each map, and a dense layer.
func small() *models.Network {
	weights := testnet.Weights{"/one": {8, 8, 3, 2}, "/two": {3, 3, 2, 4}, "/three": {4, 3}}
	return testnet.Make("small", testnet.Input(size, size, models.RGB), weights,
		func(get func(string) *graph.Node, x *graph.Node) *graph.Node {
			x = graph.Convolve(x, get("/one")).Strides(8).NoPadding().Done()
			x = graph.Convolve(x, get("/two")).NoPadding().Done()
			return graph.Dot(graph.ReduceSum(x, 1, 2), get("/three")).Product()
		})
}

// TestWindows has the multiply-adds of a position worked out by hand. Windows of 16 pixels, 8 apart, change 2×2 places of
// the first map, 4×4 of the second.
func TestWindows(t *testing.T) {
	testbackend.Each(t, func(t *testing.T, backend compute.Backend) {
		p, err := probe.Open(backend, small())
		if err != nil {
			t.Fatal(err)
		}
		s := &server{probe: p, pictures: make([]float32, pictures*size*size*3)}
		a, err := s.answer(t.Context(), request{Do: "windows", Window: 16, Stride: 8, Runs: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Programs) != 2 {
			t.Fatalf("%d programs, want that of the whole and one of windows", len(a.Programs))
		}
		names := []string{"conv1", "conv2", "dense1"}
		for k, want := range [][]layer{{
			{Shape: []int{28, 28, 2}, Work: 28 * 28 * 2 * 8 * 8 * 3},
			{Shape: []int{26, 26, 4}, Work: 26 * 26 * 4 * 3 * 3 * 2},
			{Shape: []int{3}, Work: 4 * 3},
		}, {
			{Shape: []int{28, 28, 2}, Work: 2 * 2 * 2 * 8 * 8 * 3, Window: []int{2, 2}},
			{Shape: []int{26, 26, 4}, Work: 4 * 4 * 4 * 3 * 3 * 2, Window: []int{4, 4}},
			{Shape: []int{3}, Work: 4 * 3},
		}} {
			got := a.Programs[k]
			if got.Positions != 27*27 || len(got.Layers) != len(want) {
				t.Fatalf("program %d: %d layers for %d positions", k, len(got.Layers), got.Positions)
			}
			for i, l := range got.Layers {
				w := want[i]
				if l.Name != names[i] || !slices.Equal(l.Shape, w.Shape) || !slices.Equal(l.Window, w.Window) || l.Work != w.Work || l.Seconds <= 0 || got.Compiling <= 0 {
					t.Errorf("program %d: %+v, want %s %+v and some seconds", k, l, names[i], w)
				}
			}
		}
	})
}

// TestWindowsOf lays windows where attrib lays them.
func TestWindowsOf(t *testing.T) {
	p, err := probe.Open(testbackend.Go(), small())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{probe: p, pictures: make([]float32, size*size*3)}
	a, err := s.attribute(t.Context(), attrib.Occlusion{Window: attrib.Pixels(90), Stride: attrib.Pixels(60)})
	if err != nil || len(a.Grid.Windows) != 16 {
		t.Fatalf("%v, %v", a, err)
	}
	if got := windowsOf(90, 60); !slices.Equal(got, a.Grid.Windows) {
		t.Errorf("%v, want %v", got, a.Grid.Windows)
	}
}

// TestPrograms has the sums of two groups, of 3 and 1 positions: 3/4·(1+8)+1/4·(3+8) million multiply-adds instead of
// 20+10, 3/4·3+1/4·7 ms instead of 8. In batches of 2, the picture as it is taken along, they fill 4 and 2 places, the 4
// positions of the whole 6. Each program takes 100 ms to compile.
func TestPrograms(t *testing.T) {
	conv := layer{Name: "conv", Shape: []int{4, 4, 2}}
	dense := layer{Name: "dense", Shape: []int{5}}
	made := func(positions int, window []int, work, seconds, denseWork, all float64) program {
		c, d := conv, dense
		c.Window, c.Work, c.Seconds, d.Work, d.Seconds = window, work, seconds, denseWork, all
		return program{Positions: positions, Batch: 2, Compiling: 0.1, Layers: []layer{c, d}}
	}
	table := table{columns: make([]string, 12)}
	addPrograms(&table, "net", 9, made(4, nil, 20e6, 6e-3, 10e6, 8e-3),
		[]program{made(3, []int{2, 3}, 1e6, 2e-3, 8e6, 3e-3), made(1, nil, 3e6, 4e-3, 8e6, 7e-3)})
	var got []string
	for _, row := range table.rows {
		var words []string
		for _, cell := range row[2:] {
			words = append(words, text(cell))
		}
		got = append(got, strings.Join(words, " | "))
	}
	want := []string{
		"1: 3 of 4 | conv | 4×4×2 | 2×3 | 1 | 20 | 20 | 2 | 6 | 3",
		"1: 3 of 4 | dense | 5 | whole | 8 | 10 | 1.25 | 1 | 2 | 2",
		"2: 1 of 4 | conv | 4×4×2 | whole | 3 | 20 | 6.67 | 4 | 6 | 1.5",
		"2: 1 of 4 | dense | 5 | whole | 8 | 10 | 1.25 | 3 | 2 | 0.667",
		"all | sum |  |  | 9.5 | 30 | 3.16 | 4 | 8 | 2",
		"all | in batches of 2, whole of 2 |  |  | 14.5 | 45 | 3.1 | 6.5 | 12 | 1.85",
		"all | compiling |  |  | 0 | 0 |  | 50 | 25 | 0.5",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
