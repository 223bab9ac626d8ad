// Package notebook shows figures and progress below a cell of a notebook on the GoNB kernel. It is the only package
// that knows GoNB.
package notebook

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/convlens/convlens/gonbviz/picture"
	"github.com/convlens/convlens/gonbviz/progress"
)

// Inside reports whether the program runs as a cell of a notebook.
func Inside() bool { return gonbui.IsNotebook }

// Show puts a figure below the cell, as one output with three forms: HTML for the notebook, PNG for where HTML is not
// shown, and a line of text for a terminal.
func Show(figure picture.Figure) error {
	forms, err := bundle(figure)
	if err != nil {
		return err
	}
	gonbui.SendData(&protocol.DisplayData{Data: forms})
	gonbui.Sync()
	return gonbui.Error()
}

// bundle is a figure in its three forms.
func bundle(figure picture.Figure) (map[protocol.MIMEType]any, error) {
	png, err := figure.PNG(picture.Raster{Density: 1})
	if err != nil {
		return nil, err
	}
	return map[protocol.MIMEType]any{
		protocol.MIMETextHTML:  figure.HTML(),
		protocol.MIMEImagePNG:  png,
		protocol.MIMETextPlain: figure.Plain(),
	}, nil
}

// every is the least time between two redrawings of a progress line.
const every = 100 * time.Millisecond

// Background returns a context that the kernel's interrupt cancels and whose progress is drawn below the cell: a line
// with a bar that is updated in place. Call done with the error of the work when it has ended.
func Background() (ctx context.Context, done func(error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	line := &line{begin: time.Now()}
	return progress.With(ctx, line.update), func(err error) {
		stop()
		line.end(err)
	}
}

// line is the progress of one piece of work.
type line struct {
	id           string
	begin, drawn time.Time
	bar          picture.Progress
}

func (l *line) update(u progress.Update) {
	now := time.Now()
	if l.bar.Stage != "" && u.Stage == "" {
		l.bar.Compiling = now.Sub(l.begin)
	}
	if u.Note != "" {
		l.bar.Note = u.Note
	}
	l.bar.Name, l.bar.Stage, l.bar.Unit, l.bar.Detail = u.Name, u.Stage, u.Unit, u.Detail
	l.bar.Count, l.bar.Total, l.bar.Elapsed = u.Done, u.Total, now.Sub(l.begin)
	if u.Cached {
		l.bar.State, l.bar.Elapsed = picture.Cached, u.Took
	}
	if l.id == "" || u.Cached || u.Note != "" || now.Sub(l.drawn) >= every {
		l.drawn = now
		l.draw()
	}
}

// end leaves what there is to say when the work is over. Work that reported nothing leaves nothing.
func (l *line) end(err error) {
	if l.id == "" {
		return
	}
	l.bar.Elapsed = time.Since(l.begin)
	switch {
	case l.bar.State == picture.Cached: // of which all was said
	case errors.Is(err, context.Canceled):
		l.bar.State = picture.Interrupted
		l.draw()
	case err != nil: // the error says what there is to say
		gonbui.UpdateHTML(l.id, "")
	default:
		l.bar.State = picture.Done
		l.draw()
	}
	gonbui.Sync()
}

func (l *line) draw() {
	if l.id == "" {
		l.id = gonbui.UniqueId()
	}
	gonbui.UpdateHTML(l.id, l.bar.HTML())
}
