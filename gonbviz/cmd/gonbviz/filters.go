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
		Long: "Draws the filters of a convolution: in colour where they look at the picture itself, else input by input.\n" +
			"An .npy file holds the weights, out × in × height × width, in the network's own order of channels.",
		Example: "  gonbviz filters --layer conv1 --out filters.svg\n  gonbviz filters --layer fire2/squeeze1x1 --scale filter --out filters.png",
		Args:    cobra.NoArgs,
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
			lens, err := a.open(command.Context())
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
	command.Flags().StringVar(&layer, "layer", "", "a convolution's `name`; gonbviz layers lists them")
	command.Flags().StringVar(&scale, "scale", probe.Symmetric.String(), "`filter|layer|symmetric`: what the colours span: each filter by itself, the layer from its\nleast weight to its largest, or one range for all, centred at 0")
	a.drawn(command, &probe.FilterBank{})
	a.onWeights(command)
	return command
}
