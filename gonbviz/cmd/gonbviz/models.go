package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz"
)

// modelRow is a built-in network as `models` prints it.
type modelRow struct {
	Name       string `json:"name"`
	Title      string `json:"title"`
	Input      []int  `json:"input"`
	Channels   string `json:"channels"`
	Classes    int    `json:"classes"`
	Parameters int    `json:"parameters"`
	Accuracy   string `json:"accuracy"`
	Licence    string `json:"licence"`
}

func newModels() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "models",
		Short: "List the built-in networks",
		Long:  "Lists the networks that need no file, with their input's size, classes, parameters, test accuracy and licence,\nand names those that take their weights from a file.",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			var rows []modelRow
			for _, b := range builtIn {
				net := b.open()
				in := net.Input
				rows = append(rows, modelRow{
					b.name, net.Name, []int{in.Height, in.Width, in.Channels()}, in.Order.String(),
					len(net.Labels), net.Store.NumParameters(), net.Accuracy, net.Licence,
				})
			}
			out := command.OutOrStdout()
			if asJSON {
				return gonbviz.WriteJSON(out, rows)
			}
			table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "name\tnetwork\tinput\tclasses\tparameters\ttest accuracy\tlicence")
			for _, r := range rows {
				fmt.Fprintf(table, "%s\t%s\t%d×%d×%d %s\t%d\t%d\t%s\t%s\n", r.Name, escape(r.Title), r.Input[0], r.Input[1], r.Input[2], r.Channels, r.Classes, r.Parameters, escape(r.Accuracy), escape(r.Licence))
			}
			if err := table.Flush(); err != nil {
				return err
			}
			_, err := fmt.Fprintf(out, "\nWith --weights FILE.safetensors also: %s.\n", strings.Join(architectureNames(), ", "))
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return command
}
