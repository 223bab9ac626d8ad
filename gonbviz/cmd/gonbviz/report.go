package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
	"github.com/convlens/convlens/gonbviz/attrib"
)

func newReport() *cobra.Command {
	var a analysis
	var o attrib.Occlusion
	command := &cobra.Command{
		Use:   "report",
		Short: "Write one page with all there is to show of a network and a picture",
		Long: "Writes one page that needs nothing else: the best classes, what the answer rests on (occlusion, beside the\n" +
			"picture and as a heatmap), what some layers answer, the filters of the first convolution, and all layers.",
		Example: "  gonbviz report --image cat.jpg --out cat.html\n  gonbviz report --image cat.jpg --class tabby --score logit --out tabby.html",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := o.Check(); err != nil {
				return &usage{err}
			}
			lens, picture, err := a.begin(command.Context(), &gonbviz.Report{}, true)
			if err != nil {
				return err
			}
			ctx, end := watched(command)
			report, err := lens.ReportWith(ctx, picture, o)
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
	explained(command, &o)
	a.onModel(command)
	a.onImage(command)
	a.drawn(command, &gonbviz.Report{})
	return command
}
