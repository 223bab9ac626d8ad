package gonbviz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/notebook"
	"github.com/convlens/convlens/gonbviz/picture"
)

// Show draws what an analysis returned below the cell: gonbviz.Show(lens.Filters("conv1")). Outside a notebook it
// prints the numbers that matter as one line; use Save for a picture there. An error is printed as one line, and ends
// the cell with status 1. Of a report it draws each figure.
func Show(result any, err ...error) {
	for _, e := range err {
		check(e)
	}
	if report, ok := result.(*Report); ok && report != nil {
		for _, figure := range report.Figures {
			check(show(figure))
		}
		return
	}
	figure, e := FigureOf(result)
	check(e)
	check(show(figure))
}

func show(figure picture.Figure) error {
	if notebook.Inside() {
		return takePlace().Leave(figure)
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

// background is the context that analyses run under: in a notebook the kernel's interrupt cancels it, and progress and a
// preview of what is known so far are shown below the cell. done must be called with the analysis's result and error. Of
// one that was interrupted it shows how far it came.
func background() (ctx context.Context, done func(result any, err error)) {
	if !notebook.Inside() {
		return context.Background(), func(any, error) {}
	}
	ctx, end := notebook.Background()
	place := &notebook.Place{}
	early := newPreview(place.Update)
	return early.on(ctx), func(result any, err error) {
		end(err)
		if early.seen {
			vacate(place)
		}
		if part, ok := result.(*attrib.Attribution); ok && part != nil && errors.Is(err, context.Canceled) {
			if figure, err := FigureOf(part); err == nil {
				check(show(figure))
			}
		}
	}
}
