package notebook

import (
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/convlens/convlens/gonbviz/picture"
)

// redraw is the least time between two drawings of a figure in place: what a reader can follow, and a browser keep up
// with.
const redraw = 250 * time.Millisecond

// Place is an output below the cell in which a figure is drawn again and again. Its zero value is one that has not been
// drawn yet. Outside a notebook it shows nothing.
type Place struct {
	id    string
	drawn time.Time
}

// Due reports whether the last drawing is long enough ago for another.
func (p *Place) Due() bool { return time.Since(p.drawn) >= redraw }

// Update draws the figure in place of the last one.
func (p *Place) Update(figure picture.Figure) {
	p.send(map[protocol.MIMEType]any{protocol.MIMETextHTML: figure.HTML()})
}

// Clear leaves the place empty, for what is drawn there next.
func (p *Place) Clear() { p.send(map[protocol.MIMEType]any{protocol.MIMETextHTML: ""}) }

// Leave draws the figure that is to stay, in all the forms that Show gives it.
func (p *Place) Leave(figure picture.Figure) error {
	if !Inside() {
		return nil
	}
	if p.id != "" {
		p.Update(figure) // at once: the other forms take longer
	}
	forms, err := bundle(figure)
	if err != nil {
		return err
	}
	p.send(forms)
	gonbui.Sync()
	return gonbui.Error()
}

func (p *Place) send(forms map[protocol.MIMEType]any) {
	if !Inside() {
		return
	}
	if p.id == "" {
		p.id = gonbui.UniqueId()
	}
	gonbui.SendData(&protocol.DisplayData{Data: forms, DisplayID: p.id})
	p.drawn = time.Now()
}
