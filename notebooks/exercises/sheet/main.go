// Command sheet makes the exercise sheets that students get from the solutions beside them: every
// NAME.solution.ipynb becomes NAME.ipynb.
//
//	go run ./notebooks/exercises/sheet notebooks/exercises/*.solution.ipynb
//
// Cells with the tag "solution" are left out. In other cells, the lines from "// begin solution" to "// end solution"
// make room for what stands behind the first of these, if anything: "// begin solution: answer := 0". Outputs go.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: sheet NAME.solution.ipynb...")
		os.Exit(2)
	}
	for _, path := range os.Args[1:] {
		if err := run(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

func run(path string) error {
	name, ok := strings.CutSuffix(path, ".solution.ipynb")
	if !ok {
		return fmt.Errorf("a solution's name ends in .solution.ipynb")
	}
	solution, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	sheet, err := makeSheet(solution)
	if err != nil {
		return err
	}
	return os.WriteFile(name+".ipynb", sheet, 0o644)
}

// makeSheet is the sheet for a solution.
func makeSheet(solution []byte) ([]byte, error) {
	var notebook map[string]any
	if err := json.Unmarshal(solution, &notebook); err != nil {
		return nil, err
	}
	cells, ok := notebook["cells"].([]any)
	if !ok {
		return nil, fmt.Errorf("not a notebook: it has no cells")
	}
	var kept []any
	for i, c := range cells {
		cell := c.(map[string]any)
		if tagged(cell, "solution") {
			continue
		}
		source, err := blank(text(cell["source"]))
		if err != nil {
			return nil, fmt.Errorf("cell %d: %w", i+1, err)
		}
		cell["source"] = strings.SplitAfter(source, "\n")
		if cell["cell_type"] == "code" {
			cell["outputs"], cell["execution_count"] = []any{}, nil
		}
		kept = append(kept, cell)
	}
	notebook["cells"] = kept
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(notebook)
	return out.Bytes(), err
}

func tagged(cell map[string]any, tag string) bool {
	metadata, _ := cell["metadata"].(map[string]any)
	tags, _ := metadata["tags"].([]any)
	return slices.Contains(tags, any(tag))
}

// text joins a cell's source, which is one text or a list of lines.
func text(source any) string {
	if lines, ok := source.([]any); ok {
		var b strings.Builder
		for _, line := range lines {
			b.WriteString(line.(string))
		}
		return b.String()
	}
	s, _ := source.(string)
	return s
}

const begin, end = "// begin solution", "// end solution"

// blank takes the solutions out of a cell's source.
func blank(source string) (string, error) {
	var kept []string
	inside := false
	for line := range strings.SplitSeq(source, "\n") {
		bare := strings.TrimSpace(line)
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		switch instead, begins := strings.CutPrefix(bare, begin); {
		case begins && inside:
			return "", fmt.Errorf("%q inside a solution", begin)
		case begins:
			inside = true
			if instead = strings.TrimSpace(strings.TrimPrefix(instead, ":")); instead != "" {
				kept = append(kept, indent+instead)
			}
		case bare == end && !inside:
			return "", fmt.Errorf("%q without a begin", end)
		case bare == end:
			inside = false
		case !inside:
			kept = append(kept, line)
		}
	}
	if inside {
		return "", fmt.Errorf("%q without an end", begin)
	}
	return strings.Join(kept, "\n"), nil
}
