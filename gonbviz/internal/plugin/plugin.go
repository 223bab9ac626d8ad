// Package plugin knows where the XLA plugin lies and opens the backend on which networks run.
//
// XLA is used where its plugin is found, else the backend written in pure Go. Nothing is ever downloaded from here:
// that is the set-up's business.
package plugin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"k8s.io/klog/v2"
)

// Cost says what running without XLA costs; set-up and backend choice quote it alike.
const Cost = "a heatmap takes a minute or more instead of seconds"

// Choice says which backend was opened.
type Choice struct {
	// Config opens the same backend again, here or as GOMLX_BACKEND in any GoMLX program.
	Config string
	// XLA tells XLA from the pure-Go backend (and from any other that a program registers: false).
	XLA bool
	// Plugin is the file of the XLA plugin; empty on other backends and where go-xla chose it.
	Plugin string
	// Line says in one line what was chosen and why, for a person.
	Line string
}

// xlaNames are the names under which go-xla registers itself.
var xlaNames = []string{"xla", "stablehlo", "hlo", "shlo"}

// Open opens the backend that config asks for, written as for GoMLX ("xla:cpu", "xla:/path/plugin.so,tf32=false",
// "go"). An empty config takes the environment variable GOMLX_BACKEND, and without that XLA where a plugin is found,
// else pure Go.
//
// The file of an XLA plugin is looked at before it is loaded, because loading a damaged one kills the process; the
// error then says how to mend it. Errors are one line.
func Open(config string) (compute.Backend, Choice, error) {
	if env := os.Getenv(compute.ConfigEnvVar); config == "" && env != "" {
		backend, choice, err := openAs(env)
		if err != nil {
			err = fmt.Errorf("%s: %w", compute.ConfigEnvVar, err)
		}
		return backend, choice, err
	}
	return openAs(config)
}

// openAs opens the backend that config asks for, or the best one.
func openAs(config string) (compute.Backend, Choice, error) {
	choice, err := choose(config)
	if err != nil {
		return nil, Choice{}, err
	}
	backend, err := open(choice.Config)
	if err != nil {
		return nil, Choice{}, fmt.Errorf("backend %q did not start: %w", choice.Config, err)
	}
	return backend, choice, nil
}

func choose(config string) (Choice, error) {
	if config == "" {
		return chooseAny()
	}
	name, rest, _ := strings.Cut(config, ":")
	switch {
	case slices.Contains(xlaNames, name):
		return chooseXLA(config, name, rest)
	case !slices.Contains(compute.List(), name):
		known := slices.DeleteFunc(compute.List(), func(name string) bool { return slices.Contains(xlaNames[1:], name) }) // the same as the first
		slices.Sort(known)
		return Choice{}, fmt.Errorf("backend %q is not known; there are %s", name, strings.Join(known, " and "))
	case name == gobackend.BackendName:
		return Choice{Config: config, Line: "pure Go, as asked for (" + Cost + ")"}, nil
	}
	return Choice{Config: config, Line: config + ", as asked for"}, nil
}

// chooseAny is the choice where nobody asked for a backend.
func chooseAny() (Choice, error) {
	if Missing != "" {
		return Choice{Config: gobackend.BackendName, Line: fmt.Sprintf("pure Go, because %s; %s", Missing, Cost)}, nil
	}
	path, err := Find("")
	if err != nil {
		return Choice{}, err
	}
	if path == "" {
		return Choice{
			Config: gobackend.BackendName,
			Line:   fmt.Sprintf("pure Go, because no XLA plugin is installed (gonbviz setup gets one); %s", Cost),
		}, nil
	}
	return xlaChoice("xla", path, "")
}

// chooseXLA turns the name of a plugin to the file that it stands for.
func chooseXLA(config, backend, rest string) (Choice, error) {
	if Missing != "" {
		return Choice{}, fmt.Errorf("backend %q can't be had: %s", config, Missing)
	}
	name, options, _ := strings.Cut(rest, ",")
	if filepath.IsAbs(name) {
		if err := Check(name); err != nil {
			return Choice{}, err
		}
		return Choice{Config: config, XLA: true, Plugin: name, Line: "XLA, as asked for, plugin " + name}, nil
	}
	path, err := Find(name)
	if err != nil {
		return Choice{}, err
	}
	if path == "" {
		return Choice{}, fmt.Errorf("backend %q: no such XLA plugin is installed; gonbviz setup gets one for the CPU; "+
			"pure Go does without (--backend go, %s=go)", config, compute.ConfigEnvVar)
	}
	return xlaChoice(backend, path, options)
}

// xlaChoice opens a plugin by its path: the one way to have one from a folder that is not among go-xla's own.
func xlaChoice(backend, path, options string) (Choice, error) {
	if strings.Contains(path, ",") {
		return Choice{}, fmt.Errorf("the XLA plugin's path holds a comma, which go-xla can't open: %s; set %s to another "+
			"folder", path, HomeEnv)
	}
	config := backend + ":" + path
	if options != "" {
		config += "," + options
	}
	if !strings.Contains(options, "shared_buffers") {
		// go-xla would tell a CPU by the letters anywhere in the path, and a folder may be called anything.
		if strings.HasPrefix(Name(path), "cpu") {
			config += ",shared_buffers"
		} else {
			config += ",noshared_buffers"
		}
	}
	return Choice{Config: config, XLA: true, Plugin: path, Line: "XLA, plugin " + path}, nil
}

// open starts a backend. What go-xla and GoMLX throw or log on the way becomes the error.
func open(config string) (backend compute.Backend, err error) {
	state := klog.CaptureState()
	klog.SetLogger(logr.Discard())
	defer state.Restore()
	defer func() {
		if thrown := recover(); thrown != nil {
			err = oneLine(fmt.Errorf("%v", thrown))
		}
	}()
	backend, err = compute.NewWithConfig(config)
	return backend, oneLine(err)
}

// oneLine drops the stack trace that GoMLX's errors carry and all lines after the first.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return errors.New(strings.TrimSuffix(line, ", ; see code for documentation"))
}
