package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz/probe"
)

func newFilters() *cobra.Command {
	var a analysis
	var layer, scale string
	scales := []string{probe.PerFilter.String(), probe.PerLayer.String(), probe.Symmetric.String()}
	command := &cobra.Command{
		Use:   "filters",
		Short: "Draw the filters of a convolution",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := oneOf("scale", scale, scales); err != nil {
				return err
			}
			if layer == "" {
				return usageError("--layer is missing; `gonbviz layers` lists them")
			}
			if err := a.check(&probe.FilterBank{}, true); err != nil {
				return err
			}
			lens, err := a.open()
			if err != nil {
				return err
			}
			kinds := []probe.FilterScale{probe.PerFilter, probe.PerLayer, probe.Symmetric}
			bank, err := lens.FilterBank(probe.Filters{Layer: layer, Scale: kinds[slices.Index(scales, scale)]})
			if err != nil {
				return err
			}
			return a.save(command, bank, "")
		},
	}
	a.onModel(command, "go") // nothing is run
	a.drawn(command)
	command.Flags().StringVar(&layer, "layer", "", "a convolution's name")
	command.Flags().StringVar(&scale, "scale", probe.Symmetric.String(), "what the colours span: filter, layer, or symmetric (one range for all, centred at 0)")
	return command
}
