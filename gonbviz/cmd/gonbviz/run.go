package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz/internal/setup"
)

func newRun() *cobra.Command {
	var pages string
	var inPlace bool
	command := &cobra.Command{
		Use:   "run NOTEBOOK...",
		Short: "Execute notebooks on the Go kernel",
		Long: "Executes notebooks on the Go kernel, each in its own folder, and fails where a cell fails. The files stay as\n" +
			"they are unless --in-place is given.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, notebooks []string) error {
			if slices.Contains(notebooks, "") {
				return usageError("run %q: a notebook's name is empty", notebooks)
			}
			if err := distinctPages(pages, notebooks); err != nil {
				return err
			}
			if info, err := os.Stat(pages); pages != "" && (err != nil || !info.IsDir()) {
				return fmt.Errorf("--html %s: no such folder", pages)
			}
			for _, notebook := range notebooks {
				if err := setup.CheckNotebook(notebook); err != nil {
					return err
				}
			}
			for _, notebook := range notebooks {
				if err := runNotebook(command, notebook, pages, inPlace); err != nil {
					return err
				}
			}
			return nil
		},
	}
	command.Flags().StringVar(&pages, "html", "", "also write each as one self-contained page into this `folder`")
	command.Flags().BoolVar(&inPlace, "in-place", false, "write the outputs into the notebooks")
	return command
}

// distinctPages refuses two notebooks whose pages would have the same name.
func distinctPages(dir string, notebooks []string) error {
	seen := map[string]string{}
	for _, notebook := range notebooks {
		page := setup.HTMLPath(dir, notebook)
		if other, ok := seen[page]; ok && dir != "" {
			return usageError("--html: %s and %s would both be written to %s", other, notebook, page)
		}
		seen[page] = notebook
	}
	return nil
}

func runNotebook(command *cobra.Command, notebook, pages string, inPlace bool) error {
	root, err := setup.Root(".")
	if err != nil {
		if root, err = setup.Root(filepath.Dir(notebook)); err != nil {
			return err
		}
	}
	execution := setup.Execution{}
	if pages != "" {
		execution.HTML = setup.HTMLPath(pages, notebook)
	}
	if inPlace {
		execution.SaveTo = notebook
	}
	line, end := setup.NewLine(progress(command))
	defer end()
	execution.Cell = func(cell, total int) { line(fmt.Sprintf("%s: cell %d of %d", notebook, cell, total)) }
	if err := setup.Execute(command.Context(), root, notebook, execution); err != nil {
		return err
	}
	end()
	_, err = fmt.Fprintf(command.OutOrStdout(), "%s: done\n", escape(notebook))
	return err
}
