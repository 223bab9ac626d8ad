package main

import (
	"bytes"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/probe"
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
