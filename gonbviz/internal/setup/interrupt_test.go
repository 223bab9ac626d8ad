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

// heatmap is a cell with work for half a minute and more.
const heatmap = `import (
	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/models/squeezenet"
)
%%
lens := gonbviz.Must(gonbviz.Open(squeezenet.Network()))
gonbviz.Show(lens.Explain(gonbviz.Must(gonbviz.Photo("squirrel")), attrib.Occlusion{Stride: attrib.Pixels(2)}))`

// stoppedAt is how far a heatmap came.
var stoppedAt = regexp.MustCompile(`stopped at ([0-9\p{Zs}]+ of [0-9\p{Zs}]+ positions)`)

// TestInterrupt stops a heatmap on the real kernel when it has shown a preview: in its place the cell shows what is
// known, and how far it came, and the kernel goes on.
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
		"folder": folder, "finder": finder(t), "long": heatmap, "short": "import \"fmt\"\n%%\nfmt.Println(\"alive\")",
		"stop_at": "Preview: ",
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
		Said, Alive []string
		Shown       []map[string]any
		Seconds     float64
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
	checkShown(t, result.Shown)
	if alive := strings.Join(result.Alive, ""); !strings.Contains(alive, "alive") {
		t.Errorf("after the interrupt the kernel says %q", alive)
	}
	t.Logf("ended %.2f s after the interrupt", result.Seconds)
}

// checkShown holds that a stopped cell shows a line of progress that was interrupted and one figure, and that both say
// how far it came.
func checkShown(t *testing.T, shown []map[string]any) {
	t.Helper()
	var figures, lines []string
	for _, output := range shown {
		html, _ := output["text/html"].(string)
		if strings.Contains(html, "Preview: ") {
			t.Error("the preview is still there")
		}
		switch {
		case output["image/png"] != nil:
			figures = append(figures, html)
		case html != "":
			lines = append(lines, html)
		}
	}
	if len(figures) != 1 || len(lines) != 1 {
		t.Fatalf("the stopped cell shows %d figures and %d lines", len(figures), len(lines))
	}
	inFigure, inLine := stoppedAt.FindStringSubmatch(figures[0]), stoppedAt.FindStringSubmatch(lines[0])
	if inFigure == nil || inLine == nil || inFigure[1] != inLine[1] || !strings.Contains(lines[0], "interrupted") {
		t.Errorf("the figure says %q, the line %q", inFigure, inLine)
	}
	t.Logf("shown: %q", inFigure)
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
