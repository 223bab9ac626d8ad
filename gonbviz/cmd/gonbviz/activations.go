package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz/probe"
)

func newActivations() *cobra.Command {
	var a analysis
	var layers, sort string
	var m probe.Maps
	orders := []string{probe.ByIndex.String(), probe.ByStrength.String()}
	command := &cobra.Command{
		Use:   "activations",
		Short: "Draw the maps that layers answer with",
		Long: "Draws the maps that layers answer to a picture with, after their activation function, beside the picture.\n" +
			"An .npy file holds one layer's maps: channels × height × width, or the values of a dense layer's units.",
		Example: "  gonbviz activations --layer conv1,fire5 --sort strength --top 18 --out maps.svg\n" +
			"  gonbviz activations --image cat.jpg --layer conv1 --pre --out maps.npy",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := oneOf("sort", sort, orders); err != nil {
				return err
			}
			if m.Top < 0 {
				return usageError("--top %d: give a number of maps, or 0 for all", m.Top)
			}
			if layers == "" {
				return usageError("--layer is missing; `gonbviz layers` lists them")
			}
			m.Layers = splitLayers(layers)
			if slices.Contains(m.Layers, "") {
				return usageError("--layer %q has an empty name between its commas", layers)
			}
			m.Sort = []probe.Sort{probe.ByIndex, probe.ByStrength}[slices.Index(orders, sort)]
			if len(m.Layers) > 1 && isArray(a.out) {
				return usageError("--out %s: an .npy file holds one layer's maps; give one --layer, or .json", a.out)
			}
			lens, picture, err := a.begin(command.Context(), &probe.MapSet{}, true)
			if err != nil {
				return err
			}
			set, err := lens.Probe.Maps(command.Context(), picture, m)
			if err != nil {
				return err
			}
			return a.save(command, set, lens.Running)
		},
	}
	flags := command.Flags()
	flags.StringVar(&layers, "layer", "", "`names` of layers with commas between (a backslash keeps a comma in a name);\ngonbviz layers lists them")
	flags.StringVar(&sort, "sort", probe.ByIndex.String(), "`index|strength`: the order of the maps; strength is the standard deviation over the map")
	flags.IntVar(&m.Top, "top", 0, "the first `N` maps of each layer in that order; 0: all")
	flags.BoolVar(&m.Pre, "pre", false, "before the activation function")
	a.drawn(command, &probe.MapSet{})
	a.onModel(command)
	a.onImage(command)
	return command
}

// splitLayers parts a list at its commas, except those behind a backslash. Blanks around a name are not part of it.
func splitLayers(list string) []string {
	var names []string
	name := ""
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '\\' && i+1 < len(list) && list[i+1] == ',':
			i++
			name += ","
		case list[i] == ',':
			names, name = append(names, strings.TrimSpace(name)), ""
		default:
			name += list[i : i+1]
		}
	}
	return append(names, strings.TrimSpace(name))
}
