package gonbviz

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/convlens/convlens/gonbviz/notebook"
	"github.com/convlens/convlens/gonbviz/picture"
)

// Show draws what an analysis returned below the cell: gonbviz.Show(lens.Filters("conv1")). Outside a notebook it
// prints the numbers that matter as one line; use Save for a picture there. An error is printed as one line, and ends
// the cell with status 1.
func Show(result any, err ...error) {
	for _, e := range err {
		check(e)
	}
	figure, e := FigureOf(result)
	check(e)
	check(show(figure))
}

func show(figure picture.Figure) error {
	if notebook.Inside() {
		return notebook.Show(figure)
	}
	_, err := fmt.Println(figure.Plain())
	return err
}

// Must returns v. With an error it prints that as one line and ends the cell with status 1; outside a notebook it
// panics.
func Must[T any](v T, err error) T {
	check(err)
	return v
}

// exit is replaced by tests.
var exit = os.Exit

func check(err error) {
	if err == nil {
		return
	}
	if !notebook.Inside() {
		panic(err)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	line = strings.Replace(line, context.Canceled.Error(), "interrupted", 1)
	fmt.Fprintln(os.Stderr, line)
	exit(1)
}

// background is the context that analyses run under: in a notebook the kernel's interrupt cancels it and progress is
// shown below the cell. done must be called with the analysis's error.
func background() (ctx context.Context, done func(error)) {
	if notebook.Inside() {
		return notebook.Background()
	}
	return context.Background(), func(error) {}
}
