package gonbviz

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/convlens/convlens/gonbviz/attrib"
	"github.com/convlens/convlens/gonbviz/notebook"
	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/progress"
)

// A preview is first drawn when the work has gone on for a while, then a few times a second at most, and so seldom that
// drawing takes but a small part of the time. It is not drawn where the result will be there in a moment.
const (
	firstPreview = 300 * time.Millisecond
	nextPreview  = 300 * time.Millisecond
	previewShare = 20 // drawing takes at most a twentieth of the time
	soon         = 300 * time.Millisecond
)

// preview draws what is known so far of work that goes on.
type preview struct {
	draw       func(picture.Figure)
	begin, due time.Time
	first      time.Time // when the first positions were known, and how many
	firstKnown int
	seen       bool
}

func newPreview(draw func(picture.Figure)) *preview {
	now := time.Now()
	return &preview{draw: draw, begin: now, due: now.Add(firstPreview)}
}

// on is a context whose work is drawn early, and reported as ctx would.
func (p *preview) on(ctx context.Context) context.Context {
	return progress.With(ctx, func(u progress.Update) {
		progress.Report(ctx, u)
		p.update(u)
	})
}

func (p *preview) update(u progress.Update) {
	now := time.Now()
	if u.Preview == nil {
		return
	}
	if p.first.IsZero() {
		p.first, p.firstKnown = now, u.Done
	}
	if now.Before(p.due) || p.left(u, now) < soon {
		return
	}
	a, ok := u.Preview().(*attrib.Attribution)
	if !ok {
		return
	}
	figure, err := previewFigure(a)
	if err != nil { // the result will say so
		return
	}
	p.draw(figure)
	p.seen = true
	p.due = time.Now().Add(max(nextPreview, previewShare*time.Since(now)))
}

// left is about how long the work will still take; a minute as long as nothing is known about that.
func (p *preview) left(u progress.Update, now time.Time) time.Duration {
	if u.Done == p.firstKnown {
		return time.Minute
	}
	return now.Sub(p.first) * time.Duration(u.Total-u.Done) / time.Duration(u.Done-p.firstKnown)
}

// previewFigure is the figure of what is known so far.
func previewFigure(a *attrib.Attribution) (picture.Figure, error) {
	if a.Grid == nil { // its words are of the masks or channels that are known
		figure, err := FigureOf(Panels{Attribution: a})
		if err != nil {
			return figure, err
		}
		figure.Subtitle = "Preview: " + strings.ToLower(figure.Subtitle[:1]) + figure.Subtitle[1:]
		return figure, nil
	}
	d, err := newDrawing(a)
	if err != nil {
		return picture.Figure{}, err
	}
	d.early = true
	return Panels{Attribution: a}.drawn(d)
}

// vacant is where a preview was drawn: the next figure takes its place.
var vacant struct {
	sync.Mutex
	place *notebook.Place
}

// vacate leaves a place to the next figure.
func vacate(place *notebook.Place) {
	place.Clear()
	vacant.Lock()
	defer vacant.Unlock()
	vacant.place = place
}

// takePlace is where a preview was drawn, else a new place.
func takePlace() *notebook.Place {
	vacant.Lock()
	defer vacant.Unlock()
	place := vacant.place
	vacant.place = nil
	if place == nil {
		place = &notebook.Place{}
	}
	return place
}
