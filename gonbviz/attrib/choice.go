package attrib

import (
	"context"
	"time"
)

// choice is what computing all positions is estimated to take, and compiling for it, in nanoseconds. Computing in windows
// also needs the maps of the unchanged picture, whose program is much like that of whole pictures.
type choice struct{ full, windows, compileFull, compileWindows float64 }

// pays reports whether windows are done sooner, by a margin for what is estimated wrongly.
func (c choice) pays() bool {
	return c.windows+c.compileWindows+c.compileFull < 0.9*(c.full+c.compileFull)
}

// sure reports whether windows are out of the question, or done sooner even on a machine that computes many times quicker,
// beside its compiling, than the one whose costs are known.
func (c choice) sure() bool {
	const quicker = 8
	fast := choice{c.full / quicker, c.windows / quicker, c.compileFull, c.compileWindows}
	return !c.pays() || fast.pays()
}

// holds reports whether windows are still to be taken when a pass and compiling were found to take so many times what
// was estimated. What is clearly wrong alone is changed, or the same call would be computed now in this way and now in
// that, which differ in the last bits.
func (c choice) holds(pass, compiling float64) bool {
	return pass*c.windows+compiling*c.compileWindows < 1.25*(pass*c.full+compiling*c.compileFull)
}

// calibrate looks again at what was chosen, where that is not sure, once it is known what a pass takes here: that of the
// unchanged picture, whose program is needed for windows.
func (e *engine) calibrate(ctx context.Context) error {
	if e.verify == nil || len(e.needs) == 0 {
		return nil
	}
	start := time.Now()
	clean, err := e.compileClean()
	e.compiling += time.Since(start)
	if err != nil {
		return err
	}
	pass, err := clean.Pass(ctx, e.constants[0])
	if err == nil {
		e.verify(pass, clean.Compiling)
	}
	return err
}
