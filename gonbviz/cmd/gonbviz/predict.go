package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
)

func newPredict() *cobra.Command {
	var a analysis
	var top int
	command := &cobra.Command{
		Use:   "predict",
		Short: "Say what a picture shows: the best classes with probability and logit",
		Long: "Says what a picture shows: the best classes with probability and logit. A photograph is cropped about its\n" +
			"centre to the shape of the network's input and resized.",
		Example: "  gonbviz predict --image cat.jpg\n  gonbviz predict --image cat.jpg --top 0 --json\n  gonbviz predict --out classes.svg",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if top < 0 {
				return usageError("--top %d: give a number of classes, or 0 for all", top)
			}
			lens, picture, err := a.begin(command.Context(), gonbviz.Top{}, false)
			if err != nil {
				return err
			}
			answer, err := lens.Probe.Classify(command.Context(), picture)
			if err != nil {
				return err
			}
			result := gonbviz.Top{Answer: answer, N: top}
			switch {
			case a.out != "":
				return a.save(command, result, lens.Running)
			case a.asJSON:
				return gonbviz.WriteJSON(command.OutOrStdout(), result)
			}
			out := tabwriter.NewWriter(command.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(out, "index\tlabel\tprobability\tlogit")
			for _, c := range result.Classes() {
				fmt.Fprintf(out, "%d\t%s\t%.4f\t%.4f\n", c.Index, escape(c.Label), c.Probability, c.Logit)
			}
			if err := out.Flush(); err != nil {
				return err
			}
			_, err = fmt.Fprintln(command.OutOrStdout(), escape(lens.Running))
			return err
		},
	}
	command.Flags().IntVar(&top, "top", 5, "the `N` best classes; 0: all")
	a.printed(command, gonbviz.Top{})
	a.onModel(command)
	a.onImage(command)
	return command
}
