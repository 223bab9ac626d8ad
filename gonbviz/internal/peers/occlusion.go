package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// occlusionComparison asks for the second table.
type occlusionComparison struct {
	comparison
	windows  []int
	stride   int
	patience time.Duration
	profile  bool
}

// way is one way to get a heatmap.
type way struct {
	name, library string
	// batches are tried on a few positions, and the quickest is measured; one, or 0 for the library's own choice, is not.
	batches []int
	// exact is attrib.Occlusion's.
	exact string
}

// waysOf are the ways to measure for a library.
func waysOf(library string) []way {
	several := []int{8, 16, 32, 64}
	switch library {
	case captum:
		return []way{{name: "Captum", library: captum, batches: []int{1}}, {name: "Captum, best batch", library: captum, batches: several}}
	case pyTorch:
		return []way{{name: "PyTorch, batched", library: pyTorch, batches: several}}
	case onnxRuntime:
		return []way{{name: "ONNX Runtime, batched", library: onnxRuntime, batches: several}}
	}
	return []way{
		{name: "gonbviz, full", library: ours, batches: []int{0}, exact: "full"},
		{name: "gonbviz, incremental", library: ours, batches: []int{0}, exact: "incremental"},
	}
}

// found is what a way took.
type found struct {
	first, later float64 // seconds of the first and of the quickest later run; later is 0 where there was none
	estimated    bool
	batch        int
	positions    int
	peak         int64
	heatmap      []float32
	note         string
	ratio        float64
}

func occlusionCommand() *cobra.Command {
	var c occlusionComparison
	cmd := &cobra.Command{
		Use: "occlusion", Short: "Heatmaps of occlusion, in seconds",
		Long: `Heatmaps of occlusion, in seconds: windows of zeros at Captum's positions, cut off at the border, and the drop of the
best class's logit, as a mean over the windows that hide a pixel.

Each way runs in a process of its own, whose peak of memory is the table's. "first" is its first run, which compiles what
has to be compiled, "later" the quickest of the others. The time of all is proportional to the number of positions, but
for gonbviz's compiling: of several batch sizes the quickest on 64 positions is measured, and what would take longer than
--patience is estimated from them, marked ~. The difference is the heatmap's largest to the first one measured, divided
by that one's largest value. "static ratio" is how many times fewer multiply-adds the incremental way needs, if all
positions share one program.

--profile shows instead where gonbviz's incremental way gains: each convolution and dense layer, with what lies between
it and the one before, in the programs that are planned for windows and in the one for whole pictures. What is computed
of a layer's map is a window or the whole; multiply-adds and times are those of one position. A layer's time is the
difference between programs that end with it and with the one before, the least of --rounds (10 as a default) each. The
sum is over all layers and, where positions are put into groups with programs of their own, their mean. The last
two rows are the same with the places in batches that stay empty, and what compiling all programs one after the other
takes, divided by the number of positions.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.profile && !cmd.Flags().Changed("rounds") {
				c.rounds = 10
			}
			return c.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.flags(cmd, networks, []string{captum, pyTorch, onnxRuntime, ours}, 2)
	cmd.Flags().IntSliceVar(&c.windows, "windows", []int{15, 32}, "windows' sides in pixels")
	cmd.Flags().IntVar(&c.stride, "stride", 8, "pixels between windows")
	cmd.Flags().DurationVar(&c.patience, "patience", 20*time.Second, "the longest run that is not estimated from a part of it")
	cmd.Flags().BoolVar(&c.profile, "profile", false, "where gonbviz's incremental way gains, layer by layer, instead of the comparison")
	return cmd
}

func (c *occlusionComparison) run(ctx context.Context, out, progress io.Writer) error {
	for _, w := range c.windows {
		if w < 1 || w > size || c.stride < 1 || c.stride > w {
			return fmt.Errorf("windows of %d pixels, %d apart, don't cover an input of %d", w, c.stride, size)
		}
	}
	end, err := c.prepare(ctx, progress)
	if err != nil {
		return err
	}
	defer end()
	if c.profile {
		return c.profiles(ctx, out, end)
	}
	t := table{title: fmt.Sprintf("Occlusion, stride %d", c.stride), columns: []string{
		"network", "window", "positions", "way", "batch", "first s", "later s", "peak MB", "difference", "static ratio"}}
	for _, network := range c.models {
		for _, window := range c.windows {
			c.heatmaps(ctx, network, window, &t)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	end()
	return c.finish(out, t)
}

// heatmaps measures all ways for one network and window.
func (c *occlusionComparison) heatmaps(ctx context.Context, network string, window int, t *table) {
	var first []float32
	for _, library := range c.peers {
		for _, w := range waysOf(library) {
			if ctx.Err() != nil {
				return
			}
			f, err := c.measure(ctx, w, network, window)
			if err != nil {
				c.leaveOut(fmt.Sprintf("%s, window %d, %s", network, window, w.name), err)
				continue
			}
			if first == nil {
				first = f.heatmap
			}
			t.add(c.row(w, network, window, f, first)...)
		}
	}
}

// row is a way's row of the table.
func (c *occlusionComparison) row(w way, network string, window int, f found, first []float32) []any {
	name := w.name
	if f.note != "" && f.note != w.exact {
		name += " (" + f.note + ")"
	}
	var firstCell, later, peak, apart, ratio any
	firstCell = f.first
	if f.estimated {
		firstCell = "~" + text(f.first)
	}
	if f.later > 0 {
		later = f.later
	}
	if f.peak > 0 {
		peak = math.Round(float64(f.peak) / 1e6)
	}
	if f.heatmap != nil {
		apart = difference(first, f.heatmap)
	}
	if f.ratio > 0 {
		ratio = f.ratio
	}
	return []any{network, window, f.positions, name, f.batch, firstCell, later, peak, apart, ratio}
}

// measure runs one way in a process of its own.
func (c *occlusionComparison) measure(ctx context.Context, w way, network string, window int) (found, error) {
	p, err := c.starter.open(ctx, w.library, network)
	if err != nil {
		return found{}, err
	}
	defer func() { p.close() }()
	c.versions[w.library] = p.version
	q := request{Do: "occlusion", Window: window, Stride: c.stride, Batch: w.batches[0], Exact: w.exact}
	label := fmt.Sprintf("%s, window %d, %s", network, window, w.name)
	if w.library != ours {
		estimate, a, err := c.try(ctx, p, &q, w, label)
		if err != nil {
			return found{}, err
		}
		if estimate > c.patience.Seconds() {
			all := positions(window, c.stride)
			f := found{first: estimate, estimated: true, batch: q.Batch, positions: all * all}
			if len(w.batches) == 1 { // else it is that of the largest batch
				f.peak = a.Peak
			}
			return f, nil
		}
		if len(w.batches) > 1 { // memory of the quickest batch alone
			p.close()
			if p, err = c.starter.open(ctx, w.library, network); err != nil {
				return found{}, err
			}
		}
	}
	return c.repeat(ctx, p, q, label)
}

// few is how many positions are tried.
const few = 64

// try finds the quickest batch, and estimates its seconds for all positions.
func (c *occlusionComparison) try(ctx context.Context, p *process, q *request, w way, label string) (float64, answer, error) {
	best, all := math.Inf(1), positions(q.Window, q.Stride)
	var last answer
	for _, batch := range w.batches {
		if ctx.Err() != nil {
			return 0, last, ctx.Err()
		}
		c.show(fmt.Sprintf("%s: trying batch %d", label, batch))
		attempt := *q
		attempt.Batch, attempt.Limit = batch, 1
		if _, err := p.ask(attempt); err != nil { // warms up
			return 0, last, err
		}
		attempt.Limit = few
		a, err := p.ask(attempt)
		if err != nil {
			return 0, last, err
		}
		last = a
		if s := slices.Min(a.Seconds) * float64(all*all) / float64(max(a.Positions, 1)); s < best {
			best, q.Batch = s, batch
		}
	}
	return best, last, nil
}

// repeat runs all positions: once, and then again as often as was asked for, unless that took too long.
func (c *occlusionComparison) repeat(ctx context.Context, p *process, q request, label string) (found, error) {
	var f found
	for round := range c.rounds {
		if ctx.Err() != nil {
			return f, ctx.Err()
		}
		c.show(fmt.Sprintf("%s: run %d of %d", label, round+1, c.rounds))
		a, err := p.ask(q)
		if err != nil {
			return f, err
		}
		seconds := slices.Min(a.Seconds)
		if round == 0 {
			f = found{
				first: seconds, batch: max(a.Batch, q.Batch), positions: a.Positions, heatmap: a.Values, note: a.Note, ratio: a.Ratio,
			}
		} else if f.later == 0 || seconds < f.later {
			f.later = seconds
		}
		f.peak = a.Peak
		if f.first > c.patience.Seconds()/2 {
			if a.Compiling > 0 && f.later == 0 {
				f.later = f.first - a.Compiling
			}
			break
		}
	}
	return f, nil
}

// positions is how many windows a side has, by Captum's rule.
func positions(window, stride int) int { return (max(size-window, 0)+stride-1)/stride + 1 }
