package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/convlens/convlens/gonbviz/internal/testbackend"
	work "github.com/convlens/convlens/gonbviz/progress"
)

// TestExact computes in each way, which the file names, and finds the same.
func TestExact(t *testing.T) {
	t.Run("go", func(t *testing.T) {
		exactly(t, "--backend go --model branches --image photo.png --window 5 --stride 3")
	})
	t.Run("xla", func(t *testing.T) {
		testbackend.XLA(t)
		if testing.Short() {
			t.Skip("compiles a large network; -short leaves it out")
		}
		exactly(t, "--backend xla --model squeezenet --image squirrel --window 34 --stride 24")
	})
}

func exactly(t *testing.T, options string) {
	t.Helper()
	inFolder(t)
	ask := func(exact string) (engine any, drops []float64) {
		d := document(t, "o.json", "occlusion --quiet --score logit --out o.json "+options, "--exact", exact)
		if said := d["options"].(map[string]any)["exact"]; said != exact {
			t.Errorf("--exact %s: the file says %v", exact, said)
		}
		for _, row := range d["grid"].([]any) {
			for _, v := range row.([]any) {
				drops = append(drops, v.(float64))
			}
		}
		return d["engine"], drops
	}
	network, _, _ := strings.Cut(options, " --window")
	best := document(t, "", "predict --json --top 1 "+network)["classes"].([]any)[0].(map[string]any)
	largest := best["logit"].(float64)
	engine, full := ask("full")
	if engine != "full" {
		t.Errorf("--exact full is computed by %v", engine)
	}
	for _, exact := range []string{"incremental", "auto"} {
		engine, drops := ask(exact)
		if exact == "incremental" && engine != exact || engine != "full" && engine != "incremental" {
			t.Errorf("--exact %s is computed by %v", exact, engine)
		}
		for i, d := range drops {
			if math.Abs(d-full[i]) > 1e-5*math.Abs(largest) {
				t.Errorf("--exact %s: position %d is %v, in full %v", exact, i, d, full[i])
			}
		}
	}
}

// TestStopped stops the work half-way: the error says how far it came, and no file is written.
func TestStopped(t *testing.T) {
	inFolder(t)
	for _, out := range []string{"o.svg", "o.npy", "o.json"} {
		ctx, cancel := context.WithCancel(context.Background())
		ctx = work.With(ctx, func(u work.Update) {
			if u.Done == 12 {
				cancel()
			}
		})
		var stderr bytes.Buffer
		status := run(ctx, strings.Fields("occlusion --backend go --model branches --image photo.png --window 3 --out "+out), io.Discard, &stderr)
		if text := stderr.String(); status != statusFailed || text != "gonbviz: occlusion stopped at 12 of 551 positions: interrupted\n" {
			t.Errorf("status %d, standard error %q", status, text)
		}
	}
	if files, err := os.ReadDir("."); err != nil || len(files) != 6 {
		t.Errorf("files are left: %v, %v", files, err)
	}
}

// TestFocus says how much lies inside a box, a mask and the strongest pixels, of a map that was worked out on paper: 0 1
// 2 3, 0 4 4 4, 2 7 8 4, 6 7 8 0, which add up to 60.
func TestFocus(t *testing.T) {
	inFolder(t)
	mask := image.NewGray(image.Rect(0, 0, 4, 4))
	mask.SetGray(2, 2, color.Gray{255})
	mask.SetGray(2, 3, color.Gray{255})
	var data bytes.Buffer
	if err := png.Encode(&data, mask); err != nil {
		t.Fatal(err)
	}
	write(t, "mask.png", data.String())
	line := "occlusion --quiet --backend go --model exact --image ramp.npy --score logit --fill 0 --window 1 --stride 1 --out o.json --focus "
	for part, want := range map[string]struct{ share, area float64 }{
		"0,2,3,2": {38.0 / 60, 6.0 / 16}, "mask.png": {16.0 / 60, 2.0 / 16}, "25%": {30.0 / 60, 4.0 / 16}, "0.5%": {8.0 / 60, 1.0 / 16},
	} {
		focus := document(t, "o.json", line+part)["focus"].(map[string]any)
		share, times := focus["share"].(float64), focus["times"].(float64)
		if math.Abs(share-want.share) > 1e-6 || focus["area"] != want.area || math.Abs(times-want.share/want.area) > 1e-5 {
			t.Errorf("--focus %s: %v, want %v", part, focus, want)
		}
		printed := call(t, strings.Replace(line, "o.json", "o.svg", 1)+part)
		if !strings.Contains(printed, "of what supports") || !strings.Contains(focus["words"].(string), "times") {
			t.Errorf("--focus %s prints %q and writes %v", part, printed, focus["words"])
		}
	}
}

// TestFocusRefused: what a network is not needed for has status 2, and no time is lost on the rest.
func TestFocusRefused(t *testing.T) {
	inFolder(t)
	line := "occlusion --backend go --model branches --image photo.png --out o.json "
	for option, words := range map[string]string{
		"--focus 0,0,0,3": "--focus", "--focus 1,2,3,x": "--focus", "--focus 0%": "--focus", "--focus 101%": "--focus", "--focus x%": "--focus",
		"--focus 1,2,3": "give x,y,w,h", "--focus -1,2,3,4": "give x,y,w,h",
		"--focus 10% --map class": "--map class", "--focus 10% --overlap none": "--overlap none",
		"--focus photo.png --out photo.png": "input of the same call",
	} {
		fails(t, statusUsage, words, strings.Fields(line+option)...)
	}
	for option, words := range map[string]string{
		"--focus 0,0,22,3":                   "does not lie inside the input of 21×31",
		"--focus missing.png":                "--focus: open missing.png",
		"--focus text.png":                   "not a picture",
		"--image squirrel --focus photo.png": "a mask of 40×30 pixels",
	} {
		fails(t, statusFailed, words, strings.Fields(line+option)...)
	}
}

// TestCrops writes the positions that matter most and least.
func TestCrops(t *testing.T) {
	inFolder(t)
	line := "occlusion --quiet --backend go --model exact --image ramp.npy --score logit --fill 0 --window 1 --stride 1 --map crops --out "
	d := document(t, "o.json", line+"o.json")
	for kind, want := range map[string][]float64{"strongest": {10, 14, 9}, "weakest": {0, 4, 15}} {
		for i, e := range d[kind].([]any) {
			if e := e.(map[string]any); e["position"] != want[i] || e["best_class"].(map[string]any)["label"] == nil {
				t.Errorf("%s: %v, want position %v", kind, e, want[i])
			}
		}
	}
	if text := call(t, line+"o.svg"); !strings.Contains(text, "strongest: ") {
		t.Errorf("prints %q", text)
	}
	call(t, line+"o.csv")
	if rows := strings.Count(string(must(os.ReadFile("o.csv"))), "\n"); rows != 7 {
		t.Errorf("a table of %d rows", rows)
	}
}

// TestBar says what is left as soon as that can be told.
func TestBar(t *testing.T) {
	begin := time.Now()
	timer := timer{begin: begin}
	for _, step := range []struct {
		after time.Duration
		u     work.Update
		want  string
	}{
		{400 * time.Millisecond, work.Update{Name: "Occlusion", Stage: "compiling"}, "Occlusion compiling"},
		{5 * time.Second, work.Update{Done: 10, Total: 400, Unit: "positions"}, "10 of 400 positions · 5.0\u00a0s so far"},
		{10 * time.Second, work.Update{Done: 100, Total: 400, Unit: "positions"}, "100 of 400 positions · about 15\u00a0s left"},
		{25 * time.Second, work.Update{Done: 400, Total: 400, Unit: "positions"}, "400 of 400 positions · about 1\u00a0s left"},
	} {
		if text := bar(step.u, timer.when(step.u, begin.Add(step.after))); !strings.HasSuffix(text, step.want) {
			t.Errorf("after %v: %q, want %q", step.after, text, step.want)
		}
	}
}
