package picture

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/convlens/convlens/gonbviz/scale"
)

// State is how a piece of work stands.
type State int

// The states of work: going on, finished, found in the cache, stopped by its user.
const (
	Running State = iota
	Done
	Cached
	Interrupted
)

// Progress is the line above a picture that says how far its making has come.
type Progress struct {
	// Name is the work's: "Occlusion".
	Name  string
	State State
	// Stage is what is done at present where it can't be counted ("compiling for 27 positions at once"); else empty.
	Stage string
	// Count of Total units are done; Unit is their name in the plural ("positions").
	Count, Total int
	Unit         string
	// Detail is added after the count: "pure Go backend".
	Detail string
	// Elapsed is the time since the start, of a result from the cache the time it once took; Compiling is the part
	// of it spent compiling.
	Elapsed, Compiling time.Duration
	// Note is worth a line of its own below, while the work goes on and after: an estimate, a quicker way.
	Note string
}

// share is how much of the work is done, 0..1.
func (p Progress) share() float64 {
	if p.Total <= 0 {
		return 0
	}
	return max(0, min(1, float64(p.Count)/float64(p.Total)))
}

// what is the middle of the line.
func (p Progress) what() string {
	count := scale.Count(p.Count) + " of " + scale.Count(p.Total) + " " + p.Unit
	switch {
	case p.State == Interrupted && p.Total > 0:
		return "stopped at " + count
	case p.State == Interrupted:
		return "stopped"
	case p.Stage != "":
		count = p.Stage
	case p.Total <= 0:
		count = ""
	}
	return join(count, p.Detail)
}

// When is the right of the line: what is left, from one second and a twentieth of the work on, and before that how long
// it has taken.
func (p Progress) When() string {
	if p.State == Interrupted {
		return "interrupted"
	}
	counted := p.Elapsed - p.Compiling
	if s := p.share(); p.Stage == "" && s >= 0.05 && p.Elapsed >= time.Second {
		return "about " + rounded(time.Duration(float64(counted)*(1-s)/s)) + " left"
	}
	return seconds(p.Elapsed) + " so far"
}

// end is the line that stays when the work is done.
func (p Progress) end() string {
	s := p.Name
	if p.Total > 0 {
		s = join(s, scale.Count(p.Total)+" "+p.Unit)
	}
	if p.State == Cached {
		s += ", from the cache"
		if p.Elapsed > 0 {
			s += " (computed in " + seconds(p.Elapsed) + ")"
		}
		return s
	}
	s += " in " + seconds(p.Elapsed)
	if p.Compiling > 0 {
		s += ", " + seconds(p.Compiling) + " of it compiling"
	}
	return join(s, p.Detail)
}

// join sets a dot between what there is.
func join(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.Join(parts, " · ")
}

// rounded is a time to come: whole seconds, minutes or hours, and never none.
func rounded(d time.Duration) string {
	s := math.Ceil(d.Seconds())
	switch {
	case s <= 1:
		return "1" + nbsp + "s"
	case s < 10:
		return fmt.Sprintf("%.0f%ss", s, nbsp)
	case s < 60:
		return fmt.Sprintf("%.0f%ss", math.Ceil(s/5)*5, nbsp)
	case s < 5400:
		return fmt.Sprintf("%.0f%smin", math.Round(s/60), nbsp)
	}
	return fmt.Sprintf("%.0f%sh", math.Round(s/3600), nbsp)
}

// seconds is a time that has passed: 0.4 s, 12 s, 3 min 5 s.
func seconds(d time.Duration) string {
	s := d.Seconds()
	switch {
	case s < 9.95:
		return fmt.Sprintf("%.1f%ss", s, nbsp)
	case s < 59.5:
		return fmt.Sprintf("%.0f%ss", s, nbsp)
	}
	n := int(math.Round(s))
	if n < 3600 {
		return fmt.Sprintf("%[1]d%[3]smin %[2]d%[3]ss", n/60, n%60, nbsp)
	}
	return fmt.Sprintf("%[1]d%[3]sh %[2]d%[3]smin", n/3600, n%3600/60, nbsp)
}

// Plain is the line as text, for a terminal.
func (p Progress) Plain() string {
	if p.State == Done || p.State == Cached {
		return plainText(p.end())
	}
	return plainText(join(p.Name, p.what(), p.When()))
}

// HTML is the line for a notebook: words and a bar, one small line when it is over.
func (p Progress) HTML() string {
	h := &markup{}
	if p.State == Done || p.State == Cached {
		h.text("div", p.end(), noteStyle.css())
		p.note(h)
		return h.String()
	}
	h.open("div", "max-width:560px", rowStyle.css())
	h.open("div", "display:flex;flex-wrap:wrap;gap:0 12px;align-items:baseline")
	h.text("span", p.Name, "font-weight:600")
	h.text("span", p.what(), faint)
	h.text("span", p.When(), "margin-left:auto", faint)
	h.shut("div")
	h.open("div", "height:4px;border-radius:2px;margin:4px 0 0 0;overflow:hidden;background-color:rgba(128,136,144,.22)")
	colour := "#3f90da"
	if p.State == Interrupted {
		colour = "#808890"
	}
	h.open("div", "height:4px;border-radius:2px;width:"+num(math.Max(100*p.share(), 3))+"%;background-color:"+colour)
	h.shut("div")
	h.shut("div")
	h.shut("div")
	p.note(h, "margin:4px 0 0 0")
	return h.String()
}

func (p Progress) note(h *markup, styles ...string) {
	h.text("div", p.Note, append(styles, noteStyle.css())...)
}
