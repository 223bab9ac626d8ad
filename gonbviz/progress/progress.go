// Package progress carries reports on long work from where it is done to whoever shows it, by way of the context.
package progress

import (
	"context"
	"time"
)

// Update says how far a piece of work has come.
type Update struct {
	// Name is the work's: "Occlusion".
	Name string
	// Stage is what is done at present where it can't be counted ("compiling for 32 positions at once"); else empty.
	Stage string
	// Done of Total units; Unit is their name in the plural ("positions").
	Done, Total int
	Unit        string
	// Detail is added after the count: "pure Go backend".
	Detail string
	// Note is worth a line of its own that stays: an estimate, a quicker way.
	Note string
	// Cached says that the result was there already, from work that once took Took.
	Cached bool
	Took   time.Duration
	// Preview, where it is not nil, makes a result of what is known so far, of the type that the work returns, with what
	// is not known yet filled in from what lies nearest in a grid. It costs nothing unless it is called, and is to be
	// called, if at all, while the update is being shown.
	Preview func() any
}

type key struct{}

// With returns a context whose work is reported to show. show is called from the goroutine that does the work.
func With(ctx context.Context, show func(Update)) context.Context {
	return context.WithValue(ctx, key{}, show)
}

// Report hands u to whoever listens, if anyone does.
func Report(ctx context.Context, u Update) {
	if show, ok := ctx.Value(key{}).(func(Update)); ok {
		show(u)
	}
}
