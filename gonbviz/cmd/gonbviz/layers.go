package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
)

func newLayers() *cobra.Command {
	var a analysis
	command := &cobra.Command{
		Use:   "layers",
		Short: "List every layer in order of execution",
		Long: "Lists every layer in order of execution: name, kind, output shape (height × width × channels), parameters,\n" +
			"receptive field and stride (height × width, in pixels of the input). The names are those that --layer takes;\n" +
			"what names have before a slash stands for the last layer of that kind: fire5 for fire5/concat.",
		Example: "  gonbviz layers\n  gonbviz layers --json\n  gonbviz layers --out layers.csv",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := a.check(gonbviz.LayerTable{}, false); err != nil {
				return err
			}
			lens, err := a.open(command.Context())
			if err != nil {
				return err
			}
			table := lens.LayerTable()
			switch {
			case a.out != "":
				return a.save(command, table, "")
			case a.asJSON:
				return gonbviz.WriteJSON(command.OutOrStdout(), table)
			}
			out := tabwriter.NewWriter(command.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(out, "name\tkind\tshape\tparameters\treceptive field\tstride")
			for _, l := range table.Layers {
				stride := ""
				if l.Stride != [2]int{} {
					stride = times(l.Stride[:])
				}
				fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%s\t%s\n", escape(l.Name), l.Kind, times(l.Shape), l.Parameters, times(l.ReceptiveField[:]), stride)
			}
			return out.Flush()
		},
	}
	a.printed(command, gonbviz.LayerTable{})
	a.onWeights(command)
	return command
}

// times writes sizes as 113×113×64.
func times(sizes []int) string {
	text := ""
	for i, s := range sizes {
		if i > 0 {
			text += "×"
		}
		text += fmt.Sprint(s)
	}
	return text
}
