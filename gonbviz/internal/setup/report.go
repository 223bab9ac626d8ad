package setup

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
)

// reporter says what is being done and how long is left: on a terminal in one line that changes, else a line a step.
type reporter struct {
	out      io.Writer
	terminal bool

	steps   []step
	current int
	began   time.Time
	doing   string
	part    float64 // how much of the step is done, 0 to 1
	drawn   bool
}

// step is one part of the work. seconds is what it takes on a machine with two cores and a good line.
type step struct {
	name    string
	seconds float64
}

func newReporter(out io.Writer, quiet bool) *reporter {
	if quiet {
		return &reporter{out: io.Discard}
	}
	file, ok := out.(*os.File)
	return &reporter{out: out, terminal: ok && isatty.IsTerminal(file.Fd())}
}

// say writes a line that stays.
func (r *reporter) say(line string) {
	r.clear()
	fmt.Fprintln(r.out, line)
}

// begin starts the step at i.
func (r *reporter) begin(i int) {
	r.current, r.began, r.part, r.doing = i, time.Now(), 0, ""
	line := fmt.Sprintf("[%d/%d] %s, about %s left", i+1, len(r.steps), r.steps[i].name, duration(r.left()))
	if !r.terminal {
		r.say(line)
		return
	}
	r.draw()
}

// stage says what the step does at present.
func (r *reporter) stage(doing string) {
	r.doing = doing
	r.draw()
}

// count says that a part of the step's work is done.
func (r *reporter) count(done, total int, unit string) {
	if total > 0 {
		r.part = min(1, float64(done)/float64(total))
		r.doing = fmt.Sprintf("%d of %d %s", done, total, unit)
	}
	r.draw()
}

// left estimates the seconds to the end: by what the step has taken so far, once that says something, else by what is
// usual.
func (r *reporter) left() float64 {
	seconds := r.steps[r.current].seconds * (1 - r.part)
	if spent := time.Since(r.began).Seconds(); r.part > 0.1 && spent > 2 {
		seconds = spent * (1 - r.part) / r.part
	}
	for _, later := range r.steps[r.current+1:] {
		seconds += later.seconds
	}
	return seconds
}

func (r *reporter) draw() {
	if !r.terminal || len(r.steps) == 0 {
		return
	}
	parts := []string{fmt.Sprintf("[%d/%d] %s", r.current+1, len(r.steps), r.steps[r.current].name)}
	if r.doing != "" {
		parts = append(parts, r.doing)
	}
	parts = append(parts, "about "+duration(r.left())+" left")
	fmt.Fprintf(r.out, "\r\x1b[K%s", strings.Join(parts, ", "))
	r.drawn = true
}

func (r *reporter) clear() {
	if r.drawn {
		fmt.Fprint(r.out, "\r\x1b[K")
		r.drawn = false
	}
}

// duration is a coarse one: more would be a lie.
func duration(seconds float64) string {
	if seconds < 90 {
		return fmt.Sprintf("%d s", max(5, int(seconds+2.5)/5*5))
	}
	return fmt.Sprintf("%d min", int(seconds+30)/60)
}

// NewLine gives a way to show one line that changes in place, and one to take it away again. Where out is no terminal,
// or nil, nothing is shown.
func NewLine(out io.Writer) (show func(string), end func()) {
	r := newReporter(out, out == nil)
	show = func(line string) {
		if r.terminal {
			fmt.Fprintf(r.out, "\r\x1b[K%s", line)
			r.drawn = true
		}
	}
	return show, r.clear
}
