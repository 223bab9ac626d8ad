// Command peers compares this library with its peers, on one machine and in one run: forward passes with ONNX Runtime
// and PyTorch, occlusion with Captum and with loops around both.
//
//	go run ./gonbviz/internal/peers forward
//	go run ./gonbviz/internal/peers occlusion --models squeezenet1_1 --windows 32
//
// The networks are torchvision's with random weights, exported to ONNX once. The peers go into a Python environment of
// their own in the folder that CONVLENS_HOME names, made once; --python takes another.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/convlens/convlens/gonbviz/internal/plugin"
	"github.com/convlens/convlens/gonbviz/internal/setup"
)

const (
	size     = 224 // pixels a side of every network's input
	pictures = 32  // that are made to be fed
)

// The libraries that are compared.
const (
	ours        = "gonbviz"
	onnxRuntime = "onnxruntime"
	pyTorch     = "torch"
	captum      = "captum"
)

// networks are torchvision's names.
var networks = []string{"alexnet", "resnet18", "squeezenet1_1", "mobilenet_v2", "vgg16"}

//go:embed peers.py
var script []byte

//go:embed requirements.txt
var requirements []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use: "peers", Short: "Compares this library with its peers on this machine",
		SilenceUsage: true, SilenceErrors: true, Args: cobra.NoArgs,
	}
	serving := &cobra.Command{
		Use: "serve FOLDER", Short: "Measures this library, asked on standard input", Args: cobra.ExactArgs(1), Hidden: true,
		RunE: func(c *cobra.Command, args []string) error {
			return serve(c.Context(), args[0], c.InOrStdin(), c.OutOrStdout())
		},
	}
	root.AddCommand(forwardCommand(), occlusionCommand(), serving)
	return root
}

// comparison is what both tables ask for.
type comparison struct {
	models, peers []string
	rounds        int
	out, python   string

	starter  starter
	progress io.Writer
	show     func(string)
	left     []string          // what was left out, and why
	versions map[string]string // by library
}

// flags adds the flags that both tables have. all are the peers that there are.
func (c *comparison) flags(cmd *cobra.Command, models, all []string, rounds int) {
	f := cmd.Flags()
	f.StringSliceVar(&c.models, "models", models, "networks, of "+strings.Join(networks, ", "))
	f.StringSliceVar(&c.peers, "peers", all, "libraries, of "+strings.Join(all, ", "))
	f.IntVar(&c.rounds, "rounds", rounds, "how often each is measured, in turn")
	f.StringVar(&c.out, "out", "", "also write the table to this file, .csv or .json")
	f.StringVar(&c.python, "python", "", "a Python interpreter that has the peers, instead of an environment made here")
	cmd.Args = cobra.NoArgs
	cmd.PreRunE = func(*cobra.Command, []string) error { return c.check(all) }
}

// check refuses what can't be, before anything is installed.
func (c *comparison) check(all []string) error {
	for _, name := range c.models {
		if !slices.Contains(networks, name) {
			return fmt.Errorf("unknown network %q; there are %s", name, strings.Join(networks, ", "))
		}
	}
	for _, name := range c.peers {
		if !slices.Contains(all, name) {
			return fmt.Errorf("unknown library %q; there are %s", name, strings.Join(all, ", "))
		}
	}
	if c.rounds < 1 {
		return fmt.Errorf("%d rounds; give 1 or more", c.rounds)
	}
	if ext := filepath.Ext(c.out); c.out != "" && ext != ".csv" && ext != ".json" {
		return fmt.Errorf("%s: tables are written as .csv or .json", c.out)
	}
	return nil
}

// prepare gets the peers and the networks' files.
func (c *comparison) prepare(ctx context.Context, progress io.Writer) (end func(), err error) {
	c.progress, c.versions = progress, map[string]string{}
	if c.python == "" {
		const cost = "PyTorch with torchvision, Captum and ONNX Runtime, hashes pinned; on Linux up to 3 GB"
		if c.python, err = setup.Environment(ctx, "peers", cost, requirements, progress); err != nil {
			return nil, err
		}
	}
	home, err := plugin.Home()
	if err != nil {
		return nil, err
	}
	c.starter = starter{python: c.python, folder: filepath.Join(home, "peers"), script: filepath.Join(home, "peers", "peers.py")}
	if err := os.MkdirAll(c.starter.folder, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.starter.script, script, 0o644); err != nil {
		return nil, err
	}
	c.show, end = setup.NewLine(progress)
	c.show("exporting the networks")
	cmd := exec.CommandContext(ctx, c.python, append([]string{c.starter.script, "export", c.starter.folder}, c.models...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		end()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return nil, errors.Join(fmt.Errorf("the networks can't be exported: %w", err), errors.New(lines[len(lines)-1]))
	}
	return end, nil
}

// leaveOut notes that something is missing from the table.
func (c *comparison) leaveOut(what string, err error) {
	c.left = append(c.left, fmt.Sprintf("left out: %s: %v", what, err))
}

// open starts a library's process with a network, or notes why not.
func (c *comparison) open(ctx context.Context, library, network string) *process {
	p, err := c.starter.open(ctx, library, network)
	if err != nil {
		c.leaveOut(network+" in "+library, err)
		return nil
	}
	c.versions[library] = p.version
	return p
}

// finish prints the table, with the machine and the versions below it, and writes the file that was asked for.
func (c *comparison) finish(w io.Writer, t table) error {
	t.print(w)
	about := append([]string{machine()}, versionsLine(c.versions)...)
	for _, line := range append(about, c.left...) {
		fmt.Fprintln(w, line)
	}
	if c.out == "" {
		return nil
	}
	return t.write(c.out, about, c.left)
}
