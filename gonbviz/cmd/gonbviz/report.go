package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
)

func newReport() *cobra.Command {
	var a analysis
	command := &cobra.Command{
		Use:     "report",
		Short:   "Write one page with all there is to show of a network and a picture",
		Example: "  gonbviz report --image cat.jpg --out cat.html",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			lens, picture, err := a.begin(command.Context(), &gonbviz.Report{}, true)
			if err != nil {
				return err
			}
			ctx, end := watched(command)
			report, err := lens.Report(ctx, picture)
			end()
			if err != nil {
				return err
			}
			if err := a.write(ctx, report); err != nil {
				return err
			}
			_, err = fmt.Fprintf(command.OutOrStdout(), "%s: %s, %d figures\n%s\n", escape(a.out), escape(report.Title), len(report.Figures), escape(lens.Running))
			return err
		},
	}
	a.onModel(command)
	a.onImage(command)
	a.drawn(command, &gonbviz.Report{})
	return command
}
