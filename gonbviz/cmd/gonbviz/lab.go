package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz/internal/setup"
)

func newLab() *cobra.Command {
	var server setup.Server
	command := &cobra.Command{
		Use:   "lab",
		Short: "Set up what is missing and open JupyterLab on the notebooks",
		Long: "Gets what is missing (as gonbviz setup does, which says first what it will download), then serves the notebooks\n" +
			"at 127.0.0.1 alone, to whoever knows the token in the address that is printed, and opens the browser there.\n" +
			"Ctrl-C ends it.",
		Example: "  gonbviz lab\n  gonbviz lab --no-browser --port 8890",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if server.Port < 0 || server.Port > 65535 {
				return usageError("--port %d: it is a number from 1 to 65535, or 0 for the first that is free", server.Port)
			}
			root, err := setup.Root(".")
			if err != nil {
				return err
			}
			if err := setup.Run(command.Context(), root, setup.Options{Progress: progress(command)}); err != nil {
				return err
			}
			server.Log = command.ErrOrStderr()
			server.Ready = func(address string) {
				fmt.Fprintf(command.OutOrStdout(), "JupyterLab is at %s\nCtrl-C ends it.\n", address)
			}
			return setup.Lab(command.Context(), root, server)
		},
	}
	command.Flags().BoolVar(&server.NoBrowser, "no-browser", false, "open no browser; the address is printed")
	command.Flags().IntVar(&server.Port, "port", 0, "the port `N` on 127.0.0.1 (default: the first free one from 8888 on)")
	return command
}
