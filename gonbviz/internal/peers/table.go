package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is rows of cells below their headings. A cell is a string or a number: an int, or a float64, which in print has
// three digits; nil is empty.
type table struct {
	title   string
	columns []string
	rows    [][]any
	// lead is how many columns, from the first on, a row leaves out in print as long as it repeats the one above; at least 2.
	lead int
}

func (t *table) add(cells ...any) { t.rows = append(t.rows, cells) }

// text is a cell in print.
func text(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case float64:
		switch {
		case v != 0 && math.Abs(v) < 1e-3:
			return strconv.FormatFloat(v, 'e', 0, 64)
		case v < 100:
			return strconv.FormatFloat(v, 'g', 3, 64)
		}
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return fmt.Sprint(cell)
}

// print lays the table out with a column's numbers below each other.
func (t *table) print(w io.Writer) {
	lines := [][]string{t.columns}
	var above []any
	for _, row := range t.rows {
		line := make([]string, len(row))
		same := true
		for i, cell := range row {
			if same = same && above != nil && i < max(t.lead, 2) && cell == above[i]; !same {
				line[i] = text(cell)
			}
		}
		lines, above = append(lines, line), row
	}
	widths := make([]int, len(t.columns))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(w, "%s\n\n", t.title)
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.words(i) {
				cell += gap
			} else {
				cell = gap + cell
			}
			b.WriteString(cell + "  ")
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	fmt.Fprintln(w)
}

// words reports whether a column holds any words.
func (t *table) words(column int) bool {
	return slices.ContainsFunc(t.rows, func(row []any) bool {
		s, ok := row[column].(string)
		return ok && !strings.HasPrefix(s, "~")
	})
}

// write writes the table as CSV or, with what is said about it, as JSON, by the file's ending.
func (t *table) write(path string, about, left []string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if filepath.Ext(path) == ".csv" {
		err = t.csv(f)
	} else {
		err = t.json(f, about, left)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func (t *table) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{t.columns}
	for _, row := range t.rows {
		line := make([]string, len(row))
		for i, cell := range row {
			if cell != nil {
				line[i] = fmt.Sprint(cell)
			}
		}
		rows = append(rows, line)
	}
	return out.WriteAll(rows)
}

func (t *table) json(w io.Writer, about, left []string) error {
	rows := make([]map[string]any, len(t.rows))
	for i, row := range t.rows {
		rows[i] = map[string]any{}
		for k, cell := range row {
			if cell != nil {
				rows[i][t.columns[k]] = cell
			}
		}
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(map[string]any{"title": t.title, "about": about, "left out": left, "rows": rows})
}

// machine names the processor, its cores, the system, and how busy it is.
func machine() string {
	name := runtime.GOARCH
	if model := procLine("/proc/cpuinfo", "model name"); model != "" {
		name = model
	}
	line := fmt.Sprintf("%s, %d cores, %s", name, runtime.NumCPU(), runtime.GOOS)
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		line += ", load " + strings.Fields(string(load))[0]
	}
	return line
}

// procLine is what stands behind "name:" in one of Linux's files; empty where it doesn't.
func procLine(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// versionsLine names the libraries that answered.
func versionsLine(versions map[string]string) []string {
	var words []string
	for _, library := range slices.Sorted(maps.Keys(versions)) {
		words = append(words, library+" "+versions[library])
	}
	if words == nil {
		return nil
	}
	return []string{strings.Join(words, ", ")}
}
