package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBlank(t *testing.T) {
	source := "a := 1\n\t// begin solution: answer := 0 // yours\n\tanswer := 42\n\t// end solution\nprint(answer)"
	want := "a := 1\n\tanswer := 0 // yours\nprint(answer)"
	if got, err := blank(source); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for _, wrong := range []string{"// end solution", "// begin solution", "// begin solution\n// begin solution\n// end solution"} {
		if _, err := blank(wrong); err == nil {
			t.Errorf("no error for %q", wrong)
		}
	}
}

func TestMakeSheet(t *testing.T) {
	solution := `{"cells":[{"cell_type":"markdown","metadata":{"tags":["solution"]},"source":"secret"},` +
		`{"cell_type":"code","metadata":{},"execution_count":3,"outputs":[{"text":"secret"}],"source":["// begin solution\n","secret\n","// end solution\n","x < y"]}]}`
	sheet, err := makeSheet([]byte(solution))
	if err != nil || bytes.Contains(sheet, []byte("secret")) || !bytes.Contains(sheet, []byte("x < y")) {
		t.Errorf("%s, %v", sheet, err)
	}
}

// TestNoDrift makes the sheets again and compares: a change to a solution alone, or to a sheet, fails here.
func TestNoDrift(t *testing.T) {
	solutions, err := filepath.Glob("../*.solution.ipynb")
	if err != nil || len(solutions) == 0 {
		t.Fatal("no solutions", err)
	}
	for _, path := range solutions {
		solution, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := makeSheet(solution)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		sheet := strings.TrimSuffix(path, ".solution.ipynb") + ".ipynb"
		got, err := os.ReadFile(sheet)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what %s makes; run `go run ./notebooks/exercises/sheet notebooks/exercises/*.solution.ipynb`", sheet, path)
		}
	}
}
