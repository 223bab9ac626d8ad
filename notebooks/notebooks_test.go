// Package notebooks_test runs the notebooks, and the README's commands, as their readers do.
package notebooks_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// command is the gonbviz command, built once.
var command string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gonbviz")
	if err != nil {
		panic(err)
	}
	command = filepath.Join(dir, "gonbviz")
	if out, err := exec.Command("go", "build", "-o", command, "../gonbviz/cmd/gonbviz").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building gonbviz: %v\n%s", err, out)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// needSetup skips the test where a part of the set-up is missing, or fails it where nothing may be.
func needSetup(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes a minute; -short leaves it out")
	}
	out, _ := exec.Command(command, "setup", "--check", "--json").Output() // its status says what its parts say
	var parts []struct{ Part, Status, Detail string }
	if err := json.Unmarshal(out, &parts); err != nil {
		t.Fatalf("setup --check says %q: %v", out, err)
	}
	for _, part := range parts {
		if part.Status == "ok" || part.Part == "library" { // not compiled yet: the first cell will take longer
			continue
		}
		reason := fmt.Sprintf("%s is missing: %s", part.Part, part.Detail)
		if os.Getenv("CONVLENS_REQUIRE") != "" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
}

// notebook is the part of a notebook file that tests read.
type notebook struct {
	Cells []cell `json:"cells"`
	raw   map[string]any
}

type cell struct {
	Kind    string   `json:"cell_type"`
	Source  text     `json:"source"`
	Outputs []output `json:"outputs"`
}

type output struct {
	Kind string          `json:"output_type"`
	Text text            `json:"text"`
	Data map[string]text `json:"data"`
}

// text is a string, or a list of lines as notebooks have it.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var lines []string
	if err := json.Unmarshal(data, &lines); err == nil {
		*t = text(strings.Join(lines, ""))
		return nil
	}
	return json.Unmarshal(data, (*string)(t))
}

func read(t *testing.T, path string) notebook {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var n notebook
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := json.Unmarshal(data, &n.raw); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return n
}

// execute runs a notebook from a folder of its own, some levels below the clone, and returns it with its outputs.
func execute(t *testing.T, n notebook) notebook {
	t.Helper()
	dir, err := os.MkdirTemp(".", ".run-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	deep := filepath.Join(dir, "some levels", "down")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range n.raw["cells"].([]any) {
		if c := c.(map[string]any); c["cell_type"] == "code" {
			c["outputs"], c["execution_count"] = []any{}, nil
		}
	}
	data, err := json.Marshal(n.raw)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(deep, "notebook.ipynb")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(command, "run", "--in-place", path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return read(t, path)
}

// glob lists files, of which there must be some.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return paths
}

// executed are the notebooks that lie in the repository with their outputs: all but the students' sheets.
func executed(t *testing.T) []string {
	t.Helper()
	return append(glob(t, "*.ipynb"), glob(t, "exercises/*.solution.ipynb")...)
}

// TestExercises holds that each task's check calls the solution right, and the sheet as a student gets it not yet so.
func TestExercises(t *testing.T) {
	needSetup(t)
	for _, path := range glob(t, "exercises/*.solution.ipynb") {
		sheet := strings.TrimSuffix(path, ".solution.ipynb") + ".ipynb"
		right, wrong := verdicts(read(t, path))
		_, notYet := verdicts(execute(t, read(t, sheet)))
		if right == 0 || wrong != 0 || notYet != right {
			t.Errorf("%s: %d answers are right and %d wrong; the sheet has %d tasks", path, right, wrong, notYet)
		}
	}
}

// verdicts counts what the checks of a notebook have said.
func verdicts(n notebook) (right, notYet int) {
	for _, c := range n.Cells {
		for _, said := range spoken(c) {
			right += strings.Count(said, ": right.")
			notYet += strings.Count(said, ": not yet.")
		}
	}
	return right, notYet
}

// TestNotebooks runs each notebook and compares what its cells say with what is stored in it.
func TestNotebooks(t *testing.T) {
	needSetup(t)
	for _, path := range executed(t) {
		t.Run(path, func(t *testing.T) {
			stored := read(t, path)
			fresh := execute(t, stored)
			for i, c := range stored.Cells {
				want, got := spoken(c), spoken(fresh.Cells[i])
				if len(want) != len(got) {
					t.Fatalf("cell %d says %q, stored is %q", i+1, got, want)
				}
				for j := range want {
					if !alike(want[j], got[j]) {
						t.Errorf("cell %d says %q, stored is %q", i+1, got[j], want[j])
					}
				}
			}
		})
	}
}

// spoken lists what a cell's outputs say as text. Progress lines, which are HTML alone, say something else each time.
func spoken(c cell) []string {
	var list []string
	for _, o := range c.Outputs {
		switch {
		case o.Kind == "stream":
			list = append(list, string(o.Text))
		case o.Data["text/plain"] != "":
			list = append(list, string(o.Data["text/plain"]))
		}
	}
	return list
}

var numbers = regexp.MustCompile(`[0-9]+\.?[0-9]*`)

// alike reports whether two texts differ in nothing but the last digits of their numbers.
func alike(a, b string) bool {
	if numbers.ReplaceAllString(a, "#") != numbers.ReplaceAllString(b, "#") {
		return false
	}
	x, y := numbers.FindAllString(a, -1), numbers.FindAllString(b, -1)
	for i := range x {
		p, _ := strconv.ParseFloat(x[i], 64)
		q, _ := strconv.ParseFloat(y[i], 64)
		if math.Abs(p-q) > 0.002+0.01*math.Abs(p) {
			return false
		}
	}
	return true
}

// TestPureGo runs the notebook with the most work in it without XLA: it chooses a coarser grid and says so.
func TestPureGo(t *testing.T) {
	needSetup(t)
	t.Setenv("GOMLX_BACKEND", "go")
	var said []string
	for _, c := range execute(t, read(t, "occlusion.ipynb")).Cells {
		said = append(said, spoken(c)...)
	}
	text := strings.Join(said, "\n")
	if !strings.Contains(text, "No XLA here") || !strings.Contains(text, "49 positions") || strings.Contains(text, "676 positions:") {
		t.Errorf("without XLA the notebook says %q", text)
	}
}

// TestStored looks at the notebooks as they are in the repository: executed, each figure in its three forms, and with
// nothing in them that a reader would have to fetch, or that tells of the machine on which they were run.
func TestStored(t *testing.T) {
	for _, path := range executed(t) {
		n := read(t, path)
		figures := 0
		for i, c := range n.Cells {
			for _, o := range c.Outputs {
				html := string(o.Data["text/html"])
				if strings.Contains(html, "<figure") {
					figures++
					if o.Data["image/png"] == "" || o.Data["text/plain"] == "" {
						t.Errorf("%s: cell %d: a figure without its PNG or text", path, i+1)
					}
				}
				if regexp.MustCompile(`(src|href)="(https?:)?//|<script|<style|<iframe`).MatchString(html) {
					t.Errorf("%s: cell %d loads something or runs a script", path, i+1)
				}
				if home := regexp.MustCompile(`/(root|home|Users|tmp)/`); home.MatchString(html) || home.MatchString(string(o.Text)) {
					t.Errorf("%s: cell %d names a folder of the machine", path, i+1)
				}
			}
		}
		if figures == 0 {
			t.Errorf("%s has not been executed: it holds no figure", path)
		}
	}
}

var block = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```")

// blocks are the README's blocks of code in a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range block.FindAllStringSubmatch(string(readme), -1) {
		if m[1] == language {
			list = append(list, m[2])
		}
	}
	if len(list) == 0 {
		t.Fatalf("the README has no block of %s", language)
	}
	return list
}

// testedElsewhere are the beginnings of commands that other tests give, or that are tests.
var testedElsewhere = []string{
	"go test ", "go run ./notebooks/exercises/sheet ", "go run ./gonbviz/cmd/gonbviz run ",
	"go run ./gonbviz/cmd/gonbviz lab", "go run ./gonbviz/cmd/gonbviz setup ",
	"go run ./gonbviz/internal/peers ", // takes an hour, and gets gigabytes of its peers
}

// TestREADMECommands runs the commands of the README.
func TestREADMECommands(t *testing.T) {
	needSetup(t)
	here := t.TempDir() // what they write stays out of the clone
	for _, b := range blocks(t, "sh") {
		for line := range strings.Lines(b) {
			if slices.ContainsFunc(testedElsewhere, func(start string) bool { return strings.HasPrefix(line, start) }) {
				continue
			}
			args, ours := strings.CutPrefix(strings.TrimSpace(line), "go run ./gonbviz/cmd/gonbviz ")
			if !ours {
				t.Errorf("the README has a command that is not tested: %s", line)
				continue
			}
			cmd := exec.Command(command, strings.Fields(args)...)
			cmd.Dir = here
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", strings.TrimSpace(line), err, out)
			}
		}
	}
}

// TestREADMECell runs the README's cell in a notebook.
func TestREADMECell(t *testing.T) {
	needSetup(t)
	n := read(t, "first_look.ipynb")
	finder := n.raw["cells"].([]any)[firstCode(t, n)]
	cellOf := func(source string) any {
		return map[string]any{"cell_type": "code", "id": "readme", "metadata": map[string]any{}, "source": source}
	}
	n.raw["cells"] = []any{finder, cellOf(blocks(t, "go")[0])}
	said := spoken(execute(t, n).Cells[1])
	if len(said) != 1 || !strings.Contains(said[0], "fox squirrel") {
		t.Errorf("the README's cell says %q", said)
	}
}

// firstCode is the notebook's first cell of code, which finds the library.
func firstCode(t *testing.T, n notebook) int {
	t.Helper()
	for i, c := range n.Cells {
		if c.Kind == "code" {
			return i
		}
	}
	t.Fatal("no cell of code")
	return 0
}
