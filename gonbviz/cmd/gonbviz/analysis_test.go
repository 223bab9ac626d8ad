package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	"github.com/convlens/convlens/gonbviz/internal/testnet"
	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/weights"
)

// The tests' own networks are quick on the backend that every machine has.
func init() {
	builtIn = append(builtIn, []struct {
		name string
		open func() *models.Network
	}{
		{"exact", testnet.Exact},
		{"branches", func() *models.Network { return testnet.Branches(31, 21, 1) }},
	}...)
}

// inFolder runs the test in a folder of its own that holds a few files.
func inFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	photo := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range photo.Pix {
		photo.Pix[i] = uint8(7 * i)
	}
	var data bytes.Buffer
	if err := png.Encode(&data, photo); err != nil {
		t.Fatal(err)
	}
	write(t, "photo.png", data.String())
	ramp := make([]float32, 16)
	for i := range ramp {
		ramp[i] = float32(i)
	}
	array(t, "ramp.npy", ramp, 4, 4)
	write(t, "text.png", "no picture")
	write(t, "empty.png", "")
	write(t, "labels.txt", "one\r\ntwo\r\n\r\n")
	if err := os.Mkdir("folder.svg", 0o755); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func array(t *testing.T, name string, values []float32, shape ...int) {
	t.Helper()
	var data bytes.Buffer
	if err := weights.WriteNPY(&data, shape, values); err != nil {
		t.Fatal(err)
	}
	write(t, name, data.String())
}

// call runs a command line that has to work and gives what it prints; each word of line is an argument.
func call(t *testing.T, line string, more ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(context.Background(), append(strings.Fields(line), more...), &stdout, &stderr); status != statusDone || stderr.Len() > 0 {
		t.Fatalf("%s %q: status %d, standard error %q", line, more, status, stderr.String())
	}
	return stdout.String()
}

// document runs a command line and reads the JSON that it prints, or writes to the file.
func document(t *testing.T, file, line string, more ...string) map[string]any {
	t.Helper()
	text := call(t, line, more...)
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = string(data)
	}
	var d map[string]any
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%s: %v in %q", line, err, text)
	}
	return d
}

// fails runs a command line that must fail with a status, in one line that holds the words, and leave nothing behind.
func fails(t *testing.T, want int, words string, args ...string) {
	t.Helper()
	before, _ := os.ReadDir(".")
	var stdout, stderr bytes.Buffer
	status := run(context.Background(), args, &stdout, &stderr)
	text := strings.TrimSuffix(stderr.String(), "\n")
	after, _ := os.ReadDir(".")
	switch {
	case status != want:
		t.Errorf("%q: status %d, want %d: %s", args, status, want, text)
	case !strings.Contains(text, words) || text != escape(text) || len([]rune(text)) > maxLine:
		t.Errorf("%q: standard error %q, want %q in it", args, text, words)
	case stdout.Len() > 0 || len(before) != len(after):
		t.Errorf("%q: output %q, %d files before and %d after", args, stdout.String(), len(before), len(after))
	}
}

// What is wrong whatever the files hold: status 2.
func TestWrongOptions(t *testing.T) {
	inFolder(t)
	occlusion := []string{"occlusion", "--backend", "go", "--model", "branches", "--out", "o.svg"}
	for _, c := range []string{
		"--window=0", "--window=-1", "--window=3x", "--window=3x4x5", "--window=1e3", "--stride=0", "--stride=2.5", "--region=1,2,3", "--region=0,0,0,4",
		"--region=-1,0,4,4", "--region=a,b,c,d", "--fill=purple", "--fill=nan", "--fill=1,inf,2", "--fill=1e39", "--border=x", "--overlap=x",
		"--score=x", "--score=", "--map=x", "--exact=x", "--exact=", "--batch=-1", "--batch=x", "--seed=-1", "--layout=x", "--layout=",
		"--preset=x", "--model=x", "--model=", "--model=resnet18", "--weights=w.safetensors", "--backend=bogus", "--image=", "--json", "--nonsense",
	} {
		option, _, _ := strings.Cut(c, "=")
		fails(t, statusUsage, option, append(occlusion, c)...)
	}
	for line, words := range map[string]string{
		"occlusion --out x.bmp":                      ".svg, .html, .png, .npy, .csv, .json",
		"occlusion --out x":                          ".svg, .html, .png, .npy, .csv, .json",
		"occlusion":                                  ".svg, .html, .png, .npy, .csv, .json",
		"occlusion extra --out x.svg":                "extra",
		"predict --out x.npy":                        ".svg, .html, .png, .csv, .json",
		"predict --top -1":                           "--top",
		"layers --out x.npy":                         ".svg, .html, .png, .csv, .json",
		"filters --layer conv1":                      "--out",
		"filters --out x.svg":                        "--layer",
		"filters --layer c --out x.csv":              ".svg, .html, .png, .npy, .json",
		"filters --layer c --scale x --out x.svg":    "filter, layer, symmetric",
		"activations --layer c --out x.csv":          ".svg, .html, .png, .npy, .json",
		"activations --layer c":                      "--out",
		"activations --out x.svg":                    "--layer",
		"activations --layer a,,b --out x.svg":       "--layer",
		"activations --layer a,b --out x.npy":        "one layer",
		"activations --layer a --top -1 --out x.svg": "--top",
		"activations --layer a --sort x --out x.svg": "index, strength",
		"models extra":                               "extra",
		"layer":                                      "layers",
		"help nonsense":                              "layers",
		"--nonsense":                                 "--nonsense",
	} {
		fails(t, statusUsage, words, strings.Fields(line)...)
	}
}

// An input is never written over, whatever name it is given.
func TestInputsStay(t *testing.T) {
	inFolder(t)
	if err := errors.Join(os.Symlink("photo.png", "soft.png"), os.Link("labels.txt", "hard.csv")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--image", "photo.png", "--out", "./photo.png"}, {"--image", "photo.png", "--out", "soft.png"},
		{"--image", "soft.png", "--out", "photo.png"}, {"--labels", "labels.txt", "--out", "hard.csv"},
		{"--image", "missing.png", "--out", "../" + filepath.Base(must(os.Getwd())) + "/missing.png"},
	} {
		fails(t, statusUsage, "input of the same call", append([]string{"predict", "--backend", "go"}, args...)...)
	}
}

// What an ONNX file comes with is an input as well, though nobody names it.
func TestFilesOfONNXStay(t *testing.T) {
	archive, err := zip.OpenReader("../../../models/onnx/testdata/exporters.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	inFolder(t)
	const name = "torch_new22-resnet-batch1-external.onnx"
	for _, f := range archive.File {
		if strings.HasPrefix(f.Name, name) {
			write(t, f.Name, string(must(io.ReadAll(must(f.Open())))))
		}
	}
	if err := os.Link(name+".data", "hard.json"); err != nil {
		t.Fatal(err)
	}
	fails(t, statusFailed, "input of the same call", "layers", "--model", name, "--out", "hard.json")
	beside := strings.TrimSuffix(name, ".onnx") + ".json"
	write(t, beside, "{}")
	fails(t, statusUsage, "input of the same call", "layers", "--model", name, "--out", "./"+beside)
	call(t, "layers --quiet --out l.json --model "+name)
}

// TestGuesses: what is assumed about colours is said where a photograph is fed.
func TestGuesses(t *testing.T) {
	model, err := filepath.Abs("../../../models/onnx/testdata/families/squeezenet.onnx")
	if err != nil {
		t.Fatal(err)
	}
	inFolder(t)
	write(t, "net.onnx", string(must(os.ReadFile(model))))
	said := func(line string) string {
		t.Helper()
		var stderr bytes.Buffer
		if status := run(context.Background(), strings.Fields(line+" --model net.onnx"), io.Discard, &stderr); status != statusDone {
			t.Fatalf("%s: %s", line, stderr.String())
		}
		return stderr.String()
	}
	if got := said("predict --backend go"); !strings.Contains(got, "preset imagenet is assumed") || strings.Count(got, "\n") != 1 {
		t.Errorf("predict says %q", got)
	}
	in := document(t, "", "predict --quiet --backend go --json --model net.onnx")["input"].(map[string]any)
	height, width := int(in["height"].(float64)), int(in["width"].(float64))
	array(t, "input.npy", make([]float32, height*width*3), height, width, 3)
	for _, line := range []string{"layers", "predict --backend go --preset unit", "predict --backend go --image input.npy"} {
		if got := said(line); got != "" {
			t.Errorf("%s says %q", line, got)
		}
	}
	write(t, "net.json", `{"preset": "x"}`)
	fails(t, statusFailed, `net.json: unknown preset "x"; there are caffe`, "layers", "--model", "net.onnx")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What only the files or the network show: status 1.
func TestWrongFiles(t *testing.T) {
	inFolder(t)
	array(t, "small.npy", make([]float32, 12), 4, 3)
	write(t, "labels4.txt", "a\nb\nc\nd\n")
	long := strings.Repeat("n", 3000)
	for words, args := range map[string][]string{
		"missing.png":                                {"--image", "missing.png"},
		"missing.npy":                                {"--image", "missing.npy"},
		`a\nb\x1b[31m.png`:                           {"--image", "a\nb\x1b[31m.png"},
		"nn…nn":                                      {"--image", long},
		"text.png: not a picture":                    {"--image", "text.png"},
		"empty.png":                                  {"--image", "empty.png"},
		"folder.svg":                                 {"--image", "folder.svg"},
		os.DevNull:                                   {"--image", os.DevNull},
		"small.npy: the array's shape is [4 3]":      {"--image", "small.npy"},
		"--labels: open missing":                     {"--labels", "missing"},
		"4 labels for the 3 classes":                 {"--labels", "labels4.txt"},
		"1000 labels for the 3 classes":              {"--labels", "imagenet"},
		"xla:nonsense":                               {"--backend", "xla:nonsense"},
		"--window: a window of 300":                  {"--window", "300"},
		"--stride: a stride of 9 is longer":          {"--window", "5", "--stride", "9"},
		"--region: region 1,1,21,31":                 {"--region", "1,1,21,31"},
		`--class: no class "nonsense"`:               {"--class", "nonsense"},
		"0 to 2":                                     {"--class", "3"},
		`"two" occurs at 1, 2`:                       {"--class", "two"},
		`--fill: "1,2" has 2 numbers for 3 channels`: {"--fill", "1,2"},
		"folder.svg is a folder":                     {"--out", "folder.svg"},
		"the folder does not exist":                  {"--out", "no/such.svg"},
		"no file can be made in this folder":         {"--out", "/proc/x.svg"},
	} {
		fails(t, statusFailed, words, append([]string{"occlusion", "--backend", "go", "--model", "branches", "--out", "o.svg"}, args...)...)
	}
	write(t, "big.npy", strings.Replace(string(must(os.ReadFile("ramp.npy"))), "<f4", ">f4", 1))
	fails(t, statusFailed, `big.npy: npy: values of type ">f4"; little-endian`, "predict", "--backend", "go", "--model", "exact", "--image", "big.npy")
	for words, labels := range map[string]string{
		"--labels labels4.txt: 4 labels for the 1 classes of exact": "labels4.txt", "--labels empty.png: no labels; the file is empty": "empty.png",
	} {
		fails(t, statusFailed, words, "predict", "--backend", "go", "--model", "exact", "--image", "ramp.npy", "--labels", labels)
	}
	fails(t, statusFailed, "nearest: stem", "filters", "--model", "branches", "--layer", "stemm", "--out", "o.svg")
	fails(t, statusFailed, "those are: stem, fire/left", "filters", "--model", "branches", "--layer", "head", "--out", "o.svg")
	fails(t, statusFailed, "is after ReLU already, so that pre says nothing to it; ask for fire/left, fire/right", strings.Fields("activations --backend go --model branches --layer fire --pre --out o.svg")...)
	fails(t, statusFailed, `no layer "a\nb"`, "activations", "--backend", "go", "--model", "branches", "--layer", "stem,a\nb", "--out", "o.svg")
	t.Setenv("GOMLX_BACKEND", "bogus")
	fails(t, statusFailed, `GOMLX_BACKEND: backend "bogus" is not known; there are go`, "predict", "--model", "branches")
}

// Numbers worked out on paper, so they hold with ==.
func TestExactNumbers(t *testing.T) {
	t.Run("go", func(t *testing.T) { exactNumbers(t, "go") })
	t.Run("xla", func(t *testing.T) {
		testbackend.XLA(t)
		exactNumbers(t, "xla")
	})
}

func exactNumbers(t *testing.T, backend string) {
	inFolder(t)
	base := "occlusion --quiet --model exact --image ramp.npy --score logit --fill 0 --out o.json --backend " + backend
	for options, want := range map[string]struct{ grid, pixels string }{
		" --window 1 --stride 1":           {"[[0 1 2 3] [0 4 4 4] [2 7 8 4] [6 7 8 0]]", "[[0 1 2 3] [0 4 4 4] [2 7 8 4] [6 7 8 0]]"},
		" --window 1 --stride 1 --batch 4": {"[[0 1 2 3] [0 4 4 4] [2 7 8 4] [6 7 8 0]]", "[[0 1 2 3] [0 4 4 4] [2 7 8 4] [6 7 8 0]]"},
		" --window 3 --stride 2":           {"[[44 33] [54 47]]", "[[44 44 38.5 33] [44 44 38.5 33] [49 49 44.5 40] [54 54 50.5 47]]"},
		// The window is cut to the region's one row; outside the region the map is 0.
		" --window 2 --stride 1 --region 1,0,3,1 --overlap sum": {"[[3 4]]", "[[0 3 7 4] [0 0 0 0] [0 0 0 0] [0 0 0 0]]"},
		" --window 4 --stride 4 --overlap none":                 {"[[54]]", "<nil>"},
	} {
		d := document(t, "o.json", base+options)
		if fmt.Sprint(d["grid"]) != want.grid || fmt.Sprint(d["map"]) != want.pixels || d["clean"] != 54.0 {
			t.Errorf("%s: grid %v, map %v, clean %v; want %v", options, d["grid"], d["map"], d["clean"], want)
		}
	}
	rise := document(t, "o.json", "occlusion --quiet --model exact --image ramp.npy --method rise --masks 3 --seed 2 --out o.json --backend "+backend)["options"].(map[string]any)
	if rise["masks"] != 3.0 || rise["seed"] != 2.0 || rise["keep"] != 0.5 {
		t.Errorf("options of RISE %v", rise)
	}
	d := document(t, "o.json", base+" --window 3 --stride 2")
	if d["positions"] != 4.0 || d["score"] != "logit" || fmt.Sprint(d["class"]) != "map[index:0 label:0]" || fmt.Sprint(d["best_class"]) != "[[0 0] [0 0]]" || d["seed"] != 0.0 {
		t.Errorf("positions %v, score %v, class %v, best %v, seed %v", d["positions"], d["score"], d["class"], d["best_class"], d["seed"])
	}
	if name, _, _ := strings.Cut(d["backend"].(string), ":"); name != backend {
		t.Errorf("backend %v", d["backend"])
	}
	options := d["options"].(map[string]any)
	for option, want := range map[string]string{"window": "3", "stride": "2", "fill": "0", "border": "cut", "overlap": "mean"} {
		if options[option] != want {
			t.Errorf("option %s is %v, want %s", option, options[option], want)
		}
	}
	for _, field := range []string{"model", "probability", "seconds", "compile_seconds", "peak_memory_bytes", "backend", "versions"} {
		if d[field] == nil {
			t.Errorf("no %s", field)
		}
	}
}

// The drop at each position is how much less predict gives the class for a picture with that window painted over.
func TestDropAgainstPredict(t *testing.T) {
	inFolder(t)
	const height, width, channels = 31, 21, 3
	picture := make([]float32, height*width*channels)
	for i := range picture {
		picture[i] = float32(i * i % 251)
	}
	fill := []float32{5, 0, 200}
	logit := func(values []float32, class int) (logit float64, best int) {
		array(t, "i.npy", values, height, width, channels)
		classes := document(t, "", "predict --backend go --model branches --image i.npy --json --top 0")["classes"].([]any)
		for _, c := range classes {
			if c := c.(map[string]any); c["index"] == float64(class) {
				logit = c["logit"].(float64)
			}
		}
		return logit, int(classes[0].(map[string]any)["index"].(float64))
	}
	clean, _ := logit(picture, 1)
	for options, windows := range map[string][][]image.Rectangle{
		"--window 16x11 --stride 15x10": {
			{image.Rect(0, 0, 11, 16), image.Rect(10, 0, 21, 16)}, {image.Rect(0, 15, 11, 31), image.Rect(10, 15, 21, 31)},
		},
		"--window 20x11 --stride 20x11": {
			{image.Rect(0, 0, 11, 20), image.Rect(11, 0, 21, 20)}, {image.Rect(0, 20, 11, 31), image.Rect(11, 20, 21, 31)},
		},
		"--window 20x11 --stride 20x11 --border inside": {
			{image.Rect(0, 0, 11, 20), image.Rect(10, 0, 21, 20)}, {image.Rect(0, 11, 11, 31), image.Rect(10, 11, 21, 31)},
		},
		"--window 31x3 --stride 8x3 --region 2,3,5,7": {{image.Rect(2, 3, 5, 10), image.Rect(5, 3, 7, 10)}},
	} {
		array(t, "picture.npy", picture, height, width, channels)
		d := document(t, "o.json", "occlusion --backend go --model branches --image picture.npy --class 1 --score logit --fill 5,0,200 --out o.json "+options)
		var grid [][]float64
		var best [][]int
		for _, row := range windows {
			var drops []float64
			var classes []int
			for _, w := range row {
				hidden := slices.Clone(picture)
				for y := w.Min.Y; y < w.Max.Y; y++ {
					for x := w.Min.X; x < w.Max.X; x++ {
						copy(hidden[(y*width+x)*channels:], fill)
					}
				}
				l, b := logit(hidden, 1)
				drops, classes = append(drops, clean-l), append(classes, b)
			}
			grid, best = append(grid, drops), append(best, classes)
		}
		if d["clean"] != clean || !near(d["grid"], grid, 1e-5*clean) || fmt.Sprint(d["best_class"]) != fmt.Sprint(best) {
			t.Errorf("%s: clean %v, grid %v, best %v; want %v, %v, %v", options, d["clean"], d["grid"], d["best_class"], clean, grid, best)
		}
	}
}

// near compares a grid read from JSON.
func near(got any, want [][]float64, tolerance float64) bool {
	rows := got.([]any)
	if len(rows) != len(want) {
		return false
	}
	for y, row := range rows {
		columns := row.([]any)
		if len(columns) != len(want[y]) {
			return false
		}
		for x, v := range columns {
			if math.Abs(v.(float64)-want[y][x]) > math.Abs(tolerance) {
				return false
			}
		}
	}
	return true
}

// The network and the photograph that stand for nothing else being named.
func TestDefaults(t *testing.T) {
	best := document(t, "", "predict --backend go --json")["classes"].([]any)[0].(map[string]any)
	if p := best["probability"].(float64); best["label"] != "fox squirrel" || best["index"] != 335.0 || p < 0.96 {
		t.Errorf("best class %v", best)
	}
}

// Array files, by the shape and numbers that stand in them.
func TestArrays(t *testing.T) {
	inFolder(t)
	read := func(line string) weights.Array {
		t.Helper()
		call(t, line+" --quiet --out a.npy")
		return must(weights.OpenNPY("a.npy", 1<<20))
	}
	occlusion := "occlusion --backend go --model branches --image photo.png --window 10x7 --stride 5x7"
	for line, want := range map[string][]int{
		"filters --model branches --layer fire/right":                                            {2, 4, 3, 3},
		"activations --backend go --model branches --image photo.png --layer stem":               {4, 15, 10},
		"activations --backend go --model branches --image photo.png --layer stem --top 3 --pre": {3, 15, 10},
		"activations --backend go --model branches --image photo.png --layer head":               {3},
		occlusion:                     {31, 21},
		occlusion + " --overlap none": {6, 3},
		occlusion + " --map class":    {6, 3},
		occlusion + " --border inside --map probability --overlap none": {6, 3},
		occlusion + " --region 3,4,7,10 --map probability":              {1, 1},
	} {
		if a := read(line); !slices.Equal(a.Shape, want) {
			t.Errorf("%s: shape %v, want %v", line, a.Shape, want)
		}
	}
	pre, post := read("activations --backend go --model exact --image ramp.npy --layer conv --pre"), read("activations --backend go --model exact --image ramp.npy --layer conv")
	if want := []float32{-5, 4, 31, 40, -30, -21, 6, 15}; !slices.Equal(pre.Values, want) {
		t.Errorf("before the activation function: %v, want %v", pre.Values, want)
	}
	if want := []float32{0, 4, 31, 40, 0, 0, 6, 15}; !slices.Equal(post.Values, want) {
		t.Errorf("after the activation function: %v, want %v", post.Values, want)
	}
	if strong := read("activations --backend go --model exact --image ramp.npy --layer conv --sort strength --top 1"); !slices.Equal(strong.Values, post.Values[:4]) {
		t.Errorf("the strongest map: %v", strong.Values)
	}
}

func TestPredict(t *testing.T) {
	inFolder(t)
	write(t, "labels.txt", "335\r\n\r\nevil\x1b[31m\t<b>")
	line := "predict --backend go --model branches --image photo.png --labels labels.txt"
	d := document(t, "", line+" --json --top 0")
	sum, last := 0.0, 2.0
	classes := d["classes"].([]any)
	for _, c := range classes {
		p := c.(map[string]any)["probability"].(float64)
		if p > last {
			t.Errorf("classes are not best first: %v", classes)
		}
		sum, last = sum+p, p
	}
	if len(classes) != 3 || sum < 1-1e-9 || sum > 1+1e-9 || d["model"] != "branches" || d["backend"] == nil {
		t.Errorf("%d classes, probabilities add up to %g, model %v, backend %v", len(classes), sum, d["model"], d["backend"])
	}
	if n := len(document(t, "", line+" --json --top 2")["classes"].([]any)); n != 2 {
		t.Errorf("--top 2 gives %d", n)
	}
	text := call(t, line)
	if !strings.Contains(text, `evil\x1b[31m\t<b>`) || !strings.Contains(text, "pure Go") || !strings.HasPrefix(text, "index ") {
		t.Errorf("prints %q", text)
	}
	both := call(t, line+" --json --out p.csv")
	if !json.Valid([]byte(both)) {
		t.Errorf("with --json and --out prints %q", both)
	}
	rows := must(csv.NewReader(strings.NewReader(string(must(os.ReadFile("p.csv"))))).ReadAll())
	if want := []string{"index", "label", "probability", "logit"}; !slices.Equal(rows[0], want) || len(rows) != 4 {
		t.Errorf("table %q", rows)
	}
	if text := call(t, line+" --out p.svg"); !strings.HasPrefix(text, "p.svg: ") || strings.Count(text, "\n") != 2 {
		t.Errorf("with --out prints %q", text)
	}
}

// TestLongCaption: of a figure with all classes not all are said.
func TestLongCaption(t *testing.T) {
	inFolder(t)
	text, _, _ := strings.Cut(call(t, "predict --backend go --top 0 --out p.svg"), "\n")
	if n := len([]rune(text)); n != maxLine || !strings.HasPrefix(text, "p.svg: SqueezeNet") {
		t.Errorf("%d characters: %s", n, text)
	}
}

// TestBuiltInLabels: the name comes before a file that has it.
func TestBuiltInLabels(t *testing.T) {
	inFolder(t)
	write(t, "imagenet", "one\ntwo\nthree\n")
	if text := call(t, "predict --backend go --model branches --image photo.png --labels ./imagenet"); !strings.Contains(text, "three") {
		t.Errorf("prints %q", text)
	}
	fails(t, statusFailed, "1000 labels for the 3 classes", strings.Fields("predict --backend go --model branches --labels imagenet")...)
	if text := call(t, "predict --backend go --model squeezenet --image squirrel --labels imagenet"); !strings.Contains(text, "fox squirrel") {
		t.Errorf("prints %q", text)
	}
}

// A label that is a number comes before the index.
func TestClass(t *testing.T) {
	inFolder(t)
	write(t, "labels.txt", "2\n\nlast\n")
	for class, want := range map[string]string{"2": "map[index:0 label:2]", "last": "map[index:2 label:last]", "1": "map[index:1 label:]"} {
		d := document(t, "o.json", "occlusion --backend go --model branches --labels labels.txt --window 21 --stride 21 --out o.json --class", class)
		if got := fmt.Sprint(d["class"]); got != want {
			t.Errorf("--class %s: %s, want %s", class, got, want)
		}
	}
}

// TestReport explains another class in its heatmap than the best one.
func TestReport(t *testing.T) {
	inFolder(t)
	write(t, "labels.txt", "one\ntwo\nthree\n")
	line := "report --backend go --model branches --image photo.png --labels labels.txt --out r.html"
	for options, want := range map[string]string{
		" --class two --score logit": "class two (1) · score logit", " --class 2": "class three (2) · score probability",
	} {
		call(t, line+options)
		if page := strings.Join(strings.Fields(string(must(os.ReadFile("r.html")))), " "); !strings.Contains(page, want) {
			t.Errorf("%s: the page does not say %q", options, want)
		}
	}
	if err := os.Remove("r.html"); err != nil {
		t.Fatal(err)
	}
	fails(t, statusUsage, "--score: unknown score", strings.Fields(line+" --score loss")...)
	fails(t, statusFailed, `--class: no class "four"`, strings.Fields(line+" --class four")...)
}

func TestLayersAndModels(t *testing.T) {
	inFolder(t)
	d := document(t, "", "layers --model branches --json")
	layers := d["layers"].([]any)
	first := layers[0].(map[string]any)
	want := map[string]any{"name": "stem", "kind": "conv", "shape": []any{15.0, 10.0, 4.0}, "parameters": 112.0, "receptive_field": []any{3.0, 3.0}, "stride": []any{2.0, 2.0}}
	if !reflect.DeepEqual(first, want) || d["model"] != "branches" {
		t.Errorf("first layer %v, want %v", first, want)
	}
	for _, line := range []string{"layers --model branches --out d.json", "filters --model branches --layer stem --out d.json"} {
		d := document(t, "d.json", line)
		if options, versions := d["options"].(map[string]any), d["versions"].(map[string]any); options == nil || versions["go"] == nil || d["backend"] != "go" || d["seed"] != 0.0 {
			t.Errorf("%s: options %v, versions %v, backend %v, seed %v", line, options, versions, d["backend"], d["seed"])
		}
	}
	kinds := []string{"conv", "dense", "pool", "norm", "activation", "add", "concat", "other"}
	text := call(t, "layers --model branches")
	for _, l := range layers {
		l := l.(map[string]any)
		if !slices.Contains(kinds, l["kind"].(string)) || !strings.Contains(text, l["name"].(string)) {
			t.Errorf("layer %v in %s", l, text)
		}
	}
	call(t, "layers --model branches --out l.csv")
	table := must(csv.NewReader(strings.NewReader(string(must(os.ReadFile("l.csv"))))).ReadAll())
	if printed := strings.Split(strings.TrimSpace(text), "\n"); len(table) != len(printed) {
		t.Errorf("%d rows in the table, %d printed", len(table), len(printed))
	}
	if want := []string{"stem", "conv", "15×10×4", "112", "3×3", "2×2"}; !slices.Equal(table[1], want) || table[len(table)-1][5] != "" {
		t.Errorf("table %q", table)
	}
	var rows []map[string]any
	if err := json.Unmarshal([]byte(call(t, "models --json")), &rows); err != nil {
		t.Fatal(err)
	}
	if rows[0]["name"] != "squeezenet" || fmt.Sprint(rows[0]["input"]) != "[227 227 3]" || rows[0]["classes"] != 1000.0 || rows[0]["parameters"] != 1235496.0 || rows[0]["accuracy"] == "" || rows[0]["licence"] == "" {
		t.Errorf("models: %v", rows[0])
	}
	if text := call(t, "models"); !strings.Contains(text, "227×227×3 BGR") || !strings.Contains(text, "resnet18") {
		t.Errorf("models prints %s", text)
	}
}

func TestSplitLayers(t *testing.T) {
	for list, want := range map[string][]string{
		"a": {"a"}, "a,b": {"a", "b"}, `a\,b,c`: {"a,b", "c"}, `a\b`: {`a\b`}, "a,": {"a", ""}, "a, b c": {"a", "b c"}, "a, ,b": {"a", "", "b"}, `a\`: {`a\`},
	} {
		if got := splitLayers(list); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}

// A cancelled context, as an interrupt makes it: one line, and no file.
func TestInterrupt(t *testing.T) {
	inFolder(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stderr bytes.Buffer
	status := run(ctx, strings.Fields("occlusion --backend go --model branches --image photo.png --out o.npy"), io.Discard, &stderr)
	if _, err := os.Stat("o.npy"); status != statusFailed || stderr.String() != "gonbviz: interrupted\n" || err == nil {
		t.Errorf("status %d, standard error %q, file %v", status, stderr.String(), err)
	}
}

// TestInterruptWhileOpening stops the call where nothing can be stopped at once: afterwards nothing is printed or written.
func TestInterruptWhileOpening(t *testing.T) {
	inFolder(t)
	var cancel func()
	networks := builtIn
	t.Cleanup(func() { builtIn = networks })
	builtIn = append(slices.Clip(builtIn), builtIn[len(builtIn)-1])
	builtIn[len(builtIn)-1].name = "stopping"
	builtIn[len(builtIn)-1].open = func() *models.Network {
		net := testnet.Exact()
		logits := net.Logits
		net.Logits = func(scope *model.Scope, x *graph.Node) *graph.Node {
			cancel()
			return logits(scope, x)
		}
		return net
	}
	for _, line := range []string{
		"layers", "layers --out l.svg", "filters --layer conv --out f.svg", "predict", "predict --out p.svg", "activations --layer conv --out a.svg",
		"occlusion --out o.svg", "report --out r.html",
	} {
		ctx, stop := context.WithCancel(context.Background())
		cancel = stop
		var stdout, stderr bytes.Buffer
		status := run(ctx, strings.Fields(line+" --backend go --model stopping"), &stdout, &stderr)
		stop()
		if status != statusFailed || stderr.String() != "gonbviz: interrupted\n" || stdout.Len() > 0 {
			t.Errorf("%s: status %d, standard error %q, output %q", line, status, stderr.String(), stdout.String())
		}
	}
	if files, err := os.ReadDir("."); err != nil || len(files) != 6 {
		t.Errorf("files are left: %v, %v", files, err)
	}
}

// broken is an output that takes nothing, like a full disk.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestBrokenOutput(t *testing.T) {
	inFolder(t)
	for _, line := range []string{
		"--help", "help", "occlusion --help", "models", "models --json", "layers", "layers --json", "predict --backend go --model branches", "predict --backend go --model branches --json",
		"filters --model branches --layer stem --out f.svg",
	} {
		var stderr bytes.Buffer
		if status := run(context.Background(), strings.Fields(line), broken{}, &stderr); status != statusFailed || stderr.String() != "gonbviz: no space left\n" {
			t.Errorf("%s: status %d, standard error %q", line, status, stderr.String())
		}
	}
}

func TestHelp(t *testing.T) {
	for _, line := range []string{"", "--help", "help"} {
		if text := call(t, line); !strings.Contains(text, "gonbviz predict --image cat.jpg") {
			t.Errorf("%q prints %s", line, text)
		}
	}
	if text := call(t, "--version"); !strings.HasPrefix(text, "gonbviz version ") {
		t.Errorf("--version prints %s", text)
	}
	bare := regexp.MustCompile(`(?m)^ +--\S+ (string|int|float64|uint)  `)
	for _, command := range newRoot().Commands() {
		text := call(t, command.Name()+" --help")
		if !strings.Contains(text, "Usage:") || bare.MatchString(text) {
			t.Errorf("%s --help prints %s", command.Name(), text)
		}
		for i, line := range strings.Split(text, "\n") {
			if n := len([]rune(line)); n > 140 {
				t.Errorf("%s --help: line %d is %d characters long", command.Name(), i+1, n)
			}
		}
	}
}

// A photograph is cropped about its centre, never squashed: what lies outside the crop changes nothing.
func TestCrop(t *testing.T) {
	inFolder(t)
	photo := image.NewNRGBA(image.Rect(0, 0, 61, 31)) // the input is 21 wide and 31 high
	for y := range 31 {
		for x := range 61 {
			c := color.NRGBA{uint8(9 * x), uint8(5 * y), 200, 255}
			if x < 20 || x >= 41 {
				c = color.NRGBA{255, 0, 0, 255}
			}
			photo.SetNRGBA(x, y, c)
		}
	}
	answer := func(img image.Image) any {
		var data bytes.Buffer
		if err := png.Encode(&data, img); err != nil {
			t.Fatal(err)
		}
		write(t, "p.png", data.String())
		return document(t, "", "predict --backend go --model branches --image p.png --json")["classes"]
	}
	if whole, crop := answer(photo), answer(photo.SubImage(image.Rect(20, 0, 41, 31))); !reflect.DeepEqual(whole, crop) {
		t.Errorf("%v, cropped by hand %v", whole, crop)
	}
}
