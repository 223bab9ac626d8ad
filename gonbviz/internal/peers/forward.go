package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/spf13/cobra"
)

// forwardComparison asks for the first table.
type forwardComparison struct {
	comparison
	batches []int
	profile bool
}

func forwardCommand() *cobra.Command {
	var c forwardComparison
	cmd := &cobra.Command{
		Use: "forward", Short: "Forward passes, in milliseconds",
		Long: `Forward passes, in milliseconds, from pictures in memory to logits in memory.

All get the same pictures and run in turn, each in a process of its own. The difference is the largest of a logit to
ONNX Runtime's, divided by its largest logit.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.flags(cmd, []string{"alexnet", "resnet18", "squeezenet1_1", "mobilenet_v2"}, []string{onnxRuntime, pyTorch, ours}, 6)
	cmd.Flags().IntSliceVar(&c.batches, "batches", []int{1, 32}, "batch sizes, 1 to 32")
	cmd.Flags().BoolVar(&c.profile, "profile", false, "how long each of this library's layers takes, instead of the comparison")
	return cmd
}

func (c *forwardComparison) run(ctx context.Context, out, progress io.Writer) error {
	if bad := slices.IndexFunc(c.batches, func(b int) bool { return b < 1 || b > pictures }); bad >= 0 {
		return fmt.Errorf("a batch of %d; 1 to %d can be fed", c.batches[bad], pictures)
	}
	end, err := c.prepare(ctx, progress)
	if err != nil {
		return err
	}
	defer end()
	if c.profile {
		return c.profiles(ctx, out, end)
	}
	t := table{title: "Forward passes", columns: []string{"network", "batch", "library", "ms", "median", "of ONNX Runtime", "difference"}}
	for _, network := range c.models {
		if err := c.network(ctx, network, &t); err != nil {
			return err
		}
	}
	end()
	return c.finish(out, t)
}

// network measures one network in all libraries.
func (c *forwardComparison) network(ctx context.Context, network string, t *table) error {
	var processes []*process
	for _, library := range c.peers {
		c.show("opening " + network + " in " + library)
		if p := c.open(ctx, library, network); p != nil {
			defer p.close()
			processes = append(processes, p)
		}
	}
	for _, batch := range c.batches {
		c.batch(ctx, network, batch, processes, t)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// runsOf is how many passes one turn has.
func runsOf(batch int) int { return max(1, 16/batch) + 1 }

// batch measures one batch size.
func (c *forwardComparison) batch(ctx context.Context, network string, batch int, processes []*process, t *table) {
	seconds, logits, failed := map[string][]float64{}, map[string][]float32{}, map[string]bool{}
	for round := range c.rounds {
		for _, p := range processes {
			if ctx.Err() != nil || failed[p.name] {
				continue
			}
			c.show(fmt.Sprintf("%s, batch %d: round %d of %d, %s", network, batch, round+1, c.rounds, p.name))
			a, err := p.ask(request{Do: "forward", Batch: batch, Runs: runsOf(batch), Logits: round == 0})
			if err != nil {
				c.leaveOut(fmt.Sprintf("%s, batch %d", network, batch), err)
				failed[p.name] = true
				continue
			}
			seconds[p.name] = append(seconds[p.name], a.Seconds...)
			if round == 0 {
				logits[p.name] = a.Values
			}
		}
	}
	for _, p := range processes {
		if failed[p.name] || len(seconds[p.name]) == 0 {
			continue
		}
		least := slices.Min(seconds[p.name])
		var of, apart any
		if base := seconds[onnxRuntime]; len(base) > 0 {
			of, apart = least/slices.Min(base), difference(logits[onnxRuntime], logits[p.name])
		}
		t.add(network, batch, p.name, 1000*least, 1000*median(seconds[p.name]), of, apart)
	}
}

func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// difference is the largest of two lists' numbers, divided by the largest of the first; NaN for lists of two lengths.
func difference(want, got []float32) float64 {
	if len(want) != len(got) || len(want) == 0 {
		return math.NaN()
	}
	var apart, largest float64
	for i := range want {
		apart = max(apart, math.Abs(float64(want[i]-got[i])))
		largest = max(largest, math.Abs(float64(want[i])))
	}
	return apart / largest
}
