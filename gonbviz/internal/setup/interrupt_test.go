package setup

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

//go:embed testdata/interrupt.py
var interruptor string

// heatmap is a cell that explains a picture with a stride that is to be put in.
const heatmap = `import (
	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/models/squeezenet"
)
%%
lens := gonbviz.Must(gonbviz.Open(squeezenet.Network()))
gonbviz.Show(lens.Explain(gonbviz.Must(gonbviz.Photo("squirrel")), attrib.Occlusion{Stride: attrib.Pixels(STRIDE)}))`

// stoppedAt is how far a heatmap came.
var stoppedAt = regexp.MustCompile(`stopped at ([0-9\p{Zs}]+ of [0-9\p{Zs}]+ positions)`)

// TestInterrupt stops a heatmap on the real kernel when it has shown a preview: in its place the cell shows what is
// known, and how far it came, and the kernel goes on: a heatmap that is not stopped takes the place of its preview.
func TestInterrupt(t *testing.T) {
	root := installed(t)
	s, err := newSite(root)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	request, err := json.Marshal(map[string]string{
		"folder": folder, "finder": finder(t),
		// With work for half a minute and more, and for some seconds.
		"long": strings.Replace(heatmap, "STRIDE", "2", 1), "short": strings.Replace(heatmap, "STRIDE", "16", 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), s.python(), "-I", "-c", interruptor)
	cmd.Env = append(s.environment(), "CONVLENS_NO_CACHE=1")
	cmd.Stdin = bytes.NewReader(request)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		Said         []string
		Shown, Whole []map[string]any
		Seconds      float64
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	said := strings.Join(result.Said, "\n")
	for _, want := range []string{"occlusion stopped at", "interrupted", "exit status 1"} {
		if !strings.Contains(said, want) {
			t.Errorf("the stopped cell does not say %q: %s", want, said)
		}
	}
	if strings.Contains(said, "goroutine ") {
		t.Errorf("the stopped cell shows a stack trace: %s", said)
	}
	figure, line := checkShown(t, result.Shown)
	inFigure, inLine := stoppedAt.FindStringSubmatch(figure), stoppedAt.FindStringSubmatch(line)
	if inFigure == nil || inLine == nil || inFigure[1] != inLine[1] || !strings.Contains(line, "interrupted") {
		t.Errorf("the figure says %q, the line %q", inFigure, inLine)
	}
	if figure, line := checkShown(t, result.Whole); stoppedAt.MatchString(figure) || !strings.Contains(line, "196 positions in") {
		t.Errorf("after the interrupt, a heatmap's line is %q", line)
	}
	t.Logf("shown: %q", inFigure)
	t.Logf("ended %.2f s after the interrupt", result.Seconds)
}

// checkShown holds that a cell shows a line of progress and one figure, which stands where the preview was.
func checkShown(t *testing.T, shown []map[string]any) (figure, line string) {
	t.Helper()
	var figures, lines []string
	for _, output := range shown {
		html, _ := output["text/html"].(string)
		if strings.Contains(html, "Preview: ") {
			t.Error("the preview is still there")
		}
		switch {
		case output["image/png"] != nil && output["previewed"] == true:
			figures = append(figures, html)
		case html != "" && output["image/png"] == nil:
			lines = append(lines, html)
		}
	}
	if len(figures) != 1 || len(lines) != 1 || len(shown) != 2 {
		t.Fatalf("a cell shows %d figures in the place of a preview and %d lines, in %d outputs", len(figures), len(lines), len(shown))
	}
	return figures[0], lines[0]
}

// finder is the first cell of the notebook that lies beside the tests.
func finder(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "passing.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	var notebook struct {
		Cells []struct{ Source []string }
	}
	if err := json.Unmarshal(text, &notebook); err != nil {
		t.Fatal(err)
	}
	return strings.Join(notebook.Cells[0].Source, "")
}
