package main

import (
	"bytes"
	"context"
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
	largest := document(t, "", "predict --json --top 1 "+options[:strings.Index(options, " --window")])["classes"].([]any)[0].(map[string]any)["logit"].(float64)
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
		{5 * time.Second, work.Update{Name: "Occlusion", Done: 10, Total: 400, Unit: "positions"}, "10 of 400 positions · 5.0\u00a0s so far"},
		{10 * time.Second, work.Update{Name: "Occlusion", Done: 100, Total: 400, Unit: "positions"}, "100 of 400 positions · about 15\u00a0s left"},
		{25 * time.Second, work.Update{Name: "Occlusion", Done: 400, Total: 400, Unit: "positions"}, "400 of 400 positions · about 1\u00a0s left"},
	} {
		if text := bar(step.u, timer.when(step.u, begin.Add(step.after))); !strings.HasSuffix(text, step.want) {
			t.Errorf("after %v: %q, want %q", step.after, text, step.want)
		}
	}
}
